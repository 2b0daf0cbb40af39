"""FedEx Track API v1: codes and answers.

Shape: the public API reference's answer of `POST /track/v1/trackingnumbers`. Event types and exception codes are
FedEx's public scan codes (OC, PU, AR, DP, CC, CP, CD, FD, OD, DE, SE, HL, RS, DL, after RS to the shipper; 03
address, 07 refused, 08 recipient not in, 71 paperwork). A lost parcel ends in an exception: FedEx has no code for it.
The platform's code is `eventType`, with `:exceptionCode` where present.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from lanecast.sandbox.access import is_client
from lanecast.sandbox.journey import Scan
from lanecast.sandbox.network import Place
from lanecast.sandbox.shipment import Shipment
from lanecast.sandbox.tracking_numbers import fedex_check
from lanecast.sandbox.wire.base import Counter, Endpoint, StandIn, has_bearer, json_response
from lanecast.sandbox.wire.told import Json, Told, offset_text, tell, utc_text


class Code(NamedTuple):
    """A scan's event type, words, derived status code and its words."""

    event: str
    text: str
    status: str
    status_text: str


CODES: dict[str, Code] = {
    "label_created": Code("OC", "Shipment information sent to FedEx", "IN", "Label created"),
    "picked_up": Code("PU", "Picked up", "PU", "Picked up"),
    "origin_hub_arrived": Code("AR", "Arrived at FedEx location", "IT", "In transit"),
    "export_cleared": Code("CC", "International shipment release - Export", "CC", "Cleared customs"),
    "origin_departed": Code("DP", "Left FedEx origin facility", "IT", "In transit"),
    "country_arrived": Code("AR", "Arrived at destination sort facility", "IT", "In transit"),
    "import_started": Code("CP", "Clearance in progress", "CP", "Clearance in progress"),
    "customs_hold": Code("CD", "Clearance delay - Import", "CD", "Clearance delay"),
    "import_cleared": Code("CC", "International shipment release - Import", "CC", "Cleared customs"),
    "delivery_hub_arrived": Code("FD", "At FedEx destination facility", "IT", "In transit"),
    "delayed": Code("SE", "Shipment exception", "SE", "Shipment exception"),
    "damaged": Code("SE", "Shipment exception", "SE", "Shipment exception"),
    "out_for_delivery": Code("OD", "On FedEx vehicle for delivery", "OD", "Out for delivery"),
    "failed_attempt": Code("DE", "Delivery exception", "DE", "Delivery exception"),
    "refused": Code("DE", "Delivery exception", "DE", "Delivery exception"),
    "available_for_pickup": Code("HL", "Ready for recipient pickup", "HL", "Ready for pickup"),
    "delivered": Code("DL", "Delivered", "DL", "Delivered"),
    "returning": Code("RS", "Returning package to shipper", "RS", "Return to shipper"),
    "returned": Code("DL", "Delivered to shipper", "RS", "Returned to shipper"),
    "lost": Code("SE", "Shipment exception, package not located", "SE", "Shipment exception"),
}

_EXCEPTIONS: dict[tuple[str, str | None], tuple[str, str]] = {
    ("failed_attempt", "nobody_home"): ("08", "Customer not available or business closed"),
    ("failed_attempt", "bad_address"): ("03", "Incorrect address"),
    ("refused", "refused"): ("07", "Refused by recipient"),
    ("damaged", None): ("10", "Damaged, handling per shipper instructions"),
    ("delayed", "weather"): ("17", "A delay was caused by weather beyond our control"),
    ("delayed", "strike"): ("A13", "Local labor dispute"),
    ("customs_hold", "missing_invoice"): ("71", "Improper or missing paperwork"),
    ("customs_hold", "duties_unpaid"): ("67", "Awaiting payment of duties and taxes"),
    ("customs_hold", "inspection"): ("5A", "Customs inspection"),
    ("customs_hold", "wrong_value"): ("57", "Paperwork needed: value to be confirmed"),
}

_DELAYS = {"weather": "WEATHER", "strike": "LOCAL", "inspection": "CLEARANCE"}

MOST_NUMBERS = 30


def code_and_text(scan: Scan) -> tuple[str, str]:
    """`eventType`, with `:exceptionCode` where there is one, and FedEx's words."""
    code = CODES[scan.kind]
    exception = _exception(scan)
    return (f"{code.event}:{exception[0]}" if exception else code.event), code.text


def result(shipment: Shipment, piece: int, now: int, flaw: str | None) -> Json:
    """One element of completeTrackResults."""
    number = shipment.piece_number(piece)
    told = tell(shipment.scans_until(now, piece), flaw)
    if not told:
        return not_found(number)
    newest = told[0]
    code = CODES[newest.scan.kind]
    dates = [{"type": "SHIP", "dateTime": utc_text(shipment.ordered_at)}]
    if newest.scan.kind == "delivered":
        dates.append({"type": "ACTUAL_DELIVERY", "dateTime": _date(newest)})
    elif shipment.promised_at is not None:
        dates.append({"type": "ESTIMATED_DELIVERY", "dateTime": utc_text(shipment.promised_at)})
    track: Json = {
        "trackingNumberInfo": {
            "trackingNumber": number,
            "carrierCode": "FDXE",
            "trackingNumberUniqueId": f"{shipment.day}~{number}~FX",
        },
        "serviceDetail": {"type": shipment.service_code, "description": shipment.service, "shortDescription": "INTL"},
        "originLocation": {
            "locationContactAndAddress": {"address": _address(shipment.origin, shipment.origin.country)}
        },
        "destinationLocation": {
            "locationContactAndAddress": {"address": _address(shipment.destination, shipment.destination.country)}
        },
        "latestStatusDetail": {
            "code": code.status,
            "derivedCode": code.status,
            "statusByLocale": code.status_text,
            "description": code.status_text,
            "scanLocation": _address(newest.place, newest.country),
        },
        "dateAndTimes": dates,
        "packageDetails": {"count": str(shipment.pieces), "sequenceNumber": str(piece + 1)},
        "scanEvents": [_event(one) for one in told],
    }
    if flaw == "malformed_parcel":
        track["scanEvents"] = {"date": 0, "eventType": ["PU"]}
    return {"trackingNumber": number, "trackResults": [track]}


def not_found(number: str) -> Json:
    """The element for a number that FedEx does not know; it stands in an answer of status 200."""
    return {
        "trackingNumber": number,
        "trackResults": [
            {
                "trackingNumberInfo": {"trackingNumber": number, "trackingNumberUniqueId": "", "carrierCode": ""},
                "error": {
                    "code": "TRACKING.TRACKINGNUMBER.NOTFOUND",
                    "message": "Tracking number cannot be found. Please correct the tracking number and try again.",
                },
            }
        ],
    }


def answer(transaction: str, results: list[Json]) -> Json:
    """A whole answer around its results."""
    return {"transactionId": transaction, "output": {"completeTrackResults": results}}


def errors(code: str, message: str) -> Json:
    """FedEx's error shape."""
    return {"transactionId": "sandbox", "errors": [{"code": code, "message": message}]}


def _event(told: Told) -> Json:
    code = CODES[told.scan.kind]
    event: Json = {
        "date": _date(told),
        "eventType": code.event,
        "eventDescription": code.text,
        "exceptionCode": "",
        "exceptionDescription": "",
        "scanLocation": _address(told.place, told.country),
        "locationType": "CUSTOMER" if told.scan.kind in ("label_created", "delivered") else "SORT_FACILITY",
        "derivedStatus": code.status_text,
        "derivedStatusCode": code.status,
    }
    exception = _exception(told.scan)
    if exception:
        event["exceptionCode"], event["exceptionDescription"] = exception
    delay = _DELAYS.get(told.scan.reason or "")
    if delay and told.scan.kind in ("delayed", "customs_hold"):
        event["delayDetail"] = {"type": delay, "status": "DELAYED"}
    return event


def _exception(scan: Scan) -> tuple[str, str] | None:
    return _EXCEPTIONS.get((scan.kind, scan.reason))


def _date(told: Told) -> str:
    return f"{told.date}T{told.time}{offset_text(told.offset)}"


def _address(place: Place, country: str) -> Json:
    return {
        "city": place.city.upper(),
        "stateOrProvinceCode": place.region,
        "postalCode": place.postal_code,
        "countryCode": country,
        "countryName": place.country_name,
        "residential": False,
    }


class Fedex(StandIn):
    """FedEx."""

    name = "fedex"
    numbers_pieces = True

    def number(self, ago: int, index: int, piece: int, salt: int, service: str) -> str:
        """Twelve digits, the last a check digit."""
        body = f"{ago:04d}{index:04d}{piece}{salt % 100:02d}"
        return f"{body}{fedex_check(body)}"

    def digits_of(self, number: str) -> str | None:
        """The first nine of twelve digits."""
        return number[:9] if len(number) == 12 else None

    def code_and_text(self, scan: Scan) -> tuple[str, str]:
        """`eventType[:exceptionCode]` and FedEx's words."""
        return code_and_text(scan)

    def endpoints(self) -> list[Endpoint]:
        """A token by form, and tracking by up to thirty numbers."""
        return [
            Endpoint("POST", "/oauth/token", self._token, is_open=True),
            Endpoint("POST", "/track/v1/trackingnumbers", self._track),
        ]

    def accepts(self, request: Request, counter: Counter) -> bool:
        """A bearer token."""
        return has_bearer(request, counter, self.name)

    def refusal(self) -> Response:
        """FedEx's error."""
        return json_response(errors("NOT.AUTHORIZED.ERROR", "Access token expired or invalid."), 401)

    async def _token(self, request: Request, counter: Counter, malformed: bool) -> Response:
        form = await request.form()
        if form.get("grant_type") != "client_credentials":
            return json_response(errors("BAD.REQUEST.ERROR", "Invalid grant type"), 400)
        if not is_client(self.name, form.get("client_id"), form.get("client_secret")):
            return json_response(errors("NOT.AUTHORIZED.ERROR", "The given client credentials were not valid."), 401)
        token, seconds = counter.token(self.name)
        return json_response({"access_token": token, "token_type": "bearer", "expires_in": seconds, "scope": "CXS"})

    async def _track(self, request: Request, counter: Counter, malformed: bool) -> Response:
        try:
            told = msgspec.json.decode(await request.body())
            numbers = [str(one["trackingNumberInfo"]["trackingNumber"]) for one in told["trackingInfo"]]
        except (msgspec.DecodeError, KeyError, TypeError):
            return json_response(errors("INVALID.INPUT.EXCEPTION", "Validation failed for object"), 400)
        if not 1 <= len(numbers) <= MOST_NUMBERS:
            code = "TRACKING.TRACKINGNUMBER.EMPTY" if not numbers else "TRACKING.TRACKINGINFO.MAXIMUMEXCEEDED"
            return json_response(errors(code, f"Give 1 to {MOST_NUMBERS} tracking numbers."), 400)
        results = []
        for place, number in enumerate(numbers):
            found = counter.find(number, self.name)
            if found is None:
                results.append(not_found(number))
            else:
                results.append(result(*found, counter.now(), counter.flaw(self.name, number, malformed and place == 0)))
        return json_response(answer(f"sandbox-{numbers[0]}", results))


STAND_IN = Fedex
