"""Promises as issued, how they were kept, and what that teaches: after every refresh, in this order.

Issuing goes through mart.issue_promises(), the one way into the log. All else reads the log. Each step is a
transaction, or several that can be repeated: one that is killed leaves whole promises, and the next run does the rest.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any

import psycopg2.extensions

from lanecast.delivery.calibration import Cohort, levels
from lanecast.delivery.log_odds import expit, line, logit
from lanecast.warehouse import connection as warehouse
from lanecast.warehouse.connection import only_row
from lanecast.warehouse.statements import statement

CONFIDENCE = 0.8
"""Of the promises that a refresh issues, and of those whose cohorts teach the levels."""
MOST = 10_000
"""Promises asked for in one transaction."""
LEAST = 100
"""Matured promises to a country before it has levels of its own."""
COUNTRY_SHRINKAGE = 300
"""Promises' worth of trust in the levels of all, for a country's own."""
_LOCK = 0x1A9E_9808


@dataclass(frozen=True)
class Kept:
    """What one round did: promises issued, weeks of issue settled, levels moved (one for each measure and scope)."""

    issued: int
    weeks: int
    moved: int


def keep(address: str | None = None, as_of: datetime | None = None, at_once: bool = False) -> Kept:
    """Issues promises for open shipments without one, settles weeks whose promises have matured, and moves the levels.

    Settling is done every six hours of `as_of` at most, unless `at_once`. Raises NoWarehouse where the warehouse can't
    be reached.
    """
    issued = issue(address, as_of)
    weeks = settle(address, as_of, at_once)
    return Kept(issued, weeks, calibrate(address, as_of) if weeks else 0)


def issue(address: str | None = None, as_of: datetime | None = None, most: int = MOST) -> int:
    """Gives every open shipment without a promise one, for each clock that has begun; returns how many were given.

    What no lane can answer is asked for again the next time.
    """
    total: int = 0
    after = 0
    while True:
        with warehouse.connect(address=address, as_of=as_of) as link, link.cursor() as cursor:
            _alone(cursor)
            cursor.execute(statement("promises/issue"), {"after": after, "most": most, "confidence": repr(CONFIDENCE)})
            asked, issued, last = only_row(cursor)
        total += issued
        if asked < most:
            return total
        after = last


def settle(address: str | None = None, as_of: datetime | None = None, at_once: bool = False) -> int:
    """Writes the accuracy of the weeks of issue that are not final, one week a transaction, and what of it promises say
    of themselves; returns the number of weeks."""
    with warehouse.connect(address=address, as_of=as_of) as link, link.cursor() as cursor:
        cursor.execute(statement("promises/open_weeks"), {"at_once": at_once})
        weeks = [row[0] for row in cursor.fetchall()]
    for week in weeks:
        with warehouse.connect(address=address, as_of=as_of) as link, link.cursor() as cursor:
            _alone(cursor)
            cursor.execute("DELETE FROM serving.promise_accuracy WHERE issued_week = %s", (week,))
            cursor.execute(statement("promises/settle_week"), {"week": week})
            cursor.execute(statement("promises/settled"), {"week": week})
    if weeks:
        with warehouse.connect(address=address, as_of=as_of) as link, link.cursor() as cursor:
            _alone(cursor)
            cursor.execute("DELETE FROM serving.promise_coverage")
            cursor.execute(statement("promises/coverage"))
    return len(weeks)


def calibrate(address: str | None = None, as_of: datetime | None = None) -> int:
    """Moves the levels by all matured cohorts of the last year; returns how many moved."""
    with warehouse.connect(address=address, as_of=as_of) as link, link.cursor() as cursor:
        _alone(cursor)
        cursor.execute(statement("promises/cohorts"), {"confidence": repr(CONFIDENCE), "least": LEAST})
        found = [(measure, scope, Cohort(*told)) for measure, scope, *told in cursor.fetchall()]
        cursor.execute(
            statement("promises/move_levels"),
            {
                "levels": json.dumps(_levels(found), default=str),
                "lower": (1 - CONFIDENCE) / 2,
                "upper": (1 + CONFIDENCE) / 2,
            },
        )
        return cursor.rowcount


def forget(cursor: psycopg2.extensions.cursor, now: datetime, days: int) -> dict[str, int]:
    """Takes their references off promises whose parcel or order is not kept any more, and deletes what is older than so
    many days at `now` (ops.as_of()). As the owner, for nobody else may change a promise. Returns rows by table."""
    cursor.execute(statement("promises/forget"), {"now": now})
    forgotten = cursor.rowcount
    cursor.execute(statement("promises/past"), {"now": now, "days": days})
    promises, accuracies = only_row(cursor)
    return {
        "serving.promise_log forgotten": forgotten,
        "serving.promise_log": promises,
        "serving.promise_accuracy": accuracies,
    }


def _levels(found: list[tuple[str, str, Cohort]]) -> list[dict[str, Any]]:
    """The levels of each measure and scope. A country's lean on those of all (scope ''), which come first."""
    told: list[dict[str, Any]] = []
    for measure, of_measure in groupby(found, key=lambda one: one[0]):
        overall = (0.0, 1.0)
        for scope, of_scope in groupby(of_measure, key=lambda one: one[1]):
            cohorts = [cohort for *_, cohort in of_scope]
            n = sum(cohort.n for cohort in cohorts)
            shift, spread = line(CONFIDENCE, levels(CONFIDENCE, cohorts))
            if scope:
                own = n / (n + COUNTRY_SHRINKAGE)
                shift = own * shift + (1 - own) * overall[0]
                spread = own * spread + (1 - own) * overall[1]
            else:
                overall = shift, spread
            told.append(_told(measure, scope, shift, spread, cohorts, n))
    return told


def _told(measure: str, scope: str, shift: float, spread: float, cohorts: list[Cohort], n: int) -> dict[str, Any]:
    reach = spread * logit((1 + CONFIDENCE) / 2)
    weeks: list[date] = [cohort.issued_week for cohort in cohorts]
    return {
        "measure": measure,
        "scope": scope,
        "shift": shift,
        "spread": spread,
        "lower_level": expit(shift - reach),
        "upper_level": expit(shift + reach),
        "cohorts": len(cohorts),
        "first_week": min(weeks),
        "last_week": max(weeks),
        "n": n,
    }


def as_dict(kept: Kept) -> dict[str, int]:
    """The figures as plain values."""
    return asdict(kept)


def _alone(cursor: psycopg2.extensions.cursor) -> None:
    """Until the transaction ends, no other round issues, settles or calibrates."""
    cursor.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
