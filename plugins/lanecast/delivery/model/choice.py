"""What to trust where: memories of the model, and model or life table lane by lane, by a look at weeks already past.

Everything is fitted as it would have been some weeks ago, and judged by the likelihood of what each parcel under way
has done since then, arrived or not. That needs no waiting until the parcels of those weeks have all arrived.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from lanecast.delivery.model.exposure import Exposure, edges, exposure, scale
from lanecast.delivery.model.floor import Floor, lanes
from lanecast.delivery.model.hazard import ROUNDS, Hazard, NoLightGBM
from lanecast.delivery.model.shipments import Floats, Integers, Shipments

MEMORIES = (2.7, 5.5, 11.0)
"""Half-lives of the model to choose from, as multiples of the median time to delivery."""
FLOOR_MEMORIES = (1.3, 2.6, 5.0)
KAPPAS = (3.0, 10.0)
"""Of the life table, to choose from."""
KEPT = 2
"""Members of the model: the best so many memories."""
WEIGHTS = (0.0, 0.5, 1.0)
"""How much of the model goes into a lane's curves; the rest is the life table's."""
LEAST = 300
"""Deliveries in the weeks that are judged, before anything is learned. With fewer the likelihood is no guide: it
rewards knowing that nothing arrives on a Sunday, which matters little where journeys take months."""
_LEAN = 50.0
"""Deliveries' worth of trust in what is best over all lanes."""
_DAYS = 28.0
LANE = ("destination_country", "destination_region")
"""The columns that make a lane here: finer ones have too few arrivals in a month to judge by."""
_TINY = 1e-6


@dataclass(frozen=True)
class Choice:
    """`half_lives` of the model's members and `floor_half_life` in days, `rounds` of trees; `weight` of the model (0 to
    1) by destination (country and region), and `overall` for those not met. `losses`: minus log-likelihood per delivery
    of each candidate, as evidence."""

    floor_half_life: float
    floor_kappa: float = KAPPAS[1]
    half_lives: tuple[float, ...] = ()
    rounds: int = ROUNDS[-1]
    overall: float = 0.0
    weight: dict[tuple[str, ...], float] = field(default_factory=dict)
    losses: dict[str, float] = field(default_factory=dict)

    def weights(self, asked: Shipments) -> Floats:
        """The model's weight for each row."""
        group, names = lanes(asked, LANE)
        return np.array([self.weight.get(name, self.overall) for name in names], dtype=float)[group]


def choose(known: Shipments, now: float, without: frozenset[str] = frozenset()) -> Choice:
    """The choice by what is known at `now`: fitted on what was known some weeks before, judged on the weeks since."""
    unit = scale(known)
    then = now - max(_DAYS, 2 * unit)
    past = known.known_at(then)
    cells = edges(past)
    seen = exposure(known, now, cells, then)
    arrived = float(seen.delivered.sum())
    if not np.isfinite(past.delivered).any() or arrived < 1:
        return Choice(FLOOR_MEMORIES[1] * unit)
    floors = {
        (memory * unit, kappa): _of_floor(past, then, cells, memory * unit, kappa, known, seen)
        for memory in FLOOR_MEMORIES
        for kappa in KAPPAS
    }
    lost_floor = {one: _loss(seen, found) for one, found in floors.items()}
    losses = {f"life table, half-life {one[0]:.0f}, kappa {one[1]:.0f}": loss for one, loss in lost_floor.items()}
    best = min(floors, key=lambda one: lost_floor[one])
    if arrived < LEAST:
        return Choice(*best, losses=losses)
    chances: dict[float, list[Floats]] = {}
    try:
        for memory in MEMORIES:
            model = Hazard((memory * unit,), unit, cells, without).fit(past, then)
            chances[memory * unit] = model.of_exposure(known, seen, ROUNDS)
    except NoLightGBM:
        return Choice(*best, losses=losses)
    lost = {memory: [_loss(seen, one) for one in found] for memory, found in chances.items()}
    trees = int(np.argmin(np.sum(list(lost.values()), axis=0)))
    for memory, each in lost.items():
        losses[f"model, half-life {memory:.0f}, {ROUNDS[trees]} trees"] = each[trees]
    half_lives = sorted(chances, key=lambda memory: lost[memory][trees])[:KEPT]
    learned = np.mean([chances[memory][trees] for memory in half_lives], axis=0)
    overall, weight = _by_lane(known, seen, floors[best], learned)
    return Choice(*best, tuple(sorted(half_lives)), ROUNDS[trees], overall, weight, losses)


def _of_floor(
    past: Shipments, then: float, cells: Integers, half_life: float, kappa: float, known: Shipments, seen: Exposure
) -> Floats:
    lived = exposure(past, then, cells, then - 10 * half_life)
    rows, place = np.unique(seen.row, return_inverse=True)
    hazards = Floor(half_life, kappa).fit(past, lived, then, cells).hazards(known.take(rows))
    found: Floats = hazards[place.reshape(-1), seen.cell]
    return found


def _log_loss(seen: Exposure, chances: Floats) -> Floats:
    chances = np.clip(chances, _TINY, 1 - _TINY)
    return -np.where(seen.delivered, np.log(chances), np.log1p(-chances))


def _loss(seen: Exposure, chances: Floats) -> float:
    return float(_log_loss(seen, chances).sum() / seen.delivered.sum())


def _by_lane(
    known: Shipments, seen: Exposure, floor: Floats, learned: Floats
) -> tuple[float, dict[tuple[str, ...], float]]:
    """The best weight over all, and of each lane by its own losses, leaning on those over all where it has few."""
    group, names = lanes(known, LANE)
    at = group[seen.row]
    arrived = np.bincount(at, seen.delivered.astype(float), len(names))
    lost: list[Floats] = [
        np.bincount(at, _log_loss(seen, weight * learned + (1 - weight) * floor), len(names)).astype(float)
        for weight in WEIGHTS
    ]
    total = np.array(lost)
    each = total.sum(axis=1) / max(arrived.sum(), 1.0)
    leaning = total + _LEAN * each[:, None]
    weight = {name: WEIGHTS[int(np.argmin(leaning[:, place]))] for place, name in enumerate(names) if arrived[place]}
    return WEIGHTS[int(np.argmin(each))], weight
