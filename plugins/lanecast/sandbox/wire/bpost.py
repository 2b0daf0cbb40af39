"""bpost Tracking API: state codes, names and answers.

Shape: bpost's schema `http://schema.post.be/tracking/v1/` and its documented answer. bpost publishes no list of its
codes: T00, L00 and U01 stand in that answer, R13 is known for a pickup point, and for all else the sandbox prints R00,
known for a parcel under way, with words that tell more. States print no place, their times an offset. The platform's
code is `stateCode`.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from lanecast.carriers.xml import escape
from lanecast.sandbox.journey import Scan
from lanecast.sandbox.network import Place
from lanecast.sandbox.shipment import Shipment
from lanecast.sandbox.wire.base import Counter, Endpoint, StandIn, has_basic, xml_response
from lanecast.sandbox.wire.told import Told, offset_text, printed, tell

CODES: dict[str, tuple[str, str]] = {
    "label_created": ("R00", "Announced by the sender"),
    "picked_up": ("R00", "Posting/collection"),
    "origin_hub_arrived": ("T00", "Sorted - sorted_out"),
    "export_cleared": ("R00", "Item returned from export customs"),
    "origin_departed": ("R00", "Departure from outward office of exchange"),
    "country_arrived": ("R00", "Arrival at inward office of exchange"),
    "import_started": ("R00", "Item presented to import customs"),
    "customs_hold": ("R00", "Item held by import customs"),
    "import_cleared": ("R00", "Item returned from import customs"),
    "delivery_hub_arrived": ("T00", "Sorted - sorted_out"),
    "delayed": ("R00", "Delayed"),
    "damaged": ("R00", "Damaged"),
    "out_for_delivery": ("L00", "BoundToRound - out_for_distribution"),
    "failed_attempt": ("R00", "Unsuccessful delivery: recipient absent"),
    "refused": ("R00", "Refused by the recipient"),
    "available_for_pickup": ("R13", "Available at a pick-up point"),
    "delivered": ("U01", "DistributedNormally - regular"),
    "returning": ("R00", "Return to sender"),
    "returned": ("R00", "ReturnedToSender"),
    "lost": ("R00", "Item lost"),
}

_REASONS = {
    "missing_invoice": "Item held by import customs: invoice missing",
    "duties_unpaid": "Item held by import customs: duties unpaid",
    "inspection": "Item held by import customs: inspection",
    "wrong_value": "Item held by import customs: value in question",
    "weather": "Delayed: weather",
    "strike": "Delayed: strike",
    "bad_address": "Unsuccessful delivery: incorrect address",
}
_PREFIX = "32321234565"
_SUFFIX = "30"


def code_and_text(scan: Scan) -> tuple[str, str]:
    """`stateCode` and `stateDescription`."""
    code, text = CODES[scan.kind]
    return code, printed(scan, text, _REASONS)


def answer(shipment: Shipment, now: int, flaw: str | None) -> str | None:
    """The answer for a barcode, oldest state first, or None while bpost has not heard of it."""
    told = tell(shipment.scans_until(now), flaw)
    if not told:
        return None
    states = "".join(_state(one) for one in reversed(told))
    if flaw == "malformed_parcel":
        states = "<stateInfo><time>soon</time><stateCode>T00</stateCode></stateInfo><stateInfo/>"
    delivered = next((one for one in told if one.scan.kind == "delivered"), None)
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
        '<itemTracking xmlns="http://schema.post.be/tracking/v1/"'
        ' xmlns:ns2="http://schema.post.be/announcement/common/v1/">'
        f"<itemCode>{shipment.number}</itemCode>"
        f"<sender>{_party('SANDBOX SENDER', shipment.origin)}</sender>"
        f"<addressee>{_party('SANDBOX ADDRESSEE', shipment.destination)}</addressee>"
        + (f"<deliveryTime>{_time(delivered)}</deliveryTime>" if delivered else "")
        + f"<itemDetail><weightInGrams>500</weightInGrams><type>01</type><options/></itemDetail>{states}"
        "<trackingId>sandbox</trackingId></itemTracking>"
    )


def _state(told: Told) -> str:
    code, text = code_and_text(told.scan)
    return (
        f"<stateInfo><time>{_time(told)}</time><stateCode>{code}</stateCode>"
        f"<stateDescription>{escape(text)}</stateDescription></stateInfo>"
    )


def _time(told: Told) -> str:
    return f"{told.date}T{told.time}{offset_text(told.offset)}"


def _party(name: str, place: Place) -> str:
    return (
        f"<ns2:name>{name}</ns2:name><ns2:address><ns2:postalCode>{escape(place.postal_code)}</ns2:postalCode>"
        f"<ns2:city>{escape(place.city.upper())}</ns2:city><ns2:countryCode>{place.country}</ns2:countryCode>"
        "</ns2:address>"
    )


class Bpost(StandIn):
    """bpost."""

    name = "bpost"

    def number(self, ago: int, index: int, piece: int, salt: int, service: str) -> str:
        """Twenty-four digits."""
        return f"{_PREFIX}{ago:04d}{index:04d}{salt:03d}{_SUFFIX}"

    def digits_of(self, number: str) -> str | None:
        """The eight digits behind the prefix."""
        if len(number) != 24 or not (number.startswith(_PREFIX) and number.endswith(_SUFFIX)):
            return None
        return number[11:19] + "0"

    def code_and_text(self, scan: Scan) -> tuple[str, str]:
        """`stateCode` and `stateDescription`."""
        return code_and_text(scan)

    def endpoints(self) -> list[Endpoint]:
        """Tracking by one barcode."""
        return [Endpoint("GET", "/services/trackedmail/item/{number}/trackingInfo", self._track)]

    def accepts(self, request: Request, counter: Counter) -> bool:
        """Account id and password by HTTP Basic."""
        return has_basic(request, self.name)

    async def _track(self, request: Request, counter: Counter, malformed: bool) -> Response:
        number = request.path_params["number"]
        found = counter.find(number, self.name)
        content = found and answer(found[0], counter.now(), counter.flaw(self.name, number, malformed))
        if content:
            return xml_response(content)
        return Response("No item found for this barcode", 404, media_type="text/plain")


STAND_IN = Bpost
