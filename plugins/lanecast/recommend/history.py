"""What was known at a moment, folded: a row per basket and product, and a row per customer and product."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lanecast.recommend.deeds import Catalogue, Deeds, Kind, first_seen
from lanecast.recommend.deeds import Ints as Ints

Floats = NDArray[np.floating[Any]]
Flags = NDArray[np.bool_]
Longs = NDArray[np.int64]
DAY = 86_400
_SENT_BACK, _ENOUGH = 0.5, 5


class Aim(Enum):
    """What counts as a deed to be foretold. `ANY` takes every row alike, as a file of interactions is scored."""

    PURCHASES = "purchases"
    ANY = "any"


@dataclass(frozen=True)
class Past:
    """All that was done before `now` (seconds since 1970 UTC), by an aim.

    Entries (`customer`, -1 for guests, `product`, `at`, `basket`) are distinct baskets and products, in order of time;
    `pair` is an entry's row among the pairs, -1 for guests. Pairs are customers and products in order; those of
    customer c are rows `begins[c]` to `begins[c + 1]`. `times` counts baskets, `first` and `last` are their moments,
    `since` is how many baskets the customer has had since the last one with it, `faded` the sum of 0.8 to the power of
    that over all its baskets. `looks` (views and carts that no purchase followed) is customers x products, fading.
    `refused` are pairs that were last sent back, `returned` the share of each product's purchases that were;
    `sent_back` are products of which more than half of 5 or more were.
    """

    now: int
    customer: Ints
    product: Ints
    at: Longs
    basket: Ints
    pair: Ints
    begins: Longs
    pair_customer: Ints
    pair_product: Ints
    times: Floats
    first: Longs
    last: Longs
    since: Floats
    faded: Floats
    baskets: Floats
    country: NDArray[np.int16]
    countries: int
    looks: Any
    refused: Flags
    returned: Floats
    sent_back: Flags
    open: Flags
    category: Ints
    published: Longs

    @property
    def customers(self) -> int:
        return len(self.begins) - 1

    @property
    def products(self) -> int:
        return len(self.category)

    def fading(self, half_life: float) -> Floats:
        """Weight of each entry: halved for every half-life (days) that it is old, a hundred times at most.

        Of more, float32 would make 0: a past that ended long ago would know nothing.
        """
        return np.exp2(np.maximum((self.at - self.now) / (half_life * DAY), -100)).astype(np.float32)

    def by_pair(self, weight: Floats) -> Floats:
        """Sums over the entries of each pair."""
        own = self.pair >= 0
        return np.bincount(self.pair[own], weight[own], len(self.times)).astype(np.float32)

    def by_product(self, weight: Floats) -> Floats:
        """Sums over the entries of each product, guests' too."""
        return np.bincount(self.product, weight, self.products).astype(np.float32)

    def matrix(self, value: Floats) -> Any:
        """Customers x products (CSR, float32) of a value per pair."""
        from scipy import sparse

        return sparse.csr_matrix(
            (value, self.pair_product, self.begins), shape=(self.customers, self.products), dtype=np.float32
        )


def past(deeds: Deeds, catalogue: Catalogue, now: int, aim: Aim = Aim.PURCHASES, serving: bool = False) -> Past:
    """Folds what was done before `now`. Nothing at or after it is looked at.

    `serving` opens what can be bought now; otherwise, to judge, all products known at that moment are open.
    """
    end = int(np.searchsorted(deeds.at, now, side="left"))
    customers, products = len(deeds.customers), len(deeds.products)
    rows = np.flatnonzero(aimed(deeds, end, aim))
    customer, product, at = deeds.customer[rows], deeds.product[rows], deeds.at[rows]
    basket = _baskets(deeds.basket[rows], customer, at)
    keep = _distinct(basket.astype(np.int64) * products + product)
    customer, product, at, basket = customer[keep], product[keep], at[keep], basket[keep]
    key, pair = np.unique(
        np.where(customer >= 0, customer.astype(np.int64) * products + product, -1), return_inverse=True
    )
    if len(key) and key[0] < 0:
        key, pair = key[1:], pair - 1
    own = pair >= 0
    pair_customer, pair_product = (key // max(products, 1)).astype(np.int32), (key % max(products, 1)).astype(np.int32)
    last = np.zeros(len(key), dtype=np.int64)
    last[pair[own]] = at[own]
    first = np.zeros(len(key), dtype=np.int64)
    first[pair[own][::-1]] = at[own][::-1]
    age, had = _ages(customer, basket, customers)
    since = np.full(len(key), np.inf, dtype=np.float32)
    np.minimum.at(since, pair[own], age[own])
    bought, back = taken_and_returned(deeds, end)
    refused = _refused(deeds, end, key, last, products, aim)
    return Past(
        now,
        customer,
        product,
        at,
        basket,
        pair.astype(np.int32),
        np.searchsorted(pair_customer, np.arange(customers + 1)),
        pair_customer,
        pair_product,
        np.bincount(pair[own], minlength=len(key)).astype(np.float32),
        first,
        last,
        since,
        np.bincount(pair[own], 0.8 ** age[own], len(key)).astype(np.float32),
        had,
        _countries(deeds, end, customers),
        len(deeds.countries),
        _looks(deeds, end, now, key, last, aim),
        refused,
        np.where(aim is Aim.ANY, 0, np.minimum(back / np.maximum(bought, 1), 1)).astype(np.float32),
        sent_back(bought, back),
        catalogue.available.astype(bool) if serving else _known(deeds, end),
        catalogue.category,
        _published(deeds, catalogue, end),
    )


def aimed(deeds: Deeds, end: int, aim: Aim) -> Flags:
    """Which of the first `end` deeds count by an aim: those of a product, and its purchases alone for PURCHASES."""
    named: Flags = deeds.product[:end] >= 0
    return named & (deeds.kind[:end] == Kind.PURCHASE) if aim is Aim.PURCHASES else named


def _baskets(basket: Ints, customer: Ints, at: Longs) -> Ints:
    """Dense numbers of baskets, of which none has two customers. Rows are ordered by time.

    An order is its customer's: shops number each customer's orders from 1, too. Where more than a day lies between two
    rows of it, they are two baskets: some write the same number into all rows. Without an order, a customer's day is a
    basket, and a guest's deed one of its own.
    """
    if not len(basket):
        return basket
    owner = customer.astype(np.int64) + 1
    by_order = owner * (int(basket.max()) + 1) + basket
    day = (at // DAY).astype(np.int64)
    day -= day.min()  # before 1970 they are negative
    by_day = owner * (int(day.max()) + 1) + day
    alone = -np.arange(1, len(basket) + 1, dtype=np.int64)
    # Three ranges that can't meet: orders, days of customers, single deeds.
    named = np.where(basket >= 0, by_order * 2, np.where(customer >= 0, by_day * 2 + 1, alone))
    order = np.argsort(named, kind="stable")
    is_next = (np.diff(named[order]) != 0) | (np.diff(at[order]) > DAY)
    number = np.zeros(len(basket), dtype=np.int32)
    number[order[1:]] = np.cumsum(is_next)
    return number


def _distinct(key: Longs) -> Longs:
    """Rows of the first of each key, in their order."""
    return np.sort(np.unique(key, return_index=True)[1])


def _ages(customer: Ints, basket: Ints, customers: int) -> tuple[Floats, Floats]:
    """How many baskets its customer has had since each entry's, and each one's baskets. Entries are ordered by time."""
    known = np.flatnonzero(customer >= 0)
    age = np.zeros(len(customer), dtype=np.float32)
    had = np.zeros(customers, dtype=np.float32)
    if not len(known):
        return age, had
    number, inverse = np.unique(basket[known], return_inverse=True)
    place = np.zeros(len(number), dtype=np.int64)
    place[inverse] = np.arange(len(known))
    owner = np.zeros(len(number), dtype=np.int64)
    owner[inverse] = customer[known]
    order = np.lexsort((-place, owner))
    begins = np.searchsorted(owner[order], np.arange(customers + 1))
    rank = np.empty(len(number), dtype=np.float32)
    rank[order] = np.arange(len(number)) - np.repeat(begins[:-1], np.diff(begins))
    age[known] = rank[inverse]
    had[:] = np.diff(begins)
    return age, had


def taken_and_returned(deeds: Deeds, end: int) -> tuple[Longs, Longs]:
    """By product: rows of purchases and of returns among the first `end`."""
    product, kind = deeds.product[:end], deeds.kind[:end]
    named = product >= 0
    bought, back = (
        np.bincount(product[named & (kind == one)], minlength=len(deeds.products))
        for one in (Kind.PURCHASE, Kind.RETURN)
    )
    return bought, back


def sent_back(bought: Longs, back: Longs) -> Flags:
    """Products that most buyers returned: of few nothing is held against them."""
    return (back > _SENT_BACK * bought) & (bought >= _ENOUGH)


def _refused(deeds: Deeds, end: int, key: Longs, last: Longs, products: int, aim: Aim) -> Flags:
    refused = np.zeros(len(key), dtype=bool)
    back = np.flatnonzero((deeds.kind[:end] == Kind.RETURN) & (deeds.product[:end] >= 0))
    if aim is Aim.ANY or not len(back) or not len(key):
        return refused
    known = back[deeds.customer[back] >= 0]
    told = deeds.customer[known].astype(np.int64) * products + deeds.product[known]
    found = np.minimum(np.searchsorted(key, told), len(key) - 1)
    hit = key[found] == told
    sent = np.zeros(len(key), dtype=np.int64)
    np.maximum.at(sent, found[hit], deeds.at[known][hit])
    return np.asarray(sent >= np.maximum(last, 1))


def _looks(deeds: Deeds, end: int, now: int, key: Longs, last: Longs, aim: Aim) -> Any:
    from scipy import sparse

    shape = (len(deeds.customers), len(deeds.products))
    kind = deeds.kind[:end]
    looked = (kind == Kind.VIEW) | (kind == Kind.CART)
    rows = np.flatnonzero(looked & (deeds.customer[:end] >= 0) & (deeds.product[:end] >= 0))
    if aim is Aim.ANY or not len(rows):
        return sparse.csr_matrix(shape, dtype=np.float32)
    told = deeds.customer[rows].astype(np.int64) * shape[1] + deeds.product[rows]
    if len(key):
        found = np.minimum(np.searchsorted(key, told), len(key) - 1)
        # A look that led to a purchase is told by the purchase.
        rows = rows[~((key[found] == told) & (last[found] >= deeds.at[rows]))]
    weight = np.where(kind[rows] == Kind.CART, 3.0, 1.0) * np.exp2((deeds.at[rows] - now) / (30 * DAY))
    matrix = sparse.coo_matrix((weight.astype(np.float32), (deeds.customer[rows], deeds.product[rows])), shape=shape)
    found_looks = matrix.tocsr()
    found_looks.sum_duplicates()
    return found_looks


def _countries(deeds: Deeds, end: int, customers: int) -> NDArray[np.int16]:
    """Each customer's latest country, -1 where none is known."""
    country = np.full(customers, -1, dtype=np.int16)
    told = np.flatnonzero((deeds.country[:end] >= 0) & (deeds.customer[:end] >= 0))
    country[deeds.customer[told]] = deeds.country[told]
    return country


def _published(deeds: Deeds, catalogue: Catalogue, end: int) -> Longs:
    """When each product came: as the shop tells, and never after its first deed."""
    first = first_seen(deeds.product[:end], deeds.at[:end], len(deeds.products))
    come: Longs = np.minimum(catalogue.published_at, first)
    return come


def _known(deeds: Deeds, end: int) -> Flags:
    known = np.zeros(len(deeds.products), dtype=bool)
    known[deeds.product[:end][deeds.product[:end] >= 0]] = True
    return known
