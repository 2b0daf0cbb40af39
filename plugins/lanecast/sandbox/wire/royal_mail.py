"""Royal Mail Tracking API v2: codes and answers.

Shape: public client libraries of `GET /mailpieces/v2/{mailPieceId}/events`. Event codes are Royal Mail's own. It has
none for a parcel lost, for which stands EVNCL (not located), nor one for export released, for which stands EVODO
(despatched). Times carry their offset, places are names without country. The platform's code is `eventCode`.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from lanecast.carriers.alpha3 import alpha3_of
from lanecast.sandbox.access import is_client
from lanecast.sandbox.journey import Scan
from lanecast.sandbox.network import Place
from lanecast.sandbox.shipment import Shipment
from lanecast.sandbox.tracking_numbers import s10_digits, s10_number, service_letter
from lanecast.sandbox.wire.base import Counter, Endpoint, StandIn, json_response
from lanecast.sandbox.wire.told import Json, Told, offset_text, tell

CODES: dict[str, tuple[str, str]] = {
    "label_created": ("EVAIP", "Sender preparing item"),
    "picked_up": ("EVOAC", "Item Acceptance"),
    "origin_hub_arrived": ("EVDAC", "Item Received"),
    "export_cleared": ("EVJEA", "Export Authorised"),
    "origin_departed": ("EVHOE", "Item Leaving"),
    "country_arrived": ("EVJOE", "Arrival at Inward Office of Exchange"),
    "import_started": ("EVJIC", "Presented to Import Customs"),
    "customs_hold": ("EVJBA", "Held by Import Customs"),
    "import_cleared": ("EVJIA", "Released from Customs"),
    "delivery_hub_arrived": ("EVIMC", "Item Received"),
    "delayed": ("EVNDN", "Delivery Not Attempted"),
    "damaged": ("EVGDM", "Damaged"),
    "out_for_delivery": ("EVGPD", "Due to be delivered today"),
    "failed_attempt": ("EVKNA", "Delivery Attempted - No Answer"),
    "refused": ("EVKRF", "Refused"),
    "available_for_pickup": ("EVPLA", "Arrived at Post Office for collection"),
    "delivered": ("EVKSP", "Delivered and Signed"),
    "returning": ("EVNRS", "Returned to Sender"),
    "returned": ("EVRTS", "Delivered back to sender"),
    "lost": ("EVNCL", "Item not located"),
}
_REASONS = {
    "missing_invoice": ("EVJEM", "Held by Import Customs - Invoice Missing"),
    "wrong_value": ("EVJCD", "Held by Import Customs - Customs Declaration Inappropriate"),
    "weather": ("EVNDN", "Delivery Not Attempted - Weather"),
    "strike": ("EVNDN", "Delivery Not Attempted - Industrial Action"),
    "bad_address": ("EVKAI", "Address Incomplete/Incorrect"),
}
_RETURN = {"refused": ("EVNRF", "Return To Sender - Refused"), "bad_address": ("EVNAI", "Return To Sender - Address")}


def code_and_text(scan: Scan) -> tuple[str, str]:
    """`eventCode` and `eventName`."""
    reasons = _RETURN if scan.kind == "returning" else _REASONS
    return reasons.get(scan.reason or "", CODES[scan.kind])


def answer(shipment: Shipment, now: int, flaw: str | None) -> Json | None:
    """The answer for an item, or None while Royal Mail has not heard of it."""
    told = tell(shipment.scans_until(now), flaw)
    if not told:
        return None
    events: object = [_event(one) for one in told]
    if flaw == "malformed_parcel":
        events = [{"eventDateTime": {"date": None}, "eventCode": 3}, "EVKSP"]
    newest = _event(told[0])
    is_inland = shipment.origin.country == shipment.destination.country == "GB"
    return {
        "mailPieces": {
            "mailPieceId": shipment.number,
            "carrierShortName": "RM",
            "carrierFullName": "Royal Mail Group Ltd",
            "summary": {
                "uniqueItemId": f"{shipment.order_id}"[-21:],
                "oneDBarcode": shipment.number,
                "productId": shipment.service_code[:3].upper(),
                "productName": shipment.service,
                "productCategory": "NON-INTERNATIONAL" if is_inland else "INTERNATIONAL",
                **_end("destination", shipment.destination),
                **_end("origin", shipment.origin),
                "lastEventCode": newest["eventCode"],
                "lastEventName": newest["eventName"],
                "lastEventDateTime": newest["eventDateTime"],
                "lastEventLocationName": newest["locationName"],
            },
            "events": events,
            "links": {
                "summary": {
                    "href": f"/mailpieces/v2/summary?mailPieceId={shipment.number}",
                    "title": "Summary",
                    "description": "Get summary",
                }
            },
        }
    }


def _end(name: str, place: Place) -> Json:
    return {f"{name}CountryCode": alpha3_of(place.country), f"{name}CountryName": place.country_name}


def _event(told: Told) -> Json:
    code, name = code_and_text(told.scan)
    return {
        "eventCode": code,
        "eventName": name,
        "eventDateTime": f"{told.date}T{told.time}{offset_text(told.offset)}",
        "locationName": told.place.city,
    }


class RoyalMail(StandIn):
    """Royal Mail."""

    name = "royal_mail"

    def number(self, ago: int, index: int, piece: int, salt: int, service: str) -> str:
        """Two letters, eight digits, a check digit, GB (UPU S10)."""
        return s10_number("KT"[salt % 2] + service_letter(service), ago, index, "GB")

    def digits_of(self, number: str) -> str | None:
        """The eight digits."""
        return s10_digits(number, "GB")

    def code_and_text(self, scan: Scan) -> tuple[str, str]:
        """`eventCode` and `eventName`."""
        return code_and_text(scan)

    def endpoints(self) -> list[Endpoint]:
        """The events of one item."""
        return [Endpoint("GET", "/mailpieces/v2/{number}/events", self._events)]

    def accepts(self, request: Request, counter: Counter) -> bool:
        """Client id and secret in headers."""
        told = request.headers
        return is_client(self.name, told.get("x-ibm-client-id"), told.get("x-ibm-client-secret"))

    def refusal(self) -> Response:
        """The gateway's own error."""
        told = {"httpCode": "401", "httpMessage": "Unauthorized", "moreInformation": "Client id not registered."}
        return json_response(told, 401)

    async def _events(self, request: Request, counter: Counter, malformed: bool) -> Response:
        if request.headers.get("x-accept-rmg-terms") != "yes":
            return _error(400, "Bad Request", "E0004", "Failed header validation for X-Accept-RMG-Terms")
        number = request.path_params["number"]
        found = counter.find(number, self.name)
        content = found and answer(found[0], counter.now(), counter.flaw(self.name, number, malformed))
        if content:
            return json_response(content)
        return _error(404, "Not Found", "E1142", f"Barcode reference {number} isn't recognised")


def _error(status: int, message: str, code: str, description: str) -> Response:
    error = {"errorCode": code, "errorDescription": description, "errorCause": "", "errorResolution": ""}
    return json_response({"httpCode": str(status), "httpMessage": message, "errors": [error]}, status)


STAND_IN = RoyalMail
