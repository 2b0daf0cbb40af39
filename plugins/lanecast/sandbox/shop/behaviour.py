"""What customers look at and put into their carts: around their orders, and without ever ordering."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from lanecast.sandbox.shop.ledger import Ledger
from lanecast.sandbox.shop.orders import Order
from lanecast.sandbox.workdays import DAY

LOOKS_AHEAD = 3
"""Days before an order in which its products are looked at."""
_DRAWS = 24
_VIEWED, _CARTED = 0.8, 0.5
_MOST_OTHERS = 1
_MOST_VIEWS = 4
_CART_OF_VISIT = 0.15


class Deed(NamedTuple):
    """A view or a cart: of a customer and a product, by number. Seconds since 1970 UTC."""

    at: int
    customer: int
    product: int
    kind: str


class Behaviour:
    """All views and carts of a world. They follow from the orders and the day: nothing is kept."""

    def __init__(self, ledger: Ledger, seed: int, browsing: float) -> None:
        """`browsing` visits without an order for each order."""
        self._ledger = ledger
        self._seed = seed
        self._browsing = browsing

    def between(self, since: int, until: int) -> Iterator[Deed]:
        """The deeds with since < at <= until, by the day of the order or visit."""
        first = max(since // DAY, self._ledger.first_day)
        for day in range(first, until // DAY + LOOKS_AHEAD + 1):
            for deed in self._of(day):
                if since < deed.at <= until:
                    yield deed

    def _of(self, day: int) -> Iterator[Deed]:
        orders = self._ledger.on(day)
        visits = round(len(orders) * self._browsing)
        draws = np.random.default_rng([self._seed, day, 3]).random((len(orders) + visits, _DRAWS)).tolist()
        for order, drawn in zip(orders, draws, strict=False):
            if order.customer is not None:
                yield from self._around(order, order.customer, drawn)
        for drawn in draws[len(orders) :]:
            yield from self._visit(day, drawn)

    def _around(self, order: Order, customer: int, drawn: list[float]) -> Iterator[Deed]:
        """The products of an order before it, the carts just before it, and what else was looked at."""
        catalogue = self._ledger.catalogue
        for place, line in enumerate(order.lines):
            # Most looks are on the day of the order, some up to three days earlier.
            viewed_at = order.ordered_at - 900 - place - int(drawn[place] ** 4 * (LOOKS_AHEAD * DAY - 1800))
            if drawn[5 + place] < _VIEWED and catalogue.products[line.product].is_listed(viewed_at):
                yield Deed(viewed_at, customer, line.product, "view")
            if drawn[10 + place] < _CARTED:
                yield Deed(order.ordered_at - 30 - place - int(drawn[10 + place] * 600), customer, line.product, "cart")
        for number in range(int(drawn[15] * (_MOST_OTHERS + 0.4))):
            at = order.ordered_at - 660 - number
            chosen = catalogue.choose(order.group, at, True, drawn[16 + number])
            yield Deed(at, customer, chosen, "view")

    def _visit(self, day: int, drawn: list[float]) -> Iterator[Deed]:
        customer = self._ledger.customers.anyone(drawn[0])
        group = self._ledger.customers.group[customer]
        at = day * DAY + int((drawn[1] + drawn[2]) / 2 * (DAY - 3600))
        for number in range(1 + int(drawn[3] * _MOST_VIEWS)):
            chosen = self._ledger.catalogue.choose(group, at, drawn[4 + number] < 0.8, drawn[10 + number])
            yield Deed(at + number * 40, customer, chosen, "view")
            if number == 0 and drawn[20] < _CART_OF_VISIT:
                yield Deed(at + 20, customer, chosen, "cart")
