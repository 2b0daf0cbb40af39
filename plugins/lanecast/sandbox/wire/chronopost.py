"""Chronopost TrackingServiceWS: codes and answers.

Shape: the public SOAP operation `trackSkybillV2`. Chronopost publishes no list of its codes; the ones here are those
that public integrations name. Where none is known a truer-but-coarser one stands in: TS (under way) for what happens
at export and into customs, SK (waits for information) for a hold, I (waits) for a refusal and a lost parcel, RO
(repacked) for a damage. The country is not told. The platform's code is `code`.
"""

from __future__ import annotations

from xml.etree import ElementTree

from starlette.requests import Request
from starlette.responses import Response

from lanecast.sandbox.journey import Scan
from lanecast.sandbox.shipment import Shipment
from lanecast.sandbox.tracking_numbers import s10_digits, s10_number, service_letter
from lanecast.sandbox.wire.base import Counter, Endpoint, StandIn, xml_response
from lanecast.sandbox.wire.told import Told, offset_text, tell

CODES: dict[str, tuple[str, str]] = {
    "label_created": ("DC", "Colis en cours de préparation chez l'expéditeur"),
    "picked_up": ("DB", "Colis déposé par l'expéditeur"),
    "origin_hub_arrived": ("SC", "Tri effectué dans l'agence de départ"),
    "export_cleared": ("TS", "Colis en cours d'acheminement"),
    "origin_departed": ("TS", "Colis en cours d'acheminement"),
    "country_arrived": ("EI", "Colis entré dans le pays de destination"),
    "import_started": ("TS", "Colis en cours d'acheminement"),
    "customs_hold": ("SK", "Colis en attente d'informations complémentaires de votre part"),
    "import_cleared": ("SJ", "Problème douanier résolu, colis en cours d'acheminement"),
    "delivery_hub_arrived": ("SD", "Tri effectué dans l'agence de distribution"),
    "delayed": ("A2", "Colis retardé à l'agence de distribution"),
    "damaged": ("RO", "Colis reconditionné pendant l'acheminement"),
    "out_for_delivery": ("TA", "Colis en cours de livraison"),
    "failed_attempt": ("P", "Echec de livraison suite à l'absence du destinataire."),
    "refused": ("I", "Colis en attente"),
    "available_for_pickup": ("AB", "Colis mis à disposition au point de retrait"),
    "delivered": ("D", "Livraison effectuée"),
    "returning": ("R", "Colis en retour expéditeur"),
    "returned": ("D", "Livraison effectuée"),
    "lost": ("I", "Colis en attente"),
}
_BAD_ADDRESS = ("IA", "Livraison reportée de 24h")
_HOME = "FR"
_SOAP = '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>{body}</soap:Body></soap:Envelope>'
_FAULT = "<soap:Fault><faultcode>soap:Client</faultcode><faultstring>Unmarshalling Error</faultstring></soap:Fault>"


def code_and_text(scan: Scan) -> tuple[str, str]:
    """`code` and Chronopost's words."""
    return _BAD_ADDRESS if scan.kind == "failed_attempt" and scan.reason == "bad_address" else CODES[scan.kind]


def answer(number: str, shipment: Shipment | None, now: int, flaw: str | None) -> str:
    """The answer for a number: its events oldest first, none for a number that Chronopost has not heard of."""
    told = tell(shipment.scans_until(now), flaw) if shipment else []
    events = "".join(_event(one) for one in reversed(told))
    if flaw == "malformed_parcel" and told:
        events = "<events><code>SC</code><eventDate>hier</eventDate><eventLabel/></events>"
    return _envelope(
        "<errorCode>0</errorCode><listEventInfoComp>"
        f"{events}<skybillNumber>{_escape(number)}</skybillNumber></listEventInfoComp>"
    )


def _event(told: Told) -> str:
    code, label = code_and_text(told.scan)
    home = told.country == _HOME
    postcode = told.place.postal_code if home else ""
    date = f"{told.date}T{told.time}{offset_text(told.offset)}"
    return (
        f"<events><code>{code}</code><eventDate>{date}</eventDate><eventLabel>{_escape(label)}</eventLabel>"
        f"<highPriority>false</highPriority><NPC>{postcode[:2]}</NPC>"
        f"<officeLabel>{_escape(told.place.city.upper())} CHRONOPOST</officeLabel><zipCode>{postcode}</zipCode>"
        "</events>"
    )


def _envelope(returned: str) -> str:
    return _SOAP.format(
        body='<ns2:trackSkybillV2Response xmlns:ns2="http://cxf.tracking.soap.chronopost.fr/">'
        f"<return>{returned}</return></ns2:trackSkybillV2Response>"
    )


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def asked_number(body: bytes) -> str | None:
    """The skybillNumber of a request; None where it is no such call."""
    try:
        root = ElementTree.fromstring(body)  # noqa: S314 - the sandbox is asked by this machine alone
    except ElementTree.ParseError:
        return None
    call = next((one for one in root.iter() if str(one.tag).endswith("}trackSkybillV2")), None)
    return call.findtext("skybillNumber") if call is not None else None


class Chronopost(StandIn):
    """Chronopost."""

    name = "chronopost"

    def number(self, ago: int, index: int, piece: int, salt: int, service: str) -> str:
        """X and a letter, eight digits, a check digit, FR (UPU S10)."""
        return s10_number(f"X{service_letter(service, salt)}", ago, index, "FR")

    def digits_of(self, number: str) -> str | None:
        """The eight digits."""
        return s10_digits(number, "FR") if number.startswith("X") else None

    def code_and_text(self, scan: Scan) -> tuple[str, str]:
        """`code` and Chronopost's words."""
        return code_and_text(scan)

    def endpoints(self) -> list[Endpoint]:
        """The tracking service."""
        return [Endpoint("POST", "/tracking-cxf/TrackingServiceWS", self._track)]

    def accepts(self, request: Request, counter: Counter) -> bool:
        """Anyone: the service takes no account."""
        return True

    async def _track(self, request: Request, counter: Counter, malformed: bool) -> Response:
        number = asked_number(await request.body())
        if number is None:
            return xml_response(_SOAP.format(body=_FAULT), 500)
        found = counter.find(number, self.name)
        flaw = counter.flaw(self.name, number, malformed)
        return xml_response(answer(number, found[0] if found else None, counter.now(), flaw))


STAND_IN = Chronopost
