"""Which orders of a shop changed when: what storefronts are asked for most."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from lanecast.sandbox.shop.description import StorefrontKind
from lanecast.sandbox.shop.orders import Order
from lanecast.sandbox.workdays import DAY

_NEVER = np.iinfo(np.int64).max
_WIDTH = 6
Times = NDArray[np.int64]


class OrderIndex:
    """The times of all changes of one kind of shop's orders, a row an order, grown as days come."""

    def __init__(self, kind: StorefrontKind, first_day: int, on: Callable[[int], list[Order]]) -> None:
        """`on` gives the orders of a day since 1970."""
        self._kind = kind
        self._on = on
        self._next_day = first_day
        self._ids = np.empty(0, np.int64)
        self._changes = np.empty((0, _WIDTH), np.int64)
        self._seen: tuple[int, Times, Times, Times] | None = None

    def seen(self, now: int) -> tuple[Times, Times, Times]:
        """Of the orders there are at a time, by last change and id: ids, times of the last change, times ordered."""
        self._grow(now // DAY)
        if self._seen is None or self._seen[0] != now:
            there = self._changes[:, 0] <= now
            changes = self._changes[there]
            ids, changed = self._ids[there], np.where(changes <= now, changes, -1).max(axis=1, initial=-1)
            by_change = np.lexsort((ids, changed))
            self._seen = (now, ids[by_change], changed[by_change], changes[by_change, 0])
        return self._seen[1:]

    def put(self, order: Order) -> None:
        """Note other times of an order's changes."""
        self._grow(order.ordered_at // DAY)
        self._changes[np.searchsorted(self._ids, order.id)] = _times(order)
        self._seen = None

    def _grow(self, day: int) -> None:
        found = [order for one in range(self._next_day, day + 1) for order in self._on(one) if order.kind == self._kind]
        self._next_day = max(self._next_day, day + 1)
        if found:
            self._ids = np.append(self._ids, [order.id for order in found])
            self._changes = np.append(self._changes, [_times(order) for order in found], axis=0)
            self._seen = None


def _times(order: Order) -> list[int]:
    """When it was ordered, and the times of its changes; of many, the last ones."""
    later = sorted(order.changes())[1:][-(_WIDTH - 1) :]
    return [order.ordered_at, *later, *[_NEVER] * (_WIDTH - 1 - len(later))]
