"""What must hold of everything that any parser reads in any bytes."""

from __future__ import annotations

import typing
from collections.abc import Sequence
from datetime import UTC, timedelta

from carrier_world import account
from lanecast.carriers import parse, registry
from lanecast.carriers.answer import same_number
from lanecast.carriers.base import Parsed, Wanted
from lanecast.carriers.clocks import EARLIEST_YEAR, LATEST_YEAR, WIDEST_OFFSET_MINUTES
from lanecast.tracking import MILESTONES, REASONS, Parcel, TimeKnowledge, TrackingEvent, Unreadable

_MILESTONES = frozenset(MILESTONES)
_KNOWN = frozenset(typing.get_args(TimeKnowledge))
_MINUTE = timedelta(minutes=1)


def read(carrier: str, body: bytes, requested: Sequence[str]) -> list[Parsed]:
    """All that is read in an answer, each piece sound. AssertionError tells what is not, and in which body.

    Every parcel yields events, or a complaint, or is not found. Every requested number ends as a parcel or as
    Unreadable; a list that is silent about one must have it asked for again: registered with an aggregator, or looked
    for on the next page.
    """
    try:
        parsed = list(parse.parsed(carrier, body, requested))
    except Exception as problem:
        raise AssertionError(f"{carrier} raised {problem!r} for {body!r}") from problem
    try:
        for one in parsed:
            _check(one)
        lost = lost_numbers(parsed, requested)
        if lost:
            lost = [number for number in lost if number not in _asked_again(carrier, body, requested)]
        assert not lost, f"nothing is told of {lost}"
        empty = [number for number in requested if is_empty(parsed, number)]
        assert not empty, f"neither events nor a complaint of {empty}"
    except AssertionError as problem:
        raise AssertionError(f"{carrier}: {problem} in {body!r}") from None
    return parsed


def lost_numbers(parsed: Sequence[Parsed], requested: Sequence[str]) -> list[str]:
    """The requested numbers of which neither a parcel nor a complaint came."""
    told = set()
    for one in parsed:
        number = one.requested_number if type(one) is Parcel else one.tracking_number
        if number is not None:
            told.add(same_number(number))
    return [number for number in requested if same_number(number) not in told]


def _asked_again(carrier: str, body: bytes, requested: Sequence[str]) -> set[str]:
    """The numbers that an adapter sees to with further requests, as of a source that has told of none before."""
    adapter = registry.adapter(carrier)
    wanted = [Wanted(number) for number in requested]
    spec = adapter.build(account(carrier), wanted, None)
    return {one.number for more in adapter.follow_ups(account(carrier), wanted, spec, body) for one in more.wanted}


def is_empty(parsed: Sequence[Parsed], number: str) -> bool:
    """Whether a number was found, without any event, and without any complaint: its timeline is then empty."""
    of_it = [one for one in parsed if isinstance(one, Parcel) and one.requested_number == number]
    names = {number, None, *(one.tracking_number for one in of_it)}
    if not of_it or any(isinstance(one, Unreadable) and one.tracking_number in names for one in parsed):
        return False
    return all(one.found and not one.events for one in of_it)


def _check(one: Parsed) -> None:
    if type(one) is Unreadable:
        assert one.problem, "an Unreadable without problem"
        _check_texts(one.problem, one.tracking_number)
        return
    assert type(one) is Parcel, f"{one!r} is neither Parcel nor Unreadable"
    assert one.tracking_number, "a parcel without tracking number"
    assert one.requested_number, "a parcel without requested number"
    assert one.found or not one.events, "a parcel that was not found, with events"
    _check_texts(
        one.tracking_number,
        one.requested_number,
        one.carrier,
        one.service,
        one.origin_country,
        one.destination_country,
        one.destination_region,
    )
    for event in one.events:
        _check_event(event)


def _check_event(event: TrackingEvent) -> None:
    local, utc, minutes = event.local_time, event.occurred_at, event.utc_offset_minutes
    assert local.tzinfo is None, f"local_time {local!r} has a zone"
    assert utc.tzinfo is UTC, f"occurred_at {utc!r} is not in UTC"
    assert local - utc.replace(tzinfo=None) == _MINUTE * minutes, f"{local} - {minutes} min is not {utc}"
    assert -WIDEST_OFFSET_MINUTES <= minutes <= WIDEST_OFFSET_MINUTES, f"an offset of {minutes} min"
    # At an end of the range UTC may lie in the year beyond, by the offset at most.
    assert EARLIEST_YEAR <= local.year <= LATEST_YEAR, f"an event of {local}"
    assert event.milestone in _MILESTONES, f"{event.milestone!r} is no milestone"
    assert event.reason is None or event.reason in REASONS, f"{event.reason!r} is no reason"
    assert event.tz_known in _KNOWN, f"a zone known by {event.tz_known!r}"
    assert event.mapped or event.milestone == "in_transit", f"an unknown code that means {event.milestone}"
    _check_texts(event.code, event.description, event.country, event.region, event.city)


def _check_texts(*texts: str | None) -> None:
    """Postgres can hold them: no NUL, and nothing that UTF-8 can't write."""
    for text in texts:
        if text is None or (text.isascii() and "\0" not in text):
            continue
        assert type(text) is str, f"{text!r} is no text"
        assert "\0" not in text, f"a NUL in {text!r}"
        try:
            text.encode()
        except UnicodeEncodeError:
            raise AssertionError(f"{text!r} is not Unicode") from None
