"""Canada Post Tracking: codes and answers.

Shape: the developer pages of `GET /vis/track/pin/{pin}/detail`. Event identifiers are those of its code tables, printed
with leading zeros where they have three digits. It has none for a lost item (1493: cannot be delivered, details to
follow), for one that came back (1496 after 1420), or for export clearance (815: being made ready for export). In Canada
a time names its zone; abroad it names none.
"""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response

from lanecast.carriers.xml import escape
from lanecast.sandbox.journey import Scan
from lanecast.sandbox.shipment import Shipment
from lanecast.sandbox.tracking_numbers import s10_digits, s10_number, service_letter
from lanecast.sandbox.wire.base import Counter, Endpoint, StandIn, has_basic, xml_response
from lanecast.sandbox.wire.told import NO_SUCH_COUNTRY, Told, printed, tell

CODES: dict[str, tuple[str, str]] = {
    "label_created": ("3000", "Electronic information submitted by shipper"),
    "picked_up": ("2300", "Item picked up by Canada Post"),
    "origin_hub_arrived": ("100", "Item processed"),
    "export_cleared": ("815", "International Item being prepared for export"),
    "origin_departed": ("4950", "International item has been forwarded onwards to destination"),
    "country_arrived": ("4310", "International shipment has arrived in a foreign country"),
    "import_started": ("4400", "Item has been sent to customs in the destination country"),
    "customs_hold": ("810", "Item held by Customs"),
    "import_cleared": ("4500", "International item released from Customs to Foreign Postal Administration"),
    "delivery_hub_arrived": ("4600", "Item has been received at the delivery office in the destination country"),
    "delayed": ("162", "Delivery may be delayed due to transportation delay"),
    "damaged": ("710", "Item arrived in Canada damaged. Sent for further processing."),
    "out_for_delivery": ("174", "Item out for delivery"),
    "failed_attempt": ("1435", "Notice card left indicating where and when to pick up item"),
    "refused": ("121", "Item on hold. Refused or unclaimed by recipient"),
    "available_for_pickup": ("1701", "Item available for pickup at Post Office"),
    "delivered": ("1496", "Delivered"),
    "returning": ("1420", "Item being returned to sender"),
    "returned": ("1496", "Delivered"),
    "lost": ("1493", "Item cannot be delivered; more details to be provided"),
}

_REASONS = {
    "weather": ("159", "Delivery may be delayed due to extreme weather conditions"),
    "strike": ("161", "Delivery may be delayed due to labour disruption"),
    "bad_address": ("179", "Item cannot be delivered; more details to be provided"),
}


def code_and_text(scan: Scan) -> tuple[str, str]:
    """`event-identifier` and Canada Post's words."""
    known = CODES[scan.kind]
    return printed(scan, known, _REASONS)


def answer(shipment: Shipment, now: int, flaw: str | None) -> str | None:
    """The answer for a number, or None while Canada Post has not heard of it."""
    told = tell(shipment.scans_until(now), flaw)
    if not told:
        return None
    occurrences = "".join(map(_occurrence, told))
    if flaw == "malformed_parcel":
        occurrences = "<occurrence><event-identifier>0100</event-identifier><event-date/></occurrence>"
    to_canada = shipment.destination.country == "CA"
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<tracking-detail xmlns="http://www.canadapost.ca/ws/track-v2">'
        f"<pin>{shipment.number}</pin><active-exists>1</active-exists><archive-exists/>"
        f"<destination-postal-id>{_postal_id(shipment.destination.postal_code) if to_canada else ''}"
        "</destination-postal-id><duplicate-flag-ind/><original-pin/>"
        f"<service-name>{escape(shipment.service)}</service-name><return-pin/>"
        "<signature-image-exists>false</signature-image-exists>"
        f"<significant-events>{occurrences}</significant-events></tracking-detail>"
    )


def messages(code: str, description: str) -> str:
    """Canada Post's errors."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?><messages xmlns="http://www.canadapost.ca/ws/messages"><message>'
        f"<code>{code}</code><description>{escape(description)}</description></message></messages>"
    )


def _occurrence(told: Told) -> str:
    code, text = code_and_text(told.scan)
    home = told.country == "CA"
    country = told.country if told.country == NO_SUCH_COUNTRY else told.place.country_name
    site = told.place.city.upper() if home else f"{told.place.city.upper()},{country}"
    return (
        f"<occurrence><event-identifier>{code:0>4}</event-identifier><event-date>{told.date}</event-date>"
        f"<event-time>{told.time}</event-time><event-time-zone>{_zone(told) if home else ''}</event-time-zone>"
        f"<event-description>{escape(text)}</event-description><signatory-name/>"
        f"<event-site>{escape(site)}</event-site><event-province>{told.place.region if home else ''}</event-province>"
        "<event-retail-location-id/><event-retail-name/></occurrence>"
    )


def _zone(told: Told) -> str:
    """The name of the place's zone at that moment, such as EDT."""
    instant = datetime.fromtimestamp(told.scan.instant, UTC)
    return instant.astimezone(ZoneInfo(told.place.zone.name)).tzname() or ""


def _postal_id(postal_code: str) -> str:
    return escape(postal_code.replace(" ", ""))


class CanadaPost(StandIn):
    """Canada Post."""

    name = "canada_post"

    def number(self, ago: int, index: int, piece: int, salt: int, service: str) -> str:
        """Two letters, eight digits, a check digit, CA (UPU S10)."""
        return s10_number("CL"[salt % 2] + service_letter(service), ago, index, "CA")

    def digits_of(self, number: str) -> str | None:
        """The eight digits."""
        return s10_digits(number, "CA")

    def code_and_text(self, scan: Scan) -> tuple[str, str]:
        """`event-identifier` and Canada Post's words."""
        return code_and_text(scan)

    def endpoints(self) -> list[Endpoint]:
        """Tracking by one number."""
        return [Endpoint("GET", "/vis/track/pin/{pin}/detail", self._track)]

    def accepts(self, request: Request, counter: Counter) -> bool:
        """HTTP Basic."""
        return has_basic(request, self.name)

    def refusal(self) -> Response:
        """A message."""
        return xml_response(messages("E002", "AAA Authentication Failure"), 401)

    async def _track(self, request: Request, counter: Counter, malformed: bool) -> Response:
        number = request.path_params["pin"]
        found = counter.find(number, self.name)
        content = found and answer(found[0], counter.now(), counter.flaw(self.name, number, malformed))
        if content:
            return xml_response(content)
        return xml_response(messages("004", "No Pin History"), 404)


STAND_IN = CanadaPost
