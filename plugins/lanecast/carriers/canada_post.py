"""Canada Post Tracking (`GET /vis/track/pin/{pin}/detail`, XML), as its developer pages describe it.

Event times are local and name their zone (EST); abroad they name none, or one that is none, and the place tells it. In
Canada an event has a site and a province, abroad a site with the country behind a comma. Event identifiers come with
and without leading zeros: they are kept without.
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
    asked_as,
    dropped,
    legible,
    moment_of,
    not_found,
    opened,
    same_number,
    text_of,
    unmentioned,
    unreadable,
)
from lanecast.carriers.base import Account, Adapter, Parsed, Wanted, in_path
from lanecast.carriers.clocks import at_offset
from lanecast.carriers.events import Clock, Ends, in_time, make_event, meaning, read_clock
from lanecast.carriers.places import Place, country_code, place_of
from lanecast.carriers.status import Status, status_table
from lanecast.carriers.xml import read_xml
from lanecast.tracking import Parcel, TrackingEvent, Unreadable
from lanecast.web import RequestSpec, basic_auth

ZONES: dict[str, int] = {
    "NST": -210,
    "NDT": -150,
    "AST": -240,
    "ADT": -180,
    "EST": -300,
    "EDT": -240,
    "CST": -360,
    "CDT": -300,
    "MST": -420,
    "MDT": -360,
    "PST": -480,
    "PDT": -420,
}
"""The zones of Canada by name, in minutes from UTC."""

NOT_FOUND_CODES = frozenset({"004"})
"""Message codes for a number without history ("No Pin History")."""

_LOCAL_CLOCK = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?")
_EXCHANGE_OFFICE = re.compile(r"[A-Z]{6}")
_FOREIGN_EVENT = re.compile(r"4\d{3}")
_POSTED_IN = re.compile(r"[A-Z]{2}\d{9}([A-Z]{2})")
_CANADIAN_POSTAL_CODE = re.compile(r"[A-Z]\d[A-Z](?: ?\d[A-Z]\d)?")


class _Occurrence(Wire, rename="kebab"):
    event_identifier: Text = None
    event_date: Text = None
    event_time: Text = None
    event_time_zone: Text = None
    event_description: str | None = None
    event_site: Text = None
    event_province: Text = None


class _Occurrences(Salvageable, rename="kebab"):
    occurrence: list[_Occurrence] | None = None


class _Detail(Salvageable, rename="kebab"):
    pin: Text = None
    destination_postal_id: Text = None
    service_name: Text = None
    significant_events: _Occurrences | None = None


class _Message(Wire):
    code: Text = None
    description: str | None = None


class _Messages(Wire):
    message: list[_Message] | None = None


class _Answer(_Detail, rename="kebab"):
    """The root is `tracking-detail` or `messages`; or it wraps them."""

    tracking_detail: list[_Detail] | None = None
    messages: list[_Messages] | None = None
    message: list[_Message] | None = None


_DECODER = msgspec.json.Decoder(_Answer)


class CanadaPost(Adapter):
    """Canada Post: HTTP Basic with an API key, one number a request."""

    name: ClassVar[str] = "canada_post"
    numbers_per_request: ClassVar[int] = 1

    def authorization(self, account: Account, token: str | None) -> Mapping[str, str]:
        """HTTP Basic with the two halves of the API key."""
        return basic_auth(account)

    def build(self, account: Account, wanted: Sequence[Wanted], token: str | None) -> RequestSpec:
        """A request for one number. Canada Post refuses any other Accept header."""
        return RequestSpec(
            "GET",
            f"/vis/track/pin/{in_path(wanted[0].number)}/detail",
            headers={"Accept": "application/vnd.cpc.track-v2+xml", "Accept-Language": "en-CA"},
        )

    def parse(self, body: bytes, requested: Sequence[str]) -> Iterator[Parsed]:
        """One Parcel per tracking detail."""
        answer = yield from opened(body, requested, _DECODER, _Answer, read_xml)
        if answer is None:
            return
        details = answer.tracking_detail or ([answer] if answer.pin or answer.significant_events else [])
        if not details:
            problems = [*(answer.message or ()), *(one for told in answer.messages or () for one in told.message or ())]
            if any(text_of(problem.code) in NOT_FOUND_CODES for problem in problems):
                yield from map(not_found, requested)
                return
            told = "; ".join(f"{problem.code} {problem.description}" for problem in problems)
            yield from unreadable(body, told or "no tracking detail in it", requested)
            return
        mentioned: set[str] = set()
        for detail in details:
            yield from _parcel(detail, requested, mentioned)
        yield from unmentioned(requested, mentioned)


def _parcel(detail: _Detail, requested: Sequence[str], mentioned: set[str]) -> Iterator[Parsed]:
    number = text_of(detail.pin)
    if number is None:
        yield Unreadable(problem="a tracking detail without pin")
        return
    mentioned.add(same_number(number))
    number = asked_as(number, requested)
    occurrences = detail.significant_events
    yield from dropped([*detail.drops, *(occurrences.drops if occurrences else ())], number)
    ends = _ends(number, text_of(detail.destination_postal_id))
    events = yield from legible(
        (_event(one, ends) for one in (occurrences.occurrence if occurrences else None) or ()), number
    )
    yield Parcel(
        tracking_number=number,
        requested_number=number,
        service=text_of(detail.service_name),
        origin_country=ends.origin,
        destination_country=ends.destination,
        events=in_time(events),
    )


def _ends(number: str, postal_code: str | None) -> Ends:
    """Where it was posted, by the last letters of a number of the UPU's form (S10), and whether it goes to Canada."""
    posted = _POSTED_IN.fullmatch(same_number(number))
    canadian = postal_code and _CANADIAN_POSTAL_CODE.fullmatch(postal_code.upper())
    return Ends(country_code(posted.group(1)) if posted else None, "CA" if canadian else None)


def _event(told: _Occurrence, ends: Ends) -> TrackingEvent | str:
    """One event, or why it could not be read."""
    code = text_of(told.event_identifier)
    code = code.lstrip("0") or code if code else None
    abroad = bool(code and _FOREIGN_EVENT.fullmatch(code))
    place = _place(text_of(told.event_site), text_of(told.event_province), abroad)
    printed = f"{text_of(told.event_date)}T{text_of(told.event_time)}"
    clock = _clock(printed, text_of(told.event_time_zone), place)
    if clock is None:
        return f"event with unreadable time {told.event_date!r} {told.event_time!r}"
    return make_event(clock, place, _meaning(code, told.event_description), code, told.event_description, ends)


def _clock(printed: str, zone: str | None, place: Place) -> Clock | None:
    if not _LOCAL_CLOCK.fullmatch(printed):
        return None
    minutes = ZONES.get(zone.upper()) if zone else None
    if minutes is None:
        return read_clock(printed, place)
    local = moment_of(printed)
    return Clock(local, at_offset(local, minutes), minutes, "offset") if local else None


@lru_cache(maxsize=65536)
def _place(site: str | None, province: str | None, abroad: bool) -> Place:
    """The place of an event: a Canadian site and its province, or a foreign site ("TEL AVIV,Israel", "ILTLVA")."""
    if province:
        return place_of("CA", province, site)
    if site is None:
        return place_of(None, None, None)
    city, _, tail = (part.strip() for part in site.rpartition(","))
    # Two letters that are no country's code are kept, so that the contract's rule tells of it.
    told = country_code(tail) or (tail if city and len(tail) == 2 else None)
    if told and city:
        return place_of(told, None, city)
    if abroad:
        # An office of exchange (UPU S34) starts with its country's code.
        return place_of(country_code(site[:2]) if _EXCHANGE_OFFICE.fullmatch(site) else None, None, site)
    return place_of(None, None, site, default_country="CA")


@lru_cache(maxsize=65536)
def _meaning(code: str | None, description: str | None) -> Status:
    """What an event means; words that say so make any known code one of a return ("... being returned to sender")."""
    status = meaning("canada_post", code, description)
    if not description or not status.mapped or status.milestone in {"returning", "returned"}:
        return status
    finer = status_table("canada_post").by_text(description)
    return finer if finer and finer.milestone in {"returning", "returned"} else status


ADAPTER = CanadaPost
