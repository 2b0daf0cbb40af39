"""The products of a world's shops: what they are, when they can be bought, and what they are bought with."""

from __future__ import annotations

from bisect import bisect

import msgspec
import numpy as np
from numpy.typing import NDArray

from lanecast.sandbox.shop.description import Shop
from lanecast.sandbox.workdays import DAY

FIRST_ID = 5001
COMPANIONS = 3
_TRIES = 6


class Product(msgspec.Struct, frozen=True, kw_only=True):
    """A product. Times are whole seconds since 1970 UTC, the price is in hundredths of the shop's currency.

    `rhythm_days` is how long one lasts, None where it is not consumed; `return_chance` that of a line delivered on
    time; it is sold out from `out_from` to `out_until`.
    """

    id: int
    title: str
    category: str
    price: int
    rhythm_days: float | None
    published_at: int
    deleted_at: int | None
    out_from: int | None
    out_until: int | None
    return_chance: float
    companions: tuple[int, ...]
    edited_at: int | None = None

    @property
    def sku(self) -> str:
        """The stock-keeping unit, one a product."""
        return f"LC-{self.id}"

    def is_sold_out(self, at: int) -> bool:
        """Whether there is none in stock at a time."""
        return self.out_from is not None and self.out_until is not None and self.out_from <= at < self.out_until

    def is_listed(self, at: int) -> bool:
        """Whether the shop shows it at a time."""
        return self.published_at <= at and (self.deleted_at is None or at < self.deleted_at)

    def stock(self, at: int) -> int:
        """Pieces in stock at a time."""
        return 0 if self.is_sold_out(at) else 5 + (self.id * 37 + at // DAY * 11) % 90

    def changed_at(self, at: int) -> int:
        """When the shop last changed it, as seen at a time."""
        times = (self.published_at, self.out_from, self.out_until, self.edited_at)
        return max((time for time in times if time is not None and time <= at), default=self.published_at)


class Catalogue:
    """All products, by number from 0, and how each group of customers chooses among them."""

    def __init__(self, shop: Shop, start: int, history_days: int, seed: int) -> None:
        """`start` is the world's, in seconds since 1970."""
        self.products = _products(shop, start, history_days, np.random.default_rng([seed, 4]))
        self.number_of = {product.id: number for number, product in enumerate(self.products)}
        self.group_categories, weights, everyone = _tastes(shop, self.products, np.random.default_rng([seed, 5]))
        self._sums = [np.cumsum(row).tolist() for row in weights]
        self._everyone = np.cumsum(everyone).tolist()

    def choose(self, group: int, at: int, by_taste: bool, drawn: float) -> int:
        """The number of a product that can be bought at a time; `drawn` in [0, 1)."""
        sums = self._sums[group] if by_taste else self._everyone
        number = 0
        for _ in range(_TRIES):
            number = min(bisect(sums, drawn * sums[-1]), len(sums) - 1)
            if self.can_be_bought(number, at):
                return number
            drawn = (drawn * 7919.0 + 0.37) % 1.0
        return next((other for other in range(len(sums)) if self.can_be_bought(other, at)), number)

    def can_be_bought(self, number: int, at: int) -> bool:
        """Whether it is listed and in stock at a time."""
        product = self.products[number]
        return product.is_listed(at) and not product.is_sold_out(at)


def _products(shop: Shop, start: int, history_days: int, draws: np.random.Generator) -> list[Product]:
    told = [
        (name, f"{noun}, {style}", category)
        for name, category in shop.categories.items()
        for noun in category.nouns
        for style in shop.styles
    ]
    count = len(told)
    order = draws.permutation(count)
    late, chosen, out = (draws.permutation(count).tolist() for _ in range(3))
    late, out = set(late[: round(count * shop.late_products)]), set(out[: round(count * shop.out_of_stock)])
    # Half of what goes does so before the start, half after it, and none before it is published.
    gone = [number for number in chosen if number not in late][: round(count * shop.deleted_products)]
    deleted = {number: 1 if place % 2 else -1 for place, number in enumerate(gone)}
    often = set(order[: round(count * shop.often_returned)].tolist())
    found = []
    for number, (name, title, category) in enumerate(told):
        a, b, c, d = (float(one) for one in draws.random(4))
        spread = float(draws.standard_normal())
        published = start - int((a * 0.7 + 0.2) * history_days * DAY)
        if number not in late:
            published = start - int((history_days + 30 + a * 700) * DAY)
        companions = tuple(int(other) for other in draws.choice(count, min(COMPANIONS, count - 1), replace=False))
        found.append(
            Product(
                id=FIRST_ID + number,
                title=title,
                category=name,
                price=max(100, round(category.price * float(np.exp(0.3 * spread)) * 2) * 50 - 1),
                rhythm_days=category.rhythm_days,
                published_at=published,
                deleted_at=start + int(deleted[number] * (0.02 + b * 0.15) * history_days * DAY)
                if number in deleted
                else None,
                out_from=start - int((1 + c * 20) * DAY) if number in out else None,
                out_until=start + int((1 + d * 20) * DAY) if number in out else None,
                return_chance=shop.often_return if number in often else shop.seldom_return,
                companions=tuple(other for other in companions if other != number),
            )
        )
    return found


def _tastes(
    shop: Shop, products: list[Product], draws: np.random.Generator
) -> tuple[list[tuple[str, ...]], NDArray[np.float64], NDArray[np.float64]]:
    """Each group's favourite categories, its weights by product, and everyone's weights."""
    names = list(shop.categories)
    shares = np.array([shop.categories[product.category].share for product in products])
    popularity = shares * draws.pareto(1.8, len(products)).clip(0.05, 12)
    favourites, rows = [], []
    for group in range(shop.groups):
        chosen = tuple(names[(place + 2 * group) % len(names)] for place in (0, 1, 5))[: len(names)]
        liked = np.array([1.0 if product.category in chosen else 0.02 for product in products])
        rows.append(popularity * liked * np.exp(0.9 * draws.standard_normal(len(products))))
        favourites.append(chosen)
    return favourites, np.array(rows), popularity
