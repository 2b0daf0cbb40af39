"""Life tables of time in a step and of time to the door, from counts; pure arithmetic on arrays.

Counts lie in the last axis by bin of AGES, and one more for what lasts longer. Method: the actuarial life table
(Cutler and Ederer, 1958) with competing ends (Aalen and Johansen, 1978); a lane's chance in a bin leans on its
parent's as if `LEANING` parcels of the parent had been there too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

AGES: Floats = np.array(
    [
        *(0.125, 0.25, 0.375, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2, 2.5, 3, 3.5, 4, 4.5, 5, 5.5, 6, 6.5, 7),
        *range(8, 21),
        *(22, 24, 26, 28, 30, 33, 36, 40, 45, 50, 60, 75, 90, 120),
    ],
    dtype=np.float64,
)
"""Days at which the bins end: serving.ages()."""
LANDMARKS: Floats = np.array([0, 0.25, 0.5, 1, 1.5, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48], dtype=np.float64)
"""Days spent in a state at which the time left is known: serving.landmarks()."""
REMAINING_LEVELS: Floats = np.array([0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95])
"""The probabilities at which the time left is kept: serving.remaining_levels()."""
LEANING = 3.0
"""Parcels' worth of the parent's experience in each bin."""
SLOW_PACE = 0.1
"""Chance per day of the end in question where nothing at all was seen, as if one parcel had lived at it."""
OVERSTAYING = 0.1
"""A landmark counts as an overstay where at most this share of the parcels reaches it."""


@dataclass(frozen=True)
class Chances:
    """Chance per bin (last axis, one per bin of AGES) of the end in question, and of any competing end."""

    ends: Floats
    competing: Floats


def chances(ends: Floats, competing: Floats, censored: Floats, parent: Chances | None = None) -> Chances:
    """Chances per bin from counts; the last axis has one more element than AGES, for what lasts longer.

    Censored parcels count for half of the bin in which they were last seen. Without a parent, a bin leans on
    SLOW_PACE with the weight of one parcel, so that no time is without an end.
    """
    entered = np.cumsum((ends + competing + censored)[..., ::-1], axis=-1)[..., ::-1]
    exposed = entered[..., :-1] - censored[..., :-1] / 2
    if parent is None:
        weight = 1.0
        widths = np.diff(AGES, prepend=0.0)
        leaned = Chances(1 - np.exp(-SLOW_PACE * widths), np.zeros_like(widths))
    else:
        weight, leaned = LEANING, parent
    return Chances(
        (ends[..., :-1] + weight * leaned.ends) / (exposed + weight),
        (competing[..., :-1] + weight * leaned.competing) / (exposed + weight),
    )


def ended_by(found: Chances) -> Floats:
    """Share that has ended by each of AGES, of those that end so within the last of them: never falling, 1 at last."""
    stays = np.cumprod(1 - found.ends - found.competing, axis=-1)
    before = np.concatenate([np.ones_like(stays[..., :1]), stays[..., :-1]], axis=-1)
    share = np.cumsum(before * found.ends, axis=-1)
    share = np.minimum(share / share[..., -1:], 1.0)
    share[..., -1] = 1.0
    return share


def cumulative_hazard(found: Chances) -> Floats:
    """Cumulative hazard of the end in question at each of AGES, piecewise constant within the bins.

    Exits expected of a parcel between two ages are the difference of its values at both.
    """
    left = np.clip(1 - found.ends - found.competing, 1e-12, None)
    gone = found.ends + found.competing
    share = np.divide(found.ends, gone, out=np.zeros_like(gone), where=gone > 0)
    hazard: Floats = np.cumsum(-np.log(left) * share, axis=-1)
    return hazard


def quantiles(share: Floats, levels: Floats) -> Floats:
    """Days by which each of `levels` has ended (new last axis), linear within the bin."""
    edges = np.concatenate([[0.0], AGES])
    padded = np.concatenate([np.zeros_like(share[..., :1]), share], axis=-1)
    place = np.argmax(share[..., None, :] >= levels[:, None], axis=-1)
    low = np.take_along_axis(padded, place, axis=-1)
    high = np.take_along_axis(share, place, axis=-1)
    within = np.divide(levels - low, high - low, out=np.ones_like(high), where=high > low)
    days: Floats = edges[place] + np.clip(within, 0, 1) * (edges[place + 1] - edges[place])
    return days


def widen(remaining: Floats, reached: Floats) -> Floats:
    """Time left by landmark (axis -2) and level (axis -1), such that it never narrows while a parcel overstays.

    `reached` counts the parcels seen at each landmark. From the last landmark that more than OVERSTAYING of them
    reach, low quantiles never rise again, and high ones never fall.
    """
    share = reached / np.maximum(reached[..., :1], 1)
    first = np.argmax(share <= OVERSTAYING, axis=-1)
    first = np.where((share <= OVERSTAYING).any(axis=-1), np.maximum(first - 1, 0), remaining.shape[-2])
    overstays = (np.arange(remaining.shape[-2]) >= first[..., None])[..., None]
    low, high = REMAINING_LEVELS < 0.5, REMAINING_LEVELS > 0.5
    lowest = np.minimum.accumulate(np.where(overstays, remaining, np.inf), axis=-2)
    highest = np.maximum.accumulate(np.where(overstays, remaining, -np.inf), axis=-2)
    widened = np.where(overstays & low, lowest, remaining)
    return np.where(overstays & high, highest, widened)
