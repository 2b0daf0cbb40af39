"""SEKO OmniParcel: tracking codes and answers.

Shape: SEKO's integration page on `POST /labels/statusv2`. Codes are its OP-codes; where they have none for a scan
(customs begins), the sandbox prints OP-79, in transit. What it answers about an unknown number is not published: the
sandbox leaves it out of the list. Times are local, without a zone. The platform's code is `OmniCode`.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from lanecast.sandbox.journey import Scan
from lanecast.sandbox.shipment import Shipment
from lanecast.sandbox.wire.base import Counter, Endpoint, StandIn, has_key, json_body, json_response
from lanecast.sandbox.wire.told import Json, Told, tell

CODES: dict[str, tuple[str, str]] = {
    "label_created": ("OP-1", "Tracking number allocated & order ready"),
    "picked_up": ("OP-33", "Collected from sender"),
    "origin_hub_arrived": ("OP-47", "Processed through Sorting Facility"),
    "export_cleared": ("OP-5", "Customs cleared"),
    "origin_departed": ("OP-81", "Flight Departed"),
    "country_arrived": ("OP-78", "Flight Arrived"),
    "import_started": ("OP-79", "In transit"),
    "customs_hold": ("OP-6", "Customs held for inspection and clearance"),
    "import_cleared": ("OP-5", "Customs cleared"),
    "delivery_hub_arrived": ("OP-50", "Parcel arrived to courier processing facility"),
    "delayed": ("OP-16", "Parcel Delayed"),
    "damaged": ("OP-17", "Parcel Damaged"),
    "out_for_delivery": ("OP-21", "Out for delivery"),
    "failed_attempt": ("OP-24", "Attempted Delivery - Receiver carded"),
    "refused": ("OP-28", "Attempted Delivery - Refused by customer"),
    "available_for_pickup": ("OP-42", "Awaiting collection"),
    "delivered": ("OP-72", "Delivered"),
    "returning": ("OP-29", "Return to sender"),
    "returned": ("OP-90", "Return processed"),
    "lost": ("OP-15", "Parcel lost"),
}

_REASONS = {
    ("customs_hold", "missing_invoice"): ("OP-6", "Customs held: documents missing"),
    ("customs_hold", "duties_unpaid"): ("OP-6", "Customs held: duties unpaid"),
    ("customs_hold", "wrong_value"): ("OP-6", "Customs held: documents in question"),
    ("delayed", "weather"): ("OP-16", "Parcel Delayed: weather"),
    ("delayed", "strike"): ("OP-16", "Parcel Delayed: strike"),
    ("failed_attempt", "bad_address"): ("OP-27", "Attempted Delivery - Customer not known at address"),
}


def code_and_text(scan: Scan) -> tuple[str, str]:
    """`OmniCode` and the words."""
    return _REASONS.get((scan.kind, scan.reason or ""), CODES[scan.kind])


def answer(shipment: Shipment, now: int, flaw: str | None) -> Json | None:
    """The consignment with that number, oldest event first, or None while SEKO has not heard of it."""
    told = tell(shipment.scans_until(now), flaw)
    if not told:
        return None
    events: object = [_event(one) for one in reversed(told)]
    if flaw == "malformed_parcel":
        events = [{"EventDT": {"date": None}, "OmniCode": 3}, "OP-1"]
    return {
        "ConsignmentNo": shipment.number,
        "Status": code_and_text(told[0].scan)[1],
        "Picked": _time_of(told, "picked_up"),
        "Delivered": _time_of(told, "delivered"),
        "Tracking": f"http://track.omniparcel.com/{shipment.number}",
        "Reference1": "",
        "Events": events,
    }


def _event(told: Told) -> Json:
    code, text = code_and_text(told.scan)
    return {
        "EventDT": f"{told.date}T{told.time}",
        "Code": None,
        "OmniCode": code,
        "Description": text,
        "Location": f"{told.place.city.upper()}, {told.place.region},{told.country}",
        "Part": 1,
    }


def _time_of(told: list[Told], kind: str) -> str | None:
    return next((f"{one.date}T{one.time}" for one in told if one.scan.kind == kind), None)


class Seko(StandIn):
    """SEKO."""

    name = "seko"

    def number(self, ago: int, index: int, piece: int, salt: int, service: str) -> str:
        """Two letters and eleven digits."""
        return f"DG{ago:04d}{index:04d}{salt:03d}"

    def digits_of(self, number: str) -> str | None:
        """The eight digits behind the letters."""
        return number[2:10] + "0" if len(number) == 13 and number.startswith("DG") else None

    def code_and_text(self, scan: Scan) -> tuple[str, str]:
        """`OmniCode` and the words."""
        return code_and_text(scan)

    def endpoints(self) -> list[Endpoint]:
        """Tracking by a list of numbers."""
        return [Endpoint("POST", "/labels/statusv2", self._track)]

    def accepts(self, request: Request, counter: Counter) -> bool:
        """A key in a header."""
        return has_key(request, self.name, "access_key")

    async def _track(self, request: Request, counter: Counter, malformed: bool) -> Response:
        asked = json_body(await request.body())
        if not isinstance(asked, list) or not all(isinstance(one, str) for one in asked):
            told = {"Property": "request", "Message": "A list of consignment numbers is required", "Key": "request"}
            return json_response({"Errors": [told]}, 400)
        consignments: list[Json] = []
        for number in asked:
            found = counter.find(number, self.name)
            flaw = counter.flaw(self.name, number, malformed and not consignments)
            one = found and answer(found[0], counter.now(), flaw)
            if one:
                consignments.append(one)
        return json_response(consignments)


STAND_IN = Seko
