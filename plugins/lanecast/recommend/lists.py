"""What comes out of a run: lists as arrays, a row per customer or product, ready to be published."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lanecast.recommend.deeds import Ints

SHOWN = 20
"""Entries that a shop shows, and that models are judged by. Lists may be longer: some can't be bought any more when
they are read, and others move up."""

DISCOVER, BUY_AGAIN, ALL = "discover", "buy_again", "all"
"""The slots: products never bought before, products bought before, and the blend of both that a shop would show."""


@dataclass(frozen=True)
class CustomerLists:
    """Lists of one slot for a batch of customers: row i is that of `customer[i]`, best first, padded with -1.

    `product`, `because` (the product that is the reason, -1 where none is) and `support` (customers who bought both,
    or times bought) are n x k; `reason` indexes `REASONS` (-1 where a list
    is shorter than k).
    """

    slot: str
    customer: Ints
    product: Ints
    score: NDArray[np.float32]
    reason: NDArray[np.int8]
    because: Ints
    support: Ints


REASONS: tuple[str, ...] = (
    "bought with {product} by {support} customers",
    "bought {support} times, about due again",
    "bought {support} times",
    "popular in {country}",
    "popular",
    "new",
    "bought before",
    "not bought by anyone yet",
)
"""One line for each recommendation; {product}, {support} and {country} are filled in as lists are published."""


@dataclass(frozen=True)
class ProductLists:
    """What is bought together with a product: row i is that of `product[i]`, best first, padded with -1.

    `other`, `support` (baskets that hold both, or days of a customer where nothing tells baskets), `lift` (how many
    times as often as chance would have it) and `score` (shrunk, 0 to 1) are n x k.
    """

    product: Ints
    other: Ints
    support: Ints
    lift: NDArray[np.float32]
    score: NDArray[np.float32]


@dataclass(frozen=True)
class PopularLists:
    """What sells: row i is that of `country[i]` (-1: all countries together), best first, padded with -1; n x k.

    `score` is the number of purchases, each counting half as much for every half-life since.
    """

    country: NDArray[np.int16]
    product: Ints
    score: NDArray[np.float32]
