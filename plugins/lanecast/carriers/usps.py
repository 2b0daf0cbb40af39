"""USPS Tracking 3.0 (`GET /tracking/v3/tracking/{number}?expand=DETAIL`), as its developer portal describes it.

`eventTimestamp` is local, a `Z` behind it or not; `GMTOffset` tells its offset. The two win where `GMTTimestamp` says
otherwise, and the event is flagged.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import ClassVar

import msgspec

from lanecast.carriers.answer import (
    Salvageable,
    Text,
    Wire,
    asked_as,
    dropped,
    line_of,
    moment_of,
    not_found,
    opened,
    same_number,
    text_of,
    unmentioned,
    unreadable,
)
from lanecast.carriers.base import Account, Adapter, Parsed, Wanted, in_path
from lanecast.carriers.clocks import (
    EARLIEST_YEAR,
    LATEST_YEAR,
    at_offset,
    by_greenwich,
    by_offset,
    clock_and_zone,
    disagree,
    offset_delta,
    offset_minutes,
    settle,
    split,
)
from lanecast.carriers.events import TURNED, meaning, returned_to_sender
from lanecast.carriers.places import Place, country_code, place_of, region_code
from lanecast.carriers.status import CUSTOMS, Status, resolve_customs, status_table
from lanecast.tracking import Parcel, TimeKnowledge, TrackingEvent, Unreadable
from lanecast.web import RequestSpec

HOME = "US"
_TAG = re.compile(r"<SUP>.*?</SUP>|<[^>]*>", re.IGNORECASE)


class _Event(Wire):
    eventType: str | None = None
    eventTimestamp: Text = None
    GMTTimestamp: Text = None
    GMTOffset: str | None = None
    eventCountry: str | None = None
    eventCity: str | None = None
    eventState: str | None = None
    eventZIP: Text = None
    eventCode: Text = None


class _Cause(Wire):
    code: Text = None
    title: str | None = None
    detail: str | None = None


class _Error(Wire):
    code: Text = None
    message: str | None = None
    errors: list[_Cause] | None = None


class _Answer(Salvageable):
    trackingNumber: Text = None
    trackingEvents: list[_Event] | None = None
    mailClass: str | None = None
    originCountry: str | None = None
    originCountryCode: str | None = None
    originState: str | None = None
    originZIP: Text = None
    destinationCountry: str | None = None
    destinationCountryCode: str | None = None
    destinationState: str | None = None
    destinationZIP: Text = None
    error: _Error | None = None


_DECODER = msgspec.json.Decoder(_Answer)

NOT_TO_THE_RECIPIENT = frozenset({"returned", "in_transit"})
"""What the words of a delivery may make of it: USPS prints its code 01 for the sender and for agents too."""


_When = tuple[datetime, datetime, int, TimeKnowledge, bool]
"""(clock reading, UTC, offset in minutes, how it is known, whether the event's own readings disagree)."""


class Usps(Adapter):
    """USPS: OAuth2 client credentials, one number a request."""

    name: ClassVar[str] = "usps"
    numbers_per_request: ClassVar[int] = 1

    def token_request(self, account: Account) -> RequestSpec | None:
        """Client credentials as JSON."""
        credentials = {
            "grant_type": "client_credentials",
            "client_id": account.login,
            "client_secret": account.password,
        }
        return RequestSpec("POST", "/oauth2/v3/token", json=credentials)

    def authorization(self, account: Account, token: str | None) -> Mapping[str, str]:
        """A bearer token."""
        return {"Authorization": f"Bearer {token}"}

    def build(self, account: Account, wanted: Sequence[Wanted], token: str | None) -> RequestSpec:
        """A request for one number, with its events."""
        return RequestSpec("GET", f"/tracking/v3/tracking/{in_path(wanted[0].number)}", params={"expand": "DETAIL"})

    def parse(self, body: bytes, requested: Sequence[str]) -> Iterator[Parsed]:
        """One Parcel: an answer is about one number."""
        answer = yield from opened(body, requested, _DECODER, _Answer)
        if answer is None:
            return
        number = text_of(answer.trackingNumber)
        if number is None:
            yield from _without_number(answer, body, requested)
            return
        asked = asked_as(number, requested)
        yield from dropped(answer.drops, number)
        yield from _read_parcel(answer, number, asked)
        yield from unmentioned(requested, {same_number(number)})


def _without_number(answer: _Answer, body: bytes, requested: Sequence[str]) -> Iterator[Parsed]:
    error = answer.error
    if error and text_of(error.code) == "404":
        yield from map(not_found, requested)
        return
    causes = [cause.detail or cause.title or "" for cause in error.errors or ()] if error else []
    told = "; ".join(filter(None, [f"{error.code} {error.message}", *causes])) if error else "no tracking number in it"
    yield from unreadable(body, told, requested)


def _read_parcel(answer: _Answer, number: str, requested_number: str) -> Iterator[Parsed]:
    origin = _end(answer.originCountryCode or answer.originCountry, answer.originState, answer.originZIP)
    destination = _end(
        answer.destinationCountryCode or answer.destinationCountry, answer.destinationState, answer.destinationZIP
    )
    events: list[TrackingEvent] = []
    returning = False
    for told in answer.trackingEvents or ():
        event = _event(told, origin, destination)
        if type(event) is TrackingEvent:
            events.append(event)
            returning = returning or event.milestone in TURNED
        else:
            yield Unreadable(problem=str(event), tracking_number=number)
    events = settle(events)
    yield Parcel(
        tracking_number=number,
        requested_number=requested_number,
        service=_plain(answer.mailClass) if answer.mailClass else None,
        origin_country=origin,
        destination_country=destination,
        destination_region=region_code(destination, answer.destinationState),
        events=returned_to_sender(events) if returning else events,
    )


def _end(country: str | None, state: str | None, postcode: Text) -> str | None:
    """The country of an end of the journey: USPS names none at home."""
    return country_code(country) or (HOME if not country and (state or postcode) else None)


@lru_cache(maxsize=1024)
def _plain(text: str) -> str | None:
    """A service's name without its trademark signs and mark-up."""
    return line_of(html.unescape(_TAG.sub("", text)))


def _event(told: _Event, origin: str | None, destination: str | None) -> TrackingEvent | str:
    """One event, or why it could not be read."""
    home = HOME if not told.eventCountry and (told.eventCity or told.eventState or told.eventZIP) else None
    place = place_of(told.eventCountry, told.eventState, told.eventCity, home)
    when = _when(told, place)
    if when is None:
        return f"event with unreadable time {told.eventTimestamp!r}"
    local, occurred, minutes, known, disagrees = when
    description = line_of(told.eventType) if told.eventType else None
    code, (milestone, reason, mapped) = _meaning(told.eventCode, description)
    if milestone in CUSTOMS:
        milestone = resolve_customs(milestone, place.country, origin, destination, description)
    return TrackingEvent(
        local_time=local,
        utc_offset_minutes=minutes,
        tz_known=known,
        occurred_at=occurred,
        milestone=milestone,
        code=code,
        description=description,
        reason=reason,
        country=place.country,
        region=place.region,
        city=place.city,
        mapped=mapped,
        clock_disagrees=disagrees,
    )


def _when(told: _Event, place: Place) -> _When | None:
    """The time of an event; None if it cannot be read."""
    try:
        local, zone = clock_and_zone(told.eventTimestamp)  # type: ignore[arg-type]
    except (ValueError, TypeError):
        return _from_greenwich(told)
    if not EARLIEST_YEAR <= local.year <= LATEST_YEAR:
        return None
    if zone and zone != "Z":
        known = by_offset(local, zone)
        if known is None:
            return None
    else:
        known = by_offset(local, told.GMTOffset)
    try:
        greenwich: datetime | None = datetime.fromisoformat(told.GMTTimestamp)  # type: ignore[arg-type]
    except (ValueError, TypeError):
        greenwich = moment_of(text_of(told.GMTTimestamp))
    if known is None:
        return local, *by_greenwich(local, greenwich, place)
    occurred, minutes = known
    return local, occurred, minutes, "offset", disagree(occurred, greenwich)


def _from_greenwich(told: _Event) -> _When | None:
    """The time where only GMTTimestamp can be read and eventTimestamp is missing."""
    greenwich = moment_of(text_of(told.GMTTimestamp))
    if text_of(told.eventTimestamp) or greenwich is None:
        return None
    _, occurred, _ = split(greenwich) if greenwich.tzinfo else (None, at_offset(greenwich, 0), None)
    minutes = offset_minutes(told.GMTOffset) or 0
    local = occurred.replace(tzinfo=None) + offset_delta(minutes)
    return (local, occurred, minutes, "utc", False) if EARLIEST_YEAR <= local.year <= LATEST_YEAR else None


@lru_cache(maxsize=65536)
def _meaning(event_code: Text, description: str | None) -> tuple[str | None, Status]:
    """The event's code and its meaning; the description may name a finer reason."""
    code = text_of(event_code)
    status = meaning("usps", code, description)
    if status.milestone == "delivered" and description:
        finer = status_table("usps").by_text(description)
        if finer and finer.milestone in NOT_TO_THE_RECIPIENT:
            status = finer
    return code, status


ADAPTER = Usps
