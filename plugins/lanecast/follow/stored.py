"""Stored answers read again by today's code, into staging: what a replay loads."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from lanecast.carriers import registry
from lanecast.follow.answers import Indexed, Route, Row, Told, event_rows
from lanecast.warehouse import connection as warehouse
from lanecast.warehouse import staging
from lanecast.warehouse.connection import only_row
from lanecast.warehouse.runs import Run
from lanecast.warehouse.staging import Batch

ANSWERS_AT_ONCE = 2000


@dataclass
class Reread:
    """What came of it: `answers` read, `unread` ones that are gone or damaged, and the rows `received`."""

    answers: int = 0
    unread: list[str] = field(default_factory=list)
    received: int = 0


def batches(run: Run) -> tuple[Batch, ...]:
    """The one batch of a replay."""
    return (Batch(run.run_id, "tracking_event"),)


def stage(
    run: Run, address: str | None = None, progress: Callable[[int, int], None] = lambda done, total: None
) -> Reread:
    """Fills the run's staging table. `progress` is told answers done and in all. Memory is bounded by ANSWERS_AT_ONCE
    answers."""
    (batch,) = batches(run)
    unread: dict[int, str] = {}
    came = Reread()
    with warehouse.connect(as_of=run.as_of, address=address) as link, warehouse.connect(address=address) as reading:
        staging.create(link, batch)
        told = Told()
        came.received = staging.copy_rows(link, batch, _rows(reading, run, told, unread, came, progress))
        staging.seal(link, batch, came.received, told.source_count)
        with link.cursor() as cursor:
            cursor.execute(
                "UPDATE ops.run SET params = jsonb_set(params, '{replay,unread_answers}', to_jsonb(%s::bigint[])) "
                "WHERE run_id = %s",
                (list(unread), run.run_id),
            )
    came.unread = list(unread.values())
    return came


def _rows(
    reading: warehouse.Connection,
    run: Run,
    told: Told,
    unread: dict[int, str],
    came: Reread,
    progress: Callable[[int, int], None],
) -> Iterator[Row]:
    filters = (
        "(%(replayed_source)s::text IS NULL OR carrier = %(replayed_source)s) "
        "AND answered_at >= %(replayed_since)s AND answered_at < %(replayed_until)s "
        "AND run_id IN (SELECT run_id FROM ops.run WHERE finished_at <= %(replayed_runs_until)s)"
    )
    with reading.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM ops.raw_answer WHERE {filters}", run.params["replay"])  # noqa: S608
        total = int(only_row(cursor)[0])
    with reading.cursor("answers") as cursor:
        cursor.itersize = ANSWERS_AT_ONCE
        cursor.execute(
            "SELECT raw_answer_id, carrier, tracking_numbers, file, byte_offset, byte_length FROM ops.raw_answer "  # noqa: S608
            f"WHERE {filters} ORDER BY raw_answer_id",
            run.params["replay"],
        )
        done = 0
        while chunk := list(itertools.islice((Indexed(*row) for row in cursor), ANSWERS_AT_ONCE)):
            routes = routes_of(reading, chunk)
            yield from event_rows(chunk, routes, told, unread)
            for kept in (told.outcomes, told.told_of, told.pieces):
                kept.clear()
            done += len(chunk)
            progress(done, total)
            came.answers = done - len(unread)


def routes_of(link: warehouse.Connection, chunk: list[Indexed]) -> dict[tuple[str, str], list[Route]]:
    """The shipments that these answers may be about, by the source asked and the number."""
    asked = {(where.source, number) for where in chunk for number in where.requested}
    found: dict[tuple[str, str], list[Route]] = {}
    with link.cursor() as cursor:
        cursor.execute(
            "SELECT shipment.tracking_number, plan.source, shipment.carrier, shipment.origin_country, "
            "shipment.destination_country FROM core.shipment AS shipment "
            "LEFT JOIN ops.poll_plan AS plan ON shipment.shipment_id = plan.shipment_id "
            "WHERE shipment.tracking_number = ANY(%s) ORDER BY shipment.epoch DESC",
            (list({number for _, number in asked}),),
        )
        shipments = cursor.fetchall()
    for number, planned, *route in shipments:
        known = Route(*route)
        for source in {planned, known.carrier, *registry.names("aggregator")}:
            if (source, number) in asked:
                found.setdefault((source, number), []).append(known)
    return found
