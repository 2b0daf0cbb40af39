"""Quantile levels in log-odds, and the line in them by which what one confidence taught holds for any other."""

from __future__ import annotations

import math

_NEAREST = 1e-6


def logit(share: float) -> float:
    """Log-odds of a share; those of 0 and 1 are taken as of the nearest millionth."""
    share = min(max(share, _NEAREST), 1 - _NEAREST)
    return math.log(share / (1 - share))


def expit(odds: float) -> float:
    """The share of log-odds."""
    return 1 / (1 + math.exp(-odds))


def line(confidence: float, read: tuple[float, float]) -> tuple[float, float]:
    """Shift and spread of the line that takes the two limits of `confidence` (0 to 1) to the levels `read`:
    logit(read) = shift + spread x logit(level). It rises, so that limits stay in order at any confidence."""
    low, high = logit(read[0]), logit(read[1])
    return (low + high) / 2, (high - low) / (2 * logit((1 + confidence) / 2))
