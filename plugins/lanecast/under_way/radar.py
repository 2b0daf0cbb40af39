"""The disruption radar: alarms of steps that stand still, kept as episodes until their exits are back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import psycopg2.extras
from psycopg2.extensions import cursor as Cursor

from lanecast.tracking import MILESTONES
from lanecast.under_way import scanning
from lanecast.under_way.learning import DAYS_KEPT, forget
from lanecast.under_way.scanning import Exits
from lanecast.warehouse.statements import statement

NOISE_UNKNOWN = 0.1
"""Extra variance of a step's days, as a share of their mean squared, until it is learned."""
RECENT_DAYS = 4
"""Whole days whose exits are counted anew by each run; later news is seen when the tables are made anew."""
_BEFORE = 28

Cell = tuple[str, str, str, str, str, str]
"""Kind, country, region, origin, destination, step; empty where the kind has none."""
CELL = ("cell", "country", "region", "origin_country", "destination_country", "step")


@dataclass(frozen=True)
class Episode:
    """An open episode, as it stands in serving.disruption."""

    disruption_id: int
    cell: Cell
    started_on: date
    caught: int


@dataclass(frozen=True)
class Days:
    """Exits by cell and day, and the last day, which is the first column."""

    cells: list[Cell]
    exits: Exits
    last: date

    def age(self, day: date) -> int:
        """The column of a day."""
        return max((self.last - day).days, 0)

    def of(self, cell: Cell) -> Exits:
        """Of one cell; nothing seen and nothing expected where there is none such."""
        if cell in self.cells:
            return self.exits.of(self.cells.index(cell))
        nothing = np.zeros((1, self.exits.observed.shape[1]))
        return Exits(nothing, nothing, nothing, np.array([NOISE_UNKNOWN]))


def look(cursor: Cursor, as_of: datetime) -> tuple[int, int]:
    """Brings the episodes up to date; returns how many were opened and how many ended."""
    cursor.execute("SELECT one_in FROM serving.under_way_learned")
    (one_in,) = cursor.fetchone() or (1,)
    values = {"as_of": as_of, "one_in": one_in, "days": RECENT_DAYS + 2, "milestones": list(MILESTONES)}
    for name in ("choose_recent", "journeys", "kind_lanes"):
        cursor.execute(statement(f"under_way/{name}"), values)
    cursor.execute(statement("under_way/step_days"), {"as_of": as_of, "days": RECENT_DAYS, "kept": DAYS_KEPT})
    forget(cursor)
    open_before = _open(cursor)
    days = _days(cursor, as_of, min((one.started_on for one in open_before), default=as_of.date()))
    opened = _raise(cursor, days, open_before, as_of)
    ended = _follow(cursor, days, as_of)
    return opened, ended


def _days(cursor: Cursor, as_of: datetime, earliest: date) -> Days:
    last = as_of.date() - timedelta(days=1)
    since = min(last - timedelta(days=scanning.WINDOWS), earliest - timedelta(days=_BEFORE))
    cursor.execute(statement("under_way/cells"), {"since": since, "noise_unknown": NOISE_UNKNOWN})
    rows = cursor.fetchall()
    cells: dict[Cell, int] = {}
    shape = (len({row[:6] for row in rows}), (last - since).days + 1)
    observed, expected, unsure, noise = np.zeros(shape), np.zeros(shape), np.zeros(shape), np.zeros(shape[0])
    for row in rows:
        day, seen, hoped, error, extra = row[6:]
        place = cells.setdefault(row[:6], len(cells))
        age = max((last - day).days, 0)  # a day that is over in the east counts with the last one
        observed[place, age] += seen
        expected[place, age] += hoped
        unsure[place, age] += error
        noise[place] = extra
    return Days(list(cells), Exits(observed, expected, unsure, noise), last)


def _open(cursor: Cursor) -> list[Episode]:
    cursor.execute(statement("under_way/open_episodes"))
    return [Episode(row[0], row[1:7], row[7], row[8]) for row in cursor.fetchall()]


def _raise(cursor: Cursor, days: Days, known: list[Episode], as_of: datetime) -> int:
    if not days.cells:
        return 0
    found = scanning.scan(days.exits)
    taken = {one.cell for one in known}
    rows = []
    for place in np.flatnonzero(found.alarmed):
        if days.cells[place] in taken:
            continue
        began = int(found.began[place])
        window = days.exits.of(int(place)).since(began + 1)
        rows.append(
            dict(zip(CELL, days.cells[place], strict=True))
            | {
                "started_on": str(days.last - timedelta(days=began)),
                "observed": round(window.observed.sum()),
                "expected": float(window.expected.sum()),
                "probability": float(found.probability[place]),
            }
        )
    if rows:
        cursor.execute(statement("under_way/new_episodes"), {"as_of": as_of, "episodes": psycopg2.extras.Json(rows)})
        cursor.execute(statement("under_way/nest_episodes"))
    return len(rows)


def _follow(cursor: Cursor, days: Days, as_of: datetime) -> int:
    """Figures of the open episodes as they are now; ends those whose exits are back. Returns how many ended."""
    cursor.execute(statement("under_way/caught"), {"as_of": as_of})
    rows = [_figures(one, days) for one in _open(cursor)]
    if rows:
        cursor.execute(statement("under_way/update_episodes"), {"as_of": as_of, "episodes": psycopg2.extras.Json(rows)})
    return sum(row["ended_on"] is not None for row in rows)


def _figures(one: Episode, days: Days) -> dict[str, Any]:
    exits = days.of(one.cell)
    began = days.age(one.started_on)
    window = exits.since(began + 1)
    before = exits.observed[0, began + 1 : began + 1 + _BEFORE]
    usual = float(before.mean()) if len(before) else 0.0
    missing = min(max(float((window.expected - window.observed).sum()), 0.0), float(one.caught))
    calm = scanning.recovered(window) if began > 0 else None
    ended_on = None
    if calm is not None and (calm > 0 or one.caught == 0):
        ended_on = max(days.last - timedelta(days=max(calm - 1, 0)), one.started_on + timedelta(days=1))
    return {
        "disruption_id": one.disruption_id,
        "observed": round(window.observed.sum()),
        "expected": float(window.expected.sum()),
        "probability": float(scanning.scan(exits).probability[0]),
        "extra_days": missing / usual if usual > 0 else None,
        "ended_on": ended_on and str(ended_on),
    }
