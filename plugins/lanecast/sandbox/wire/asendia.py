"""Asendia Sync tracking: event codes and answers.

Shape: Asendia's OpenAPI document (`/api/authenticate`, `/api/customers/{customerId}/tracking/{number}`). Asendia
publishes no list of its event codes: PU, IT and DL are those of a sample answer, and the words tell the rest, by the
names of the UPU's item events. Times are UTC. The platform's code is `code`.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from lanecast.sandbox.access import is_client
from lanecast.sandbox.journey import Scan
from lanecast.sandbox.shipment import Shipment
from lanecast.sandbox.tracking_numbers import s10_digits, s10_number, service_letter
from lanecast.sandbox.wire.base import Counter, Endpoint, StandIn, has_bearer, json_body, json_response
from lanecast.sandbox.wire.told import Json, Told, printed, tell

CODES: dict[str, tuple[str, str]] = {
    "label_created": ("IT", "Item announced by the sender"),
    "picked_up": ("PU", "Posting/collection"),
    "origin_hub_arrived": ("IT", "Arrival at outward office of exchange"),
    "export_cleared": ("IT", "Item returned from export customs"),
    "origin_departed": ("IT", "Departure from outward office of exchange"),
    "country_arrived": ("IT", "Arrival at inward office of exchange"),
    "import_started": ("IT", "Item presented to import customs"),
    "customs_hold": ("IT", "Item held by import customs"),
    "import_cleared": ("IT", "Item returned from import customs"),
    "delivery_hub_arrived": ("IT", "Arrival at delivery office"),
    "delayed": ("IT", "Item delayed"),
    "damaged": ("IT", "Item damaged"),
    "out_for_delivery": ("IT", "Item out for physical delivery"),
    "failed_attempt": ("IT", "Unsuccessful delivery: recipient absent"),
    "refused": ("IT", "Item refused by the recipient"),
    "available_for_pickup": ("IT", "Item arrival at collection point for pick-up"),
    "delivered": ("DL", "Final delivery"),
    "returning": ("IT", "Return to sender"),
    "returned": ("IT", "Item returned to sender"),
    "lost": ("IT", "Item lost"),
}

_REASONS = {
    "missing_invoice": "Item held by import customs: invoice missing",
    "duties_unpaid": "Item held by import customs: duties unpaid",
    "inspection": "Item held by import customs: inspection",
    "wrong_value": "Item held by import customs: value in question",
    "weather": "Item delayed: weather",
    "strike": "Item delayed: strike",
    "bad_address": "Unsuccessful delivery: incorrect address",
}


def code_and_text(scan: Scan) -> tuple[str, str]:
    """`code` and `carrierEventDescription`."""
    code, text = CODES[scan.kind]
    return code, printed(scan, text, _REASONS)


def answer(shipment: Shipment, now: int, flaw: str | None) -> Json | None:
    """The answer for a number, oldest event first, or None while Asendia has not heard of it."""
    told = tell(shipment.scans_until(now), flaw)
    if not told:
        return None
    events: object = [_event(number, one) for number, one in enumerate(reversed(told), start=1)]
    if flaw == "malformed_parcel":
        events = ["IT", {"id": 1, "code": ["IT"], "time": {"date": None}}]
    return {"trackingNumber": shipment.number, "trackingEvents": events}


def problem(status: int, title: str, detail: str, message: str) -> Json:
    """Asendia's problem documents."""
    return {
        "type": "https://www.asendia-sync.com/problem/problem-with-message",
        "title": title,
        "status": status,
        "detail": detail,
        "message": message,
    }


def _event(number: int, told: Told) -> Json:
    code, text = code_and_text(told.scan)
    return {
        "id": number,
        "code": code,
        "time": f"{told.utc_date}T{told.utc_time}Z",
        "locationName": told.place.city,
        "carrierEventDescription": text,
        "locationCountry": told.country,
    }


class Asendia(StandIn):
    """Asendia."""

    name = "asendia"

    def number(self, ago: int, index: int, piece: int, salt: int, service: str) -> str:
        """Two letters, eight digits, a check digit, CH (UPU S10)."""
        return s10_number("LU"[salt % 2] + service_letter(service), ago, index, "CH")

    def digits_of(self, number: str) -> str | None:
        """The eight digits."""
        return s10_digits(number, "CH")

    def code_and_text(self, scan: Scan) -> tuple[str, str]:
        """`code` and `carrierEventDescription`."""
        return code_and_text(scan)

    def endpoints(self) -> list[Endpoint]:
        """A token by JSON, and tracking by one number."""
        return [
            Endpoint("POST", "/api/authenticate", self._token, is_open=True),
            Endpoint("GET", "/api/customers/{customer}/tracking/{number}", self._track),
        ]

    def accepts(self, request: Request, counter: Counter) -> bool:
        """A bearer token."""
        return has_bearer(request, counter, self.name)

    def refusal(self) -> Response:
        """A problem document."""
        told = problem(401, "Unauthorized", "Full authentication is required", "error.http.401")
        return json_response(told, 401)

    async def _token(self, request: Request, counter: Counter, malformed: bool) -> Response:
        told = json_body(await request.body())
        if not isinstance(told, dict) or not is_client(self.name, told.get("username"), told.get("password")):
            return json_response(problem(401, "Unauthorized", "Bad credentials", "error.http.401"), 401)
        token, _ = counter.token(self.name)
        return json_response({"id_token": token})

    async def _track(self, request: Request, counter: Counter, malformed: bool) -> Response:
        number = request.path_params["number"]
        found = counter.find(number, self.name)
        content = found and answer(found[0], counter.now(), counter.flaw(self.name, number, malformed))
        if content:
            return json_response(content)
        return json_response(problem(404, "Not Found", "Tracking not found", "error.tracking.not_found"), 404)


STAND_IN = Asendia
