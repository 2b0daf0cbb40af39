"""Puts shipments and events into `core` for the tests of the delivery marts, and reads marts as dictionaries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg2.extras

from lanecast.warehouse import connection

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
_EVENT = (
    "INSERT INTO core.tracking_event (shipment_id, reported_at, event_hash, source, code, occurred_at, "
    "utc_offset_minutes, tz_known, milestone, reason, country, city, run_number, ingested_at, withdrawn_at) VALUES %s "
    "ON CONFLICT (shipment_id, reported_at, event_hash) DO UPDATE SET "
    "withdrawn_at = excluded.withdrawn_at, milestone = excluded.milestone"
)
_SHIPMENT_DEFAULTS: dict[str, Any] = dict.fromkeys(
    (
        *("order_id", "tracking_number", "service", "origin_country", "origin_region", "destination_country"),
        *("destination_region", "ordered_at", "shipped_at", "delivered_at", "milestone"),
    )
) | {"carrier": "unknown", "epoch": 1, "run_id": "test", "ingested_at": START, "changed_at": START}


def days(number: float) -> datetime:
    """The moment so many days after START."""
    return START + timedelta(days=number)


def put_shipments(rows: Iterable[Mapping[str, Any]]) -> None:
    """Writes shipments (each with its shipment_id), newer versions over older ones, and marks them changed."""
    full = [_SHIPMENT_DEFAULTS | dict(row) for row in rows]
    columns = [*_SHIPMENT_DEFAULTS, "shipment_id"]
    with connection.connect() as link, link.cursor() as cursor:
        psycopg2.extras.execute_values(
            cursor,
            f"INSERT INTO core.shipment ({', '.join(columns)}) VALUES %s ON CONFLICT (shipment_id) DO UPDATE SET "
            + ", ".join(f"{column} = excluded.{column}" for column in columns),
            [[row[column] for column in columns] for row in full],
            page_size=1000,
        )
    mark_changed(row["shipment_id"] for row in full)


def put_events(shipment_id: int, *events: Mapping[str, Any]) -> None:
    """Writes events of one shipment (at least `at` and `milestone`) and marks it changed."""
    put_many_events([{"shipment_id": shipment_id, **event} for event in events])


def put_many_events(events: Iterable[Mapping[str, Any]]) -> None:
    """Writes events of many shipments and marks these changed."""
    rows = list(events)
    reported = [event["at"].replace(tzinfo=None, second=0, microsecond=0) for event in rows]
    with connection.connect() as link, link.cursor() as cursor:
        cursor.execute("SELECT ops.ensure_event_partitions(%s, %s)", (min(reported), max(reported)))
        values = [
            (
                event["shipment_id"],
                event.get("reported_at", minute),
                event.get("event_hash", hash(event["milestone"]) % 1000),
                event.get("source", "ups"),
                event.get("code"),
                event["at"],
                event.get("utc_offset_minutes", 0),
                "utc",
                event["milestone"],
                event.get("reason"),
                event.get("country"),
                event.get("city"),
                1,
                START,
                event.get("withdrawn_at"),
            )
            for event, minute in zip(rows, reported, strict=True)
        ]
        psycopg2.extras.execute_values(cursor, _EVENT, values, page_size=1000)
    mark_changed({event["shipment_id"] for event in rows})


def mark_changed(shipment_ids: Iterable[int]) -> None:
    """Enters shipments in the list of what the marts have not seen yet."""
    execute(
        "INSERT INTO ops.shipment_change (shipment_id, run_id) SELECT unnest(%s::bigint []), 'test'",
        list(shipment_ids),
    )


def execute(statement: str, *values: Any, role: connection.Role | None = "loader") -> None:
    """Runs one statement, as the loader unless told otherwise."""
    with connection.connect(role) as link, link.cursor() as cursor:
        cursor.execute(statement, values)


def rows(
    statement: str, *values: Any, as_of: datetime | None = None, role: connection.Role | None = "loader"
) -> list[dict[str, Any]]:
    """The rows of a query, as of a moment."""
    with (
        connection.connect(role, as_of=as_of) as link,
        link.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor,
    ):
        cursor.execute(statement, values)
        return [dict(row) for row in cursor.fetchall()]


def status(shipment_id: int, as_of: datetime | None = None) -> dict[str, Any]:
    """The shipment's row of mart.shipment_status."""
    return rows("SELECT * FROM mart.shipment_status WHERE shipment_id = %s", shipment_id, as_of=as_of)[0]
