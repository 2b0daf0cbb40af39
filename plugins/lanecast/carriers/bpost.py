"""bpost Tracking API (`GET /services/trackedmail/item/{barcode}/trackingInfo`, XML), as its schema describes it.

State times carry their offset. bpost publishes no list of its state codes: those known are in the table, and of the
others the state's name tells, which stands before its description ("DistributedNormally - regular").
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

import msgspec

from lanecast.carriers.answer import (
    Salvageable,
    Text,
    Wire,
    asked_as,
    dropped,
    not_found,
    text_of,
    unreadable,
)
from lanecast.carriers.base import Account, Adapter, Parsed, Wanted, in_path
from lanecast.carriers.events import Ends, in_time, make_event, meaning, read_clock
from lanecast.carriers.places import Place, country_code, place_of
from lanecast.carriers.xml import read_xml
from lanecast.tracking import Parcel, TrackingEvent, Unreadable
from lanecast.web import RequestSpec

HOME = "BE"
NOT_FOUND = "no item found"


class _Address(Wire):
    countryCode: str | None = None


class _Party(Wire):
    address: _Address | None = None


class _State(Wire):
    time: Text = None
    location: str | None = None
    stateCode: Text = None
    stateDescription: str | None = None


class _Tracking(Salvageable):
    """The item's tracking; `code` and `message` are those of the exceptions that bpost answers in its stead."""

    itemCode: Text = None
    sender: _Party | None = None
    addressee: _Party | None = None
    stateInfo: list[_State] | None = None
    code: Text = None
    message: str | None = None


_DECODER = msgspec.json.Decoder(_Tracking)


class Bpost(Adapter):
    """bpost: HTTP Basic with account id and password, one barcode a request."""

    name: ClassVar[str] = "bpost"
    numbers_per_request: ClassVar[int] = 1

    def build(self, account: Account, wanted: Sequence[Wanted], token: str | None) -> RequestSpec:
        """A request for one barcode."""
        return RequestSpec(
            "GET",
            f"/services/trackedmail/item/{in_path(wanted[0].number)}/trackingInfo",
            headers={"Accept": "*/*"},
            basic=(account.login, account.password),
        )

    def parse(self, body: bytes, requested: Sequence[str]) -> Iterator[Parsed]:
        """One Parcel. An item without states, or an answer that no item was found, is one that bpost does not know."""
        try:
            item, drops = read_xml(body, _DECODER, _Tracking)
        except msgspec.MsgspecError as error:
            if body.strip().lower().startswith(NOT_FOUND.encode()):
                yield from map(not_found, requested)
                return
            yield from unreadable(body, str(error), requested)
            return
        told = text_of(item.message)
        if told is not None and not item.stateInfo:
            if text_of(item.code) == "404" or NOT_FOUND in told.lower():
                yield from map(not_found, requested)
                return
            yield from unreadable(body, " ".join(filter(None, (text_of(item.code), told))), requested)
            return
        own = text_of(item.itemCode)
        if own is None and not item.stateInfo and b"itemTracking" not in body:
            yield from unreadable(body, "no tracking of an item", requested)
            return
        number = asked_as(own, requested) if own else (requested[0] if len(requested) == 1 else None)
        if number is None:
            yield from unreadable(body, "an item without code", requested)
            return
        yield from dropped([*drops, *item.drops], number)
        asked = requested[0] if len(requested) == 1 else number
        yield from _parcel(item, number, asked)


def _parcel(item: _Tracking, number: str, asked: str) -> Iterator[Parsed]:
    ends = Ends(_country(item.sender), _country(item.addressee))
    events: list[TrackingEvent] = []
    for state in item.stateInfo or ():
        place = _place(text_of(state.location))
        clock = read_clock(state.time, place)
        if clock is None:
            yield Unreadable(problem=f"state with unreadable time {state.time!r}", tracking_number=number)
            continue
        status = meaning("bpost", state.stateCode, state.stateDescription)
        events.append(make_event(clock, place, status, state.stateCode, state.stateDescription, ends))
    events = in_time(events)
    yield Parcel(
        tracking_number=number,
        requested_number=asked,
        found=bool(item.stateInfo or item.drops),
        origin_country=ends.origin,
        destination_country=ends.destination,
        events=events,
    )


def _country(party: _Party | None) -> str | None:
    return country_code(party.address.countryCode) if party and party.address else None


def _place(location: str | None) -> Place:
    """Where a state was reached. Most states print no place: none is claimed then, and bpost's clock is assumed."""
    if location is None:
        return place_of(None, None, None)._replace(zone=place_of(HOME, None, None).zone, known="assumed")
    return place_of(None, None, location)


ADAPTER = Bpost
