"""Hazard and life table, each fitted on what is known at a moment, as one thing that tells curves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from lanecast.delivery.model.curves import Curves, from_hazards, time_of_day
from lanecast.delivery.model.exposure import edges, exposure, scale
from lanecast.delivery.model.floor import Floor
from lanecast.delivery.model.hazard import WINDOW, Hazard
from lanecast.delivery.model.shipments import Floats, Integers, Shipments

MEMORIES = (2.0, 4.0)
"""Half-lives of the members, as multiples of the median time to delivery."""
FLOOR_HALF_LIFE = 14.0


class Hazards(Protocol):
    """What tells the chance to arrive within each cell: rows x cells."""

    def hazards(self, asked: Shipments) -> Floats: ...


@dataclass(frozen=True)
class Fitted:
    """What was fitted, over which cells, and the time of day of deliveries (201 quantiles)."""

    hazard: Hazards
    cells: Integers
    clock: Floats
    scale: float
    """The median time to delivery in days: memories, and how far back is recent, are measured by it."""

    def curves(self, asked: Shipments) -> Curves:
        """The curve of each order asked about, as things stand at the moment of fitting."""
        return from_hazards(self.cells, self.hazard.hazards(asked), self.clock, asked)


def fit(known: Shipments, now: float) -> Fitted:
    """The learned hazard from what is known at `now`. Raises NoLightGBM."""
    size, cells = scale(known), edges(known)
    half_lives = tuple(memory * size for memory in MEMORIES)
    hazard = Hazard(half_lives, size, cells).fit(known, now)
    return Fitted(hazard, cells, time_of_day(known, now, now - 4 * size), size)


def fit_floor(known: Shipments, now: float) -> Fitted:
    """The life table from what is known at `now`."""
    size, cells = scale(known), edges(known)
    half_life = max(FLOOR_HALF_LIFE, size)
    seen = exposure(known, now, cells, now - WINDOW * half_life)
    floor = Floor(half_life).fit(known, seen, now, cells)
    return Fitted(floor, cells, time_of_day(known, now, now - 4 * size), size)
