"""The replay: at the start of each week a model is fitted on what was known then, and answers the orders of the week.

Weeks are counted from the cut, so that the first one begins at it. Some weeks before the cut are played too, unseen:
what became of the curves issued then recalibrates those that count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from lanecast.delivery.model.choice import Choice, choose
from lanecast.delivery.model.delivery_model import DeliveryModel, train
from lanecast.delivery.model.exposure import scale
from lanecast.delivery.model.recalibration import Issued, recalibration
from lanecast.delivery.model.shipments import Floats, Shipments

WEEK = 7.0
WARM_UP = 1.0
"""Time played before the cut, as a multiple of the median time to delivery, and at least ten weeks."""
_CHOICE = 28.0
"""Days for which a choice of memories holds; longer where journeys are longer."""
Say = Callable[[str, int, int], None]


@dataclass
class Week:
    """The orders of one week, and the days (rows x levels) within which each share of the levels arrives."""

    now: float
    asked: Shipments
    days: Floats
    learned: Floats


@dataclass
class Replay:
    """State that goes from week to week: curves issued, and the present choice."""

    levels: tuple[float, ...]
    without: frozenset[str] = frozenset()
    issued: Issued = field(default_factory=Issued)
    choice: Choice | None = None
    chosen_at: float = -np.inf

    def week(self, known: Shipments, asked: Shipments, now: float) -> Week:
        """One step: `known` is what was known at `now`, `asked` the orders of the week from then."""
        model = self._model(known, now)
        raw = model.raw_curves(asked)
        self.issued.add(asked, raw)
        curves = model.recalibration.apply(asked, raw)
        days = np.stack([curves.quantile(level) for level in self.levels], axis=1)
        return Week(now, asked, np.maximum.accumulate(days, axis=1), model.weights(asked))

    def _model(self, known: Shipments, now: float) -> DeliveryModel:
        unit = scale(known)
        if self.choice is None or now - self.chosen_at >= max(_CHOICE, unit):
            self.choice, self.chosen_at = choose(known, now, self.without), now
        return train(known, now, self.choice, recalibration(self.issued, known, now, unit), self.without)


def replay(
    history: Shipments,
    cut: float,
    until: float,
    levels: tuple[float, ...],
    say: Say = lambda what, done, of: None,
    without: frozenset[str] = frozenset(),
    warm_up: int | None = None,
) -> Iterator[Week]:
    """The weeks from `cut` to before `until` (days since 1970) that have orders. `levels` are shares, 0 to 1; `warm_up`
    is how many weeks before the cut are played unseen, by default as many as journeys need, at least ten."""
    steps = list(_steps(history, cut, until, warm_up))
    state = Replay(levels, without)
    for done, (now, end) in enumerate(steps):
        say("before the cut" if now < cut else "week by week", done, len(steps))
        asked = history.take((history.ordered >= now) & (history.ordered < end)).asked()
        if len(asked):
            week = state.week(history.known_at(now), asked, now)
            if now >= cut:
                yield week
    say("replayed", len(steps), len(steps))


def _steps(history: Shipments, cut: float, until: float, warm_up: int | None) -> Iterator[tuple[float, float]]:
    """Starts and ends of the weeks, those before the cut first: of these some are skipped where journeys are long."""
    known = history.known_at(cut)
    unit = scale(known)
    stride = max(1, round(unit / 30))
    back = max(10, int(np.ceil(WARM_UP * unit / WEEK))) if warm_up is None else warm_up
    for place in range(back, 0, -stride):
        now = cut - WEEK * place
        if np.isfinite(history.known_at(now).delivered).any():
            yield now, now + WEEK
    now = cut
    end = min(until, float(history.ordered.max()) + 1e-6) if len(history) else cut
    while now < end:
        yield now, min(now + WEEK, until)
        now += WEEK
