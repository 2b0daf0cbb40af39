"""Works out what customers experienced of delivery and what they did after it: mart.delivery_experience.

All of it anew, from orders, parcels and promises, in one transaction: readers see the rows before or after it.
Customers are numbers from the first step on, and only counts and sums leave it. The method:
docs/methods/delivery-experience.md.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from lanecast.delivery.life_table import UNDELIVERED
from lanecast.warehouse import connection as warehouse
from lanecast.warehouse.connection import only_row
from lanecast.warehouse.statements import statement

REPEAT_DAYS = 90
"""Days after the delivery in which another order counts as a repeat purchase."""
RETURN_DAYS = 60
"""Days after the delivery in which something that comes back counts as a return."""
LEAST = 20
"""Orders that a figure has to rest on; with fewer it is left out."""
OVERDUE_DAYS = 30
"""Days beyond the promise after which an order that is not there counts as never arrived."""
EARLY_DAYS = 3
"""Days before a shop's own promise, which names no earliest day, that a delivery has to be to count as early."""
EVERY = timedelta(hours=6)
"""How often it is worked out at most, unless a tenth more orders have come."""

_Z = 1.959963984540054
"""The standard normal distribution's 97.5 % point, for intervals of 95 %."""
_MEMORY = "64MB"
"""For each sort and hash, of the database's memory."""
_LOCK = 0x1A9E_E4F0
_STEPS = ("purchases", "orders", "followed", "counts", "shares", "differences", "values", "write")


@dataclass(frozen=True)
class Experienced:
    """What a refresh did: orders with an outcome, rows written, seconds. All 0 where nothing was due."""

    orders: int
    rows: int
    seconds: float


def refresh(address: str | None = None, as_of: datetime | None = None, at_once: bool = True) -> Experienced:
    """Writes serving.delivery_experience anew. Without `at_once` only where it is due (EVERY).

    `as_of` stands in for now. Raises NoWarehouse where the warehouse can't be reached.
    """
    began = time.monotonic()
    with warehouse.connect(address=address, as_of=as_of) as link, link.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        cursor.execute(statement("experience/is_due"), {"every": EVERY})
        if not at_once and not only_row(cursor)[0]:
            return Experienced(0, 0, 0.0)
        cursor.execute(f"SET LOCAL work_mem = '{_MEMORY}'")
        cursor.execute("SELECT ops.as_of()")
        values = {
            "as_of": only_row(cursor)[0],
            "repeat_days": REPEAT_DAYS,
            "repeat_window": timedelta(days=REPEAT_DAYS),
            "return_days": RETURN_DAYS,
            "least": LEAST,
            "overdue_days": OVERDUE_DAYS,
            "early_days": EARLY_DAYS,
            "undelivered": list(UNDELIVERED),
            "z": _Z,
        }
        for step in _STEPS:
            cursor.execute(statement(f"experience/{step}"), values)
        cursor.execute(
            "SELECT count(*), coalesce(sum(orders) FILTER ("
            "WHERE destination_country = '*' AND segment = 'all' AND lateness = 'all'), 0)::bigint "
            "FROM serving.delivery_experience"
        )
        rows, orders = only_row(cursor)
    return Experienced(orders, rows, time.monotonic() - began)
