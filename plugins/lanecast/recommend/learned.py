"""The learned ranking: how likely a customer buys each candidate within the window, from what all models say of it.

Two classifiers (LightGBM, binary log-likelihood), one for what is new to the customer and one for what is not: learned
on customers of windows that lie before `now`, each described as of the window's start. As both tell chances, their
candidates can be merged into one list.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lanecast.delivery.model.hazard import library
from lanecast.recommend.features import Features
from lanecast.recommend.history import Flags, Floats, Ints
from lanecast.recommend.metrics import among
from lanecast.recommend.signals import Batch, Signals

NEW, AGAIN = "new", "again"
_AGAIN, _AGAIN_FEW = 150, 80
_DRAWN_FROM = {
    "EASE": 60,
    "EASE, fading": 60,
    "cosine": 40,
    "alike": 60,
    "popularity": 60,
    "rising": 40,
    "looks": 40,
    "ALS": 60,
}
_LEAST = 100
"""Products taken up that a ranking is learned from at least."""
_ROUNDS = 100
_OPTIONS = {
    "objective": "binary",
    "learning_rate": 0.07,
    "num_leaves": 31,
    "min_data_in_leaf": 100,
    "feature_fraction": 0.6,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 10.0,
    "deterministic": True,
    "force_row_wise": True,
    "seed": 1,
    "verbosity": -1,
}
_LEAN = {"learning_rate": 0.14, "num_leaves": 16}


class Lesson:
    """What a window teaches: described candidates (rows x columns) and whether each was taken up, by side."""

    def __init__(self) -> None:
        self._table: dict[str, list[Floats]] = {NEW: [], AGAIN: []}
        self._taken: dict[str, list[Flags]] = {NEW: [], AGAIN: []}

    def add(self, features: Features, batch: Batch, wanted: Flags) -> None:
        """A batch of customers, with what they took up in the window (n x products)."""
        for side, candidate in candidates(features.signals, batch).items():
            there = (candidate >= 0).ravel()
            self._table[side].append(features.of_candidates(batch, candidate)[there])
            self._taken[side].append(np.take_along_axis(wanted, np.maximum(candidate, 0), axis=1).ravel()[there])

    def side(self, side: str) -> tuple[list[Floats], list[Flags]]:
        """Parts of the table, and of what was taken up."""
        return self._table[side], self._taken[side]


def candidates(signals: Signals, batch: Batch) -> dict[str, Ints]:
    """The products that are worth a closer look: n x m, padded with -1, by side."""
    drawn = np.zeros(batch.new.shape, dtype=bool)
    for name, many in _DRAWN_FROM.items():
        if name in batch.says:
            drawn |= among(batch.says[name], batch.new, many)
    own = among(batch.says["own"], batch.again, _AGAIN_FEW if signals.lean else _AGAIN)
    return {NEW: listed(drawn), AGAIN: listed(own)}


def listed(drawn: Flags) -> Ints:
    """The columns that are set in each row, in order: n x m, padded with -1."""
    n, products = drawn.shape
    many = drawn.sum(axis=1)
    found = np.full((n, max(1, int(many.max(initial=0)))), -1, dtype=np.int32)
    row, column = np.divmod(np.flatnonzero(drawn), products)
    found[row, np.arange(len(row)) - (np.cumsum(many) - many)[row]] = column
    return found


class Learned:
    """By side, a booster, or None where too little was taken up to learn from."""

    def __init__(self, boosters: dict[str, Any]) -> None:
        self.boosters = boosters

    @property
    def usable(self) -> bool:
        """Whether anything was learned of what is new, without which no list is made."""
        return self.boosters[NEW] is not None

    def chances(self, features: Features, batch: Batch) -> tuple[Floats, Flags]:
        """n x products: the chance of each candidate, 0 elsewhere; and which products are candidates."""
        found = np.zeros(batch.place.shape, dtype=np.float32)
        looked = np.zeros(batch.place.shape, dtype=bool)
        for side, candidate in candidates(features.signals, batch).items():
            there = candidate >= 0
            if not there.any():
                continue
            table = features.of_candidates(batch, candidate)[there.ravel()]
            booster = self.boosters[side]
            chance = np.full(len(table), 1e-6) if booster is None else booster.predict(table, num_threads=1)
            row = np.nonzero(there)[0]
            found[row, candidate[there]] = chance
            looked[row, candidate[there]] = True
        return found, looked

    def told(self) -> dict[str, str | None]:
        """As JSON can hold it."""
        return {side: None if one is None else one.model_to_string() for side, one in self.boosters.items()}


def learn(lessons: list[Lesson], lean: bool = False, threads: int = 2) -> Learned:
    """Learns from windows; `lean` makes smaller trees, and half as many, which tell a million candidates sooner.

    Raises NoLightGBM where the library can't be loaded.
    """
    gbm = library()
    boosters: dict[str, Any] = {}
    for side in (NEW, AGAIN):
        tables = [part for one in lessons for part in one.side(side)[0]]
        parts = [part for one in lessons for part in one.side(side)[1]]
        taken = np.concatenate(parts) if parts else np.zeros(0, dtype=bool)
        if taken.sum() < _LEAST:
            boosters[side] = None
            continue
        table = np.concatenate(tables)
        options = {
            **_OPTIONS,
            **(_LEAN if lean else {}),
            "num_threads": threads,
            "min_data_in_leaf": int(np.clip(len(table) / 500, 20, 200)),
        }
        boosters[side] = gbm.train(
            options, gbm.Dataset(table, taken.astype(np.float32)), _ROUNDS // 2 if lean else _ROUNDS
        )
    return Learned(boosters)


def read(told: dict[str, str | None]) -> Learned:
    """The inverse of `told`."""
    gbm = library()
    return Learned({side: None if text is None else gbm.Booster(model_str=text) for side, text in told.items()})
