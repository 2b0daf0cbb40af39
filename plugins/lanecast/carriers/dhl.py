"""DHL Shipment Tracking - Unified (`GET /track/shipments?trackingNumber=`), as its developer portal describes it.

Event times are local. Some of DHL's divisions print them with a `Z` all the same (its own sample answer prints one
scan both ways), so that only a numeric offset is believed, and the place tells the rest. The pieces of a shipment
share one timeline.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import ClassVar

import msgspec

from lanecast.carriers.answer import (
    Salvageable,
    Text,
    Wire,
    dropped,
    line_of,
    not_found,
    opened,
    read,
    same_number,
    text_of,
    unmentioned,
    unreadable,
)
from lanecast.carriers.base import Account, Adapter, Parsed, Wanted
from lanecast.carriers.clocks import (
    EARLIEST_YEAR,
    LATEST_YEAR,
    by_offset,
    clock_and_zone,
    in_zone,
    settle,
)
from lanecast.carriers.events import TURNED, returned_to_sender
from lanecast.carriers.places import Place, country_code, place_of
from lanecast.carriers.status import CUSTOMS, UNKNOWN, Status, resolve_customs, status_table
from lanecast.tracking import MILESTONES, Parcel, TimeKnowledge, TrackingEvent, Unreadable
from lanecast.web import RequestSpec

_EVENT_CODE = re.compile(r"[A-Z]{2}")
"""DHL Express prints its two-letter event code as `status`; other divisions print a text there."""


_DELIVERED = re.compile(r"delivered\b(?! (?:to|at) dhl)", re.IGNORECASE)

REFINEMENTS = frozenset({*MILESTONES, *CUSTOMS}) - {"delivered"}
_REFINABLE = {
    "pre-transit": frozenset[str](),
    "delivered": frozenset({"returned", "available_for_pickup"}),
    "failure": REFINEMENTS - {"in_transit"},
    "unknown": frozenset({"lost", "returned", "destroyed", "damaged", "returning", "cancelled"}),
}
"""Which milestones a text may make of a status code; of the others, all REFINEMENTS."""


_NOTHING = msgspec.Raw(b"null")


class _Address(Wire):
    countryCode: str | None = None
    addressLocality: str | None = None


class _Location(Wire):
    address: _Address | None = None


class _Event(Wire):
    """`location` stays as printed: few are told apart, and each is read once (_place)."""

    timestamp: Text = None
    location: msgspec.Raw = _NOTHING
    statusCode: Text = None
    status: Text = None
    description: str | None = None


class _Product(Wire):
    productName: str | None = None


class _Details(Wire):
    product: _Product | None = None
    pieceIds: list[Text] | None = None


class _Shipment(Salvageable):
    id: Text = None
    service: str | None = None
    origin: _Location | None = None
    destination: _Location | None = None
    status: _Event | None = None
    details: _Details | None = None
    events: list[_Event] | None = None


class _Answer(Wire):
    shipments: list[_Shipment] | None = None
    status: Text = None
    title: str | None = None
    detail: str | None = None


_DECODER = msgspec.json.Decoder(_Answer)
_LOCATION = msgspec.json.Decoder(_Location)


class Dhl(Adapter):
    """DHL: an API key in a header, one number a request."""

    name: ClassVar[str] = "dhl"
    numbers_per_request: ClassVar[int] = 1

    def authorization(self, account: Account, token: str | None) -> Mapping[str, str]:
        """The API key."""
        return {"DHL-API-Key": account.password}

    def build(self, account: Account, wanted: Sequence[Wanted], token: str | None) -> RequestSpec:
        """A request for one number."""
        return RequestSpec(
            "GET", "/track/shipments", params={"trackingNumber": wanted[0].number.strip(), "language": "en"}
        )

    def parse(self, body: bytes, requested: Sequence[str]) -> Iterator[Parsed]:
        """One Parcel per shipment, under the number that was asked for, be it the shipment's or a piece's."""
        answer = yield from opened(body, requested, _DECODER, _Answer)
        if answer is None:
            return
        if not answer.shipments:
            if text_of(answer.status) == "404":
                yield from map(not_found, requested)
                return
            told = " ".join(filter(None, (text_of(answer.status), answer.title, answer.detail)))
            yield from unreadable(body, told or "no shipment in it", requested)
            return
        mentioned: set[str] = set()
        for shipment in answer.shipments:
            yield from _parcels(shipment, requested, mentioned)
        yield from unmentioned(requested, mentioned)


def _parcels(shipment: _Shipment, requested: Sequence[str], mentioned: set[str]) -> Iterator[Parsed]:
    pieces = (shipment.details.pieceIds if shipment.details else None) or ()
    own = text_of(shipment.id)
    told = {same_number(number) for number in (own, *map(text_of, pieces)) if number}
    asked = next((number for number in requested if same_number(number) in told), None)
    if asked:
        mentioned.add(same_number(asked))
    number = asked or own
    if number is None:
        yield Unreadable(problem="a shipment without id")
        return
    yield from dropped(shipment.drops, number)
    origin = _country(shipment.origin)
    destination = _country(shipment.destination)
    events: list[TrackingEvent] = []
    returning = False
    # `status` repeats the newest event; it stands in where the timeline is missing.
    for told_event in shipment.events or ((shipment.status,) if shipment.status and not shipment.drops else ()):
        event = _event(told_event, origin, destination)
        if type(event) is TrackingEvent:
            events.append(event)
            returning = returning or event.milestone in TURNED
        else:
            yield Unreadable(problem=str(event), tracking_number=number)
    events = settle(events)
    product = shipment.details.product if shipment.details else None
    yield Parcel(
        tracking_number=number,
        requested_number=number,
        service=text_of(product.productName if product else None) or text_of(shipment.service),
        origin_country=origin,
        destination_country=destination,
        events=returned_to_sender(events) if returning else events,
    )


def _country(location: _Location | None) -> str | None:
    return country_code(location.address.countryCode) if location and location.address else None


def _event(told: _Event, origin: str | None, destination: str | None) -> TrackingEvent | str:
    """One event, or why it could not be read."""
    try:
        local, zone = clock_and_zone(told.timestamp)  # type: ignore[arg-type]
    except (ValueError, TypeError):
        return f"event with unreadable timestamp {told.timestamp!r}"
    if not EARLIEST_YEAR <= local.year <= LATEST_YEAR:
        return f"event with impossible timestamp {told.timestamp!r}"
    country, region, city, place = _place(bytes(told.location))
    known: TimeKnowledge
    if not zone or zone == "Z":
        known = place.known
        occurred, minutes = in_zone(local, place.zone)
    else:
        printed = by_offset(local, zone)
        if printed is None:
            return f"event with impossible offset {told.timestamp!r}"
        occurred, minutes = printed
        known = "offset"
    code, description, (milestone, reason, mapped) = _meaning(told.statusCode, told.status, told.description)
    if milestone in CUSTOMS:
        milestone = resolve_customs(milestone, country, origin, destination, description)
    return TrackingEvent(
        local_time=local,
        utc_offset_minutes=minutes,
        tz_known=known,
        occurred_at=occurred,
        milestone=milestone,
        code=code,
        description=description,
        reason=reason,
        country=country,
        region=region,
        city=city,
        mapped=mapped,
    )


@lru_cache(maxsize=16384)
def _place(location: bytes) -> tuple[str | None, str | None, str | None, Place]:
    """(country, region, city, place) of a location as printed; nowhere for none, or for one that cannot be read."""
    try:
        address = read(location, _LOCATION, _Location)[0].address
    except msgspec.MsgspecError:
        address = None
    place = place_of(address.countryCode, None, address.addressLocality) if address else place_of(None, None, None)
    return place.country, place.region, place.city, place


@lru_cache(maxsize=65536)
def _meaning(status_code: Text, status: Text, description: str | None) -> tuple[str | None, str | None, Status]:
    """(code, description, meaning) of a scan: by the unified status code, or by words alone where there is none.

    An event code or a documented text makes it finer where a parcel is under way or failed. It never makes one
    delivered that the status code does not; `pre-transit` and `delivered` stand as they are, and of `unknown` only a
    sad end is believed.
    """
    unified, status = text_of(status_code), text_of(status)
    text = line_of(description or "") or (line_of(status) if status else None)
    event_code = status if status and _EVENT_CODE.fullmatch(status) else None
    code = f"{unified}/{event_code}" if unified and event_code else unified or event_code
    table = status_table("dhl")
    if unified is None:  # events of DHL Express may have words alone
        words = table.by_text(text) if text else None
        if words is None and text and _DELIVERED.match(text):
            words = table.codes["delivered"]
        return code, text, table.with_reason(words or UNKNOWN, text)
    meaning = table.codes.get(unified.lower())
    if meaning is None:
        return code, text, UNKNOWN
    finer = table.codes.get(f"status/{event_code}") if event_code else None
    finer = finer or table.by_text(status or "") or table.by_text(description or "")
    if finer is None or finer.milestone not in _REFINABLE.get(unified.lower(), REFINEMENTS):
        return code, text, meaning
    return code, text, table.with_reason(finer, f"{description or ''} {status or ''}")


ADAPTER = Dhl
