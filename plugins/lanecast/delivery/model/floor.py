"""The life table in numpy: what serving.delivery_time holds, for the backtest and for lanes that are too thin to learn.

The same method as the SQL floor: exits over exposure in each cell of age, weighted by how recent they are, each lane
leaning on the next wider one, h = (d + k h_parent) / (n + k). Cells are local calendar days here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from lanecast.delivery import levels
from lanecast.delivery.levels import LANE_COLUMNS
from lanecast.delivery.model.exposure import Exposure, weights
from lanecast.delivery.model.shipments import Floats, Integers, Shipments, Text

LEVELS: tuple[tuple[str, ...], ...] = tuple(level.columns for level in levels.LEVELS)
"""The columns that make a lane, widest first: those of serving.delivery_time."""
KAPPA = 10.0
"""Parcels' worth of trust in the wider lane."""
_FIRST = 0.02
"""The chance of a cell in which nobody was ever seen."""


@dataclass
class Floor:
    """Hazards by lane (key: its texts) and cell."""

    half_life: float
    kappa: float = KAPPA
    tables: list[dict[tuple[str, ...], Floats]] = field(default_factory=list)
    cells: int = 0

    def fit(self, known: Shipments, seen: Exposure, now: float, cells: Integers) -> Floor:
        """Learns from the exposure; returns itself."""
        self.cells = len(cells) - 1
        weight = weights(seen, now, self.half_life)
        self.tables = []
        for level in LEVELS:
            group, names = lanes(known, level)
            # The empty text is an unknown place: who lacks one of a level's columns is in none of its lanes.
            whole = np.array([all(name) for name in names], dtype=bool)[group[seen.row]]
            at = group[seen.row][whole] * self.cells + seen.cell[whole]
            count = len(names) * self.cells
            n = np.bincount(at, weight[whole], count).reshape(-1, self.cells)
            d = np.bincount(at, (weight * seen.delivered)[whole], count).reshape(-1, self.cells)
            table: dict[tuple[str, ...], Floats] = {}
            kappa = self.kappa if level else 1.0
            for place in np.flatnonzero(n.any(axis=1)) if level else [0]:
                parent = self._of(names[place], level, len(self.tables) - 1)
                table[names[place]] = (d[place] + kappa * parent) / (n[place] + kappa)
            self.tables.append(table)
        return self

    def hazards(self, asked: Shipments) -> Floats:
        """Rows x cells: of each row's narrowest lane."""
        group, names = lanes(asked, LANE_COLUMNS)
        found = [self._of(name, LANE_COLUMNS, len(LEVELS) - 1) for name in names]
        return np.array(found).reshape(-1, self.cells)[group]

    def _of(self, name: tuple[str, ...], columns: Sequence[str], deepest: int) -> Floats:
        """The hazards of the narrowest table, up to `deepest`, that has the lane."""
        told = dict(zip(columns, name, strict=True))
        for place in range(deepest, -1, -1):
            found = self.tables[place].get(tuple(told.get(column, "") for column in LEVELS[place]))
            if found is not None:
                return found
        return np.full(self.cells, _FIRST)


def lanes(of: Shipments, columns: Sequence[str]) -> tuple[Integers, list[tuple[str, ...]]]:
    """For each row the number of its lane by these columns, and each lane's texts. Lanes are in alphabetical order."""
    texts: list[Text] = [of.lane[column] for column in columns]
    group = np.zeros(len(of), dtype=np.int64)
    names: list[tuple[str, ...]] = [()]
    for text in texts:
        pairs, group = np.unique(group * len(text.labels) + text.codes, return_inverse=True)
        names = [(*names[pair // len(text.labels)], text.labels[pair % len(text.labels)]) for pair in pairs.tolist()]
    return group.reshape(-1).astype(np.int64), names
