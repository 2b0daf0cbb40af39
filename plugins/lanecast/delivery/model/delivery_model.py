"""The model that answers: learned hazard and life table side by side, mixed lane by lane as was found best."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from lanecast.delivery.model.choice import Choice, choose
from lanecast.delivery.model.curves import Curves, from_hazards, time_of_day
from lanecast.delivery.model.exposure import edges, exposure, scale
from lanecast.delivery.model.floor import Floor
from lanecast.delivery.model.hazard import Hazard, NoLightGBM
from lanecast.delivery.model.recalibration import Recalibration
from lanecast.delivery.model.shipments import Floats, Integers, Shipments


@dataclass
class DeliveryModel:
    """Fitted at `now` (days since 1970): answers for orders placed from then on. `hazard` is None where there was too
    little to learn from, or LightGBM is not there."""

    now: float
    cells: Integers
    clock: Floats
    choice: Choice
    floor: Floor
    hazard: Hazard | None
    recalibration: Recalibration = field(default_factory=Recalibration)

    def curves(self, asked: Shipments) -> Curves:
        """One curve for each order asked about; what happened to it is not looked at."""
        return self.recalibration.apply(asked, self.raw_curves(asked))

    def raw_curves(self, asked: Shipments) -> Curves:
        """The curves before recalibration."""
        asked = asked.asked()
        floor = from_hazards(self.cells, self.floor.hazards(asked), self.clock, asked)
        weight = self.weights(asked)
        if self.hazard is None or not (weight > 0).any():
            return floor
        learned = floor.share.copy()
        rows = np.flatnonzero(weight > 0)
        part = asked.take(rows)
        learned[rows] = from_hazards(self.cells, self.hazard.hazards(part), self.clock, part).share
        return Curves(self.cells, learned, self.clock, floor.started).mixed(floor, weight)

    def weights(self, asked: Shipments) -> Floats:
        """How much of each row's curve is learned, 0 to 1: where it is 0, the life table serves."""
        return np.zeros(len(asked)) if self.hazard is None else self.choice.weights(asked)


def train(
    known: Shipments,
    now: float,
    choice: Choice | None = None,
    recalibration: Recalibration | None = None,
    without: frozenset[str] = frozenset(),
) -> DeliveryModel:
    """Fits on what is known at `now`, with the choice given, else one made here. `without` names features to leave out.

    Takes whatever the shipments hold, down to none; needs about 40 bytes per feature and day lived within memory.
    """
    known = known.known_at(now)
    choice = choice or choose(known, now, without)
    unit = scale(known)
    cells = edges(known)
    lived = exposure(known, now, cells, now - 10 * choice.floor_half_life)
    hazard: Hazard | None = None
    if choice.half_lives:
        try:
            hazard = Hazard(choice.half_lives, unit, cells, without, choice.rounds).fit(known, now)
        except NoLightGBM:
            hazard = None
    return DeliveryModel(
        now,
        cells,
        time_of_day(known, now, now - 8 * unit),
        choice,
        Floor(choice.floor_half_life, choice.floor_kappa).fit(known, lived, now, cells),
        hazard,
        recalibration or Recalibration(),
    )
