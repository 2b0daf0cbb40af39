"""The life table once more, cell by cell in plain Python, as docs/methods/delivery-time.md defines it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

Lane = tuple[str | None, ...]
"""Origin country and region, destination country and region, carrier, service."""

COLUMNS = ((), (2,), (0, 2), (2, 3), (0, 2, 4), (0, 2, 4, 5), (0, 1, 2, 3), (0, 1, 2, 3, 4), (0, 1, 2, 3, 4, 5))
PARENTS = ((), (0,), (1,), (1,), (2,), (4,), (2, 3, 1), (4,), (5,))
"""By level: which columns it tells apart, and the levels it leans on: one, or two and what these have in common."""


@dataclass(frozen=True)
class Span:
    """One clock of one parcel. `outcome`: delivered, lost, expired or open."""

    lane: Lane
    started: datetime
    entered: datetime
    ended: datetime | None
    outcome: str


@dataclass
class Cell:
    """What happened in one age bin: who was at risk, and who left how; weighted."""

    n: float = 0
    delivered: float = 0
    lost: float = 0
    expired: float = 0


@dataclass
class Curve:
    """One lane's estimates."""

    share: list[float] | None
    p_never: float | None
    p_never_expired_lost: float | None
    effective_n: float
    hazards: list[tuple[float, float, float]] = field(default_factory=list)


def curves(
    spans: Iterable[Span],
    as_of: datetime,
    bounds: Sequence[float],
    half_life: float = 14,
    kappas: Sequence[float] = (0, *[10] * 8),
    last_day: date | None = None,
) -> dict[tuple[int, Lane], Curve]:
    """The curve of every lane, by level (from 0) and lane with the columns that the level does not tell apart emptied.

    `last_day` is the last of which anything is known, where other spans tell it.
    """
    spans = list(spans)
    known = max((_day(span.ended or span.started) for span in spans), default=0)
    if last_day is not None:
        known = (last_day - date(1970, 1, 1)).days
    until = min((as_of - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(days=1), known + 1)
    cells: dict[tuple[int, Lane], dict[int, Cell]] = {}
    for span in spans:
        for level, columns in enumerate(COLUMNS):
            if all(span.lane[column] is not None for column in columns):
                lane = tuple(value if column in columns else None for column, value in enumerate(span.lane))
                _count(cells.setdefault((level, lane), defaultdict(Cell)), span, as_of, bounds, half_life, until)
    found: dict[tuple[int, Lane], Curve] = {}
    for level, lane in sorted(cells, key=lambda key: key[0]):
        parents = [
            found[parent, tuple(value if column in COLUMNS[parent] else None for column, value in enumerate(lane))]
            for parent in PARENTS[level]
        ]
        found[level, lane] = _curve(cells[level, lane], [one.hazards for one in parents], kappas[level], len(bounds))
    return found


def _day(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(days=1)


def _count(
    cells: dict[int, Cell], span: Span, as_of: datetime, bounds: Sequence[float], half_life: float, until: float
) -> None:
    left = ((span.ended or as_of) - span.started) / timedelta(days=1)
    entered = (span.entered - span.started) / timedelta(days=1)
    if span.ended is not None and entered > 0 and entered >= left:
        return
    for index, upper in enumerate(bounds):
        lower = bounds[index - 1] if index else 0.0
        if left <= lower and index:
            break
        if entered > upper:
            continue
        weight = 2 ** ((_day(span.started) + lower - until) / half_life)
        leaves = left <= upper
        cell = cells[index]
        at_risk = 1.0
        if entered > lower or (index == 0 and entered > 0):
            at_risk -= 0.5
        if leaves and span.outcome in {"expired", "open"}:
            at_risk -= 0.5
        # Watched from within the bin and gone in it: half a parcel, of whom a whole one may arrive.
        cell.n += weight * at_risk
        if leaves and span.outcome in {"delivered", "lost", "expired"}:
            setattr(cell, span.outcome, getattr(cell, span.outcome) + weight)


def _prior(parents: list[list[tuple[float, float, float]]], index: int) -> tuple[float, float, float]:
    if not parents:
        return (0.0, 0.0, 0.0)
    delivered, lost, expired = parents[0][index]
    if len(parents) == 1:
        return delivered, lost, expired
    going = 1.0
    odds = [1.0, 1.0]
    for hazards, power in zip(parents, (1, 1, -1), strict=True):
        told = hazards[index]
        alive = max(1 - told[0] - told[1], 1e-9)
        going *= alive**power
    for cause in (0, 1):
        if parents[2][index][cause] > 1e-12:
            odds[cause] = parents[0][index][cause] * parents[1][index][cause] / parents[2][index][cause]
        else:
            odds[cause] = parents[0][index][cause]
    total = going + odds[0] + odds[1]
    return odds[0] / total, odds[1] / total, expired


def _curve(cells: dict[int, Cell], parents: list[list[tuple[float, float, float]]], kappa: float, bins: int) -> Curve:
    kappa = kappa if parents else 0.0
    alive = seen_alive = 1.0
    arrived = ended = seen_arrived = seen_ended = effective = 0.0
    shares: list[float] = []
    hazards: list[tuple[float, float, float]] = []
    for index in range(bins):
        cell = cells.get(index, Cell())
        prior = _prior(parents, index)
        n = max(cell.n, cell.delivered + cell.lost)
        effective += cell.delivered + cell.lost
        delivered, lost, expired = prior
        if n + kappa > 0:
            delivered = (cell.delivered + kappa * prior[0]) / (n + kappa)
            lost = (cell.lost + kappa * prior[1]) / (n + kappa)
        if n + cell.expired + kappa > 0:
            expired = (cell.expired + kappa * prior[2]) / (n + cell.expired / 2 + kappa)
        hazards.append((delivered, lost, expired))
        arrived += alive * delivered
        ended += alive * lost
        alive *= max(1 - delivered - lost, 0)
        seen_arrived += seen_alive * delivered
        seen_ended += seen_alive * (lost + expired)
        seen_alive *= max(1 - delivered - lost - expired, 0)
        shares.append(arrived)
    return Curve(
        [share / arrived for share in shares] if arrived > 0 else None,
        ended / (arrived + ended) if arrived + ended > 0 else None,
        seen_ended / (seen_arrived + seen_ended) if seen_arrived + seen_ended > 0 else None,
        effective,
        hazards,
    )
