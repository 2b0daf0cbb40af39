"""UPS Track API v1: codes and answers.

Shape: the published OpenAPI document (UPS-API/api-documentation, Tracking.yaml). Activity status types: M manifest,
P pickup, I in transit, O out for delivery, X exception, RS returned, D delivered; three-digit current status codes
are those of the API's appendix. The platform's code of an event is `type/code`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from lanecast.sandbox.access import basic_credentials, is_client
from lanecast.sandbox.journey import Scan
from lanecast.sandbox.shipment import Shipment
from lanecast.sandbox.tracking_numbers import service_digits, ups_check
from lanecast.sandbox.wire.base import Counter, Endpoint, StandIn, has_bearer, json_response
from lanecast.sandbox.wire.told import Json, Told, offset_text, printed, tell


class Code(NamedTuple):
    """An activity's status: type, code, text, and the three-digit status of the package."""

    type: str
    code: str
    text: str
    status: str
    simple: str


CODES: dict[str, Code] = {
    "label_created": Code(
        "M", "MP", "Shipper created a label, UPS has not received the package yet.", "003", "Label Created"
    ),
    "picked_up": Code("P", "PU", "Pickup Scan", "038", "Picked Up"),
    "origin_hub_arrived": Code("I", "AR", "Arrived at Facility", "005", "In Transit"),
    "export_cleared": Code("I", "SR", "Your package was released by the customs agency.", "014", "Cleared Customs"),
    "origin_departed": Code("I", "DP", "Departed from Facility", "005", "In Transit"),
    "country_arrived": Code("I", "IP", "Import Scan", "005", "In Transit"),
    "import_started": Code("I", "Z1", "Clearance in progress", "012", "Clearance in Progress"),
    "customs_hold": Code("X", "DK", "Your package is held by customs.", "058", "Clearance Information Required"),
    "import_cleared": Code("X", "SR", "Your package was released by the customs agency.", "014", "Cleared Customs"),
    "delivery_hub_arrived": Code("I", "AR", "Arrived at Facility", "005", "In Transit"),
    "delayed": Code("X", "DJ", "Adverse conditions may cause delays.", "048", "Delay"),
    "damaged": Code("X", "A7", "The package was damaged in transit.", "059", "Damage Reported"),
    "out_for_delivery": Code("I", "OT", "Out For Delivery Today", "021", "Out for Delivery"),
    "failed_attempt": Code(
        "X", "48", "The customer was not available when UPS attempted delivery.", "060", "Delivery Attempted"
    ),
    "refused": Code("X", "SA", "The receiver refused the package.", "064", "Delivery Refused"),
    "available_for_pickup": Code(
        "I", "ZP", "The package is at a UPS Access Point, awaiting the customer.", "040", "Ready for Pickup"
    ),
    "delivered": Code("D", "FS", "DELIVERED", "011", "Delivered"),
    "returning": Code("X", "RS", "The package is being returned to the sender.", "035", "Returning to Sender"),
    "returned": Code("X", "RD", "The package was returned to the sender.", "034", "Returned to Sender"),
    "lost": Code("X", "LX", "The package was sent to lost and found.", "068", "Lost and Found"),
}


def code_and_text(scan: Scan) -> tuple[str, str]:
    """`type/code` and UPS's words."""
    code = CODES[scan.kind]
    return f"{code.type}/{code.code}", _words(scan, code)


def answer(
    shipment: Shipment,
    piece: int,
    now: int,
    flaw_of: Callable[[str], str | None],
    has_offset: Callable[[str], bool],
) -> Json:
    """The answer for a number: all packages for the shipment's first number, else that package alone.

    Flaw and offset go by the package's own number, so that a package is told alike under either number.
    """
    pieces = range(shipment.pieces) if piece == 0 else (piece,)
    packages = [
        _package(shipment, one, now, flaw_of(shipment.piece_number(one)), has_offset(shipment.piece_number(one)))
        for one in pieces
        if shipment.scans_until(now, one)
    ]
    number = shipment.piece_number(piece)
    if not packages:
        return not_found(number)
    return {"trackResponse": {"shipment": [{"inquiryNumber": number, "package": packages}]}}


def not_found(number: str) -> Json:
    """UPS's error for a number that it does not know; goes with status 404."""
    return errors("TV1002", f"No tracking information available for {number[:40]}")


def errors(code: str, message: str) -> Json:
    """UPS's error shape."""
    return {"response": {"errors": [{"code": code, "message": message}]}}


def _package(shipment: Shipment, piece: int, now: int, flaw: str | None, with_offset: bool) -> Json:
    told = tell(shipment.scans_until(now, piece), flaw)
    package: Json = {
        "trackingNumber": shipment.piece_number(piece),
        "activity": [_activity(one, with_offset) for one in told],
        "packageAddress": [
            {"type": "ORIGIN", "address": {"city": shipment.origin.city, "countryCode": shipment.origin.country}},
            {
                "type": "DESTINATION",
                "address": {
                    "city": shipment.destination.city,
                    "stateProvince": shipment.destination.region,
                    "countryCode": shipment.destination.country,
                    "postalCode": shipment.destination.postal_code,
                },
            },
        ],
        "packageCount": shipment.pieces,
        "service": {"code": shipment.service_code, "description": shipment.service},
    }
    package["currentStatus"] = _status(told[0])
    if told[0].scan.kind == "delivered":
        package["deliveryDate"] = [{"type": "DEL", "date": told[0].date.replace("-", "")}]
    if flaw == "malformed_parcel":
        package["activity"] = [{"date": None, "time": 120000, "status": "DELIVERED"}, 7]
    return package


def _activity(told: Told, with_offset: bool) -> Json:
    address: Json = {"countryCode": told.country, "country": told.country}
    if told.scan.kind != "label_created":
        address |= {"city": told.place.city, "stateProvince": told.place.region}
    activity: Json = {
        "location": {"address": address, "slic": told.place.postal_code[:4]},
        "status": _status(told),
        "date": told.date.replace("-", ""),
        "time": told.time.replace(":", ""),
    }
    if with_offset:
        activity |= {
            "gmtDate": told.utc_date.replace("-", ""),
            "gmtOffset": offset_text(told.offset),
            "gmtTime": told.utc_time,
        }
    return activity


def _status(told: Told) -> Json:
    code = CODES[told.scan.kind]
    return {
        "type": code.type,
        "code": code.code,
        "description": _words(told.scan, code),
        "statusCode": "052" if told.scan.reason == "weather" else code.status,
        "simplifiedTextDescription": code.simple,
    }


_REASONS = {
    "missing_invoice": "A commercial invoice is missing. Your package is held by customs.",
    "duties_unpaid": "Duties or taxes are due on this package. Your package is held by customs.",
    "inspection": "Your package is held by customs for inspection.",
    "wrong_value": "The declared value is being verified. Your package is held by customs.",
    "weather": "Severe weather conditions have delayed delivery.",
    "strike": "A labor dispute has delayed delivery.",
    "bad_address": "The address is incorrect. UPS could not deliver the package.",
}


def _words(scan: Scan, code: Code) -> str:
    return printed(scan, code.text, _REASONS)


class Ups(StandIn):
    """UPS."""

    name = "ups"
    numbers_pieces = True

    def number(self, ago: int, index: int, piece: int, salt: int, service: str) -> str:
        """1Z, account, service, and a check digit."""
        body = f"LC{ago:04d}{service_digits(service):02d}{index:04d}{piece}{salt % 100:02d}"
        return f"1Z{body}{ups_check(body)}"

    def digits_of(self, number: str) -> str | None:
        """The digits behind 1Z and account."""
        return number[4:8] + number[10:15] if len(number) == 18 and number.startswith("1ZLC") else None

    def code_and_text(self, scan: Scan) -> tuple[str, str]:
        """`type/code` and UPS's words."""
        return code_and_text(scan)

    def endpoints(self) -> list[Endpoint]:
        """A token by HTTP Basic, and tracking by one number."""
        return [
            Endpoint("POST", "/security/v1/oauth/token", self._token, is_open=True),
            Endpoint("GET", "/api/track/v1/details/{number}", self._track),
        ]

    def accepts(self, request: Request, counter: Counter) -> bool:
        """A bearer token."""
        return has_bearer(request, counter, self.name)

    def refusal(self) -> Response:
        """UPS's error."""
        return json_response(errors("250002", "Invalid Authentication Information."), 401)

    async def _token(self, request: Request, counter: Counter, malformed: bool) -> Response:
        form = await request.form()
        login, password = basic_credentials(request.headers.get("authorization", ""))
        if form.get("grant_type") != "client_credentials":
            return json_response(errors("10424", "Invalid grant type"), 400)
        if not is_client(self.name, login, password):
            return json_response(errors("10401", "ClientId is Invalid"), 401)
        token, seconds = counter.token(self.name)
        # UPS gives numbers of this answer as texts.
        return json_response(
            {"token_type": "Bearer", "client_id": login, "access_token": token, "expires_in": str(seconds)}
            | {"status": "approved"}
        )

    async def _track(self, request: Request, counter: Counter, malformed: bool) -> Response:
        number = request.path_params["number"]
        if not (request.headers.get("transid") and request.headers.get("transactionsrc")):
            return json_response(errors("TV0020", "Missing transId or transactionSrc header"), 400)
        found = counter.find(number, self.name)
        if found is None:
            return json_response(not_found(number), 404)
        shipment, piece = found
        asked = shipment.piece_number(piece)
        content = answer(
            shipment,
            piece,
            counter.now(),
            lambda one: counter.flaw(self.name, one, malformed and one == asked),
            lambda one: not counter.lacks_offset(one),
        )
        return json_response(content, 200 if "trackResponse" in content else 404)


STAND_IN = Ups
