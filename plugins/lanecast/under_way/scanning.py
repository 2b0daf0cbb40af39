"""Which steps stand still: exits seen against exits expected, scanned over windows that end now. Pure arithmetic.

A window's exits are Poisson about ratio x expected, with a day's variance raised by `noise` times its mean squared;
both counts are divided by what that adds up to (quasi-likelihood: McCullagh and Nelder, 1989). With a flat prior the
ratio's posterior is Gamma(observed + 1, expected), so that 1 - P(ratio < LIMIT) is also the p-value of the test that
the ratio is LIMIT or more. False discovery is controlled over all cells and windows (Benjamini and Hochberg, 1995).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lanecast.under_way.life import Floats

Booleans = NDArray[np.bool_]

LIMIT = 0.7
"""A step is disturbed where fewer exits than this share of those expected are seen."""
FALSE_DISCOVERIES = 0.01
"""The share of alarms that may be false; also, what P(ratio < LIMIT) may lack of 1."""
WINDOWS = 28
"""A window begins on each of so many days."""
LEAST_EXPECTED = 3.0
"""Exits expected, noise taken off, below which a window is not tested."""
RECOVERED = 0.85
"""A disruption ends when at least this share of the exits expected is seen again."""
CALM_DAYS = (2, 7)
"""Days over which the exits must be back: the fewest that have enough expected, at most the second."""


@dataclass(frozen=True)
class Scan:
    """Per cell: whether it is alarmed, the age in days (0: the last whole day) at which it most likely began, and
    P(ratio < LIMIT) since then."""

    alarmed: Booleans
    began: NDArray[np.int64]
    probability: Floats


def weighed(observed: Floats, expected: Floats, noise: Floats) -> tuple[Floats, Floats]:
    """Exits seen and expected over windows of 1, 2, ... days (last axis, from the last day back), noise taken off.

    `noise` has one value per cell (all axes but the last): the extra variance of a day, as a share of its mean squared.
    """
    seen, hoped = np.cumsum(observed, axis=-1), np.cumsum(expected, axis=-1)
    squares = np.cumsum(expected**2, axis=-1)
    swelling = 1 + noise[..., None] * np.divide(squares, hoped, out=np.zeros_like(hoped), where=hoped > 0)
    return seen / swelling, hoped / swelling


def disturbed(seen: Floats, hoped: Floats) -> Floats:
    """P(ratio < LIMIT) given weighed counts."""
    from scipy.special import gammainc  # type: ignore[import-untyped]

    found: Floats = gammainc(seen + 1, LIMIT * hoped)
    return found


def discoveries(chances: Floats, tested: Booleans) -> Booleans:
    """Which of the tests are discoveries at FALSE_DISCOVERIES, by Benjamini and Hochberg; `chances` are p-values."""
    flat = np.where(tested, chances, np.inf).ravel()
    count = int(tested.sum())
    order = np.sort(flat)[:count]
    below = np.flatnonzero(order <= FALSE_DISCOVERIES * np.arange(1, count + 1) / max(count, 1))
    limit = order[below[-1]] if len(below) else -1.0
    return tested & (chances <= limit)


def scan(observed: Floats, expected: Floats, noise: Floats) -> Scan:
    """Scans cells (rows) by day (columns, the last whole day first)."""
    seen, hoped = weighed(observed[:, :WINDOWS], expected[:, :WINDOWS], noise)
    chance = disturbed(seen, hoped)
    found = discoveries(1 - chance, hoped >= LEAST_EXPECTED)
    ratio = np.divide(seen, hoped, out=np.ones_like(hoped), where=hoped > 0)
    logarithm = np.log(np.clip(ratio, 1e-12, None))
    likelihood = np.where(found & (ratio < 1), seen * logarithm - seen + hoped, -np.inf)
    began = np.argmax(likelihood, axis=1)
    return Scan(np.any(found, axis=1, keepdims=False), began, np.take_along_axis(chance, began[:, None], axis=1)[:, 0])


def recovered(observed: Floats, expected: Floats, noise: float) -> int | None:
    """Days (from the last one back) over which exits are as expected again; None while they are not.

    0 where nothing is left to tell by: too few exits are expected in CALM_DAYS' longest span.
    """
    seen, hoped = weighed(observed[None, : CALM_DAYS[1]], expected[None, : CALM_DAYS[1]], np.array([noise]))
    for days in range(CALM_DAYS[0], hoped.shape[1] + 1):
        if hoped[0, days - 1] >= LEAST_EXPECTED:
            return days if seen[0, days - 1] >= RECOVERED * hoped[0, days - 1] else None
    return 0
