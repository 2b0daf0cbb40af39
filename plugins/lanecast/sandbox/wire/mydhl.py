"""MyDHL API of DHL Express: codes and answers.

Shape: the OpenAPI file 3.1.1 of `GET /shipments/{number}/tracking`; errors are problem documents. Event codes are DHL
Express's own. It has none for the start of a return (ND: not delivered) or a loss (TI: a search has begun).
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from lanecast.sandbox.journey import Scan
from lanecast.sandbox.network import Place
from lanecast.sandbox.shipment import Shipment
from lanecast.sandbox.wire.base import Counter, Endpoint, StandIn, has_basic, json_response
from lanecast.sandbox.wire.told import Json, Told, offset_text, printed, tell

CODES: dict[str, tuple[str, str]] = {
    "label_created": ("SD", "Shipment information received"),
    "picked_up": ("PU", "Shipment picked up"),
    "origin_hub_arrived": ("PL", "Processed"),
    "export_cleared": ("CR", "Clearance processing complete"),
    "origin_departed": ("DF", "Shipment has departed from a DHL facility"),
    "country_arrived": ("AF", "Arrived at DHL Sort Facility"),
    "import_started": ("RR", "Customs clearance status updated"),
    "customs_hold": ("CD", "Clearance delay"),
    "import_cleared": ("CR", "Clearance processing complete"),
    "delivery_hub_arrived": ("AR", "Arrived at DHL Delivery Facility"),
    "delayed": ("OH", "Shipment is on hold"),
    "damaged": ("DM", "Shipment damaged"),
    "out_for_delivery": ("WC", "Shipment is out with courier for delivery"),
    "failed_attempt": ("NH", "Delivery attempted; recipient not home"),
    "refused": ("RD", "Recipient refused delivery"),
    "available_for_pickup": ("CC", "Awaiting collection by the consignee as requested"),
    "delivered": ("OK", "Delivered"),
    "returning": ("ND", "Shipment not delivered"),
    "returned": ("RT", "Returned to shipper"),
    "lost": ("TI", "Shipment search initiated"),
}

_REASONS = {
    "missing_invoice": ("CD", "Clearance delay: the invoice is missing"),
    "duties_unpaid": ("HP", "Shipment on hold pending duty payment"),
    "inspection": ("UD", "Uncontrollable clearance delay: customs inspection"),
    "wrong_value": ("CD", "Clearance delay: declared value in question"),
    "weather": ("OH", "Shipment is on hold: adverse weather"),
    "strike": ("OH", "Shipment is on hold: strike"),
    "bad_address": ("BA", "Delivery not possible: incorrect address"),
}


def code_and_text(scan: Scan) -> tuple[str, str]:
    """`typeCode` and DHL's words."""
    known = CODES[scan.kind]
    return printed(scan, known, _REASONS)


def answer(shipment: Shipment, now: int, flaw: str | None) -> Json | None:
    """The answer for a shipment's number, or None while DHL has not heard of it."""
    told = tell(shipment.scans_until(now), flaw)
    if not told:
        return None
    found: Json = {
        "shipmentTrackingNumber": shipment.number,
        "status": "Success",
        "shipmentTimestamp": f"{told[-1].date}T{told[-1].time}",
        "productCode": "P",
        "description": "",
        "shipperDetails": _party(shipment.origin),
        "receiverDetails": _party(shipment.destination),
        "totalWeight": 1,
        "unitOfMeasurements": "metric",
        "events": [_event(one) for one in told],
        "numberOfPieces": shipment.pieces,
    }
    if flaw == "malformed_parcel":
        found["events"] = [{"date": 17, "typeCode": "PU"}, "OK"]
    return {"shipments": [found]}


def _event(told: Told) -> Json:
    code, text = code_and_text(told.scan)
    return {
        "date": told.date,
        "time": told.time,
        "GMTOffset": offset_text(told.offset),
        "typeCode": code,
        "description": text,
        "serviceArea": [{"code": _area_code(told.place), "description": f"{told.place.city}-{told.country}"}],
        "signedBy": "",
    }


def _party(place: Place) -> Json:
    return {
        "name": "",
        "postalAddress": {
            "cityName": place.city,
            "postalCode": place.postal_code,
            "provinceCode": place.region,
            "countryCode": place.country,
        },
        "serviceArea": [{"code": _area_code(place), "description": f"{place.city}-{place.country}"}],
    }


def _area_code(place: Place) -> str:
    """Three letters, as a service area has; not DHL's own."""
    return place.city.upper().replace(" ", "")[:3]


def _problem(status: int, title: str, detail: str, instance: str) -> Response:
    content = {"instance": instance, "detail": detail, "title": title, "message": title, "status": str(status)}
    return json_response(content, status)


class Mydhl(StandIn):
    """DHL Express."""

    name = "mydhl"

    def number(self, ago: int, index: int, piece: int, salt: int, service: str) -> str:
        """Ten digits, the last of them the rest modulo 7."""
        body = f"{ago:04d}{index:04d}{salt % 10}"
        return f"{body}{int(body) % 7}"

    def digits_of(self, number: str) -> str | None:
        """The first eight digits."""
        return number[:8] + "0" if len(number) == 10 else None

    def code_and_text(self, scan: Scan) -> tuple[str, str]:
        """`typeCode` and DHL's words."""
        return code_and_text(scan)

    def endpoints(self) -> list[Endpoint]:
        """Tracking by one number."""
        return [Endpoint("GET", "/shipments/{number}/tracking", self._track)]

    def accepts(self, request: Request, counter: Counter) -> bool:
        """HTTP Basic."""
        return has_basic(request, self.name)

    def refusal(self) -> Response:
        """A problem document."""
        return _problem(401, "Unauthorized", "Invalid Credentials", "/expressapi")

    async def _track(self, request: Request, counter: Counter, malformed: bool) -> Response:
        number = request.path_params["number"]
        found = counter.find(number, self.name)
        content = found and answer(found[0], counter.now(), counter.flaw(self.name, number, malformed))
        if not content:
            return _problem(404, "Not data found", "No data found", f"/expressapi/shipments/{number}/tracking")
        if request.query_params.get("requestGMTOffsetPerEvent") != "true":
            for event in content["shipments"][0]["events"]:
                if isinstance(event, dict):
                    event.pop("GMTOffset", None)
        return json_response(content)


STAND_IN = Mydhl
