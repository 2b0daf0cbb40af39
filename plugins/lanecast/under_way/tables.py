"""Life tables for every lane that has enough parcels, each leaning on the next wider lane that has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lanecast.delivery import levels
from lanecast.under_way import life
from lanecast.under_way.life import AGES, LANDMARKS, Chances, Floats

Integers = NDArray[np.int64]

LEVELS: tuple[tuple[str, int], ...] = tuple(
    (level.name, specificity)
    for specificity, level in enumerate(levels.LEVELS, 1)
    if "destination_region" not in level.columns
)
"""The lane levels used here, widest first, with their specificity: those that tell no regions apart."""
ENOUGH = 20
"""Parcels that a lane needs for a table of its own."""


@dataclass(frozen=True)
class Kinds:
    """For each level and kind of shipment the number of its lane, -1 where it is in none; and the lanes' keys."""

    lane_of: tuple[Integers, ...]
    keys: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, rows: Sequence[tuple[int, Sequence[str | None]]]) -> Kinds:
        """From rows of kind (counted from 1) and its lanes' keys by level."""
        size = max((kind for kind, _ in rows), default=0) + 1
        lane_of, keys = [], []
        for level in range(len(LEVELS)):
            numbers: dict[str, int] = {}
            found = np.full(size, -1, dtype=np.int64)
            for kind, lanes in rows:
                lane = lanes[level]
                if lane is not None:
                    found[kind] = numbers.setdefault(lane, len(numbers))
            lane_of.append(found)
            keys.append(tuple(numbers))
        return cls(tuple(lane_of), tuple(keys))


@dataclass(frozen=True)
class Table:
    """One lane's life table: its level's place in LEVELS, its parcels, parcels by landmark, and its chances."""

    level: int
    lane: str
    n: int
    reached: Floats
    found: Chances


def tables(counts: Integers, kinds: Kinds, root: Chances | None = None) -> Iterator[Table]:
    """The tables of one state, the widest lane first.

    `counts` has rows of kind, landmark (0 throughout for time in a step), bin, outcome (0 seen no longer, 1 the end in
    question, 2 another) and number. The world's table leans on `root`.
    """
    landmarks = int(counts[:, 1].max()) + 1 if root is None else len(LANDMARKS)
    parents, parent_of = root, np.zeros(len(kinds.lane_of[0]), dtype=np.int64)
    for level, lane_of in enumerate(kinds.lane_of):
        lanes = lane_of[counts[:, 0]]
        starting = (counts[:, 1] == 0) & (lanes >= 0)
        n = np.bincount(lanes[starting], weights=counts[starting, 4], minlength=len(kinds.keys[level]))
        kept = np.flatnonzero(n >= ENOUGH)
        if not len(kept):
            return
        place = np.full(len(n) + 1, -1, dtype=np.int64)
        place[kept] = np.arange(len(kept))
        groups = place[lanes]
        told = groups >= 0
        cells = np.zeros((3, len(kept), landmarks, len(AGES) + 1))
        np.add.at(cells, (counts[told, 3], groups[told], counts[told, 1], counts[told, 2]), counts[told, 4])
        leaned = parents
        if level > 0 and parents is not None:
            of_lane = np.zeros(len(n), dtype=np.int64)
            of_lane[lane_of[lane_of >= 0]] = parent_of[lane_of >= 0]
            leaned = Chances(parents.ends[of_lane[kept]], parents.competing[of_lane[kept]])
        found = life.chances(cells[1], cells[2], cells[0], leaned)
        reached = cells.sum(axis=(0, 3))
        for number, lane in enumerate(kept):
            yield Table(
                level,
                kinds.keys[level][lane],
                int(n[lane]),
                reached[number],
                Chances(found.ends[number], found.competing[number]),
            )
        own = place[lane_of]
        # a kind without a lane of its own here goes on leaning on the wider one
        offset = 0 if parents is None or level == 0 else len(parents.ends)
        if level == 0:
            parents, parent_of = found, np.zeros_like(parent_of)
        else:
            assert parents is not None
            parents = Chances(
                np.concatenate([parents.ends, found.ends]), np.concatenate([parents.competing, found.competing])
            )
            parent_of = np.where(own >= 0, own + offset, parent_of)
