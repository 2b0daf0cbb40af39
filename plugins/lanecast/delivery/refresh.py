"""Brings the delivery marts up to date: the shipments that changed, and the lanes that they touch.

One transaction takes the changes present, does all the work and deletes them: a refresh that is killed has done
nothing, and the next one does it all. Two at once do it one after the other.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime

import psycopg2.extensions
from psycopg2 import sql

from lanecast.delivery.levels import LEVELS, Level
from lanecast.tracking import FINAL_MILESTONES, MILESTONES
from lanecast.warehouse import connection as warehouse
from lanecast.warehouse.statements import statement

MOVEMENT: tuple[str, ...] = (
    "picked_up",
    "in_transit",
    "hub_arrived",
    "hub_departed",
    "export_customs_started",
    "export_cleared",
    "destination_country_arrived",
    "import_customs_started",
    "customs_hold",
    "import_cleared",
    "out_for_delivery",
    "available_for_pickup",
    "failed_attempt",
    "delivered",
    "returning",
    "returned",
)
"""Milestones that a parcel only meets once the carrier has it."""

POINTS: tuple[float, ...] = tuple(point / 200 for point in range(1, 200))
"""The 199 probabilities whose quantiles are kept: 0.005, 0.010, ... 0.995."""

_LOCK = 0x1A9E_DE11
_UNDELIVERED = sorted((FINAL_MILESTONES - {"delivered"}) | {"returning"})


@dataclass(frozen=True)
class Refreshed:
    """What one refresh did: changed shipments consumed, lanes computed anew (one for all its measures), and seconds."""

    shipments: int
    lanes: int
    seconds: float
    status_seconds: float = 0.0
    lane_seconds: float = 0.0


def refresh(address: str | None = None, as_of: datetime | None = None) -> Refreshed:
    """Consumes ops.shipment_change and brings serving.shipment_status and serving.delivery_time up to date.

    `as_of` stands in for now in `refreshed_at`. Raises NoWarehouse where the warehouse can't be reached.
    """
    began = time.monotonic()
    with warehouse.connect(role="loader", as_of=as_of, address=address) as link, link.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        cursor.execute("SELECT EXISTS (SELECT FROM ops.shipment_change)")
        if cursor.fetchone() == (False,):
            return Refreshed(0, 0, time.monotonic() - began)
        shipments = _statuses(cursor)
        written = time.monotonic()
        lanes = sum(_lanes(cursor, level, specificity) for specificity, level in enumerate(LEVELS, 1))
    ended = time.monotonic()
    return Refreshed(shipments, lanes, ended - began, written - began, ended - written)


def _statuses(cursor: psycopg2.extensions.cursor) -> int:
    cursor.execute(statement("delivery/touched_tables"))
    cursor.execute(statement("delivery/consume_changes"))
    shipments = cursor.rowcount
    cursor.execute("ANALYZE touched_shipment")
    cursor.execute(statement("delivery/touch_lanes"))
    cursor.execute(statement("delivery/drop_vanished"))
    cursor.execute(
        statement("delivery/shipment_status"),
        {
            "milestones": list(MILESTONES),
            "movement": list(MOVEMENT),
            "final": sorted(FINAL_MILESTONES),
            "undelivered": _UNDELIVERED,
        },
    )
    cursor.execute(statement("delivery/touch_lanes"))
    cursor.execute("ANALYZE touched_lane")
    return shipments


def _lanes(cursor: psycopg2.extensions.cursor, level: Level, specificity: int) -> int:
    """Computes one level's touched lanes anew; returns how many have shipments."""
    values = {"level": level.name, "specificity": specificity, "points": list(POINTS)}
    for name in ("delivery/drop_lanes", "delivery/delivery_time"):
        text = sql.SQL(statement(name)).format(keys=level.keys(), lane=level.lane(), touched=level.touched())
        cursor.execute(text, values)
    return len(set(cursor.fetchall()))
