"""What is known of a customer and a candidate product: the columns that the learned ranking reads.

Every column is of the past alone. Times are in days, counts in logarithms, NaN is unknown.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from lanecast.recommend.history import DAY, Floats, Ints
from lanecast.recommend.signals import Batch, Signals

_SAYS = ("EASE", "EASE, fading", "cosine", "alike", "alike by basket", "ALS", "looks")
_RANKED = ("EASE", "EASE, fading", "alike")
_YEAR = 365


class Features:
    """Columns of products and customers are made once for a past; those of pairs for each batch."""

    def __init__(self, signals: Signals, window: int) -> None:
        """`window` (seconds) is what lies ahead: its counterpart of a year ago tells the season."""
        self.signals, self.past, self.window = signals, signals.past, window

    @cached_property
    def of_products(self) -> Floats:
        """Products x columns: sales of late and their trend, first purchases and theirs, age, rest, how often it is
        bought again, rhythm, share sent back, season, country's share."""
        past, products = self.past, self.past.products
        sold = {days: past.by_product(past.fading(days)) for days in (7, 30, 90, 365)}
        last = np.full(products, np.nan)
        last[past.product] = past.at
        taken = {
            days: np.bincount(past.pair_product, np.exp2((past.first - past.now) / (days * DAY)), products)
            for days in (7, 15, 30, 90)
        }
        columns = [
            *(np.log1p(one) for one in sold.values()),
            np.log((sold[7] / 7 + 0.05) / (sold[30] / 30 + 0.05)),
            np.log((sold[30] / 30 + 0.02) / (sold[365] / _YEAR + 0.02)),
            *(np.log1p(one) for one in taken.values()),
            np.log1p(taken[7]) - np.log1p(taken[30]),
            (past.now - past.published) / DAY,
            (past.now - last) / DAY,
            self.signals.rebought,
            self.signals.rhythm,
            past.returned,
            self._season(),
        ]
        table: Floats = np.stack(columns, axis=1).astype(np.float32)
        return table

    @cached_property
    def of_customers(self) -> Floats:
        """Customers x columns: days since the last and first purchase, baskets, products, days between baskets,
        products a basket, how often they buy again, how popular and how young what they buy is."""
        past, customers = self.past, self.past.customers
        products = np.bincount(past.pair_customer, minlength=customers)
        last = np.full(customers, np.nan)
        first = np.full(customers, np.nan)
        own = past.customer >= 0
        last[past.customer[own]] = past.at[own]
        first[past.customer[own][::-1]] = past.at[own][::-1]
        baskets = past.baskets
        holders = np.log1p(np.bincount(past.pair_product, minlength=past.products))
        young = past.first - past.published[past.pair_product] < 30 * DAY

        def mean(value: Any) -> Floats:
            return np.bincount(past.pair_customer, value, customers) / (products + 3)

        columns = [
            (past.now - last) / DAY,
            (past.now - first) / DAY,
            baskets,
            products,
            (last - first) / DAY / np.maximum(baskets - 1, 1),
            products / np.maximum(baskets, 1),
            mean(past.times > 1),
            mean(holders[past.pair_product]),
            mean(young),
        ]
        table: Floats = np.stack(columns, axis=1).astype(np.float32)
        return table

    def of_candidates(self, batch: Batch, candidate: Ints) -> Floats:
        """n·m x columns for candidates (n x m, padded with -1): padding has rows, too, that mean nothing."""
        n, m = candidate.shape
        there = candidate >= 0
        product = np.maximum(candidate, 0)
        says = batch.says
        columns: list[Floats] = []
        for name in _SAYS:
            if name not in says:
                columns += [np.full((n, m), np.nan, dtype=np.float32)] * 2
                continue
            told = np.take_along_axis(says[name], product, axis=1)
            largest = np.maximum(np.where(there, told, 0).max(axis=1, keepdims=True, initial=0), 1e-6)
            columns += [told, told / largest]
            if name in _RANKED:
                columns.append(_ranks(np.where(there, told, -np.inf)))
        popular = np.take_along_axis(says["popularity"], product, axis=1)
        elsewhere = self.signals.popular[-1][product]
        columns += [np.log(popular * 1e4 + 1), np.log((popular + 1e-6) / (elsewhere + 1e-6))]
        columns += self._of_pairs(np.take_along_axis(batch.place, product, axis=1))
        of_product = self.of_products[product]
        of_customer = self.of_customers[batch.customers]
        columns.append(of_product[:, :, 1] - of_customer[:, None, 7])
        flat = np.stack(columns, axis=2).astype(np.float32)
        wide = np.broadcast_to(of_customer[:, None, :], (n, m, of_customer.shape[1]))
        table: Floats = np.concatenate([flat, of_product, wide], axis=2).reshape(n * m, -1)
        return table

    def _of_pairs(self, place: Ints) -> list[Floats]:
        """Times bought, faded; days since the last and first; by baskets; how due it is. NaN for what is new."""
        past, signals = self.past, self.signals
        if not len(past.times):
            return [np.full(place.shape, np.nan, dtype=np.float32)] * 9
        held = place >= 0
        pair = np.maximum(place, 0)
        baskets = np.maximum(past.baskets[past.pair_customer[pair]], 1)
        columns = [
            past.times[pair],
            signals.faded180[pair],
            self._faded60[pair],
            (past.now - past.last[pair]) / DAY,
            (past.now - past.first[pair]) / DAY,
            past.since[pair],
            past.faded[pair],
            past.times[pair] / baskets,
            signals.due[pair],
        ]
        return [np.where(held, one, np.nan).astype(np.float32) for one in columns]

    @cached_property
    def _faded60(self) -> Floats:
        return self.past.by_pair(self.past.fading(60))

    def _season(self) -> Floats:
        """By product: sales in the window's counterpart a year ago against those of all that year; NaN before."""
        past = self.past
        start = past.now - _YEAR * DAY
        if not len(past.at) or past.at[0] > start:
            return np.full(past.products, np.nan, dtype=np.float32)
        year = past.at >= start
        then = year & (past.at < start + self.window)
        share = self.window / (_YEAR * DAY)
        sold = np.bincount(past.product[then], minlength=past.products)
        usual = np.bincount(past.product[year], minlength=past.products) * share
        return np.log((sold + 1) / (usual + 1)).astype(np.float32)


def _ranks(value: Floats) -> Floats:
    order = np.argsort(-value, axis=1, kind="stable")
    found = np.empty(value.shape, dtype=np.float32)
    np.put_along_axis(found, order, np.broadcast_to(np.arange(value.shape[1], dtype=np.float32), value.shape), axis=1)
    return found
