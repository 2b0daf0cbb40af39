"""GLS Track And Trace V1: codes and answers.

Shape: GLS's OpenAPI document (1.0.7). GLS publishes few of its event codes outside the API itself: INTIAL, INBOUD,
OUTBOD, OUTDEL and DELIVD here are its own (and its spelling); those that begin with SANDBOX are the sandbox's, beside
texts that GLS prints. The platform's code is `code`.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from lanecast.sandbox.access import basic_credentials, is_client
from lanecast.sandbox.journey import Scan
from lanecast.sandbox.shipment import Shipment
from lanecast.sandbox.wire.base import Counter, Endpoint, StandIn, has_bearer, json_response
from lanecast.sandbox.wire.told import Json, Told, offset_text, printed, tell

MOST_NUMBERS = 10

CODES: dict[str, tuple[str, str]] = {
    "label_created": (
        "INTIAL.PREADVICE",
        "The parcel data was entered into the GLS IT system; the parcel was not yet handed over to GLS.",
    ),
    "picked_up": ("INTIAL.NORMAL", "The parcel was handed over to GLS."),
    "origin_hub_arrived": ("INBOUD.NORMAL", "The parcel has reached the parcel center."),
    "export_cleared": ("OUTBOD.NORMAL", "The parcel has left the parcel center."),
    "origin_departed": ("OUTBOD.NORMAL", "The parcel has left the parcel center."),
    "country_arrived": ("INBOUD.NORMAL", "The parcel has reached the parcel center."),
    "import_started": ("SANDBOX.CUSTOMS_DOCUMENTS", "The customs documents are being prepared."),
    "customs_hold": ("SANDBOX.CUSTOMS_DELAY", "Customs clearance is delayed due to incomplete documents."),
    "import_cleared": ("SANDBOX.CUSTOMS_RELEASED", "The parcel was released by customs."),
    "delivery_hub_arrived": ("INBOUD.NORMAL", "The parcel has reached the parcel center."),
    "delayed": ("SANDBOX.SORTING_ERROR", "Sorting error at the depot."),
    "damaged": ("SANDBOX.DAMAGED", "Inbound damaged"),
    "out_for_delivery": ("OUTDEL.NORMAL", "The parcel is expected to be delivered during the day."),
    "failed_attempt": (
        "SANDBOX.NOTDELIVERED",
        "The parcel could not be delivered as the consignee was absent.",
    ),
    "refused": ("SANDBOX.REFUSED", "The parcel could not be delivered as the recipient refused acceptance."),
    "available_for_pickup": (
        "DELIVD.PARCELSHOP",
        "The parcel has been delivered at the ParcelShop (see ParcelShop information).",
    ),
    "delivered": ("DELIVD.NORMAL", "The parcel has been delivered."),
    "returning": ("SANDBOX.RETURNED", "The parcel has been returned to sender."),
    "returned": ("DELIVD.NORMAL", "The parcel has been delivered."),
    "lost": ("SANDBOX.NOT_LOCATED", "Parcel is not to locate."),
}

_REASONS = {
    "missing_invoice": "Customs clearance is delayed due to a missing invoice.",
    "inspection": "Customs clearance is delayed due to a customs inspection.",
    "wrong_value": "Customs clearance is delayed due to missing or inaccurate customs documents.",
    "bad_address": "The parcel could not be delivered due to wrong or incomplete address.",
}

_STATUS = {
    "label_created": "PREADVICE",
    "out_for_delivery": "INDELIVERY",
    "available_for_pickup": "DELIVEREDPS",
    "delivered": "DELIVERED",
    "returned": "DELIVERED",
    "failed_attempt": "NOTDELIVERED",
    "refused": "NOTDELIVERED",
    "delivery_hub_arrived": "INWAREHOUSE",
    "lost": "FINAL",
}


def code_and_text(scan: Scan) -> tuple[str, str]:
    """`code` and GLS's words."""
    code, text = CODES[scan.kind]
    return code, printed(scan, text, _REASONS)


def answer(shipment: Shipment, now: int, flaw: str | None) -> Json | None:
    """What is told of a parcel, or None while GLS has not heard of it."""
    told = tell(shipment.scans_until(now), flaw)
    if not told:
        return None
    events: object = [_event(one) for one in told]
    if flaw == "malformed_parcel":
        events = [None, {"code": ["INBOUD"], "eventDateTime": {"date": 1}}]
    return {
        "requested": shipment.number,
        "unitno": shipment.number,
        "status": _STATUS.get(told[0].scan.kind, "INTRANSIT"),
        "statusDateTime": _moment(told[0]),
        "events": events,
    }


def not_found(number: str) -> Json:
    """What is told of a number that GLS does not know."""
    return {"requested": number, "errorCode": "E_404_01", "errorMessage": "Resource Not Found"}


def _event(told: Told) -> Json:
    code, text = code_and_text(told.scan)
    return {
        "code": code,
        "city": told.place.city,
        "postalCode": told.place.postal_code,
        "country": told.country,
        "description": text,
        "eventDateTime": _moment(told),
    }


def _moment(told: Told) -> str:
    return f"{told.date}T{told.time}{offset_text(told.offset).replace(':', '')}"


class Gls(StandIn):
    """GLS."""

    name = "gls"

    def number(self, ago: int, index: int, piece: int, salt: int, service: str) -> str:
        """Eleven digits."""
        return f"{ago:04d}{index:04d}{salt:03d}"

    def digits_of(self, number: str) -> str | None:
        """The first eight."""
        return number[:8] + "0" if len(number) == 11 else None

    def code_and_text(self, scan: Scan) -> tuple[str, str]:
        """`code` and GLS's words."""
        return code_and_text(scan)

    def endpoints(self) -> list[Endpoint]:
        """A token, and tracking by up to ten numbers."""
        return [
            Endpoint("POST", "/oauth2/v2/token", self._token, is_open=True),
            Endpoint("GET", "/track-and-trace-v1/tracking/simple/trackids/{numbers}", self._track),
        ]

    def accepts(self, request: Request, counter: Counter) -> bool:
        """A bearer token."""
        return has_bearer(request, counter, self.name)

    def refusal(self) -> Response:
        """The gateway's fault."""
        detail = {"errorcode": "steps.jwt.TokenExpired"}
        return json_response({"fault": {"faultstring": "The Token has expired", "detail": detail}}, 401)

    async def _token(self, request: Request, counter: Counter, malformed: bool) -> Response:
        form = await request.form()
        if form.get("grant_type") != "client_credentials":
            return json_response({"errors": [{"message": "grant_type is missing", "type": "400"}]}, 400)
        login, password = basic_credentials(request.headers.get("authorization", ""))
        if not is_client(self.name, login, password):
            return json_response({"errors": [{"message": "Invalid client identifier", "type": "401"}]}, 401)
        token, seconds = counter.token(self.name)
        return json_response({"token_type": "Bearer", "access_token": token, "expires_in": seconds})

    async def _track(self, request: Request, counter: Counter, malformed: bool) -> Response:
        numbers = request.path_params["numbers"].split(",")
        if len(numbers) > MOST_NUMBERS:
            detail = f"Provided references of size '{len(numbers)}' is more than allowed limit of {MOST_NUMBERS}"
            return json_response({"type": "about:blank", "title": "Bad Request", "status": 400, "detail": detail}, 400)
        parcels = []
        for place, number in enumerate(numbers):
            found = counter.find(number, self.name)
            flaw = counter.flaw(self.name, number, malformed and place == 0)
            parcels.append((found and answer(found[0], counter.now(), flaw)) or not_found(number))
        return json_response({"parcels": parcels})


STAND_IN = Gls
