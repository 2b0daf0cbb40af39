"""EasyPost's trackers: statuses and answers, about the parcels of any carrier.

Shape: the public API reference of `POST /v2/trackers/batch`, `GET /v2/trackers` and `POST /v2/trackers`. A tracker is
there once it was created; of a number that nobody gave out it tells nothing. Times are in UTC. Customs is told by the
words alone.
"""

from __future__ import annotations

import hashlib

from starlette.requests import Request
from starlette.responses import Response

from lanecast.carriers.carrier_keys import key_of
from lanecast.sandbox.access import SANDBOX_SECRET, basic_credentials
from lanecast.sandbox.journey import Scan
from lanecast.sandbox.network import Place
from lanecast.sandbox.shipment import Shipment
from lanecast.sandbox.wire.base import Counter, Endpoint, StandIn, json_body, json_response
from lanecast.sandbox.wire.told import Json, Told, offset_text, printed, tell

MOST_TRACKERS = 500_000
PAGE_SIZE = 20
LARGEST_PAGE = 100

CODES: dict[str, tuple[str, str, str]] = {
    "label_created": ("pre_transit", "label_created", "Shipping label created"),
    "picked_up": ("in_transit", "received_at_origin_facility", "Picked up"),
    "origin_hub_arrived": ("in_transit", "arrived_at_facility", "Arrived at sort facility"),
    "export_cleared": ("in_transit", "status_update", "Export customs clearance completed"),
    "origin_departed": ("in_transit", "departed_facility", "Departed facility in the origin country"),
    "country_arrived": ("in_transit", "arrived_at_facility", "Arrived in destination country"),
    "import_started": ("in_transit", "status_update", "Inbound into customs"),
    "customs_hold": ("in_transit", "held", "Held in customs"),
    "import_cleared": ("in_transit", "status_update", "Released by customs"),
    "delivery_hub_arrived": ("in_transit", "received_at_destination_facility", "At local facility"),
    "delayed": ("in_transit", "delayed", "Delivery delayed"),
    "damaged": ("failure", "damaged", "Package damaged"),
    "out_for_delivery": ("out_for_delivery", "out_for_delivery", "Out for delivery"),
    "failed_attempt": ("failure", "delivery_exception", "Delivery exception (recipient not available)"),
    "refused": ("failure", "refused", "Refused by the recipient"),
    "available_for_pickup": ("available_for_pickup", "arrived_at_pickup_location", "Available for pickup"),
    "delivered": ("delivered", "arrived_at_destination", "Delivered"),
    "returning": ("return_to_sender", "return", "Return to sender"),
    "returned": ("return_to_sender", "return", "Returned to sender"),
    "lost": ("failure", "lost", "Package lost"),
}
"""Status, status detail and message of each kind of scan."""

_REASONS = {
    "missing_invoice": "Held in customs: invoice missing",
    "duties_unpaid": "Held in customs: duties and taxes unpaid",
    "inspection": "Held in customs for inspection",
    "wrong_value": "Held in customs: declared value in question",
    "weather": "Delivery delayed by weather",
    "strike": "Delivery delayed by a strike",
    "bad_address": "Delivery exception (incorrect address)",
}


def code_and_text(scan: Scan) -> tuple[str, str]:
    """`status/status_detail` and the message."""
    status, detail, text = CODES[scan.kind]
    if scan.kind == "delayed" and scan.reason == "weather":
        detail = "weather_delay"
    words = printed(scan, text, _REASONS)
    return f"{status}/{detail}", words


def tracker(number: str, found: Shipment | None, piece: int, now: int, flaw: str | None) -> Json:
    """The tracker of a number; one of which nothing is known is `unknown`."""
    told = tell(found.scans_until(now, piece), flaw) if found else []
    told.reverse()  # EasyPost lists the oldest first
    carrier = found.carrier if found else None
    details: object = [_detail(one, carrier) for one in told]
    if told and flaw == "malformed_parcel":
        details = [None, {"datetime": {"date": 17}, "status": ["in_transit"]}, "in_transit"]
    status, _, status_detail = (code_and_text(told[-1].scan)[0] if told else "unknown/unknown").partition("/")
    return {
        "id": tracker_id(number),
        "object": "Tracker",
        "mode": "production",
        "tracking_code": number,
        "status": status,
        "status_detail": status_detail,
        "signed_by": None,
        "weight": None,
        "shipment_id": None,
        "carrier": key_of(EasyPost.name, carrier) or carrier,
        "tracking_details": details,
        "carrier_detail": {
            "object": "CarrierDetail",
            "service": found.service,
            "container_type": None,
            "origin_tracking_location": _location(found.origin, found.origin.country),
            "destination_tracking_location": _location(found.destination, found.destination.country),
        }
        if found
        else None,
        "fees": [],
    }


def tracker_id(number: str) -> str:
    """The identifier of a number's tracker."""
    return f"trk_{hashlib.blake2b(number.encode(), digest_size=16).hexdigest()}"


def error(status: int, code: str, message: str) -> Response:
    """EasyPost's error."""
    return json_response({"error": {"code": code, "message": message, "errors": []}}, status)


def _detail(told: Told, carrier: str | None) -> Json:
    code, words = code_and_text(told.scan)
    status, _, status_detail = code.partition("/")
    return {
        "object": "TrackingDetail",
        "message": words,
        "description": "",
        "status": status,
        "status_detail": status_detail,
        "datetime": f"{told.utc_date}T{told.utc_time}Z",
        "datetime_local": f"{told.date}T{told.time}{offset_text(told.offset)}",
        "geocode_confidence": "HIGH",
        "source": carrier,
        "carrier_code": "",
        "tracking_location": _location(told.place, told.country),
        "est_delivery_date": None,
    }


def _location(place: Place, country: str) -> Json:
    return {
        "object": "TrackingLocation",
        "city": place.city.upper(),
        "state": place.region,
        "country": country,
        "zip": place.postal_code,
    }


class EasyPost(StandIn):
    """EasyPost. Remembers which trackers were created, the last half million of them."""

    name = "easypost"

    def __init__(self) -> None:
        """There is no tracker yet."""
        self._created: dict[str, None] = {}

    def number(self, ago: int, index: int, piece: int, salt: int, service: str) -> str:
        """An aggregator gives out no numbers: ValueError."""
        raise ValueError("EasyPost's trackers give out no tracking numbers")

    def digits_of(self, number: str) -> str | None:
        """No number is an aggregator's own."""
        return None

    def code_and_text(self, scan: Scan) -> tuple[str, str]:
        """`status/status_detail` and the message."""
        return code_and_text(scan)

    def endpoints(self) -> list[Endpoint]:
        """Trackers by many numbers, a list by pages, and a new one."""
        return [
            Endpoint("POST", "/v2/trackers/batch", self._batch),
            Endpoint("GET", "/v2/trackers", self._list),
            Endpoint("POST", "/v2/trackers", self._create),
        ]

    def accepts(self, request: Request, counter: Counter) -> bool:
        """HTTP Basic with the API key as user, and no password."""
        return basic_credentials(request.headers.get("authorization", "")) == (SANDBOX_SECRET, "")

    def refusal(self) -> Response:
        """EasyPost's error."""
        return error(401, "APIKEY.INACTIVE", "This api key is no longer active. Please use a different api key.")

    async def _batch(self, request: Request, counter: Counter, malformed: bool) -> Response:
        told = json_body(await request.body())
        codes = told.get("tracking_codes") if isinstance(told, dict) else None
        if not isinstance(codes, list) or not all(isinstance(code, str) for code in codes):
            return error(422, "PARAMETER.REQUIRED", "Missing required parameter: tracking_codes.")
        # A fault must reach a parcel that is not followed yet, too.
        known = [code for place, code in enumerate(codes) if code in self._created or (malformed and place == 0)]
        found = [self._tracker(code, counter, malformed and code == codes[0]) for code in known[:LARGEST_PAGE]]
        return json_response({"trackers": found, "has_more": len(known) > LARGEST_PAGE})

    async def _list(self, request: Request, counter: Counter, malformed: bool) -> Response:
        asked = request.query_params
        size = asked.get("page_size", str(PAGE_SIZE))
        if not size.isdecimal() or not 0 < int(size) <= LARGEST_PAGE:
            return error(422, "PARAMETER.INVALID", f"page_size is 1 to {LARGEST_PAGE}.")
        codes = [code for code in reversed(self._created) if asked.get("tracking_code", code) == code]
        if before := asked.get("before_id"):
            ids = [tracker_id(code) for code in codes]
            codes = codes[ids.index(before) + 1 :] if before in ids else []
        page = codes[: int(size)]
        found = [self._tracker(code, counter, malformed and code == page[0]) for code in page]
        return json_response({"trackers": found, "has_more": len(codes) > len(page)})

    async def _create(self, request: Request, counter: Counter, malformed: bool) -> Response:
        told = json_body(await request.body())
        wanted = told.get("tracker") if isinstance(told, dict) else None
        code = wanted.get("tracking_code") if isinstance(wanted, dict) else None
        if not isinstance(code, str) or not code:
            return error(422, "PARAMETER.REQUIRED", "Missing required parameter: tracking_code.")
        self._created[code] = None
        if len(self._created) > MOST_TRACKERS:
            del self._created[next(iter(self._created))]
        return json_response(self._tracker(code, counter, malformed), 201)

    def _tracker(self, code: str, counter: Counter, malformed: bool) -> Json:
        shipment, piece = counter.find(code) or (None, 0)
        return tracker(code, shipment, piece, counter.now(), counter.flaw(self.name, code, malformed))


STAND_IN = EasyPost
