"""The one-line reason of each entry: what was bought with it, how often it was bought, where it is popular."""

from __future__ import annotations

import numpy as np

from lanecast.recommend.history import Floats, Ints
from lanecast.recommend.signals import Batch, Signals

WITH, DUE, TIMES, IN_COUNTRY, POPULAR, NEW, BEFORE, UNSOLD = range(8)
_LOOKED_AT = 30
_BOTH = 2
_DUE = 0.8


class Reasons:
    """`nearest` are each product's closest ones by cosine (products x 30, padded with -1), with their likeness."""

    def __init__(self, signals: Signals) -> None:
        self.signals = signals
        self.nearest, self.likeness = _padded(signals.cosine, _LOOKED_AT)
        past = signals.past
        self.holders = np.bincount(past.pair_product, minlength=past.products)
        self.sold = np.bincount(past.product, minlength=past.products) > 0
        # Countries x products; the last row is for customers of none.
        self.sold_in = np.zeros((past.countries + 1, past.products), dtype=bool)
        self.sold_in[past.country[past.pair_customer], past.pair_product] = True

    def of(self, batch: Batch, found: Ints, fresh: Ints | None = None) -> tuple[Ints, Ints, Ints]:
        """Reason, because, support (n x k each) of lists. `fresh` are products to be told as new."""
        past = self.signals.past
        product = np.maximum(found, 0)
        place = np.where(found >= 0, np.take_along_axis(batch.place, product, axis=1), -1)
        near = self.nearest[product]
        row = np.arange(len(found))[:, None, None]
        owned = (near >= 0) & (batch.place[row, np.maximum(near, 0)] >= 0)
        closeness = np.where(owned, self.likeness[product], 0)
        top = closeness.argmax(axis=2)[:, :, None]
        because = np.take_along_axis(near, top, axis=2)[:, :, 0]
        likeness = np.take_along_axis(closeness, top, axis=2)[:, :, 0]
        norm = np.sqrt(self.holders[product].astype(np.float64) * self.holders[np.maximum(because, 0)])
        both = np.rint(likeness * (norm + self.signals.SHRINK)).astype(np.int32)
        by_product = (place < 0) & (likeness > 0) & (both >= _BOTH)
        country = past.country[batch.customers][:, None]
        here = (country >= 0) & self.sold_in[country, product]
        reason = np.where(by_product, WITH, np.where(here, IN_COUNTRY, np.where(self.sold[product], POPULAR, UNSOLD)))
        if fresh is not None and len(fresh):
            reason = np.where(~by_product & np.isin(product, fresh), NEW, reason)
        pair = np.maximum(place, 0)
        times = past.times[pair].astype(np.int32) if len(past.times) else np.zeros(found.shape, dtype=np.int32)
        if len(past.times):
            again = np.where(times < 2, BEFORE, np.where(self.signals.due[pair] >= _DUE, DUE, TIMES))
            reason = np.where(place >= 0, again, reason)
        support = np.where(place >= 0, times, np.where(by_product, both, 0)).astype(np.int32)
        return (
            np.where(found >= 0, reason, -1).astype(np.int8),
            np.where(by_product & (found >= 0), because, -1).astype(np.int32),
            np.where(found >= 0, support, 0).astype(np.int32),
        )


def _padded(matrix: object, width: int) -> tuple[Ints, Floats]:
    """The largest `width` of each row of a CSR matrix, padded with -1 and 0."""
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))  # type: ignore[attr-defined]
    column, value = matrix.indices, matrix.data  # type: ignore[attr-defined]
    order = np.lexsort((column, -value, rows))
    rank = np.arange(len(order)) - matrix.indptr[rows[order]]  # type: ignore[attr-defined]
    keep = rank < width
    place = np.full((matrix.shape[0], width), -1, dtype=np.int32)  # type: ignore[attr-defined]
    likeness = np.zeros(place.shape, dtype=np.float32)
    place[rows[order][keep], rank[keep]] = column[order][keep]
    likeness[rows[order][keep], rank[keep]] = value[order][keep]
    return place, likeness
