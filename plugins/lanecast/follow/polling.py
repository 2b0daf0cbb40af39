"""The polling plan: when each parcel is asked for next, from what past journeys tell of when news comes.

The plan itself is SQL (`include/sql/follow/curves.sql` and `replan.sql`); here are its settings. News that waits
costs; a call costs as much as PATIENCE_HOURS of waiting. So a parcel is asked for often where news is likely (out for
delivery, by day) and seldom where it is not (between two continents, by night), and an account's calls go where they
tell most.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from psycopg2.extensions import cursor as Cursor

from lanecast.carriers import http, registry
from lanecast.follow.sources import sources
from lanecast.warehouse.runs import Run
from lanecast.warehouse.statements import statement

PATIENCE_HOURS = 0.02
"""Hours that news may have waited, as expected, before it is worth a call. Four times as patient is half the calls."""
LONGEST_HOURS = 12
"""A parcel under way is asked for at least this often, unless its source's budget is too small for it."""
HORIZON_HOURS = 48
"""How far ahead the plan looks: the longest that a small budget lets a parcel wait."""
GRACE = timedelta(days=3)
"""How long a parcel that has ended is still looked at, for carriers take back what they told."""
SILENCE = timedelta(days=60)
"""After so long without news sight of a parcel ends: `tracking_expired`."""
CURVES_LAST = timedelta(days=1)
MOST_SHIPMENTS = 20_000
CLOCKED_SHIPMENTS = 3_000
LEAST_SOJOURNS = 20
LEAD_WORTH = 0.5
"""What an event is worth that often has news following within half a day, as a share of what the news is worth."""


def refresh_curves(cursor: Cursor, as_of: datetime, force: bool = False) -> bool:
    """Makes the curves anew where they are a day old, or there are none; returns whether they were."""
    cursor.execute("SELECT made_at, shipments FROM ops.news_curve_state")
    made = cursor.fetchone()
    if made is not None and not force and made[1] > 0 and made[0] <= as_of < made[0] + CURVES_LAST:
        return False
    cursor.execute("SET LOCAL work_mem = '128MB'")
    cursor.execute(
        statement("follow/curves"),
        {
            "as_of": as_of,
            "most": MOST_SHIPMENTS,
            "clocked": CLOCKED_SHIPMENTS,
            "least": LEAST_SOJOURNS,
            "lead_worth": LEAD_WORTH,
        },
    )
    cursor.execute("DROP TABLE sampled, sojourn, spell")
    return True


def replan(cursor: Cursor, run: Run, parcels_per_day: Mapping[str, float | None] | None = None) -> None:
    """Says of every parcel that the run asked for when it is asked for next, and why.

    `parcels_per_day` holds how many a source's account may ask for, where that has an end.
    """
    bounds = parcels_per_day or {}
    cursor.execute(
        statement("follow/replan"),
        values(run)
        | {
            "sources": list(bounds),
            "parcels_per_day": list(bounds.values()),
        },
    )


def replan_all(cursor: Cursor, run: Run) -> None:
    """The same, within what each source's account may ask for."""
    bounds: dict[str, float | None] = {}
    for name, account in sources().accounts.items():
        limits = http.limits_of(account)
        days = [
            calls for calls in (limits.calls_per_day, limits.calls_per_month and limits.calls_per_month / 30) if calls
        ]
        bounds[name] = min(days) * registry.adapter(name).numbers_per_request if days else None
    replan(cursor, run, bounds)


def values(run: Run) -> dict[str, Any]:
    """What the plan's statements bind."""
    return {
        "run_id": run.run_id,
        "run_number": run.number,
        "as_of": run.as_of,
        "patience": PATIENCE_HOURS,
        "longest_hours": LONGEST_HOURS,
        "horizon_hours": HORIZON_HOURS,
        "grace": GRACE,
        "silence": SILENCE,
    }
