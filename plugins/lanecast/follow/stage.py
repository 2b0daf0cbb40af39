"""Parses a run's stored answers into staging: events, and the pieces of a shipment that nobody had registered."""

from __future__ import annotations

import psycopg2.extras

from lanecast.follow.answers import Indexed, Route, Told, event_rows
from lanecast.warehouse import connection as warehouse
from lanecast.warehouse import staging
from lanecast.warehouse.runs import Run
from lanecast.warehouse.staging import Batch
from lanecast.warehouse.statements import statement


def batches(run: Run) -> tuple[Batch, Batch]:
    """The two batches of a pull: pieces that are new as shipments, and events."""
    return Batch(run.run_id, "shipment"), Batch(run.run_id, "tracking_event")


def stage(run: Run, address: str | None = None) -> dict[str, int]:
    """Parses every answer of the run into fresh staging tables; returns the rows staged per dataset.

    One transaction: staged whole, or not at all. Parcels that can't be read are staged as unreadable rows.
    """
    pieces, events = batches(run)
    told = Told()
    with warehouse.connect(as_of=run.as_of, address=address) as link:
        routes = _routes(link, run)
        index = _index(link, run)
        for batch in (pieces, events):
            staging.create(link, batch)
        received = staging.copy_rows(link, events, event_rows(index, routes, told))
        staging.seal(link, events, received, told.source_count)
        found = _piece_rows(link, told)
        registered = staging.copy_rows(link, pieces, found)
        staging.seal(link, pieces, registered, len(found))
        _note(link, run, told)
    return {"tracking_event": received, "shipment": registered}


def _routes(link: warehouse.Connection, run: Run) -> dict[tuple[str, str], list[Route]]:
    found: dict[tuple[str, str], list[Route]] = {}
    with link.cursor() as cursor:
        cursor.execute(
            "SELECT request.source, request.tracking_number, shipment.carrier, shipment.origin_country, "
            "shipment.destination_country "
            "FROM ops.poll_request AS request JOIN core.shipment AS shipment USING (shipment_id) "
            "WHERE request.run_id = %s ORDER BY shipment.epoch DESC",
            (run.run_id,),
        )
        for source, number, *route in cursor.fetchall():
            found.setdefault((source, number), []).append(Route(*route))
    return found


def _index(link: warehouse.Connection, run: Run) -> list[Indexed]:
    """The run's stored answers, file by file, in the order in which they came."""
    with link.cursor() as cursor:
        cursor.execute(
            "SELECT raw_answer_id, carrier, tracking_numbers, file, byte_offset, byte_length FROM ops.raw_answer "
            "WHERE run_id = %s ORDER BY carrier, file, byte_offset",
            (run.run_id,),
        )
        return [Indexed(*row) for row in cursor.fetchall()]


def _piece_rows(link: warehouse.Connection, told: Told) -> list[tuple[object, ...]]:
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


def _note(link: warehouse.Connection, run: Run, told: Told) -> None:
    with link.cursor() as cursor:
        psycopg2.extras.execute_values(
            cursor,
            "UPDATE ops.poll_request AS request SET outcome = told.outcome, detail = told.detail "
            "FROM (VALUES %s) AS told (run_id, source, tracking_number, outcome, detail) "
            "WHERE request.run_id = told.run_id AND request.source = told.source "
            "AND request.tracking_number = told.tracking_number",
            [(run.run_id, source, asked, *outcome) for (source, asked), outcome in told.outcomes.items()],
            template="(%s, %s, %s, %s, %s::text)",
            page_size=5000,
        )
        cursor.execute(
            "UPDATE ops.poll_request SET outcome = 'failed', detail = 'no answer was stored' "
            "WHERE run_id = %s AND outcome IS NULL",
            (run.run_id,),
        )
