"""Keeps curves honest: where parcels arrived on the curves that they were given, put on the scale of shares.

A curve that is right is passed evenly: as many parcels arrive between its shares 0.9 and 0.95 as between 0.1 and 0.15.
What was in fact seen is a life table again, with the share of the own curve for an age: parcels under way count until
the share that they have reached, recent moments count more, and each destination leans on the world, the world on the
belief that the curves are right. New curves are read through that table. Parcels are judged by curves issued before
they left, so that it shows how wrong the model is about the future, not about what it has learned from.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from lanecast.delivery.model.choice import LANE
from lanecast.delivery.model.curves import Curves
from lanecast.delivery.model.floor import lanes
from lanecast.delivery.model.shipments import Floats, Integers, Shipments

SHARES = np.linspace(0.0, 1.0, 21)
MEMORY = 8.0
"""Half-life, as a multiple of the median time to delivery."""
TRUST = (100.0, 400.0)
"""Parcels' worth of belief that the curves are right as they are: to choose from."""
LEAN = (30.0, 100.0, 300.0, 1000.0)
"""Parcels' worth of trust of a destination in the world: to choose from."""
_JUDGED = 56.0
"""Days by which they are chosen, longer where journeys take more than half of it."""


@dataclass
class Issued:
    """Curves that were issued, kept as the moments (rows x 21, days since 1970) at which they reach `SHARES`."""

    order_id: list[str] = field(default_factory=list)
    lane: list[tuple[str, ...]] = field(default_factory=list)
    moments: list[Floats] = field(default_factory=list)

    def add(self, asked: Shipments, curves: Curves) -> None:
        """Keeps the curves of these orders."""
        reached = np.stack([curves.quantile(share) for share in SHARES], axis=1)
        group, names = lanes(asked, LANE)
        self.order_id.extend(asked.order_id.tolist())
        self.lane.extend(names[place] for place in group)
        self.moments.extend(np.maximum.accumulate(reached, axis=1) + asked.ordered[:, None])


@dataclass(frozen=True)
class Recalibration:
    """What share is in fact delivered by the time that a curve says `SHARES`: `overall`, and by destination."""

    overall: Floats = field(default_factory=lambda: SHARES.copy())
    by_lane: dict[tuple[str, ...], Floats] = field(default_factory=dict)

    def apply(self, asked: Shipments, curves: Curves) -> Curves:
        """The curves as they should have been, by what was seen."""
        group, names = lanes(asked, LANE)
        share = np.empty_like(curves.share)
        for place, name in enumerate(names):
            rows = group == place
            share[rows] = np.interp(curves.share[rows], SHARES, self.by_lane.get(name, self.overall))
        return Curves(curves.cells, share, curves.clock, curves.started)


def recalibration(issued: Issued, known: Shipments, now: float, scale: float) -> Recalibration:
    """By what is known at `now` of the parcels whose curves were issued."""
    places = {order: place for place, order in enumerate(known.order_id.tolist())}
    rows = [place for place, order in enumerate(issued.order_id) if order in places]
    if not rows:
        return Recalibration()
    sound = known.sound()
    at = np.array([places[issued.order_id[row]] for row in rows])
    kept = sound[at]
    arrived = np.where(np.isfinite(known.delivered[at]), known.delivered[at], np.inf)[kept]
    moments = np.array([issued.moments[row] for row in rows])[kept]
    names = sorted(set(issued.lane))
    number = {name: place for place, name in enumerate(names)}
    lane = np.array([number[issued.lane[row]] for row in rows])[kept]
    then = now - max(_JUDGED, 2 * scale)
    half_life = MEMORY * scale
    before = _counts(moments, arrived, lane, len(names), then, half_life)
    since = _counts(moments, arrived, lane, len(names), now, np.inf, then)
    strengths = [(trust, lean) for trust in TRUST for lean in LEAN]
    trust, lean = min(reversed(strengths), key=lambda one: _loss(_leaning(*before, *one)[1], *since))
    world, each = _leaning(*_counts(moments, arrived, lane, len(names), now, half_life), trust, lean)
    return Recalibration(_shares(world), {name: _shares(each[place]) for place, name in enumerate(names)})


def _leaning(n: Floats, d: Floats, trust: float, lean: float) -> tuple[Floats, Floats]:
    """Chances to arrive in each step: of the world, leaning on right curves, and of each lane, leaning on the world."""
    right = 1.0 / (len(SHARES) - 1 - np.arange(len(SHARES) - 1))
    world = (d.sum(axis=0) + trust * right) / (n.sum(axis=0) + trust)
    return world, (d + lean * world) / (n + lean)


def _loss(chances: Floats, n: Floats, d: Floats) -> float:
    """Minus the log-likelihood of arrivals `d` among `n` at risk."""
    chances = np.clip(chances, 1e-6, 1 - 1e-6)
    return float(-(d * np.log(chances) + (n - d) * np.log1p(-chances)).sum())


def _counts(
    moments: Floats,
    arrived: Floats,
    lane: Integers,
    lanes_count: int,
    now: float,
    half_life: float,
    since: float = -np.inf,
) -> tuple[Floats, Floats]:
    """Weighted parcels at risk, and arrivals, by lane and step between shares, of steps that ended after `since`; those
    that had not ended by `now` are left out, for parcels that arrived in them too."""
    size = len(SHARES) - 1
    begins, ends = moments[:, :-1], moments[:, 1:].copy()
    at_risk = (ends <= now) & (ends > since) & (begins <= arrived[:, None])
    ends[:, -1] = np.inf
    exits = at_risk & (arrived[:, None] < ends)
    # What arrived before its curve begins has to have arrived in the first step.
    exits[:, 0] |= at_risk[:, 0] & (arrived < begins[:, 0])
    weight = np.where(at_risk, np.exp2(np.minimum(begins - now, 0) / half_life), 0.0)
    n = np.zeros((lanes_count, size))
    d = np.zeros((lanes_count, size))
    np.add.at(n, lane, weight)
    np.add.at(d, lane, weight * exits)
    return n, d


def _shares(hazards: Floats) -> Floats:
    left = np.cumprod(1 - np.clip(hazards, 1e-6, 1.0))
    share = np.concatenate([[0.0], 1 - left])
    found: Floats = share / share[-1]
    return found
