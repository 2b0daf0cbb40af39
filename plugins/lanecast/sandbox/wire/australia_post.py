"""Australia Post Shipping and Tracking API: words and answers.

Shape: the developer pages of `GET /shipping/v1/track`. There are no codes: the words are what the platform keeps as the
code, without the facility behind them. All times are those of Melbourne. It has no words for a lost item that are
published (cannot be delivered) and prints a border's events without saying whose customs it is.
"""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response

from lanecast.sandbox.journey import Scan
from lanecast.sandbox.shipment import Shipment
from lanecast.sandbox.tracking_numbers import gs1_check, service_digits
from lanecast.sandbox.wire.base import Counter, Endpoint, StandIn, has_basic, json_response
from lanecast.sandbox.wire.told import Json, Told, offset_text, printed, stamp, tell

MOST_NUMBERS = 10
MELBOURNE = ZoneInfo("Australia/Melbourne")

WORDS: dict[str, str] = {
    "label_created": "Shipping information received by Australia Post",
    "picked_up": "Received by Australia Post",
    "origin_hub_arrived": "Item processed at facility",
    "export_cleared": "Cleared and awaiting international departure",
    "origin_departed": "Departed facility",
    "country_arrived": "Arrived at facility in destination country",
    "import_started": "Item is in Customs",
    "customs_hold": "Held in Customs",
    "import_cleared": "Item cleared by Customs",
    "delivery_hub_arrived": "Arrived at facility",
    "delayed": "Possible delay",
    "damaged": "Article damaged",
    "out_for_delivery": "Onboard for delivery",
    "failed_attempt": "Attempted delivery - Customer not home",
    "refused": "Attempted delivery - Refused",
    "available_for_pickup": "Awaiting collection",
    "delivered": "Delivered",
    "returning": "Return to sender",
    "returned": "Returned to sender",
    "lost": "Cannot be delivered",
}

_REASONS = {
    "missing_invoice": "Held in Customs - Invoice required",
    "duties_unpaid": "Held in Customs - Duties unpaid",
    "inspection": "Held in Customs - Inspection",
    "weather": "Possible delay - Weather",
    "strike": "Possible delay - Industrial action",
    "bad_address": "Attempted delivery - Incorrect address",
}

_STATUS = {"delivered": "Delivered", "available_for_pickup": "Awaiting collection", "label_created": "Initiated"}


def code_and_text(scan: Scan) -> tuple[str, str]:
    """The words, and the words with the facility, as Australia Post prints them."""
    words = _words(scan)
    facility = f" at {scan.place.city.upper()} LPO" if scan.kind == "available_for_pickup" else ""
    return words, words + facility


def answer(shipment: Shipment, now: int, flaw: str | None) -> Json | None:
    """The result for a number, or None while Australia Post has not heard of it."""
    told = tell(shipment.scans_until(now), flaw)
    if not told:
        return None
    events: object = [_event(one) for one in told]
    if flaw == "malformed_parcel":
        events = [{"date": None, "description": "Delivered"}, "Onboard for delivery"]
    status = _STATUS.get(told[0].scan.kind, "In transit")
    article = {
        "article_id": shipment.number,
        "product_type": shipment.service,
        "events": events,
        "status": status,
    }
    return {"tracking_id": shipment.number, "status": status, "trackable_items": [article]}


def _words(scan: Scan) -> str:
    words = WORDS[scan.kind]
    return printed(scan, words, _REASONS)


def _event(told: Told) -> Json:
    home = told.country == "AU"
    city = told.place.city.upper()
    return {
        "location": f"{city} {told.place.region}" if home else f"{city} ({told.country})",
        "description": code_and_text(told.scan)[1],
        "date": _date(told),
    }


def _date(told: Told) -> str:
    """The time in Melbourne; a date that the world has broken stays broken."""
    instant = told.scan.instant
    delta = datetime.fromtimestamp(instant, UTC).astimezone(MELBOURNE).utcoffset()
    offset = int(delta.total_seconds()) if delta else 0
    date, time = stamp(instant + offset)
    if told.utc_date != stamp(instant)[0]:
        date = told.utc_date
    return f"{date}T{time}{offset_text(offset)}"


def _problem(code: str, name: str, message: str) -> Json:
    return {"errors": [{"code": code, "name": name, "message": message}]}


class AustraliaPost(StandIn):
    """Australia Post."""

    name = "australia_post"

    def number(self, ago: int, index: int, piece: int, salt: int, service: str) -> str:
        """Twenty digits: 00 and a serial number of a parcel (GS1)."""
        body = f"9{ago:04d}{index:04d}{salt:03d}{service_digits(service)}000"
        return f"00{body}{gs1_check(body)}"

    def digits_of(self, number: str) -> str | None:
        """The eight digits behind the first three."""
        return number[3:11] + "0" if len(number) == 20 and number.startswith("009") else None

    def code_and_text(self, scan: Scan) -> tuple[str, str]:
        """The words twice, once without the facility."""
        return code_and_text(scan)

    def endpoints(self) -> list[Endpoint]:
        """Tracking by up to ten numbers."""
        return [Endpoint("GET", "/shipping/v1/track", self._track)]

    def accepts(self, request: Request, counter: Counter) -> bool:
        """HTTP Basic. The charge account's number is not checked: the sandbox has none."""
        return has_basic(request, self.name)

    def refusal(self) -> Response:
        """An error."""
        return json_response(_problem("API_001", "Unauthorised", "The API key or the password is not valid"), 401)

    async def _track(self, request: Request, counter: Counter, malformed: bool) -> Response:
        numbers = [one for one in request.query_params.get("tracking_ids", "").split(",") if one]
        if not numbers:
            content = _problem("51100", "TRACKING_IDS_MISSING", "The request must contain at least one tracking id.")
            return json_response(content, 400)
        if len(numbers) > MOST_NUMBERS:
            content = _problem("51101", "TOO_MANY_AP_TRACKING_IDS", "The request must contain 10 or less AP ids.")
            return json_response(content, 400)
        results: list[Json] = []
        for place, number in enumerate(numbers):
            found = counter.find(number, self.name)
            flaw = counter.flaw(self.name, number, malformed and place == 0)
            told = found and answer(found[0], counter.now(), flaw)
            unknown = {"tracking_id": number, "errors": [{"code": "ESB-10001", "name": "Invalid tracking ID"}]}
            results.append(told or unknown)
        return json_response({"tracking_results": results})


STAND_IN = AustraliaPost
