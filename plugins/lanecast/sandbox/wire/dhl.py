"""DHL Shipment Tracking, Unified: codes and answers.

Shape: the public API reference of `GET /track/shipments`. Status codes are its five: pre-transit, transit, delivered,
failure, unknown; the words tell the rest. Timestamps are local, without a zone. The platform's code is `statusCode`.
"""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from lanecast.sandbox.journey import Scan
from lanecast.sandbox.network import Place
from lanecast.sandbox.shipment import Shipment
from lanecast.sandbox.tracking_numbers import gs1_check, piece_number
from lanecast.sandbox.wire.base import Counter, Endpoint, StandIn, has_key, json_response
from lanecast.sandbox.wire.told import Json, Told, printed, tell

CODES: dict[str, tuple[str, str, str]] = {
    "label_created": ("pre-transit", "Shipment information received", "The sender has announced the shipment to DHL"),
    "picked_up": ("transit", "Shipment picked up", "Shipment picked up"),
    "origin_hub_arrived": ("transit", "Arrived at DHL Sort Facility", "Arrived at DHL Sort Facility"),
    "export_cleared": ("transit", "Customs clearance completed", "Export customs clearance completed"),
    "origin_departed": ("transit", "Departed Facility", "Departed Facility in the origin country"),
    "country_arrived": ("transit", "Arrived in destination country", "Arrived in destination country"),
    "import_started": ("transit", "Customs status updated", "Customs status updated"),
    "customs_hold": ("transit", "Customs hold", "Uncontrollable clearance delay"),
    "import_cleared": ("transit", "Released by customs", "Released by customs"),
    "delivery_hub_arrived": ("transit", "Arrived at delivery facility", "Arrived at delivery facility"),
    "delayed": ("transit", "Shipment on hold", "Shipment on hold"),
    "damaged": ("failure", "Damaged", "The shipment was damaged and is being packed anew"),
    "out_for_delivery": ("transit", "Out for delivery", "Shipment is out with courier for delivery"),
    "failed_attempt": ("failure", "Delivery attempted", "Delivery attempted; recipient not home"),
    "refused": ("failure", "Refused", "The shipment was refused by the recipient"),
    "available_for_pickup": ("transit", "Ready for collection", "The shipment is ready for collection"),
    "delivered": ("delivered", "Delivered", "Delivered"),
    "returning": ("failure", "Return to sender", "The shipment will be returned: return to sender"),
    "returned": ("failure", "Returned to sender", "The shipment was returned to sender"),
    "lost": ("failure", "Shipment lost", "Shipment lost; the search is closed"),
}

_REASONS = {
    "missing_invoice": "Further clearance processing is required: the invoice is missing",
    "duties_unpaid": "Held by customs: awaiting payment of duties and taxes",
    "inspection": "Held by customs for inspection",
    "wrong_value": "Held by customs: the declared value is in question",
    "weather": "Shipment on hold: adverse weather",
    "strike": "Shipment on hold: strike",
    "bad_address": "Delivery attempt failed: incorrect address",
}


def code_and_text(scan: Scan) -> tuple[str, str]:
    """`statusCode` and DHL's words."""
    return CODES[scan.kind][0], _words(scan)


def answer(shipment: Shipment, now: int, flaw: str | None) -> Json | None:
    """The answer for a shipment's number, or None while DHL has not heard of it."""
    told = tell(shipment.scans_until(now), flaw)
    if not told:
        return None
    details: Json = {
        "product": {"productName": shipment.service},
        "totalNumberOfPieces": shipment.pieces,
        "pieceIds": [piece_number(shipment.number, piece) for piece in range(shipment.pieces)],
    }
    found: Json = {
        "id": shipment.number,
        "service": shipment.service_code,
        "origin": {"address": _address(shipment.origin, shipment.origin.country)},
        "destination": {"address": _address(shipment.destination, shipment.destination.country)},
        "status": _event(told[0]),
        "details": details,
        "events": [_event(one) for one in told],
    }
    if flaw == "malformed_parcel":
        found["events"] = [{"timestamp": {"date": None}, "statusCode": 3}, "transit"]
        found["status"] = None
    return {
        "url": f"/shipments?trackingNumber={shipment.number}&offset=0&limit=5",
        "firstUrl": f"/shipments?trackingNumber={shipment.number}&offset=0&limit=5",
        "lastUrl": f"/shipments?trackingNumber={shipment.number}&offset=0&limit=5",
        "shipments": [found],
    }


def problem(status: int, title: str, detail: str) -> Json:
    """DHL's errors are problem documents (RFC 9457)."""
    return {"title": title, "status": status, "detail": detail}


def _event(told: Told) -> Json:
    code, status, _ = CODES[told.scan.kind]
    return {
        "timestamp": f"{told.date}T{told.time}",
        "location": {"address": _address(told.place, told.country)},
        "statusCode": code,
        "status": status,
        "description": _words(told.scan),
    }


def _words(scan: Scan) -> str:
    text = CODES[scan.kind][2]
    return printed(scan, text, _REASONS)


def _address(place: Place, country: str) -> Json:
    return {
        "countryCode": country,
        "postalCode": place.postal_code,
        "addressLocality": place.city,
    }


class Dhl(StandIn):
    """DHL."""

    name = "dhl"

    def number(self, ago: int, index: int, piece: int, salt: int, service: str) -> str:
        """Ten digits (modulo 7) for Express, else twenty (GS1)."""
        if service.startswith("express"):
            body = f"{ago:04d}{index:04d}{salt % 10}"
            return f"{body}{int(body) % 7}"
        body = f"00340434{ago:04d}{index:04d}{salt:03d}"
        return f"{body}{gs1_check(body)}"

    def digits_of(self, number: str) -> str | None:
        """Of ten digits the first eight, of twenty those behind the prefix."""
        if len(number) == 10:
            return number[:8] + "0"
        return number[8:16] + "0" if len(number) == 20 and number.startswith("00340434") else None

    def code_and_text(self, scan: Scan) -> tuple[str, str]:
        """`statusCode` and DHL's words."""
        return code_and_text(scan)

    def endpoints(self) -> list[Endpoint]:
        """Tracking by one number."""
        return [Endpoint("GET", "/track/shipments", self._track)]

    def accepts(self, request: Request, counter: Counter) -> bool:
        """A key in a header."""
        return has_key(request, self.name, "dhl-api-key")

    def refusal(self) -> Response:
        """A problem document."""
        return _problem_response(401, "Unauthorized", "The DHL-API-Key header is missing or wrong")

    async def _track(self, request: Request, counter: Counter, malformed: bool) -> Response:
        number = request.query_params.get("trackingNumber", "")
        if not number:
            return _problem_response(400, "Bad Request", "The query parameter trackingNumber is required")
        found = counter.find(number, self.name)
        content = found and answer(found[0], counter.now(), counter.flaw(self.name, number, malformed))
        if content:
            return json_response(content)
        return _problem_response(404, "No result found", "No shipment with given tracking number found.")


def _problem_response(status: int, title: str, detail: str) -> Response:
    body = msgspec.json.encode(problem(status, title, detail))
    return Response(body, status, media_type="application/problem+json")


STAND_IN = Dhl
