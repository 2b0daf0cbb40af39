"""Brings the delivery marts up to date: the shipments that changed, and with them the curves of all lanes.

One transaction takes the changes present, does all the work and deletes them: a refresh that is killed has done
nothing, and the next one does it all. Two at once do it one after the other.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime

import psycopg2.extensions

from lanecast.delivery import life_table
from lanecast.delivery.life_table import MOVEMENT, UNDELIVERED
from lanecast.tracking import FINAL_MILESTONES, MILESTONES
from lanecast.warehouse import connection as warehouse
from lanecast.warehouse.connection import only_row
from lanecast.warehouse.statements import statement

_LOCK = 0x1A9E_DE11
_MEMORY = "64MB"
"""For each sort and hash of a refresh, of the database's memory."""


@dataclass(frozen=True)
class Refreshed:
    """What one refresh did: changed shipments consumed, lanes written (one for each of its measures), and seconds: of
    statuses, of spans and their sums, of curves, of writing the lanes."""

    shipments: int
    lanes: int
    seconds: float
    status_seconds: float = 0.0
    span_seconds: float = 0.0
    curve_seconds: float = 0.0
    lane_seconds: float = 0.0


def is_load_to_come(address: str | None = None) -> bool:
    """Whether a load is under way whose end starts a refresh, so that one now can be left to that."""
    with warehouse.connect(address=address) as link, link.cursor() as cursor:
        cursor.execute(statement("delivery/load_to_come"))
        return bool(only_row(cursor)[0])


def refresh(address: str | None = None, as_of: datetime | None = None, rebuild: bool = False) -> Refreshed:
    """Consumes ops.shipment_change and brings serving.shipment_status and serving.delivery_time up to date.

    `as_of` stands in for now. `rebuild` makes the life table's sums anew from all spans, also where nothing changed.
    Raises NoWarehouse where the warehouse can't be reached.
    """
    began = time.monotonic()
    with warehouse.connect(role="loader", as_of=as_of, address=address) as link, link.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        choice, is_other = life_table.chosen(cursor)
        rebuild = rebuild or is_other
        cursor.execute("SELECT EXISTS (SELECT FROM ops.shipment_change)")
        if cursor.fetchone() == (False,) and not rebuild:
            return Refreshed(0, 0, time.monotonic() - began)
        cursor.execute(f"SET LOCAL work_mem = '{_MEMORY}'")
        if rebuild:
            life_table.rebuild(cursor, choice)
        shipments, since = _statuses(cursor)
        written = time.monotonic()
        life_table.update(cursor, choice, since)
        summed = time.monotonic()
        life_table.curves(cursor, choice)
        curved = time.monotonic()
        cursor.execute(statement("delivery/delivery_time"), {"mixed": list(choice.mixed)})
        lanes = cursor.rowcount
    ended = time.monotonic()
    return Refreshed(
        shipments, lanes, ended - began, written - began, summed - written, curved - summed, ended - curved
    )


def _statuses(cursor: psycopg2.extensions.cursor) -> tuple[int, str]:
    """Writes the statuses of the shipments that changed; returns how many, and since when they have events."""
    cursor.execute(statement("delivery/touched_tables"))
    cursor.execute(statement("delivery/consume_changes"))
    shipments = cursor.rowcount
    cursor.execute("ANALYZE touched_shipment")
    cursor.execute(statement("delivery/drop_vanished"))
    cursor.execute(statement("delivery/since"))
    since: str = only_row(cursor)[0]
    cursor.execute(
        statement("delivery/shipment_status"),
        {
            "milestones": list(MILESTONES),
            "movement": list(MOVEMENT),
            "final": sorted(FINAL_MILESTONES),
            "undelivered": list(UNDELIVERED),
            "since": since,
        },
    )
    return shipments, since
