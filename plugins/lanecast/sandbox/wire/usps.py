"""USPS Tracking API v3: codes and answers.

Shape: the public API reference of `GET /tracking/v3/tracking/{number}?expand=DETAIL`. Event codes are those of
Publication 199 (GX label, 03 acceptance, 10 origin facility, 07 post office, OF out for delivery, 02 notice left, 04
refused, 14 pickup point, 09 return, 11 mail recovery, DX not updated, 01 delivered, after 09 to the sender). USPS
publishes no list for what happens abroad: those are the last two letters of the UPU's EMSEVT events (EMC outward
office left, EMD inward office reached, EDA held for export, EDB into customs, EME held, EDC out of customs), and DG
(damaged) is the sandbox's own. Country is null within the US. The platform's code is `eventCode`.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from lanecast.sandbox.access import is_client
from lanecast.sandbox.journey import Scan
from lanecast.sandbox.shipment import Shipment
from lanecast.sandbox.tracking_numbers import s10_digits, s10_number, service_letter
from lanecast.sandbox.wire.base import Counter, Endpoint, StandIn, has_bearer, json_body, json_response
from lanecast.sandbox.wire.told import NO_SUCH_COUNTRY, Json, Told, offset_text, printed, tell

CODES: dict[str, tuple[str, str, str]] = {
    "label_created": ("GX", "Shipping Label Created, USPS Awaiting Item", "Pre-Shipment"),
    "picked_up": ("03", "USPS in possession of item", "Accepted"),
    "origin_hub_arrived": ("10", "Arrived at USPS Regional Origin Facility", "In Transit"),
    "export_cleared": ("DA", "Processed Through Facility, Export Released", "In Transit"),
    "origin_departed": ("MC", "Departed USPS International Service Center", "In Transit"),
    "country_arrived": ("MD", "Arrived in Destination Country", "In Transit"),
    "import_started": ("DB", "Inbound Into Customs", "In Transit"),
    "customs_hold": ("ME", "Held in Customs", "Alert"),
    "import_cleared": ("DC", "Inbound Out of Customs", "In Transit"),
    "delivery_hub_arrived": ("07", "Arrived at Post Office", "In Transit"),
    "delayed": ("DX", "Delivery Delayed", "Alert"),
    "damaged": ("DG", "Item Damaged", "Alert"),
    "out_for_delivery": ("OF", "Out for Delivery", "Out for Delivery"),
    "failed_attempt": ("02", "Notice Left (No Authorized Recipient Available)", "Delivery Attempt"),
    "refused": ("04", "Refused", "Alert"),
    "available_for_pickup": ("14", "Available for Pickup", "Available for Pickup"),
    "delivered": ("01", "Delivered", "Delivered"),
    "returning": ("09", "Return to Sender", "Alert"),
    "returned": ("01", "Delivered, To Original Sender", "Delivered to Sender"),
    "lost": ("11", "Item Not Located, Sent to Mail Recovery", "Alert"),
}

_REASONS = {
    "missing_invoice": "Held in Customs, Invoice Missing",
    "duties_unpaid": "Held in Customs, Duties Unpaid",
    "inspection": "Held in Customs, Inspection",
    "wrong_value": "Held in Customs, Value To Be Confirmed",
    "weather": "Delivery Delayed, Weather",
    "strike": "Delivery Delayed, Labor Dispute",
    "bad_address": "Insufficient Address",
}


def code_and_text(scan: Scan) -> tuple[str, str]:
    """`eventCode` and USPS's words."""
    return CODES[scan.kind][0], _words(scan)


def answer(shipment: Shipment, now: int, flaw: str | None) -> Json | None:
    """The answer for a number, or None while USPS has not heard of it."""
    told = tell(shipment.scans_until(now), flaw)
    if not told:
        return None
    _, _, category = CODES[told[0].scan.kind]
    events: object = [_event(one) for one in told]
    if flaw == "malformed_parcel":
        events = [None, {"eventTimestamp": 17, "eventCode": {"code": "03"}}]
    return {
        "trackingNumber": shipment.number,
        "mailClass": f"{shipment.service}<SUP>&#174;</SUP>",
        "mailType": "INTERNATIONAL_OUTBOUND",
        "originCity": shipment.origin.city.upper(),
        "originState": shipment.origin.region,
        "originZIP": shipment.origin.postal_code,
        "originCountry": shipment.origin.country,
        "destinationCity": shipment.destination.city.upper(),
        "destinationCountryCode": shipment.destination.country,
        "status": _words(told[0].scan),
        "statusCategory": category,
        "statusSummary": f"{_words(told[0].scan)} on {told[0].date} in {told[0].place.city.upper()}.",
        "trackingEvents": events,
    }


def error(status: int, code: str, message: str) -> Json:
    """USPS's error shape."""
    return {"apiVersion": "v3", "error": {"code": str(status), "message": message, "errors": [{"code": code}]}}


def _event(told: Told) -> Json:
    home = told.country == "US"
    country = None if home else told.country
    if country is not None and country != NO_SUCH_COUNTRY:
        country = told.place.country_name.upper()
    return {
        "eventType": _words(told.scan),
        "eventTimestamp": f"{told.date}T{told.time[:5]}:00",
        "GMTTimestamp": f"{told.utc_date}T{told.utc_time}Z",
        "GMTOffset": offset_text(told.offset),
        "eventCountry": country,
        "eventCity": told.place.city.upper(),
        "eventState": told.place.region if home else None,
        "eventZIP": told.place.postal_code if home else None,
        "firm": None,
        "name": None,
        "authorizedAgent": "false",
        "eventCode": CODES[told.scan.kind][0],
        "additionalProp": None,
    }


def _words(scan: Scan) -> str:
    text = CODES[scan.kind][1]
    return printed(scan, text, _REASONS)


class Usps(StandIn):
    """USPS."""

    name = "usps"

    def number(self, ago: int, index: int, piece: int, salt: int, service: str) -> str:
        """Two letters, eight digits, a check digit, US (UPU S10)."""
        return s10_number("CL"[salt % 2] + service_letter(service), ago, index, "US")

    def digits_of(self, number: str) -> str | None:
        """The eight digits."""
        return s10_digits(number, "US")

    def code_and_text(self, scan: Scan) -> tuple[str, str]:
        """`eventCode` and USPS's words."""
        return code_and_text(scan)

    def endpoints(self) -> list[Endpoint]:
        """A token by JSON, and tracking by one number."""
        return [
            Endpoint("POST", "/oauth2/v3/token", self._token, is_open=True),
            Endpoint("GET", "/tracking/v3/tracking/{number}", self._track),
        ]

    def accepts(self, request: Request, counter: Counter) -> bool:
        """A bearer token."""
        return has_bearer(request, counter, self.name)

    def refusal(self) -> Response:
        """USPS's error."""
        return json_response(error(401, "invalid_token", "The access token is invalid or has expired."), 401)

    async def _token(self, request: Request, counter: Counter, malformed: bool) -> Response:
        told = json_body(await request.body())
        if not isinstance(told, dict) or told.get("grant_type") != "client_credentials":
            return json_response(error(400, "invalid_request", "grant_type must be client_credentials"), 400)
        if not is_client(self.name, told.get("client_id"), told.get("client_secret")):
            return json_response(error(401, "invalid_client", "The client credentials are not valid."), 401)
        token, seconds = counter.token(self.name)
        return json_response(
            {"access_token": token, "token_type": "Bearer", "expires_in": seconds, "status": "approved"}
            | {"scope": "tracking"}
        )

    async def _track(self, request: Request, counter: Counter, malformed: bool) -> Response:
        number = request.path_params["number"]
        found = counter.find(number, self.name)
        content = found and answer(found[0], counter.now(), counter.flaw(self.name, number, malformed))
        if content:
            return json_response(content)
        return json_response(error(404, "-2147219283", "A status update is not yet available on your package."), 404)


STAND_IN = Usps
