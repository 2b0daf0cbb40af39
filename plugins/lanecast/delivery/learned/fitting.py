"""Hazard and life table, each fitted on what is known at a moment, as one thing that tells curves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from lanecast.delivery.model.choice import Choice
from lanecast.delivery.model.curves import Curves, from_hazards, time_of_day
from lanecast.delivery.model.exposure import edges, exposure, scale
from lanecast.delivery.model.floor import Floor
from lanecast.delivery.model.hazard import Hazard
from lanecast.delivery.model.recalibration import Recalibration
from lanecast.delivery.model.shipments import Floats, Integers, Shipments

_CHUNK = 2_000
_FLOOR_WINDOW = 10
"""A window of the life table, in half-lives of its weights."""


class Hazards(Protocol):
    """What tells the chance to arrive within each cell: rows x cells."""

    def hazards(self, asked: Shipments) -> Floats: ...


@dataclass(frozen=True)
class Fitted:
    """What was fitted, over which cells, the time of day of deliveries (201 quantiles), and what its curves are read
    through. `scale`, the median time to delivery in days, measures memories and what is recent."""

    hazard: Hazards
    cells: Integers
    clock: Floats
    scale: float
    recalibration: Recalibration = field(default_factory=Recalibration)

    def curves(self, asked: Shipments) -> Curves:
        """The curve of each order asked about, as things stand at the moment of fitting."""
        return self.recalibration.apply(asked, self.raw(asked))

    def raw(self, asked: Shipments) -> Curves:
        """The curves before recalibration."""
        return from_hazards(self.cells, self.hazard.hazards(asked), self.clock, asked)

    def by(self, asked: Shipments, ages: Floats) -> Floats:
        """The share delivered by `ages` (days): rows x ages. Takes some thousand rows at a time."""
        found = np.empty((len(asked), len(ages)))
        for at, part in parts(asked):
            found[at : at + len(part)] = self.curves(part).by(np.broadcast_to(ages, (len(part), len(ages))))
        return found


def parts(asked: Shipments) -> Iterator[tuple[int, Shipments]]:
    """The rows some thousand at a time, each with the place of its first."""
    for at in range(0, len(asked), _CHUNK):
        yield at, asked.take(np.arange(at, min(at + _CHUNK, len(asked))))


def fit(known: Shipments, now: float, choice: Choice, recalibration: Recalibration) -> Fitted:
    """The learned hazard, with the memories chosen, from what is known at `now`. Raises NoLightGBM."""
    size, cells = scale(known), edges(known)
    hazard = Hazard(choice.half_lives, size, cells).fit(known, now)
    return Fitted(hazard, cells, time_of_day(known, now, now - 8 * size), size, recalibration)


def fit_floor(known: Shipments, now: float, choice: Choice) -> Fitted:
    """The life table from what is known at `now`."""
    size, cells = scale(known), edges(known)
    half_life = choice.floor_half_life
    seen = exposure(known, now, cells, now - _FLOOR_WINDOW * half_life)
    floor = Floor(half_life).fit(known, seen, now, cells)
    return Fitted(floor, cells, time_of_day(known, now, now - 8 * size), size)
