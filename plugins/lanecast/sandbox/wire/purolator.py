"""Purolator E-Ship Tracking Service: scan types, words and answers.

Shape: `TrackPackagesByPin` of Purolator's service description and stored answers of it. Types are Purolator's; where it
has no type of its own for a scan, `Other` or `Undeliverable` stands, and the words tell, as they do at Purolator. How
it names depots outside Canada and the US is not published: the sandbox prints city and country. Times are local. The
platform's code is `ScanType`.
"""

from __future__ import annotations

import re
from html import unescape

from starlette.requests import Request
from starlette.responses import Response

from lanecast.carriers.xml import escape
from lanecast.sandbox.journey import Scan
from lanecast.sandbox.shipment import Shipment
from lanecast.sandbox.wire.base import Counter, Endpoint, StandIn, has_basic, xml_response
from lanecast.sandbox.wire.told import NO_SUCH_COUNTRY, Told, printed, tell

CODES: dict[str, tuple[str, str]] = {
    "label_created": ("Other", "Shipper created a label"),
    "picked_up": ("ProofOfPickUp", "Picked up by Purolator at"),
    "origin_hub_arrived": ("Other", "Arrived at sort facility"),
    "export_cleared": ("Other", "Shipment in transit"),
    "origin_departed": ("Other", "Departed sort facility"),
    "country_arrived": ("Other", "Arrived at sort facility"),
    "import_started": ("Other", "Customs processing"),
    "customs_hold": ("Undeliverable", "Customs hold"),
    "import_cleared": ("Other", "Shipment in transit"),
    "delivery_hub_arrived": ("Other", "Arrived at sort facility"),
    "delayed": ("Undeliverable", "Delivery delayed"),
    "damaged": ("Undeliverable", "Package damaged"),
    "out_for_delivery": ("OnDelivery", "On vehicle for delivery"),
    "failed_attempt": ("Undeliverable", "Attempted Delivery - Customer Closed"),
    "refused": ("Undeliverable", "Delivery refused"),
    "available_for_pickup": ("Undeliverable", "Available for pickup for 5 business days from arrival date"),
    "delivered": ("Delivery", "Shipment delivered to"),
    "returning": ("Undeliverable", "Unable to deliver - item returned to sender"),
    "returned": ("Delivery", "Shipment delivered to"),
    "lost": ("Undeliverable", "Package lost"),
}

_REASONS = {
    "missing_invoice": "Missing customs documents",
    "duties_unpaid": "Customs fees due",
    "inspection": "Customs hold",
    "wrong_value": "Customs documentation required",
    "weather": "Delivery delayed due to weather event",
    "strike": "Service disruption",
    "bad_address": "Incorrect address",
}
_PIN = re.compile(rb"<(?:\w+:)?Value>([^<]*)</")
_TYPES = 'xmlns="http://purolator.com/pws/datatypes/v1" xmlns:i="http://www.w3.org/2001/XMLSchema-instance"'


def code_and_text(scan: Scan) -> tuple[str, str]:
    """`ScanType` and Purolator's words."""
    code, text = CODES[scan.kind]
    return code, printed(scan, text, _REASONS)


def information(pin: str, shipment: Shipment | None, now: int, flaw: str | None) -> str:
    """The tracking information of a PIN, without scans while Purolator has not heard of it."""
    told = tell(shipment.scans_until(now), flaw) if shipment else []
    scans = "".join(_scan(pin, one) for one in told)
    if told and flaw == "malformed_parcel":
        scans = "<Scan><ScanType>Other</ScanType><ScanDate>soon</ScanDate><ScanTime/></Scan>"
    return (
        f"<TrackingInformation><PIN><Value>{escape(pin)}</Value></PIN><Scans>{scans}</Scans>"
        '<ResponseInformation i:nil="true"/></TrackingInformation>'
    )


def _scan(pin: str, told: Told) -> str:
    code, text = code_and_text(told.scan)
    return (
        f"<Scan><ScanType>{code}</ScanType><PIN><Value>{escape(pin)}</Value></PIN>"
        f"<Depot><Name>{escape(_depot(told))}</Name></Depot>"
        f"<ScanDate>{told.date}</ScanDate><ScanTime>{told.time.replace(':', '')}</ScanTime>"
        f"<Description>{escape(text)}</Description><Comment/>"
        "<SummaryScanIndicator>false</SummaryScanIndicator></Scan>"
    )


def _depot(told: Told) -> str:
    place = told.place
    tail = place.country_name.upper()
    if told.country == NO_SUCH_COUNTRY:
        tail = told.country
    elif told.country in {"CA", "US"}:
        tail = "PQ" if (told.country, place.region) == ("CA", "QC") else place.region
    return f"{place.city.upper()}, {tail}"


def _soap(body: str) -> str:
    return f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>{body}</s:Body></s:Envelope>'


class Purolator(StandIn):
    """Purolator."""

    name = "purolator"

    def number(self, ago: int, index: int, piece: int, salt: int, service: str) -> str:
        """Twelve digits, the first a 3."""
        return f"3{ago:04d}{index:04d}{salt:03d}"

    def digits_of(self, number: str) -> str | None:
        """The eight digits behind the first."""
        return number[1:9] + "0" if len(number) == 12 and number.startswith("3") else None

    def code_and_text(self, scan: Scan) -> tuple[str, str]:
        """`ScanType` and Purolator's words."""
        return code_and_text(scan)

    def endpoints(self) -> list[Endpoint]:
        """Tracking by PINs."""
        return [Endpoint("POST", "/PWS/V1/Tracking/TrackingService.asmx", self._track)]

    def accepts(self, request: Request, counter: Counter) -> bool:
        """Key and password by HTTP Basic."""
        return has_basic(request, self.name)

    async def _track(self, request: Request, counter: Counter, malformed: bool) -> Response:
        body = await request.body()
        if not request.headers.get("soapaction", "").strip('"').endswith("/TrackPackagesByPin"):
            fault = "<s:Fault><faultcode>s:Client</faultcode><faultstring>Unknown SOAPAction</faultstring></s:Fault>"
            return xml_response(_soap(fault), 400)
        told: list[str] = []
        for pin in (unescape(one.decode("utf-8", "replace")) for one in _PIN.findall(body)):
            found = counter.find(pin, self.name)
            flaw = counter.flaw(self.name, pin, malformed and not told)
            told.append(information(pin, found[0] if found else None, counter.now(), flaw))
        response = (
            f"<TrackPackagesByPinResponse {_TYPES}><ResponseInformation><Errors/>"
            '<InformationalMessages i:nil="true"/></ResponseInformation>'
            f"<TrackingInformationList>{''.join(told)}</TrackingInformationList></TrackPackagesByPinResponse>"
        )
        return xml_response(_soap(response))


STAND_IN = Purolator
