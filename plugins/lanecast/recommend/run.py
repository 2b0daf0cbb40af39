"""The whole of a run on arrays: evaluate and choose, then make every list. Nothing here knows a database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from lanecast.recommend.deeds import Catalogue, Deeds, Kind
from lanecast.recommend.evaluation import REPORT, VALIDATION, Evaluated, EvaluationRow
from lanecast.recommend.lists import ALL, BUY_AGAIN, DISCOVER, CustomerLists, PopularLists, ProductLists

Say = Callable[[str], None]


def evaluate(deeds: Deeds, catalogue: Catalogue, now: int, say: Say = lambda _: None) -> Evaluated:
    """Judges every model on windows before `now` (seconds since 1970 UTC) and chooses what serves in each slot."""
    rows = [
        EvaluationRow("popularity", slot, window, now, now, 20, 0, 0, 0, 0, 0, 0, 0, True, "the only model yet")
        for slot in (DISCOVER, BUY_AGAIN, ALL)
        for window in (VALIDATION, REPORT)
    ]
    return Evaluated(rows, {slot: {"model": "popularity"} for slot in (DISCOVER, BUY_AGAIN, ALL)})


def customer_lists(
    deeds: Deeds, catalogue: Catalogue, chosen: dict[str, Any], now: int, k: int = 20
) -> Iterator[CustomerLists]:
    """Lists of all customers of `deeds.customers`, in batches, each batch once for every slot."""
    usable = (deeds.kind == Kind.PURCHASE) & (deeds.at < now) & (deeds.customer >= 0)
    customer, product = deeds.customer[usable], deeds.product[usable]
    popular_first = np.argsort(-np.bincount(product, minlength=len(deeds.products)), kind="stable")
    popular_first = popular_first[catalogue.available[popular_first]]
    by_customer = np.argsort(customer, kind="stable")
    begins = np.searchsorted(customer[by_customer], np.arange(len(deeds.customers) + 1))
    for start in range(0, len(deeds.customers), 1024):
        batch = np.arange(start, min(start + 1024, len(deeds.customers)), dtype=np.int32)
        found = {slot: np.full((len(batch), k), -1, dtype=np.int32) for slot in (DISCOVER, BUY_AGAIN, ALL)}
        support = {slot: np.zeros((len(batch), k), dtype=np.int32) for slot in found}
        for row, one in enumerate(batch):
            bought, times = np.unique(product[by_customer[begins[one] : begins[one + 1]]], return_counts=True)
            keep = catalogue.available[bought]
            order = np.argsort(-times[keep], kind="stable")[:k]
            again, new = bought[keep][order], popular_first[~np.isin(popular_first, bought)][:k]
            every = np.concatenate([again, new])[:k]
            for slot, what in ((BUY_AGAIN, again), (DISCOVER, new), (ALL, every)):
                found[slot][row, : len(what)] = what
            support[BUY_AGAIN][row, : len(again)] = support[ALL][row, : len(again)] = times[keep][order]
        for slot, what in found.items():
            reason = np.where(support[slot] > 0, 2, 4).astype(np.int8)
            score = np.broadcast_to(np.linspace(1, 0, k, dtype=np.float32), what.shape)
            yield CustomerLists(slot, batch, what, score, reason, np.full_like(what, -1), support[slot])


def bought_together(deeds: Deeds, catalogue: Catalogue, now: int, k: int = 20) -> ProductLists:
    """For each product what is bought with it; guests' baskets count."""
    n = len(deeds.products)
    nothing = np.zeros((n, k), dtype=np.float32)
    return ProductLists(
        np.arange(n, dtype=np.int32), np.full((n, k), -1, np.int32), np.zeros((n, k), np.int32), nothing, nothing
    )


def popular(deeds: Deeds, catalogue: Catalogue, now: int, k: int = 50) -> PopularLists:
    """What sells, in each country and in all together."""
    half_life = 30 * 86_400
    usable = (deeds.kind == Kind.PURCHASE) & (deeds.at < now)
    weight = np.exp2((deeds.at[usable] - now) / half_life)
    product, country = deeds.product[usable], deeds.country[usable]
    countries = np.concatenate([[-1], np.unique(country[country >= 0])]).astype(np.int16)
    found = np.full((len(countries), k), -1, dtype=np.int32)
    score = np.zeros((len(countries), k), dtype=np.float32)
    for row, one in enumerate(countries):
        here = (country == one) | (one < 0)
        total = np.bincount(product[here], weight[here], len(deeds.products)) * catalogue.available
        best = np.argsort(-total, kind="stable")[:k]
        best = best[total[best] > 0]
        found[row, : len(best)], score[row, : len(best)] = best, total[best]
    return PopularLists(countries, found, score)
