"""Stored answers as staged rows: one for each event, and one for each parcel or answer that could not be read."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from lanecast import raw
from lanecast.carriers import parse, status
from lanecast.carriers.base import NOT_ASKED
from lanecast.tracking import Parcel, TrackingEvent, Unreadable, event_hash

log = logging.getLogger(__name__)

Row = tuple[object, ...]


class Indexed(NamedTuple):
    """Where an answer lies: a row of ops.raw_answer. `source` is who was asked."""

    answer_id: int
    source: str
    requested: list[str]
    file: str
    byte_offset: int
    byte_length: int


class Route(NamedTuple):
    """A parcel's own carrier, and the countries that it goes from and to, as the warehouse knows them."""

    carrier: str
    origin: str | None
    destination: str | None


Routes = Mapping[tuple[str, str], Sequence[Route]]
"""By source and number: a number may be one of several carriers, where an aggregator was asked."""


@dataclass
class Told:
    """What came of the parcels asked for, by source and number; pieces by carrier and number, with the number asked."""

    outcomes: dict[tuple[str, str], tuple[str, str | None]] = field(default_factory=dict)
    pieces: dict[tuple[str, str], str] = field(default_factory=dict)
    told_of: set[tuple[str, str]] = field(default_factory=set)
    rows: int = 0
    source_count: int = 0
    """Events and problems that the parsers told of, counted as they told them and not as rows are made."""

    def fail(self, source: str, number: str, outcome: str, why: str) -> None:
        """Notes that nothing came of a parcel, unless an answer has told of it."""
        if (source, number) not in self.told_of:
            self.outcomes[source, number] = (outcome, why)


def event_rows(
    index: Iterable[Indexed], routes: Routes, told: Told, unread: dict[int, str] | None = None
) -> Iterator[Row]:
    """Staged rows of tracking_event, numbered on from `told.rows`; what came of each parcel is noted in `told`.

    An answer that can't be read any more raises RawError; where `unread` is given, it is noted there by its id instead.
    """
    with raw.RawReader() as reader:
        for where in index:
            try:
                answer = reader.read(where.file, where.byte_offset, where.byte_length)
            except raw.RawError as gone:
                if unread is None:
                    raise
                log.warning("%s", gone)
                unread[where.answer_id] = str(gone)
                continue
            yield from _read(where, answer, routes, told)


def _read(where: Indexed, answer: raw.RawAnswer, routes: Routes, told: Told) -> Iterator[Row]:
    source, requested = where.source, where.requested
    if answer.error is not None:
        outcome = "not_asked" if answer.error.startswith(NOT_ASKED) else "failed"
        told.source_count += len(requested) if answer.status == 200 else 0
        for asked in requested:
            told.fail(source, asked, outcome, answer.error)
            if answer.status == 200:  # it was answered, but what came is broken: that is a row received
                told.rows += 1
                carrier = _route(routes, source, asked, None).carrier
                yield _unreadable(told.rows, carrier, asked, where, f"answer: {answer.error}")
        return
    for asked in requested:
        # A source that tells changes alone is silent where there are none; a page tells of some of its batch.
        if (source, asked) not in told.told_of:
            told.outcomes[source, asked] = ("answered", None)
    for parsed in parse.parsed(source, answer.body, requested):
        told.source_count += 1 if isinstance(parsed, Unreadable) else len(parsed.events)
        if isinstance(parsed, Unreadable):
            told.rows += 1
            which = parsed.tracking_number or (requested[0] if len(requested) == 1 else None)
            for one in [which] if which else requested:
                told.fail(source, one, "failed", parsed.problem)
            carrier = _route(routes, source, which, None).carrier if which else source
            yield _unreadable(told.rows, carrier, which, where, parsed.problem)
            continue
        route = _route(routes, source, parsed.requested_number, parsed.carrier)
        told.outcomes[source, parsed.requested_number] = ("answered" if parsed.found else "not_found", None)
        told.told_of.add((source, parsed.requested_number))
        if parsed.tracking_number != parsed.requested_number:
            told.pieces[route.carrier, parsed.tracking_number] = parsed.requested_number
        origin, destination = route.origin or parsed.origin_country, route.destination or parsed.destination_country
        for event in parsed.events:
            told.rows += 1
            yield _event(told.rows, route.carrier, parsed, event, where, origin, destination)


def _route(routes: Routes, source: str, number: str, carrier: str | None) -> Route:
    """Whose parcel it is: of several with that number, the told carrier's. One not followed is its source's own."""
    found = routes.get((source, number), ())
    for one in found:
        if one.carrier == carrier:
            return one
    return found[0] if found else Route(carrier or source, None, None)


def _event(
    number: int,
    carrier: str,
    parcel: Parcel,
    event: TrackingEvent,
    where: Indexed,
    origin: str | None,
    destination: str | None,
) -> Row:
    return (
        number,
        carrier,
        parcel.tracking_number,
        where.source,
        event.code,
        event.description,
        event.local_time.replace(second=0, microsecond=0),
        event.occurred_at,
        event.utc_offset_minutes,
        event.tz_known,
        status.resolve_customs(event.milestone, event.country, origin, destination),
        event.reason,
        event.country,
        event.region,
        event.city,
        event_hash(where.source, event.code, event.description),
        event.mapped,
        event.clock_disagrees,
        where.answer_id,
        None,
        None,
    )


def _unreadable(number: int, carrier: str, tracking_number: str | None, where: Indexed, problem: str) -> Row:
    return (number, carrier, tracking_number, where.source, *[None] * 14, where.answer_id, None, problem)
