"""AfterShip Tracking, version 2026-07: codes and answers, about the parcels of every carrier of the world.

Shape: the API reference and SDKs of `GET` and `POST /trackings`. Subtags are those of its list of sub-statuses. A
number that was created is tracked at once. Checkpoint times are local with their offset, left out for some parcels.
The platform's code is the checkpoint's `subtag`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections import OrderedDict
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response

from lanecast.carriers.alpha3 import alpha3_of
from lanecast.carriers.carrier_keys import key_of
from lanecast.sandbox.journey import Scan
from lanecast.sandbox.wire.base import Counter, Endpoint, StandIn, has_key, json_body, json_response
from lanecast.sandbox.wire.told import Json, Told, offset_text, printed, tell, utc_text

CODES: dict[str, tuple[str, str]] = {
    "label_created": ("InfoReceived_001", "Shipping label created"),
    "picked_up": ("InTransit_002", "Picked up by the carrier"),
    "origin_hub_arrived": ("InTransit_003", "Arrived at sort facility"),
    "export_cleared": ("InTransit_005", "Export clearance completed"),
    "origin_departed": ("InTransit_007", "Departed from facility"),
    "country_arrived": ("InTransit_004", "Arrived in destination country"),
    "import_started": ("InTransit_006", "Presented to customs"),
    "customs_hold": ("Exception_004", "Clearance delay"),
    "import_cleared": ("InTransit_005", "Clearance processing complete"),
    "delivery_hub_arrived": ("InTransit_003", "Arrived at delivery facility"),
    "delayed": ("Exception_005", "Shipment delayed"),
    "damaged": ("Exception_012", "Package damaged"),
    "out_for_delivery": ("OutForDelivery_001", "Out for delivery"),
    "failed_attempt": ("AttemptFail_002", "Delivery attempted, no one home"),
    "refused": ("Exception_003", "Refused by recipient"),
    "available_for_pickup": ("AvailableForPickup_001", "Ready for collection at pickup point"),
    "delivered": ("Delivered_001", "Delivered"),
    "returning": ("Exception_010", "Returning to sender"),
    "returned": ("Exception_011", "Returned to sender"),
    "lost": ("Exception_013", "Package lost"),
}
_REASONS = {
    "missing_invoice": ("Exception_018", "Commercial invoice missing"),
    "duties_unpaid": ("Exception_004", "Held by customs until duties are paid"),
    "inspection": ("Exception_004", "Held by customs for inspection"),
    "weather": ("Exception_017", "Delayed by adverse weather"),
    "strike": ("Exception_005", "Delayed by industrial action"),
    "bad_address": ("Exception_007", "Incorrect address"),
}
_PENDING = "Pending_001"
_UNRECOGNIZED = "unrecognized"
MOST_NUMBERS = 50
MOST_KEPT = 100_000
_LIMIT, _LARGEST_LIMIT = 100, 200


def code_and_text(scan: Scan) -> tuple[str, str]:
    """The subtag and the carrier's words."""
    usual = CODES[scan.kind]
    return printed(scan, usual, _REASONS)


class Aftership(StandIn):
    """AfterShip: it keeps which numbers were created, the newest MOST_KEPT of them, with the slug that was sent."""

    name = "aftership"

    def __init__(self) -> None:
        """Nothing was created yet."""
        self._created: OrderedDict[str, str | None] = OrderedDict()

    def number(self, ago: int, index: int, piece: int, salt: int, service: str) -> str:
        """An aggregator gives out no numbers."""
        raise NotImplementedError("AfterShip gives out no tracking numbers")

    def digits_of(self, number: str) -> str | None:
        """No number is AfterShip's own."""
        return None

    def code_and_text(self, scan: Scan) -> tuple[str, str]:
        """The subtag and the carrier's words."""
        return code_and_text(scan)

    def endpoints(self) -> list[Endpoint]:
        """The list of trackings, and the creation of one."""
        return [Endpoint("GET", "/trackings", self._list), Endpoint("POST", "/trackings", self._create)]

    def accepts(self, request: Request, counter: Counter) -> bool:
        """A key in a header."""
        return has_key(request, self.name, "as-api-key")

    def refusal(self) -> Response:
        """AfterShip's envelope."""
        return _error(401, 401, "Unauthorized", "The API key is invalid.")

    async def _list(self, request: Request, counter: Counter, malformed: bool) -> Response:
        query = request.query_params
        asked = [number.strip() for number in query.get("tracking_numbers", "").split(",") if number.strip()]
        limit = query.get("limit", str(_LIMIT))
        if len(asked) > MOST_NUMBERS:
            return _invalid("tracking_numbers")
        if not limit.isdecimal() or not 1 <= int(limit) <= _LARGEST_LIMIT:
            return _invalid("limit")
        start = _offset_of(query.get("cursor", ""))
        if start is None:
            return _invalid("cursor")
        earliest = _instant_of(query.get("updated_at_min"))
        if earliest is None:
            return _invalid("updated_at_min")
        if earliest > counter.now():  # the asker's clock is ahead of the world's: nothing can be left out
            earliest = 0
        if malformed and asked and not any(number in self._created for number in asked):
            self._keep(asked[0], None)
        known = [number for number in dict.fromkeys(asked or self._created) if number in self._created]
        found = [one for number in known if (one := self._tracking(number, counter))[0] >= earliest]
        page = [tracking for _, tracking in found[start : start + int(limit)]]
        if malformed and page:
            page[0] = _broken(page[0])
        following = start + int(limit)
        has_more = following < len(found)
        pagination = {
            "total": len(found),
            "next_cursor": _cursor(following) if has_more else "",
            "has_next_page": has_more,
        }
        return json_response({"meta": {"code": 200}, "data": {"pagination": pagination, "trackings": page}})

    async def _create(self, request: Request, counter: Counter, malformed: bool) -> Response:
        told = json_body(await request.body())
        if not isinstance(told, dict):
            return _error(400, 4001, "BadRequest", "Invalid JSON data.")
        number, slug = told.get("tracking_number"), told.get("slug")
        if not isinstance(number, str) or not number.strip():
            return _error(400, 4007, "BadRequest", "`tracking_number` is required.")
        number = number.strip()
        existed = number in self._created
        if not existed:
            self._keep(number, slug if isinstance(slug, str) else None)
        _, tracking = self._tracking(number, counter)
        if existed:
            known = {field: tracking[field] for field in ("id", "tracking_number", "slug")}
            return _error(400, 4003, "BadRequest", "Tracking already exists.", known)
        return json_response({"meta": {"code": 201}, "data": _broken(tracking) if malformed else tracking}, 201)

    def _keep(self, number: str, slug: str | None) -> None:
        self._created[number] = slug
        while len(self._created) > MOST_KEPT:
            self._created.popitem(last=False)

    def _tracking(self, number: str, counter: Counter) -> tuple[int, Json]:
        """When a tracking changed last, in seconds since 1970, and what is told of it; one that never did changed now.

        AfterShip is taken to hear of every scan at once.
        """
        found = counter.find(number)
        scans = found[0].scans_until(counter.now(), found[1]) if found else []
        changed = scans[-1].instant if scans else counter.now()
        told = tell(scans, counter.flaw(self.name, number))
        told.reverse()
        with_offset = not counter.lacks_offset(number)
        checkpoints = [_checkpoint(one, with_offset) for one in told]
        newest = checkpoints[-1] if checkpoints else {}
        shipment = found[0] if found else None
        slug = self._created[number] or (key_of(self.name, shipment.carrier) or shipment.carrier if shipment else None)
        subtag = newest.get("subtag", _PENDING)
        return changed, {
            "id": hashlib.blake2b(number.encode(), digest_size=16).hexdigest(),
            "tracking_number": number,
            "slug": slug or _UNRECOGNIZED,
            "active": True,
            "created_at": utc_text(scans[0].instant if scans else counter.now()).replace("Z", "+00:00"),
            "updated_at": utc_text(changed).replace("Z", "+00:00"),
            "origin_country_region": alpha3_of(shipment.origin.country) if shipment and scans else None,
            "destination_country_region": alpha3_of(shipment.destination.country) if shipment and scans else None,
            "destination_state": shipment.destination.region if shipment and scans else None,
            "shipment_type": shipment.service if shipment and scans else None,
            "tag": subtag.partition("_")[0],
            "subtag": subtag,
            "subtag_message": newest.get("subtag_message", "Pending"),
            "checkpoints": checkpoints,
        }


def _checkpoint(told: Told, with_offset: bool) -> Json:
    subtag, words = code_and_text(told.scan)
    return {
        "created_at": f"{told.utc_date}T{told.utc_time}+00:00",
        "checkpoint_time": f"{told.date}T{told.time}{offset_text(told.offset) if with_offset else ''}",
        "city": told.place.city,
        "state": told.place.region,
        "postal_code": told.place.postal_code,
        "location": f"{told.place.city}, {told.country}",
        "country_region": alpha3_of(told.country) or told.country,
        "country_region_name": told.place.country_name,
        "coordinate": None,
        "message": words,
        "tag": subtag.partition("_")[0],
        "subtag": subtag,
        "subtag_message": words,
        "raw_tag": None,
        "events": [],
        "source": "carrier",
    }


def _broken(tracking: Json) -> Json:
    return tracking | {"checkpoints": [{"checkpoint_time": {"date": None}, "subtag": 7}, "InTransit"]}


def _cursor(offset: int) -> str:
    return base64.urlsafe_b64encode(str(offset).encode()).decode()


def _offset_of(cursor: str) -> int | None:
    """Where a page begins; None for a cursor that was never given out."""
    try:
        text = base64.urlsafe_b64decode(cursor).decode() if cursor else "0"
    except (binascii.Error, ValueError):
        return None
    return int(text) if text.isdecimal() else None


def _instant_of(text: str | None) -> int | None:
    """Seconds since 1970 of a time with offset, 0 where none is asked for; None for what is no such time."""
    try:
        moment = datetime.fromisoformat(text) if text else datetime.fromtimestamp(0, UTC)
    except ValueError:
        return None
    return int(moment.timestamp()) if moment.tzinfo else None


def _invalid(field: str) -> Response:
    return _error(400, 4008, "BadRequest", f"The value of `{field}` is invalid.")


def _error(status: int, code: int, kind: str, message: str, data: Json | None = None) -> Response:
    meta = {"code": code, "type": kind, "message": message, "errors": []}
    return json_response({"meta": meta, "data": data or {}}, status)


STAND_IN = Aftership
