"""Which steps stand still: exits seen against exits expected, scanned over windows that end now. Pure arithmetic.

Exits of a window are Poisson about ratio x expected, with a day's variance raised by `noise` times its mean squared
and by the square of the expectation's standard error, `unsure`; both counts of a day are divided by what that adds up
to (quasi-likelihood: McCullagh and Nelder, 1989).

A cell is as usual (ratio 1) but for a small chance, USUALLY_DISTURBED; then it is disturbed since any of the last
WINDOWS days alike, at a ratio from 0 to 1 alike. The prior mass on "as usual" is the control of false discoveries over
all cells: an alarm at a posterior probability above CERTAIN is false with at most the rest's chance, and so is that
share of all alarms (Newton et al., 2004; Mueller et al., 2006).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lanecast.under_way.life import Floats

Booleans = NDArray[np.bool_]

LIMIT = 0.7
"""A step is disturbed where fewer exits than this share of those expected are seen."""
CERTAIN = 0.99
"""An alarm needs a higher probability than this that the ratio is below LIMIT."""
USUALLY_DISTURBED = 0.01
"""The chance that a cell is disturbed on a day, before its exits are looked at."""
WINDOWS = 28
"""A window begins on each of so many days."""
LEAST_EXPECTED = 3.0
"""Exits expected, noise taken off, that it takes to tell the end of a disruption."""
RECOVERED = 0.85
"""A disruption ends when at least this share of the exits expected is seen again."""
CALM_DAYS = (2, 7)
"""Days over which the exits must be back: the fewest that have enough expected, at most the second."""


@dataclass(frozen=True)
class Scan:
    """Per cell: whether it is alarmed, the age in days (0: the last whole day) at which it most likely began, and
    P(ratio < LIMIT)."""

    alarmed: Booleans
    began: NDArray[np.int64]
    probability: Floats


@dataclass(frozen=True)
class Exits:
    """Exits by cell and day (last axis, the last whole day first): seen, expected, and that expectation's standard
    error. `noise`, one per cell: the extra variance of a day, as a share of its mean squared."""

    observed: Floats
    expected: Floats
    unsure: Floats
    noise: Floats

    def since(self, days: int) -> Exits:
        """The last so many days."""
        return Exits(self.observed[..., :days], self.expected[..., :days], self.unsure[..., :days], self.noise)

    def of(self, cell: int) -> Exits:
        """One cell, its first axis kept."""
        place = slice(cell, cell + 1)
        return Exits(self.observed[place], self.expected[place], self.unsure[place], self.noise[place])


def weighed(exits: Exits) -> tuple[Floats, Floats]:
    """Exits seen and expected over windows of 1, 2, ... days (last axis, from the last day back), noise taken off."""
    extra = exits.noise[..., None] * exits.expected**2 + exits.unsure**2
    swelling = 1 + np.divide(extra, exits.expected, out=np.zeros_like(extra), where=exits.expected > 1e-6)
    return np.cumsum(exits.observed / swelling, axis=-1), np.cumsum(exits.expected / swelling, axis=-1)


def disturbed(seen: Floats, hoped: Floats) -> tuple[Floats, Floats]:
    """P(ratio < LIMIT) given weighed counts of windows of 1, 2, ... days (last axis), without that axis; and by window
    the logarithm of how much likelier its counts are if the disruption began with it than if all is as usual."""
    from scipy.special import gammainc, gammaln, logsumexp  # type: ignore[import-untyped]

    expected = np.maximum(hoped, 1e-9)
    # the integral over the ratio of Poisson's likelihood, against that of ratio 1: an incomplete gamma function
    flat = gammaln(seen + 1) - (seen + 1) * np.log(expected) + expected
    tiny = np.finfo(float).tiny
    since = flat + np.log(np.maximum(gammainc(seen + 1, expected), tiny))
    below = flat + np.log(np.maximum(gammainc(seen + 1, LIMIT * expected), tiny))
    prior = np.log(USUALLY_DISTURBED / WINDOWS)
    chances = np.stack([logsumexp(since + prior, axis=-1), np.full(since.shape[:-1], np.log(1 - USUALLY_DISTURBED))])
    probability: Floats = np.exp(logsumexp(below + prior, axis=-1) - logsumexp(chances, axis=0))
    return probability, since


def scan(exits: Exits) -> Scan:
    """Scans cells (rows) by day (columns)."""
    probability, since = disturbed(*weighed(exits.since(WINDOWS)))
    return Scan(probability > CERTAIN, np.argmax(since, axis=1), probability)


def recovered(exits: Exits) -> int | None:
    """Days (from the last one back) over which a cell's exits are as expected again; None while they are not.

    0 where nothing is left to tell by: too few exits are expected in CALM_DAYS' longest span.
    """
    seen, hoped = weighed(exits.since(CALM_DAYS[1]))
    for days in range(CALM_DAYS[0], hoped.shape[1] + 1):
        if hoped[0, days - 1] >= LEAST_EXPECTED:
            return days if seen[0, days - 1] >= RECOVERED * hoped[0, days - 1] else None
    return 0
