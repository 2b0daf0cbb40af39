"""Parses a run's stored answers into staging: events, and the pieces of a shipment that nobody had registered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import psycopg2.extras

from lanecast import raw
from lanecast.carriers import registry, status
from lanecast.tracking import Parcel, TrackingEvent, Unreadable, event_hash
from lanecast.warehouse import connection as warehouse
from lanecast.warehouse import staging
from lanecast.warehouse.runs import Run
from lanecast.warehouse.staging import Batch
from lanecast.warehouse.statements import statement


class _Answer(NamedTuple):
    answer_id: int
    carrier: str
    requested: list[str]
    answer: raw.RawAnswer


@dataclass
class _Progress:
    outcomes: dict[tuple[str, str], tuple[str, str | None]] = field(default_factory=dict)
    pieces: dict[tuple[str, str], str] = field(default_factory=dict)
    unmapped: dict[tuple[str, str], list[object]] = field(default_factory=dict)


def batches(run: Run) -> tuple[Batch, Batch]:
    """The two batches of a pull: pieces that are new as shipments, and events."""
    return Batch(run.run_id, "shipment"), Batch(run.run_id, "tracking_event")


def stage(run: Run, address: str | None = None) -> dict[str, int]:
    """Parses every answer of the run into fresh staging tables; returns the rows staged per dataset.

    One transaction: staged whole, or not at all. Parcels that can't be read are staged as unreadable rows.
    """
    pieces, events = batches(run)
    told = _Progress()
    with warehouse.connect(as_of=run.as_of, address=address) as link:
        routes = _routes(link, run)
        answers = _answers(_index(link, run))
        for batch in (pieces, events):
            staging.create(link, batch)
        received = staging.copy_rows(link, events, _event_rows(answers, routes, told))
        staging.seal(link, events, received)
        registered = staging.copy_rows(link, pieces, _piece_rows(link, told))
        staging.seal(link, pieces, registered)
        _note(link, run, told)
    return {"tracking_event": received, "shipment": registered}


def _routes(link: warehouse.Connection, run: Run) -> dict[tuple[str, str], tuple[str | None, str | None]]:
    with link.cursor() as cursor:
        cursor.execute(
            "SELECT request.carrier, request.tracking_number, shipment.origin_country, shipment.destination_country "
            "FROM ops.poll_request AS request JOIN core.shipment AS shipment USING (shipment_id) "
            "WHERE request.run_id = %s",
            (run.run_id,),
        )
        return {(row[0], row[1]): (row[2], row[3]) for row in cursor.fetchall()}


def _index(link: warehouse.Connection, run: Run) -> list[tuple[int, str, list[str], str, int, int]]:
    with link.cursor() as cursor:
        cursor.execute(
            "SELECT raw_answer_id, carrier, tracking_numbers, file, byte_offset, byte_length FROM ops.raw_answer "
            "WHERE run_id = %s ORDER BY carrier, file, byte_offset",
            (run.run_id,),
        )
        return cursor.fetchall()


def _answers(index: list[tuple[int, str, list[str], str, int, int]]) -> Iterator[_Answer]:
    """The run's stored answers, file by file, in the order in which they came."""
    with raw.RawReader() as reader:
        for answer_id, carrier, numbers, file, offset, length in index:
            yield _Answer(answer_id, carrier, numbers, reader.read(file, offset, length))


def _event_rows(
    answers: Iterator[_Answer],
    routes: dict[tuple[str, str], tuple[str | None, str | None]],
    told: _Progress,
) -> Iterator[tuple[object, ...]]:
    number = 0
    for answer_id, carrier, requested, answer in answers:
        if answer.error is not None:
            for asked in requested:
                told.outcomes[carrier, asked] = ("failed", answer.error)
                if answer.status == 200:  # it was answered, but what came is broken: that is a row received
                    number += 1
                    yield _unreadable_row(number, carrier, asked, answer_id, f"answer: {answer.error}")
            continue
        for parsed in registry.adapter(carrier).parse(answer.body, requested):
            if isinstance(parsed, Unreadable):
                number += 1
                which = parsed.tracking_number or (requested[0] if len(requested) == 1 else None)
                for one in [which] if which else requested:
                    told.outcomes.setdefault((carrier, one), ("failed", parsed.problem))
                yield _unreadable_row(number, carrier, which, answer_id, parsed.problem)
                continue
            told.outcomes[carrier, parsed.requested_number] = ("answered" if parsed.found else "not_found", None)
            if parsed.tracking_number != parsed.requested_number:
                told.pieces[carrier, parsed.tracking_number] = parsed.requested_number
            origin, destination = routes.get((carrier, parsed.requested_number), (None, None))
            origin, destination = origin or parsed.origin_country, destination or parsed.destination_country
            for event in parsed.events:
                number += 1
                if not event.mapped:
                    seen = told.unmapped.setdefault((carrier, event.code or ""), [event.description, 0])
                    seen[1] = int(str(seen[1])) + 1
                yield _event_row(number, carrier, parsed, event, answer_id, origin, destination)


def _event_row(
    number: int,
    carrier: str,
    parcel: Parcel,
    event: TrackingEvent,
    answer_id: int,
    origin: str | None,
    destination: str | None,
) -> tuple[object, ...]:
    return (
        number,
        carrier,
        parcel.tracking_number,
        carrier,
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
        event_hash(carrier, event.code, event.description),
        answer_id,
        None,
        None,
    )


def _unreadable_row(
    number: int, carrier: str, tracking_number: str | None, answer_id: int, problem: str
) -> tuple[object, ...]:
    return (number, carrier, tracking_number, carrier, *[None] * 12, answer_id, None, problem)


def _piece_rows(link: warehouse.Connection, told: _Progress) -> list[tuple[object, ...]]:
    """Pieces that no shipment has yet, with order and lane of the number under which they were found."""
    with link.cursor() as cursor:
        cursor.execute(
            statement("follow/pieces"),
            {
                "carriers": [carrier for carrier, _ in told.pieces],
                "pieces": [piece for _, piece in told.pieces],
                "found_under": list(told.pieces.values()),
            },
        )
        return cursor.fetchall()


def _note(link: warehouse.Connection, run: Run, told: _Progress) -> None:
    with link.cursor() as cursor:
        psycopg2.extras.execute_values(
            cursor,
            "UPDATE ops.poll_request AS request SET outcome = told.outcome, detail = told.detail "
            "FROM (VALUES %s) AS told (run_id, carrier, tracking_number, outcome, detail) "
            "WHERE request.run_id = told.run_id AND request.carrier = told.carrier "
            "AND request.tracking_number = told.tracking_number",
            [(run.run_id, carrier, asked, *outcome) for (carrier, asked), outcome in told.outcomes.items()],
            template="(%s, %s, %s, %s, %s::text)",
            page_size=5000,
        )
        cursor.execute(
            "UPDATE ops.poll_request SET outcome = 'failed', detail = 'no answer was stored' "
            "WHERE run_id = %s AND outcome IS NULL",
            (run.run_id,),
        )
        if told.unmapped:
            psycopg2.extras.execute_values(
                cursor,
                "INSERT INTO quality.unmapped_code AS known "
                "(source, code, description, first_seen_at, last_seen_at, times_seen) VALUES %s "
                "ON CONFLICT (source, code) DO UPDATE SET times_seen = known.times_seen + excluded.times_seen, "
                "last_seen_at = excluded.last_seen_at",
                [(*key, text, run.as_of, run.as_of, times) for key, (text, times) in told.unmapped.items()],
            )
