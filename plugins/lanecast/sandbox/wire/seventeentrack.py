"""17TRACK's Tracking API v2.4: sub-statuses and answers, about the parcels of any carrier.

Shape: the public API reference of `POST /track/v2.4/register` and `/gettrackinfo`. A number is followed once it was
registered, and has its information at once; of one that nobody gave out 17TRACK knows nothing, registered or not.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from lanecast.carriers.carrier_keys import key_of
from lanecast.sandbox.journey import Scan
from lanecast.sandbox.network import Place
from lanecast.sandbox.shipment import Shipment
from lanecast.sandbox.wire.base import Counter, Endpoint, StandIn, has_key, json_body, json_response
from lanecast.sandbox.wire.told import Json, Told, offset_text, printed, tell

MOST_NUMBERS = 40
MOST_REGISTERED = 500_000

CODES: dict[str, tuple[str, str | None, str]] = {
    "label_created": ("InfoReceived", "InfoReceived", "Shipping information received"),
    "picked_up": ("InTransit_PickedUp", "PickedUp", "Picked up"),
    "origin_hub_arrived": ("InTransit_Other", None, "Arrived at sorting center"),
    "export_cleared": ("InTransit_CustomsReleased", None, "Export customs clearance completed"),
    "origin_departed": ("InTransit_Departure", "Departure", "Departed from the port of origin"),
    "country_arrived": ("InTransit_Arrival", "Arrival", "Arrived at the destination port"),
    "import_started": ("InTransit_CustomsProcessing", None, "Import customs clearance started"),
    "customs_hold": ("InTransit_CustomsRequiringInformation", None, "Held by customs: information required"),
    "import_cleared": ("InTransit_CustomsReleased", None, "Import customs clearance completed"),
    "delivery_hub_arrived": ("InTransit_Other", None, "Arrived at delivery office"),
    "delayed": ("Exception_Delayed", None, "Delivery delayed"),
    "damaged": ("Exception_Damage", None, "Package damaged"),
    "out_for_delivery": ("OutForDelivery_Other", "OutForDelivery", "Out for delivery"),
    "failed_attempt": ("DeliveryFailure_NoBody", None, "Delivery attempted: nobody at home"),
    "refused": ("DeliveryFailure_Rejected", None, "Refused by the recipient"),
    "available_for_pickup": ("AvailableForPickup_Other", "AvailableForPickup", "Available for pickup"),
    "delivered": ("Delivered_Other", "Delivered", "Delivered"),
    "returning": ("Exception_Returning", "Returning", "Being returned to the sender"),
    "returned": ("Exception_Returned", "Returned", "Returned to sender"),
    "lost": ("Exception_Lost", None, "Package lost"),
}
"""Sub-status, key stage and words of each kind of scan."""

_REASONS = {
    "missing_invoice": "Held by customs: the invoice is missing",
    "duties_unpaid": "Held by customs: duties and taxes unpaid",
    "inspection": "Held by customs for inspection",
    "wrong_value": "Held by customs: the declared value is in question",
    "weather": "Delivery delayed: severe weather",
    "strike": "Delivery delayed: strike",
    "bad_address": "Delivery attempted: incorrect address",
}


def code_and_text(scan: Scan) -> tuple[str, str]:
    """`sub_status` and the words."""
    code, _, text = CODES[scan.kind]
    if scan.kind == "failed_attempt" and scan.reason == "bad_address":
        code = "DeliveryFailure_InvalidAddress"
    return code, printed(scan, text, _REASONS)


def answer(shipment: Shipment, piece: int, number: str, now: int, flaw: str | None) -> Json | None:
    """An accepted parcel, or None while nothing is known of it."""
    told = tell(shipment.scans_until(now, piece), flaw)
    if not told:
        return None
    latest = _event(told[0])
    events: object = [_event(one) for one in told]
    if flaw == "malformed_parcel":
        events = [None, {"time_iso": {"date": 17}, "sub_status": ["InTransit"]}, "InTransit"]
    key = _key(shipment.carrier)
    provider: Json = {
        "provider": {"key": key, "name": shipment.carrier, "alias": shipment.carrier, "tel": None, "homepage": None},
        "provider_lang": "en",
        "service_type": shipment.service,
        "latest_sync_status": "Success",
        "provider_tips": None,
        "events": events,
    }
    return {
        "number": number,
        "carrier": key,
        "param": None,
        "tag": "",
        "track_info": {
            "shipping_info": {
                "shipper_address": _address(shipment.origin, shipment.origin.country),
                "recipient_address": _address(shipment.destination, shipment.destination.country),
            },
            "latest_status": {
                "status": latest["sub_status"].partition("_")[0],
                "sub_status": latest["sub_status"],
                "sub_status_descr": None,
            },
            "latest_event": latest,
            "misc_info": {"service_type": shipment.service, "pieces": str(shipment.pieces)},
            "tracking": {"providers_hash": 1, "providers": [provider]},
        },
    }


def _event(told: Told) -> Json:
    code, words = code_and_text(told.scan)
    offset = offset_text(told.offset)
    return {
        "time_iso": f"{told.date}T{told.time}{offset}",
        "time_utc": f"{told.utc_date}T{told.utc_time}Z",
        "time_raw": {"date": told.date, "time": told.time, "timezone": offset},
        "description": words,
        "location": f"{told.place.city}, {told.country}",
        "stage": CODES[told.scan.kind][1],
        "sub_status": code,
        "address": _address(told.place, told.country),
    }


def _address(place: Place, country: str) -> Json:
    return {
        "country": country,
        "state": place.region,
        "city": place.city,
        "street": None,
        "postal_code": place.postal_code,
        "coordinates": {"longitude": None, "latitude": None},
    }


def _key(carrier: str) -> int:
    return int(key_of(SeventeenTrack.name, carrier) or 0)


def _rejected(entry: Json, code: int, message: str) -> Json:
    return {"number": entry["number"], "carrier": entry.get("carrier", 0), "error": {"code": code, "message": message}}


def _errors(code: int, message: str) -> Response:
    return json_response({"code": code, "data": {"errors": [{"code": code, "message": message}]}})


class SeventeenTrack(StandIn):
    """17TRACK. Remembers which numbers were registered, the last half million of them."""

    name = "seventeentrack"

    def __init__(self) -> None:
        """No number is registered yet."""
        self._registered: dict[str, None] = {}

    def number(self, ago: int, index: int, piece: int, salt: int, service: str) -> str:
        """An aggregator gives out no numbers: ValueError."""
        raise ValueError("17TRACK gives out no tracking numbers")

    def digits_of(self, number: str) -> str | None:
        """No number is an aggregator's own."""
        return None

    def code_and_text(self, scan: Scan) -> tuple[str, str]:
        """`sub_status` and the words."""
        return code_and_text(scan)

    def endpoints(self) -> list[Endpoint]:
        """Registration, and the information of registered numbers, up to forty each."""
        return [
            Endpoint("POST", "/track/v2.4/register", self._register),
            Endpoint("POST", "/track/v2.4/gettrackinfo", self._gettrackinfo),
        ]

    def accepts(self, request: Request, counter: Counter) -> bool:
        """A key in a header."""
        return has_key(request, self.name, "17token")

    def refusal(self) -> Response:
        """17TRACK's error."""
        content = {"code": -18010002, "data": {"errors": [{"code": -18010002, "message": "Invalid security key."}]}}
        return json_response(content, 401)

    async def _register(self, request: Request, counter: Counter, malformed: bool) -> Response:
        entries = await _entries(request)
        if entries is None:
            return _errors(-18010013, "Submitted data is invalid.")
        accepted: list[Json] = []
        rejected: list[Json] = []
        for entry in entries:
            number = entry["number"]
            if not 5 <= len(number) <= 50:
                rejected.append(_rejected(entry, -18010012, f"The format of '{number}' is invalid."))
            elif number in self._registered:
                message = f"The tracking number '{number}' has been registered."
                rejected.append(_rejected(entry, -18019901, message))
            else:
                self._registered[number] = None
                if len(self._registered) > MOST_REGISTERED:
                    del self._registered[next(iter(self._registered))]
                found = counter.find(number)
                carrier = entry.get("carrier") or _key(found[0].carrier if found else "")
                told = {"origin": 1 if entry.get("carrier") else 2, "number": number, "carrier": carrier}
                accepted.append(told | {"email": None, "tag": None, "lang": None})
        if malformed and accepted:
            accepted[0] = {"number": accepted[0]["number"]}
        return json_response({"code": 0, "data": {"accepted": accepted, "rejected": rejected}})

    async def _gettrackinfo(self, request: Request, counter: Counter, malformed: bool) -> Response:
        entries = await _entries(request)
        if entries is None:
            return _errors(-18010013, "Submitted data is invalid.")
        accepted: list[Json] = []
        rejected: list[Json] = []
        for place, entry in enumerate(entries):
            number = entry["number"]
            first = malformed and place == 0
            if number not in self._registered and not first:
                message = f"The tracking number '{number}' does not register, please register first."
                rejected.append(_rejected(entry, -18019902, message))
                continue
            found = counter.find(number)
            told = found and answer(*found, number, counter.now(), counter.flaw(self.name, number, first))
            if told:
                accepted.append(told)
            else:
                rejected.append(_rejected(entry, -18019909, "No tracking information at this time."))
        return json_response({"code": 0, "data": {"accepted": accepted, "rejected": rejected}})


async def _entries(request: Request) -> list[Json] | None:
    """The numbers of a request, each with what is told beside it; None where they are not one to forty."""
    told = json_body(await request.body())
    if not isinstance(told, list) or not 0 < len(told) <= MOST_NUMBERS:
        return None
    return told if all(isinstance(one, dict) and isinstance(one.get("number"), str) for one in told) else None


STAND_IN = SeventeenTrack
