"""How fast the network was of late, week by week: quantiles of the world's life table with short memories.

Unlike a mean of what was delivered it counts parcels that are still waiting, so that it moves when things slow down
rather than when the late parcels come in at last.
"""

from __future__ import annotations

import numpy as np

from lanecast.delivery.model.exposure import Exposure
from lanecast.delivery.model.shipments import Floats, Integers, Shipments

SHARES = (0.2, 0.5, 0.8)
MEMORIES = (0.7, 2.0)
"""Half-lives, as multiples of the median time to delivery."""
NAMES = tuple(f"pulse_{memory:g}_{share:g}" for memory in MEMORIES for share in SHARES)
WEEK = 7.0
_OLDEST = 200.0
"""Half-lives beyond which nothing is told apart."""


def week_of(moments: Floats, now: float) -> Integers:
    """The number of each moment's week: 0 from `now` on, -1 the week that ends now, and so on."""
    return np.where(moments >= now, 0, -np.ceil((now - moments) / WEEK)).astype(np.int64)


def pulse(known: Shipments, seen: Exposure, now: float, cells: Integers, scale: float, weeks: int) -> Floats:
    """(weeks + 1) x features: as known at the start of week -weeks, ..., and now in the last row; log(1 + days)."""
    size = len(cells) - 1
    ended = seen.day + np.diff(cells)[seen.cell]
    # A cell is known from the local midnight at which it ended; in weeks, rounded up.
    known_from = week_of(ended - known.offset[seen.row] - 1e-9, now) + 1
    at = np.clip(known_from + weeks, 0, weeks)
    found = np.empty((weeks + 1, len(NAMES)))
    for place, memory in enumerate(MEMORIES):
        half_life = max(memory * scale, 1.0)
        weight = np.exp2((seen.day - now) / half_life)
        flat = at * size + seen.cell
        n = np.bincount(flat, weight, (weeks + 1) * size).reshape(-1, size).cumsum(axis=0)
        d = np.bincount(flat, weight * seen.delivered, (weeks + 1) * size).reshape(-1, size).cumsum(axis=0)
        # The weights are as of now: scaled to each week, so that the prior counts the same in all of them.
        grown = np.exp2(np.minimum(WEEK * np.arange(weeks, -1, -1) / half_life, _OLDEST))[:, None]
        share = 1 - np.cumprod(1 - (d * grown + 0.01) / (n * grown + 0.5), axis=1)
        share /= share[:, -1:]
        for week in range(weeks + 1):
            reached = np.concatenate([[0.0], share[week]])
            found[week, place * len(SHARES) : (place + 1) * len(SHARES)] = np.interp(SHARES, reached, cells)
    return np.log1p(found)
