"""Which stretches of the known past judge the models, and whom: all from what was done, nothing from what follows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lanecast.recommend.deeds import Deeds, Kind
from lanecast.recommend.history import DAY, Aim, Ints, Longs, Past, aimed

_LONGEST = 45 * DAY
_PARTS = 6.5
_MOST = 2000


@dataclass(frozen=True)
class Windows:
    """Three windows of equal length, one after the other, the last up to what was done last: the first only teaches, on
    the second models are chosen, on the third they are reported. Seconds since 1970 UTC."""

    starts: tuple[int, int, int]
    length: int

    @property
    def ends(self) -> tuple[int, int, int]:
        """Where each ends (exclusive)."""
        return self.starts[1], self.starts[2], self.starts[2] + self.length


def windows(deeds: Deeds, now: int, aim: Aim) -> Windows | None:
    """A 6.5th of the time over which customers did what `aim` foretells, 45 days at most; None where that is less than
    a week. They end with the last such deed before `now`, a few strays left out."""
    known = int(np.searchsorted(deeds.at, now, side="left"))
    at = deeds.at[:known][aimed(deeds, known, aim) & (deeds.customer[:known] >= 0)]
    if len(at) < 10:
        return None
    # A few stray times long ago must not stretch the windows over an empty past.
    few = len(at) // 200
    start = int(at[few])
    end = _end(at, few, _length(start, int(at[-1 - few]) + 1))
    length = _length(start, end)
    if length < DAY:
        return None
    return Windows((end - 3 * length, end - 2 * length, end - length), length)


def _length(start: int, end: int) -> int:
    return int(min(_LONGEST, (end - start) / _PARTS))


def _end(at: Longs, few: int, length: int) -> int:
    """Just after the last time. A few strays far ahead, of a clock that was wrong, must not empty the windows either:
    those are left out before which nothing was done for longer than a window. A thin end is no stray."""
    empty = np.diff(at[len(at) - 1 - few :]) > length
    last = at[len(at) - 1 - few + int(np.argmax(empty))] if empty.any() and length >= DAY else at[-1]
    return int(last) + 1


def wanted(deeds: Deeds, past: Past, until: int, aim: Aim) -> tuple[Ints, Any]:
    """Customers known at `past.now` who did something after it, before `until`, with a product known then: at most
    2,000, drawn evenly; and what they took up, customers x products (CSR, 1 where taken up)."""
    from scipy import sparse

    begin, end = np.searchsorted(deeds.at, [past.now, until], side="left")
    rows = np.arange(begin, end)
    customer, product = deeds.customer[rows], deeds.product[rows]
    keep = (customer >= 0) & (product >= 0)
    if aim is Aim.PURCHASES:
        keep &= deeds.kind[rows] == Kind.PURCHASE
    keep[keep] &= past.open[product[keep]] & (np.diff(past.begins)[customer[keep]] > 0)
    customer, product = customer[keep], product[keep]
    matrix = sparse.csr_matrix(
        (np.ones(len(customer), dtype=np.float32), (customer, product)), shape=(past.customers, past.products)
    )
    active = np.unique(customer).astype(np.int32)
    if len(active) > _MOST:
        active = np.sort(np.random.default_rng(3).choice(active, _MOST, replace=False))
    return active, matrix
