"""SEKO Omni-Channel Logistics, OmniParcel (`POST /labels/statusv2`), as SEKO's integration pages describe it.

SEKO says that event times are local to the region of the event. Its own code (OmniCode) is the event's code: `Code` is
that of the delivering carrier, empty for SEKO's own events, and each such carrier has its own. A consignment's packages
share one timeline.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import ClassVar

import msgspec

from lanecast.carriers.answer import (
    Salvageable,
    Text,
    Wire,
    dropped,
    not_found,
    read,
    same_number,
    text_of,
    unmentioned,
    unreadable,
)
from lanecast.carriers.base import Account, Adapter, Parsed, Wanted
from lanecast.carriers.events import Ends, in_time, make_event, meaning, read_clock, with_near_clocks
from lanecast.carriers.places import Place, country_code, place_of
from lanecast.tracking import Parcel, TrackingEvent, Unreadable
from lanecast.web import RequestSpec

ALLOCATED = "OP-1"
"""The event at the sender's: number given, order ready."""


class _Event(Wire):
    EventDT: Text = None
    Code: Text = None
    OmniCode: Text = None
    Description: str | None = None
    Location: str | None = None


class _Consignment(Salvageable):
    ConsignmentNo: Text = None
    Status: Text = None
    Events: list[_Event] | None = None


class _Problem(Wire):
    Property: str | None = None
    Message: str | None = None


class _Answer(Wire):
    consignments: list[_Consignment] | None = None
    Errors: list[_Problem] | None = None
    Message: str | None = None


_DECODER = msgspec.json.Decoder(_Answer)


class Seko(Adapter):
    """SEKO: an access key in a header, twenty consignment numbers a request.

    SEKO publishes no greatest count of numbers: twenty is a cautious one.
    """

    name: ClassVar[str] = "seko"
    numbers_per_request: ClassVar[int] = 20

    def authorization(self, account: Account, token: str | None) -> Mapping[str, str]:
        """The access key."""
        return {"access_key": account.password}

    def build(self, account: Account, wanted: Sequence[Wanted], token: str | None) -> RequestSpec:
        """A request whose body is the list of numbers."""
        return RequestSpec("POST", "/labels/statusv2", json=[one.number.strip() for one in wanted])

    def parse(self, body: bytes, requested: Sequence[str]) -> Iterator[Parsed]:
        """One Parcel per consignment. A number that a whole list is silent about is one that SEKO does not know."""
        inner = body.removeprefix(b"\xef\xbb\xbf").strip()
        is_list = inner.startswith(b"[")
        try:
            answer, drops = read(b'{"consignments":' + inner + b"}" if is_list else inner, _DECODER, _Answer)
        except msgspec.MsgspecError as error:
            yield from unreadable(body, str(error), requested)
            return
        yield from dropped(drops, requested[0] if len(requested) == 1 else None)
        if not is_list:
            told = "; ".join(f"{one.Property} {one.Message}" for one in answer.Errors or ())
            yield from unreadable(body, told or answer.Message or "no list of consignments", requested)
            return
        as_asked = {same_number(number): number for number in requested}
        mentioned: set[str] = set()
        nameless = False
        for consignment in answer.consignments or ():
            number = text_of(consignment.ConsignmentNo)
            if number is None:
                nameless = True
                yield Unreadable(problem="a consignment without number")
                continue
            mentioned.add(same_number(number))
            yield from _parcel(consignment, as_asked.get(same_number(number), number))
        if drops or nameless or answer.consignments is None:
            yield from unmentioned(requested, mentioned)
            return
        for number in requested:
            if same_number(number) not in mentioned:
                yield not_found(number)


def _parcel(consignment: _Consignment, number: str) -> Iterator[Parsed]:
    yield from dropped(consignment.drops, number)
    told = consignment.Events or ()
    known = bool(told or consignment.drops or text_of(consignment.Status))
    # SEKO prints neither end. Where the number was given out is where the parcel comes from.
    first = next((one for one in told if text_of(one.OmniCode) == ALLOCATED and text_of(one.Location)), None)
    ends = Ends(origin=_place(first.Location).country if first else None)
    events: list[TrackingEvent] = []
    places = with_near_clocks([_place(one.Location) for one in told])
    for one, place in zip(told, places, strict=True):
        clock = read_clock(one.EventDT, place)
        if clock is None:
            yield Unreadable(problem=f"event with unreadable time {one.EventDT!r}", tracking_number=number)
            continue
        status = meaning("seko", one.OmniCode, one.Description)
        events.append(make_event(clock, place, status, one.OmniCode, one.Description, ends))
    events = in_time(events)
    yield Parcel(tracking_number=number, requested_number=number, found=known, events=events)


@lru_cache(maxsize=65536)
def _place(location: str | None) -> Place:
    """A place from "CARSON, CA,US", "Essen, DE" or "NL": the country is the last part, the region the one before."""
    parts = [part for part in (" ".join(part.split()) for part in (location or "").split(",")) if part]
    if not parts:
        return place_of(None, None, None)
    country = parts[-1] if len(parts[-1]) == 2 or country_code(parts[-1]) else None
    rest = parts[:-1] if country else parts
    return place_of(country, rest[-1] if len(rest) > 1 else None, rest[0] if rest else None)


ADAPTER = Seko
