"""A small shop's deeds: customers of a few tastes who buy again what they need, and try what others like them buy."""

from __future__ import annotations

import numpy as np

from lanecast.recommend.deeds import Catalogue, Deeds, Kind

DAY = 86_400
START = 1_600_000_000 // DAY * DAY


def deeds(
    rows: list[tuple[int, int, int, float]], customers: int, products: int, baskets: list[int] | None = None
) -> Deeds:
    """Deeds of (customer, product, kind, day) rows, which are sorted by day."""
    order = sorted(range(len(rows)), key=lambda at: rows[at][3])
    columns = [np.array([rows[at][part] for at in order]) for part in range(4)]
    basket = np.array([-1 if baskets is None else baskets[at] for at in order], dtype=np.int32)
    return Deeds(
        columns[0].astype(np.int32),
        columns[1].astype(np.int32),
        columns[2].astype(np.int8),
        (START + columns[3] * DAY).astype(np.int64),
        basket,
        np.zeros(len(rows), dtype=np.int16),
        np.array([f"c{at}" for at in range(customers)], dtype=object),
        np.array([f"p{at}" for at in range(products)], dtype=object),
        np.array(["BR"], dtype=object),
    )


def catalogue(products: int, closed: tuple[int, ...] = (), category: list[int] | None = None) -> Catalogue:
    available = np.ones(products, dtype=bool)
    available[list(closed)] = False
    kinds = np.full(products, -1) if category is None else np.array(category)
    return Catalogue(available, kinds.astype(np.int32), np.full(products, START, dtype=np.int64))


def shop(customers: int = 120, products: int = 60, days: int = 120, seed: int = 5) -> Deeds:
    """Purchases within the customer's taste (a fifth of the products), half of them of what was bought before."""
    random = np.random.default_rng(seed)
    rows: list[tuple[int, int, int, float]] = []
    for customer in range(customers):
        taste = np.arange(customer % 5, products, 5)
        liked = random.choice(taste, 3, replace=False)
        for day in np.sort(random.uniform(0, days, random.integers(8, 16))):
            again = random.random() < 0.5
            rows.append((customer, int(random.choice(liked if again else taste)), int(Kind.PURCHASE), float(day)))
    return deeds(rows, customers, products)
