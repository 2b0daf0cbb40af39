"""DPD ParcelLifeCycleService 2.0 and LoginService 2.1: codes and answers.

Shape: the services' public types and the sample answers of DPD Belux. Its statuses tell little of a journey: customs,
delays, damages, losses and the way back are `BetweenDepots` (the words tell of a return). A status has no code beside
its name, which is the platform's code. Times are local, month first, with AM or PM, as its `en_EN` prints them. The
account stands in the request's body; an answer does not name its parcel, and has no status for one that DPD does not
know.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response

from lanecast.sandbox.access import is_client, login_of
from lanecast.sandbox.journey import Scan
from lanecast.sandbox.shipment import Shipment
from lanecast.sandbox.wire.base import Counter, Endpoint, StandIn, xml_response
from lanecast.sandbox.wire.told import Told, tell

CODES: dict[str, tuple[str, str, str]] = {
    "label_created": ("SHIPMENT", "Shipment information", "Details of your shipment"),
    "picked_up": ("PickedUp", "Parcel handed to DPD", "DPD has received your parcel."),
    "origin_hub_arrived": ("BetweenDepots", "In transit", "The parcel is at the parcel dispatch centre."),
    "export_cleared": ("BetweenDepots", "In transit", "In transit."),
    "origin_departed": ("BetweenDepots", "In transit", "Your parcel is on its way to the parcel delivery centre."),
    "country_arrived": ("BetweenDepots", "In transit", "In transit."),
    "import_started": ("BetweenDepots", "In transit", "In transit."),
    "customs_hold": ("BetweenDepots", "In transit", "In transit."),
    "import_cleared": ("BetweenDepots", "In transit", "In transit."),
    "delivery_hub_arrived": ("Depot", "Parcel out for delivery", "At parcel delivery centre."),
    "delayed": ("BetweenDepots", "In transit", "In transit."),
    "damaged": ("BetweenDepots", "In transit", "In transit."),
    "out_for_delivery": (
        "Courier",
        "Parcel out for delivery",
        "The parcel has left the parcel delivery centre and is on its way to the consignee.",
    ),
    "failed_attempt": (
        "DeliveryFailure",
        "Parcel out for delivery",
        "Unfortunately we have not been able to deliver your parcel.",
    ),
    "refused": (
        "DeliveryFailure",
        "Parcel out for delivery",
        "Unfortunately we have not been able to deliver your parcel.",
    ),
    "available_for_pickup": ("ParcelShop", "Parcel out for delivery", "Delivered by driver to Pickup parcelshop"),
    "delivered": ("Delivered", "Parcel delivered", "Your parcel has been delivered successfully."),
    "returning": ("BetweenDepots", "In transit", "The parcel is being returned to the sender."),
    "returned": ("Delivered", "Parcel delivered", "Your parcel has been delivered successfully."),
    "lost": ("BetweenDepots", "In transit", "In transit."),
}

_TOKEN_ZONE = ZoneInfo("Europe/Brussels")
_ENVELOPE = '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>{body}</soap:Body></soap:Envelope>'
_FAULT = (
    "<soap:Fault><faultcode>soap:Server</faultcode><faultstring>Fault occured</faultstring><detail>"
    '<ns:authenticationFault xmlns:ns="http://dpd.com/common/service/types/Authentication/2.0">'
    "<errorCode>{code}</errorCode><errorMessage>{message}</errorMessage></ns:authenticationFault></detail></soap:Fault>"
)


def answer(shipment: Shipment | None, now: int, flaw: str | None) -> str:
    """The answer about a parcel, oldest status first; without any for one that DPD has not heard of."""
    told = tell(shipment.scans_until(now), flaw) if shipment else []
    statuses = "".join(_status(one) for one in reversed(told))
    if flaw == "malformed_parcel" and told:
        statuses = _one_status("Depot", "In transit", "At parcel delivery centre.", "Mechelen (BE)", "yesterday")
    service = f"<content>{_line(shipment.service)}</content>" if shipment else ""
    return _ENVELOPE.format(
        body='<getTrackingDataResponse xmlns="http://dpd.com/common/service/types/ParcelLifeCycleService/2.0">'
        f"<trackingresult><shipmentInfo><serviceDescription>{service}</serviceDescription><status>SHIPMENT</status>"
        f"</shipmentInfo>{statuses}</trackingresult></getTrackingDataResponse>"
    )


def fault(code: str, message: str) -> Response:
    """A refusal, as SOAP has it: HTTP 500."""
    return xml_response(_ENVELOPE.format(body=_FAULT.format(code=code, message=message)), 500)


def _status(told: Told) -> str:
    code, label, text = CODES[told.scan.kind]
    hour = int(told.time[:2])
    clock = f"{hour % 12 or 12}{told.time[2:]} {'PM' if hour >= 12 else 'AM'}"
    date = f"{int(told.date[5:7])}/{int(told.date[8:])}/{told.date[:4]} {clock}"
    return _one_status(code, label, text, f"{told.place.city} ({told.country})", date)


def _one_status(code: str, label: str, text: str, location: str, date: str) -> str:
    return (
        f"<statusInfo><status>{code}</status><label>{_line(label)}</label>"
        f"<description><content>{_line(text)}</content></description>"
        "<statusHasBeenReached>true</statusHasBeenReached><isCurrentStatus>false</isCurrentStatus>"
        f"<showContactInfo>true</showContactInfo><location>{_line(location)}</location><date>{_line(date)}</date>"
        "</statusInfo>"
    )


def _line(text: str) -> str:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f"<content>{escaped}</content><bold>false</bold><paragraph>false</paragraph>"


def fields_of(body: bytes) -> dict[str, str]:
    """The texts of a request's elements by local name; empty where it is no XML."""
    try:
        root = ElementTree.fromstring(body)  # noqa: S314 - the sandbox is asked by this machine alone
    except ElementTree.ParseError:
        return {}
    return {str(one.tag).rpartition("}")[2]: (one.text or "") for one in root.iter()}


class Dpd(StandIn):
    """DPD."""

    name = "dpd"

    def number(self, ago: int, index: int, piece: int, salt: int, service: str) -> str:
        """A depot's four digits and ten more."""
        return f"0530{ago:04d}{index:04d}{salt % 100:02d}"

    def digits_of(self, number: str) -> str | None:
        """The eight digits behind the depot."""
        return number[4:12] + "0" if len(number) == 14 and number.startswith("0530") else None

    def code_and_text(self, scan: Scan) -> tuple[str, str]:
        """`status` and DPD's words."""
        code, _, text = CODES[scan.kind]
        return code, text

    def endpoints(self) -> list[Endpoint]:
        """The login, and tracking by one number."""
        return [
            Endpoint("POST", "/LoginService/V2_1", self._login, is_open=True),
            Endpoint("POST", "/ParcelLifeCycleService/V2_0", self._track),
        ]

    def accepts(self, request: Request, counter: Counter) -> bool:
        """Anyone: the account is in the body, where the endpoint checks it."""
        return True

    async def _login(self, request: Request, counter: Counter, malformed: bool) -> Response:
        told = fields_of(await request.body())
        if "getAuth" not in told or not is_client(self.name, told.get("delisId"), told.get("password")):
            return fault("DELICOM_ERR_AUTHENTICATION", "Authentication failure, check delisId and password.")
        token, seconds = counter.token(self.name)
        expires = (datetime.now(_TOKEN_ZONE) + timedelta(seconds=seconds)).replace(tzinfo=None)
        body = (
            '<getAuthResponse xmlns="http://dpd.com/common/service/types/LoginService/2.1"><return>'
            f"<delisId>{login_of(self.name)}</delisId><customerUid>{login_of(self.name)}</customerUid>"
            f"<authToken>{token}</authToken><depot>0530</depot>"
            f"<authTokenExpires>{expires.isoformat(timespec='milliseconds')}</authTokenExpires></return></getAuthResponse>"
        )
        return xml_response(_ENVELOPE.format(body=body))

    async def _track(self, request: Request, counter: Counter, malformed: bool) -> Response:
        told = fields_of(await request.body())
        known = told.get("delisId") == login_of(self.name)
        if not known or not counter.accepts(self.name, told.get("authToken", "")):
            return fault("LOGIN_5", "The authtoken is invalid")
        number = told.get("parcelLabelNumber", "")
        found = counter.find(number, self.name)
        flaw = counter.flaw(self.name, number, malformed)
        return xml_response(answer(found[0] if found else None, counter.now(), flaw))


STAND_IN = Dpd
