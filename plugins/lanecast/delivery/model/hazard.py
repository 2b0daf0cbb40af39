"""The learned hazard: boosted trees on person-days, an average over several memories.

    logit h(x, t) = sum of trees at (features of the order, features of the day)

A member is one LightGBM classifier, fitted on the cells lived through within its window, each weighted by how recent it
is. With the same rows the same trees come out, to the bit: LightGBM runs deterministic, on one thread.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from lanecast.delivery.model.exposure import Exposure, exposure, weights
from lanecast.delivery.model.features import DAY_FEATURES, Matrix, OrderFeatures, calendars, day_features
from lanecast.delivery.model.shipments import Floats, Integers, Shipments

if TYPE_CHECKING:
    import lightgbm

ROUNDS = (60, 100, 150, 200)
"""Numbers of trees to choose from: with few parcels, many trees learn single journeys by heart."""
WINDOW = 4.5
"""A window, in half-lives of its weights."""
_CHUNK = 150_000
PARAMETERS: dict[str, Any] = {
    "objective": "binary",
    "learning_rate": 0.05,
    "num_leaves": 16,
    "min_data_in_leaf": 100,
    "min_sum_hessian_in_leaf": 8.0,
    "lambda_l2": 5.0,
    "feature_fraction": 0.5,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "max_bin": 127,
    "verbosity": -1,
}


class NoLightGBM(RuntimeError):
    """LightGBM can't be loaded on this machine."""


def library() -> Any:
    """LightGBM. Raises NoLightGBM where it or the OpenMP library that it needs is not there."""
    try:
        import lightgbm
    except (ImportError, OSError) as error:
        raise NoLightGBM(
            f"LightGBM can't be loaded ({error}): install libgomp1 (Debian, Ubuntu) or libgomp (Fedora, Alpine); "
            "until then the life table answers alone"
        ) from None
    return lightgbm


@dataclass
class Hazard:
    """Members with one half-life (days) each, over the same features and cells."""

    half_lives: tuple[float, ...]
    scale: float
    cells: Integers
    without: frozenset[str] = frozenset()
    rounds: int = ROUNDS[-1]
    features: OrderFeatures = field(init=False)
    members: list[lightgbm.Booster] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.features = OrderFeatures(self.scale, self.without)

    def fit(self, known: Shipments, now: float) -> Hazard:
        """Learns from what is known; returns itself. Raises NoLightGBM."""
        gbm = library()
        longest = max(self.half_lives) * WINDOW
        seen = exposure(known, now, self.cells, now - longest)
        orders = self.features.fit(known, seen, now, self.cells)
        rows = self._rows(known, orders, seen)
        for place, half_life in enumerate(self.half_lives):
            used = seen.day >= np.floor(now - half_life * WINDOW)
            data = gbm.Dataset(
                rows if used.all() else rows[used],
                seen.delivered[used].astype(np.float32),
                weight=weights(seen.take(used), now, half_life).astype(np.float32),
                params={"max_bin": PARAMETERS["max_bin"], "verbosity": -1},
            )
            seeds = dict.fromkeys(("seed", "feature_fraction_seed", "bagging_seed", "data_random_seed"), place + 1)
            self.members.append(gbm.train({**PARAMETERS, **seeds}, data, self.rounds))
        return self

    def of_exposure(self, known: Shipments, seen: Exposure, rounds: tuple[int, ...]) -> list[Floats]:
        """The hazard of each row of exposure of these shipments, by each of these numbers of trees."""
        orders = self.features.read(known)
        found: list[list[Floats]] = [[np.zeros(0)] for _ in rounds]
        for at in range(0, len(seen), _CHUNK):
            rows = self._rows(known, orders, seen.take(np.arange(at, min(at + _CHUNK, len(seen)))))
            for place, count in enumerate(rounds):
                found[place].append(self._average(rows, count))
        return [np.concatenate(parts) for parts in found]

    def hazards(self, asked: Shipments) -> Floats:
        """Rows x cells: the chance to arrive within a cell for a parcel still under way at its start."""
        size = len(self.cells) - 1
        step = max(1, _CHUNK // size)
        found = np.empty((len(asked), size))
        for at in range(0, len(asked), step):
            part = asked.take(np.arange(at, min(at + step, len(asked))))
            row = np.repeat(np.arange(len(part)), size)
            cell = np.tile(np.arange(size), len(part))
            day = part.start_day()[row] + self.cells[cell]
            seen = Exposure(row, cell, day, np.zeros(len(row), dtype=bool))
            rows = self._rows(part, self.features.read(part), seen)
            found[at : at + len(part)] = self._average(rows).reshape(-1, size)
        return found

    def _rows(self, of: Shipments, orders: Matrix, seen: Exposure) -> Matrix:
        width = orders.shape[1]
        rows = np.empty((len(seen), width + len(DAY_FEATURES)), dtype=np.float32)
        calendar = calendars(of)
        for at in range(0, len(seen), _CHUNK):
            part = slice(at, at + _CHUNK)
            row, cell = seen.row[part], seen.cell[part]
            rows[part, :width] = orders[row]
            rows[part, width:] = day_features(of, calendar, row, seen.day[part], self.cells[cell])
        return rows

    def _average(self, rows: Matrix, rounds: int | None = None) -> Floats:
        total = np.zeros(len(rows))
        for member in self.members:
            total += np.asarray(member.predict(rows, num_iteration=rounds, num_threads=1))
        return total / len(self.members)
