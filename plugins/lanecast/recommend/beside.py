"""Beside a product: what is bought in the same basket, guests' baskets too."""

from __future__ import annotations

import numpy as np

from lanecast.recommend.deeds import Catalogue, Deeds, Kind
from lanecast.recommend.history import DAY, Aim, past, sent_back, taken_and_returned
from lanecast.recommend.lists import PopularLists, ProductLists
from lanecast.recommend.metrics import best
from lanecast.recommend.models import popularity

_SHRINK = 10.0
_LEAST = 2


def bought_together(deeds: Deeds, catalogue: Catalogue, now: int, k: int = 20) -> ProductLists:
    """For each product, what is in the same baskets: at least 2 of them; never what most send back.

    `support` counts the baskets with both, `lift` is support x baskets / (baskets of one x of the other), `score` the
    cosine of the two, shrunk by 10 baskets.
    """
    from scipy import sparse

    then = past(deeds, catalogue, now, Aim.PURCHASES, serving=True)
    n = then.products
    baskets = int(then.basket.max(initial=-1)) + 1
    held = sparse.csr_matrix(
        (np.ones(len(then.product), dtype=np.float32), (then.basket, then.product)), shape=(baskets, n)
    )
    across = held.T.tocsr()
    count = np.bincount(then.product, minlength=n).astype(np.float64)
    shown = then.open & ~then.sent_back
    found = np.full((n, k), -1, dtype=np.int32)
    support = np.zeros((n, k), dtype=np.int32)
    lift, score = np.zeros((n, k), dtype=np.float32), np.zeros((n, k), dtype=np.float32)
    block = max(1, min(1024, 4_000_000 // max(n, 1)))
    for start in range(0, n, block):
        rows = slice(start, min(start + block, n))
        both = (across[rows] @ held).toarray()
        own = np.arange(both.shape[0])
        both[own, start + own] = 0
        close = both / (np.sqrt(count[rows, None] * count[None, :]) + _SHRINK)
        other = best(close.astype(np.float32), (both >= _LEAST) & shown[None, :], k)
        place = np.maximum(other, 0)
        there = other >= 0
        together = np.take_along_axis(both, place, axis=1)
        found[rows] = other
        support[rows] = np.where(there, together, 0)
        score[rows] = np.where(there, np.take_along_axis(close, place, axis=1), 0)
        lift[rows] = np.where(there, together * baskets / np.maximum(count[rows, None] * count[place], 1), 0)
    return ProductLists(np.arange(n, dtype=np.int32), found, support, lift, score)


def popular(deeds: Deeds, catalogue: Catalogue, now: int, k: int = 50) -> PopularLists:
    """What sells, in all countries together (-1) and in each: baskets, each counting half for every 30 days since.

    Guests count for all countries together, and by their deeds' country for theirs. What most send back is left out.
    """
    rows = np.flatnonzero((deeds.at < now) & (deeds.kind == Kind.PURCHASE) & (deeds.product >= 0))
    weight = np.exp2((deeds.at[rows] - now) / (popularity.HALF_LIFE * DAY))
    product, country = deeds.product[rows], deeds.country[rows]
    countries = np.concatenate([[-1], np.unique(country[country >= 0])]).astype(np.int16)
    total = np.stack(
        [
            np.bincount(product[here], weight[here], len(deeds.products))
            for here in (np.ones(len(rows), dtype=bool) if one < 0 else country == one for one in countries)
        ]
    ).astype(np.float32)
    back = sent_back(*taken_and_returned(deeds, int(np.searchsorted(deeds.at, now, side="left"))))
    found = best(total, (catalogue.available & ~back)[None, :] & (total > 0), k)
    score = np.where(found >= 0, np.take_along_axis(total, np.maximum(found, 0), axis=1), 0)
    return PopularLists(countries, found, score.astype(np.float32))
