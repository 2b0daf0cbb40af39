"""MyDHL API of DHL Express (`GET /shipments/{number}/tracking`), as its OpenAPI file (3.1.1) describes it.

Event times are local. DHL gives their offset (`GMTOffset`) where it is asked for, and takes that wish for one shipment
a request alone: `GET /tracking`, for up to 200, answers without offsets. Hence one number a request. A service area is
told as "CITY-COUNTRY".
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
    moment_of,
    not_found,
    read,
    same_number,
    text_of,
    unmentioned,
    unreadable,
)
from lanecast.carriers.base import Account, Adapter, Parsed, Wanted, in_path
from lanecast.carriers.clocks import at_offset, offset_minutes
from lanecast.carriers.events import Clock, Ends, in_time, make_event, meaning, read_clock
from lanecast.carriers.places import Place, country_code, place_of, region_code, zone_of
from lanecast.tracking import Parcel, TrackingEvent, Unreadable
from lanecast.web import RequestSpec, basic_auth

_NOTHING_FOUND = re.compile(r"no (?:shipments?|data) found|not data found", re.IGNORECASE)
_TWO_LETTERS = re.compile(r"-[A-Z]{2}$")
_LOCAL_CLOCK = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?")


class _ServiceArea(Wire):
    code: Text = None
    description: str | None = None


class _Event(Wire):
    date: Text = None
    time: Text = None
    GMTOffset: Text = None
    typeCode: Text = None
    description: str | None = None
    serviceArea: list[_ServiceArea] | None = None


class _Address(Wire):
    provinceCode: Text = None
    countryCode: Text = None


class _Party(Wire):
    postalAddress: _Address | None = None
    serviceArea: list[_ServiceArea] | None = None


class _Piece(Wire):
    trackingNumber: Text = None
    events: list[_Event] | None = None


class _Shipment(Salvageable):
    shipmentTrackingNumber: Text = None
    status: Text = None
    productCode: Text = None
    shipperDetails: _Party | None = None
    receiverDetails: _Party | None = None
    events: list[_Event] | None = None
    pieces: list[_Piece] | None = None


class _Answer(Wire):
    shipments: list[_Shipment] | None = None
    status: Text = None
    title: str | None = None
    detail: str | None = None


_DECODER = msgspec.json.Decoder(_Answer)


class Mydhl(Adapter):
    """DHL Express: HTTP Basic, one number a request."""

    name: ClassVar[str] = "mydhl"
    numbers_per_request: ClassVar[int] = 1

    def authorization(self, account: Account, token: str | None) -> Mapping[str, str]:
        """HTTP Basic with the API's user name and password."""
        return basic_auth(account)

    def build(self, account: Account, wanted: Sequence[Wanted], token: str | None) -> RequestSpec:
        """A request for one shipment: all its checkpoints, with their offsets."""
        return RequestSpec(
            "GET",
            f"/shipments/{in_path(wanted[0].number)}/tracking",
            params={"trackingView": "all-checkpoints", "levelOfDetail": "shipment", "requestGMTOffsetPerEvent": "true"},
            headers={"Accept-Language": "eng"},
        )

    def parse(self, body: bytes, requested: Sequence[str]) -> Iterator[Parsed]:
        """One Parcel per shipment, under the number that was asked for, be it the shipment's or a piece's."""
        try:
            answer, drops = read(body, _DECODER, _Answer)
        except msgspec.MsgspecError as error:
            yield from unreadable(body, str(error), requested)
            return
        yield from dropped(drops, requested[0] if len(requested) == 1 else None)
        if not answer.shipments:
            told = " ".join(filter(None, (text_of(answer.status), answer.title, answer.detail)))
            nothing = answer.shipments is not None and not drops
            if nothing or text_of(answer.status) == "404" or _NOTHING_FOUND.search(told):
                yield from map(not_found, requested)
                return
            yield from unreadable(body, told or "no shipment in it", requested)
            return
        mentioned: set[str] = set()
        for shipment in answer.shipments:
            yield from _parcels(shipment, requested, mentioned)
        yield from unmentioned(requested, mentioned)


def _parcels(shipment: _Shipment, requested: Sequence[str], mentioned: set[str]) -> Iterator[Parsed]:
    own = text_of(shipment.shipmentTrackingNumber)
    pieces = shipment.pieces or ()
    told = {same_number(number) for number in (own, *(text_of(piece.trackingNumber) for piece in pieces)) if number}
    asked = next((number for number in requested if same_number(number) in told), None)
    if asked:
        mentioned.add(same_number(asked))
    number = asked or own
    if number is None:
        yield Unreadable(problem="a shipment without shipmentTrackingNumber")
        return
    yield from dropped(shipment.drops, number)
    status = text_of(shipment.status)
    if not shipment.events and not pieces and status and _NOTHING_FOUND.search(status):
        yield not_found(number)
        return
    ends = Ends(_country(shipment.shipperDetails), _country(shipment.receiverDetails))
    areas = _areas(shipment)
    events: list[TrackingEvent] = []
    # The shipment's timeline is that of all pieces; those of the pieces stand in where it is missing.
    for one in shipment.events or [event for piece in pieces for event in piece.events or ()]:
        event = _event(one, areas, ends)
        if isinstance(event, str):
            yield Unreadable(problem=event, tracking_number=number)
        elif event not in events:
            events.append(event)
    address = shipment.receiverDetails.postalAddress if shipment.receiverDetails else None
    yield Parcel(
        tracking_number=number,
        requested_number=number,
        service=text_of(shipment.productCode),
        origin_country=ends.origin,
        destination_country=ends.destination,
        destination_region=region_code(ends.destination, text_of(address.provinceCode)) if address else None,
        events=in_time(events),
    )


def _country(party: _Party | None) -> str | None:
    return country_code(text_of(party.postalAddress.countryCode)) if party and party.postalAddress else None


def _areas(shipment: _Shipment) -> dict[str, str]:
    """The countries of the service areas at both ends, by the areas' codes."""
    found: dict[str, str] = {}
    for party in (shipment.shipperDetails, shipment.receiverDetails):
        country = _country(party)
        for area in (party.serviceArea if party else None) or ():
            code = text_of(area.code)
            if code and country:
                found[code] = country
    return found


def _event(told: _Event, areas: Mapping[str, str], ends: Ends) -> TrackingEvent | str:
    """One event, or why it could not be read."""
    area = told.serviceArea[0] if told.serviceArea else None
    code = text_of(area.code) if area else None
    place = _place(area.description if area else None, areas.get(code or ""))
    clock = _clock(f"{text_of(told.date)}T{text_of(told.time)}", text_of(told.GMTOffset), place)
    if clock is None:
        return f"event with unreadable time {told.date!r} {told.time!r} {told.GMTOffset!r}"
    return make_event(
        clock, place, meaning("mydhl", told.typeCode, told.description), told.typeCode, told.description, ends
    )


def _clock(printed: str, offset: str | None, place: Place) -> Clock | None:
    if not _LOCAL_CLOCK.fullmatch(printed):
        return None
    minutes = offset_minutes(offset)
    if minutes is None:
        return read_clock(printed, place)
    local = moment_of(printed)
    return Clock(local, at_offset(local, minutes), minutes, "offset") if local else None


@lru_cache(maxsize=65536)
def _place(description: str | None, country: str | None) -> Place:
    """The place of a service area: its country stands behind a hyphen, a state before that behind a comma."""
    text = text_of(description)
    if text is None:
        return place_of(country, None, None)
    head, tail = text, ""
    at = text.find("-")
    while at >= 0:  # the first hyphen behind which a country stands: names of both may hold hyphens themselves
        if country_code(text[at + 1 :].strip()):
            head, tail = text[:at], text[at + 1 :].strip()
            break
        at = text.find("-", at + 1)
    if not tail and _TWO_LETTERS.search(text):  # no country's code: kept, so that the contract's rule tells of it
        head, _, tail = text.rpartition("-")
    told = country_code(tail) or tail or country
    city, _, region = (part.strip() for part in head.rpartition(","))
    if not city:
        return place_of(told, None, head.strip() or None)
    if not told:  # "New York, NY": of the countries whose parts are written so, the one that has it
        told = next((one for one in ("US", "CA") if zone_of(one, region)[1]), None)
    return place_of(told, region, city)


ADAPTER = Mydhl
