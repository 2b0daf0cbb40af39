"""What customers did with products, as arrays: what every model learns from, wherever it was read."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int32]


class Kind(IntEnum):
    """What was done. A purchase that was cancelled is none."""

    VIEW = 0
    CART = 1
    PURCHASE = 2
    RETURN = 3


@dataclass(frozen=True)
class Deeds:
    """One entry per deed, ordered by `at`. Numbers point into `customers`, `products` and `countries`; -1 is unknown.

    `at` is in seconds since 1970 UTC, `basket` numbers what was done together (an order; -1 where nothing tells);
    customers may share a number.
    """

    customer: Ints
    product: Ints
    kind: NDArray[np.int8]
    at: NDArray[np.int64]
    basket: Ints
    country: NDArray[np.int16]
    customers: NDArray[np.object_]
    products: NDArray[np.object_]
    countries: NDArray[np.object_]

    def __len__(self) -> int:
        return len(self.customer)


def first_seen(product: Ints, at: NDArray[np.int64], products: int) -> NDArray[np.int64]:
    """When each product was first told of, the largest int64 where never: deeds are ordered by time, -1 is unknown."""
    known = np.flatnonzero(product >= 0)[::-1]
    first = np.full(products, np.iinfo(np.int64).max)
    first[product[known]] = at[known]  # the earliest of several stays
    return first


@dataclass(frozen=True)
class Catalogue:
    """What is known of the products of `Deeds.products`, in their order.

    `available` is whether it can be bought now, `category` a number (-1 unknown), `published_at` in seconds since 1970
    UTC, never after the first deed (where the shop does not tell, when the product was first heard of).
    """

    available: NDArray[np.bool_]
    category: Ints
    published_at: NDArray[np.int64]
