"""Makes the tables of journeys under way anew, once a day, from the shipments of the last months."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

import numpy as np
from psycopg2.extensions import cursor as Cursor

from lanecast.tracking import MILESTONES
from lanecast.under_way import holidays, life
from lanecast.under_way.life import Floats
from lanecast.under_way.tables import LEVELS, Integers, Kinds, Table, tables
from lanecast.warehouse.connection import Connection
from lanecast.warehouse.staging import copy_into
from lanecast.warehouse.statements import statement

SAMPLE_DAYS = 120
"""How long ago the journeys that are learned from may have begun."""
MOST_SHIPMENTS = 50_000
"""Of more shipments, one in so many is taken that about this many are left."""
DAYS_KEPT = 84
"""Days of exits, seen and expected, from which weekdays, holidays and noise are known."""
EVERY = timedelta(days=1)
_AT_ONCE = 5_000


def is_due(cursor: Cursor, as_of: datetime, every: timedelta = EVERY) -> bool:
    """Whether the tables were never made, or not within `every` before this moment."""
    cursor.execute("SELECT learned_at FROM serving.under_way_learned")
    row = cursor.fetchone()
    return row is None or not row[0] <= as_of < row[0] + every


def learn(link: Connection, as_of: datetime) -> int:
    """Makes the tables anew within the connection's transaction; returns the number of shipments learned from."""
    values = {
        "as_of": as_of,
        "days": SAMPLE_DAYS,
        "most": MOST_SHIPMENTS,
        "milestones": list(MILESTONES),
    }
    with link.cursor() as cursor:
        cursor.execute(statement("under_way/choose_sample"), values)
        for name in ("journeys", "kind_lanes", "normal_stays"):
            cursor.execute(statement(f"under_way/{name}"), values)
        cursor.execute(statement("under_way/kinds"))
        kinds = Kinds.of(cursor.fetchall())
        cursor.execute("DELETE FROM serving.dwell")
        cursor.execute("DELETE FROM serving.remaining_time")
        _learn_dwell(link, kinds, as_of)
        _learn_remaining(link, cursor, kinds, as_of)
        cursor.execute("ANALYZE serving.dwell, serving.remaining_time")
        holidays.note(cursor, as_of)
        cursor.execute(statement("under_way/step_days"), {"as_of": as_of, "days": DAYS_KEPT, "kept": DAYS_KEPT})
        cursor.execute("ANALYZE serving.step_day")
        cursor.execute(statement("under_way/day_factors"))
        cursor.execute("ANALYZE serving.day_factor")
        cursor.execute(statement("under_way/step_noise"))
        cursor.execute(statement("under_way/note_learned"), {"as_of": as_of})
        cursor.execute("SELECT shipments FROM serving.under_way_learned")
        shipments = int(cursor.fetchall()[0][0])
        forget(cursor)
    return shipments


def forget(cursor: Cursor) -> None:
    """Drops the temporary tables of a set of journeys, so that another may be looked at in the same transaction."""
    cursor.execute(
        "DROP TABLE IF EXISTS normal_stay, kind_lane, stay, journey_end, scan, kind, chosen, remaining_count"
    )


def _learn_dwell(link: Connection, kinds: Kinds, as_of: datetime) -> None:
    def rows() -> Iterator[tuple[object, ...]]:
        for step, counts in _by_state(link, statement("under_way/dwell_counts")):
            counts = np.insert(counts, 1, 0, axis=1)  # one landmark: the step's beginning
            for one in tables(counts, kinds):
                moved_on = life.ended_by(one.found)[0]
                typical = life.quantiles(moved_on, np.array([0.5, 0.9, 0.95]))
                hazard = life.cumulative_hazard(one.found)[0]
                yield (*_head(step, one), _array(hazard), _array(moved_on), *map(float, typical), as_of)

    columns = ("step", "lane", "specificity", "level", "n", "hazard", "moved_on", "p50", "p90", "p95", "refreshed_at")
    for part in _parts(rows()):
        copy_into(link, "serving.dwell", columns, part)


def _learn_remaining(link: Connection, cursor: Cursor, kinds: Kinds, as_of: datetime) -> None:
    cursor.execute(statement("under_way/remaining_counts"))
    cursor.execute("SELECT place, bin, outcome, sum(n)::bigint FROM remaining_count GROUP BY place, bin, outcome")
    pooled = np.zeros((3, len(life.LANDMARKS), len(life.AGES) + 1))
    for place, bin_, outcome, n in cursor.fetchall():
        pooled[outcome, place, bin_] = n
    anywhere = life.chances(pooled[1], pooled[2], pooled[0])
    reached = pooled.sum(axis=(0, 2))

    def rows() -> Iterator[tuple[object, ...]]:
        if reached[0]:
            yield _remaining("", Table(0, "|||||", int(reached[0]), reached, anywhere), as_of)
        query = "SELECT state, kind_id, place, bin, outcome, n FROM remaining_count ORDER BY state"
        for state, counts in _by_state(link, query):
            for one in tables(counts, kinds, anywhere):
                yield _remaining(state, one, as_of)

    columns = ("state", "lane", "specificity", "level", "n", "n_at", "remaining", "refreshed_at")
    for part in _parts(rows()):
        copy_into(link, "serving.remaining_time", columns, part)


def _remaining(state: str, one: Table, as_of: datetime) -> tuple[object, ...]:
    left = life.widen(life.quantiles(life.ended_by(one.found), life.REMAINING_LEVELS), one.reached)
    return (*_head(state, one), _array(one.reached), _array(left), as_of)


def _head(state: str, one: Table) -> tuple[object, ...]:
    level, specificity = LEVELS[one.level]
    return state, one.lane, specificity, level, one.n


def _by_state(link: Connection, query: str) -> Iterator[tuple[str, Integers]]:
    """The query's rows by their first column, the others as integers; one state at a time is held."""
    with link.cursor(name="by_state") as cursor:
        cursor.itersize = 20_000
        cursor.execute(query)
        for state, rows in itertools.groupby(cursor, key=lambda row: row[0]):
            yield state, np.array([row[1:] for row in rows], dtype=np.int64)


def _parts(rows: Iterable[tuple[object, ...]]) -> Iterator[list[tuple[object, ...]]]:
    """Rows in lists of a bounded length: a COPY and a server's cursor can't be in use at once."""
    iterator = iter(rows)
    while part := list(itertools.islice(iterator, _AT_ONCE)):
        yield part


def _array(values: Floats) -> str:
    """An array of any dimension as Postgres writes it."""
    return str(values.round(6).tolist()).replace("[", "{").replace("]", "}")
