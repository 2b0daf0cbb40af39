"""Brings what is said of journeys under way up to date: tables once a day, then each open shipment, then the radar.

One transaction does it all, after the statuses: a run that is killed has changed nothing. What it takes grows with the
open shipments and the shipments of the last months, never with the history before them.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from psycopg2.extensions import cursor as Cursor

from lanecast.tracking import MILESTONES
from lanecast.under_way import learning, radar
from lanecast.warehouse import connection as warehouse
from lanecast.warehouse.connection import only_row
from lanecast.warehouse.statements import statement

LEAST_FOR_STUCK = 20
"""Parcels that a lane must have seen at a step before a parcel can be stuck there by its measure."""
_LOCK = 0x1A9E_E7A0


@dataclass(frozen=True)
class Refreshed:
    """What a run did: open shipments told of, disruptions opened and ended, shipments learned from (0 where the
    tables were young enough), and seconds."""

    shipments: int
    opened: int
    ended: int
    learned_from: int
    learning_seconds: float
    seconds: float


def refresh(
    address: str | None = None, as_of: datetime | None = None, learn_every: timedelta = learning.EVERY
) -> Refreshed:
    """Writes serving.shipment_eta and serving.disruption anew, and the tables behind them where they are old.

    Raises NoWarehouse where the warehouse can't be reached.
    """
    began = time.monotonic()
    with warehouse.connect(role="loader", as_of=as_of, address=address) as link, link.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        cursor.execute("SET LOCAL work_mem = '64MB'")
        cursor.execute("SELECT ops.as_of()")
        now: datetime = only_row(cursor)[0]
        learned_from = learning.learn(link, now) if learning.is_due(cursor, now, learn_every) else 0
        learned = time.monotonic()
        shipments = _tell_open(cursor, now)
        opened, ended = radar.look(cursor, now)
    done = time.monotonic()
    return Refreshed(shipments, opened, ended, learned_from, learned - began, done - began)


def _tell_open(cursor: Cursor, now: datetime) -> int:
    values = {"as_of": now, "milestones": list(MILESTONES), "least_for_stuck": LEAST_FOR_STUCK}
    for name in ("choose_open", "journeys", "kind_lanes", "write_eta"):
        cursor.execute(statement(f"under_way/{name}"), values)
    learning.forget(cursor)
    cursor.execute("SELECT count(*) FROM serving.shipment_eta")
    return int(only_row(cursor)[0])
