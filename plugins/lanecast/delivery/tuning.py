"""Chooses how fast evidence ages, and how much narrow lanes lean on wide ones: by weeks that were not fitted on.

For each of the last whole weeks, curves are computed from what was known at its beginning, and scored by the
log-likelihood of what then happened to the parcels under way and begun: of each age bin that one entered, whether it
was delivered there, ended otherwise or went on. Candidates are tried one after the other (half-life first, then how
much lanes of countries, carriers, regions lean, then on which parents), so that the work is bounded and the same
data give the same choice. What wins is noted in serving.life_table_choice; the next refresh uses it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

import psycopg2.extensions

from lanecast import settings
from lanecast.delivery import life_table
from lanecast.delivery.life_table import Choice
from lanecast.warehouse import connection as warehouse
from lanecast.warehouse.connection import only_row
from lanecast.warehouse.statements import statement

Value = TypeVar("Value")
MEASURE = "order_to_door"
WEEKS = 3
HALF_LIVES_DAYS = (7.0, 14.0, 28.0, 56.0)
KAPPAS = (3.0, 10.0, 30.0, 100.0)
GROUPS: tuple[tuple[int, ...], ...] = ((2, 3), (5, 6), (4, 7), (8, 9))
"""Levels, by specificity, that lean equally much: of countries, of carriers and services between these, of regions, of
carriers and services between regions."""

MIXED_GROUPS: tuple[tuple[int, ...], ...] = ((7,), (8, 9))
"""Levels with two parents that lean on both, or do not, together."""

_LEAST_DELIVERED = 500
_MOST_SPANS = 20_000
_HALF_LIVES = 10

_NOISE = 1e-9
"""Sums are added up in any order: what differs by less is the same."""


@dataclass(frozen=True)
class Tuned:
    """The choice, its mean log-likelihood per cell (a parcel in an age bin) and that of the defaults; how many cells.

    `choice` is None where too few parcels were delivered in those weeks: what was in use stays.
    """

    choice: Choice | None
    score: float
    default_score: float
    cells: int


def tune(address: str | None = None, as_of: datetime | None = None) -> Tuned:
    """Chooses, and notes the choice. Raises NoWarehouse where the warehouse can't be reached."""
    with warehouse.connect(role="loader", as_of=as_of, address=address) as link, link.cursor() as cursor:
        cursor.execute("SET LOCAL work_mem = '64MB'")
        trial = Trial(cursor)
        default, cells, delivered = trial.score(Choice())
        if delivered < _LEAST_DELIVERED:
            return Tuned(None, default, default, cells)
        best, best_score = Choice(), default
        for stage in range(1 + len(GROUPS) + len(MIXED_GROUPS)):
            for candidate in _candidates(best, stage):
                score, _, _ = trial.score(candidate)
                if score > best_score + _NOISE:
                    best, best_score = candidate, score
        cursor.execute(
            "INSERT INTO serving.life_table_choice "
            "(chosen_at, half_life_days, kappas, mixed, score, default_score, cells) "
            "VALUES (ops.as_of(), %s, %s, %s, %s, %s, %s)",
            (best.half_life_days, list(best.kappas), list(best.mixed), best_score, default, cells),
        )
    return Tuned(best, best_score, default, cells)


def as_dict(tuned: Tuned) -> dict[str, object]:
    """The choice and its scores as plain values."""
    return asdict(tuned)


def _candidates(best: Choice, stage: int) -> Iterator[Choice]:
    """Choices that differ from the best so far in one respect: the half-life, how much a group of levels leans on its
    parents, whether lanes between regions lean on both."""
    if stage == 0:
        yield from (replace(best, half_life_days=days) for days in HALF_LIVES_DAYS if days != best.half_life_days)
    elif stage <= len(GROUPS):
        for kappa in KAPPAS:
            kappas = _with(best.kappas, GROUPS[stage - 1], kappa)
            if kappas != best.kappas:
                yield replace(best, kappas=kappas)
    else:
        levels = MIXED_GROUPS[stage - len(GROUPS) - 1]
        yield replace(best, mixed=_with(best.mixed, levels, not best.mixed[levels[0] - 1]))


def _with(values: tuple[Value, ...], levels: tuple[int, ...], value: Value) -> tuple[Value, ...]:
    return tuple(value if specificity in levels else known for specificity, known in enumerate(values, 1))


class Trial:
    """Scores choices on the last whole weeks."""

    def __init__(self, cursor: psycopg2.extensions.cursor) -> None:
        self.cursor = cursor
        cursor.execute(
            "SELECT ops.as_of(), least(ops.as_of(), (max(day) + 1)::timestamp AT TIME ZONE 'UTC') FROM serving.span_day"
        )
        self.now, until = only_row(cursor)
        until = until or self.now
        self.weeks = [until - timedelta(days=7 * week) for week in range(WEEKS, 0, -1)]
        window = timedelta(days=_HALF_LIVES * max(HALF_LIVES_DAYS) + settings.horizon_days())
        self.since = self.weeks[0] - window
        values = {"measure": MEASURE, "since": self.since, "most": _MOST_SPANS}
        cursor.execute(statement("tuning/sampled_leaf"), values)

    def score(self, choice: Choice) -> tuple[float, int, int]:
        """The mean log-likelihood per cell of the held-out weeks, how many cells, and how many parcels were delivered
        in them."""
        log_likelihood, cells, delivered = 0.0, 0, 0
        for week in self.weeks:
            life_table.bounds(self.cursor, choice.half_life_days)
            values = {
                "measure": MEASURE,
                "since": self.since,
                "week": week,
                "now": self.now,
                "half_life": choice.half_life_days,
            }
            for name in ("held_out", "evidence"):
                self.cursor.execute(f"DROP TABLE IF EXISTS {name}")
                self.cursor.execute(statement(f"tuning/{name}"), values)
            self.cursor.execute("DROP TABLE IF EXISTS lane_evidence")
            self.cursor.execute(statement("delivery/lane_evidence"))
            life_table.lane_curves(self.cursor, choice)
            self.cursor.execute(statement("tuning/score"), {"measure": MEASURE})
            found = only_row(self.cursor)
            log_likelihood += found[0]
            cells += found[1]
            delivered += found[2]
        return log_likelihood / max(cells, 1), cells, delivered
