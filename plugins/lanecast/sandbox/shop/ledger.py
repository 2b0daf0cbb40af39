"""The orders of a world, day after day: who ordered what, what was cancelled, changed and sent back.

Who orders next depends on how the last parcels came, so days are worked out in order from the first of the history on,
once, and kept. The same world gives the same ledger whichever day is asked for first.
"""

from __future__ import annotations

import threading
from datetime import date, timedelta

import numpy as np

from lanecast.sandbox.shipment import Shipment
from lanecast.sandbox.shop.baskets import Baskets
from lanecast.sandbox.shop.catalogue import Catalogue
from lanecast.sandbox.shop.customers import Customers
from lanecast.sandbox.shop.description import StorefrontKind
from lanecast.sandbox.shop.orders import Line, Order, Parcel, Refund, place_of, shop_id
from lanecast.sandbox.workdays import DAY
from lanecast.sandbox.world import World

_EPOCH = date(1970, 1, 1)
_DRAWS = 64
_CANDIDATES = 10
_REFUND_ID = 60


class Ledger:
    """All orders from the first day of the history on, without those from before it."""

    def __init__(self, world: World) -> None:
        """Nothing is worked out yet."""
        description = world.description
        start = int(world.start.timestamp())
        self._world = world
        self._shop = description.shop
        self._seller: dict[str, StorefrontKind] = {
            origin: kind for kind, origins in description.storefronts.items() for origin in origins
        }
        self.first_day = start // DAY - description.history_days
        self.catalogue = Catalogue(self._shop, start, description.history_days, world.seed)
        self.customers = Customers(description, world.network, world.seed)
        self._baskets = Baskets(self._shop, self.catalogue, self.customers)
        self._came_late = bytearray(len(self.customers))
        self._coming: dict[int, list[tuple[int, int, bool]]] = {}
        self._days: list[list[Order]] = []
        self._lock = threading.Lock()

    def on(self, day: int) -> list[Order]:
        """The orders of a day since 1970, by place; none before the history."""
        number = day - self.first_day
        if number < 0 or not self._seller:
            return []
        if number >= len(self._days):
            with self._lock:
                while number >= len(self._days):
                    self._days.append(self._work_out(self.first_day + len(self._days)))
        return self._days[number]

    def get(self, order: int) -> Order | None:
        """The order of a shop's id, or None where there is none."""
        day, place = place_of(order)
        orders = self.on(day)
        return orders[place] if place < len(orders) else None

    def _work_out(self, day: int) -> list[Order]:
        self._deliver(day)
        shipments = self._world.shipments_ordered_on(_EPOCH + timedelta(days=day))
        cancelled = round(len(shipments) * self._shop.cancelled)
        drawn = np.random.default_rng([self._world.seed, day, 2]).random((len(shipments) + cancelled, _DRAWS))
        drawn = drawn.tolist()
        orders = [self._ordered(shipment, draws) for shipment, draws in zip(shipments, drawn, strict=False)]
        orders.extend(
            self._cancelled(day, len(shipments) + number, shipments[int(draws[60] * len(shipments))], draws)
            for number, draws in enumerate(drawn[len(shipments) :])
        )
        return orders

    def _deliver(self, day: int) -> None:
        """What came to the door before a day is remembered by whom it came to, the last of it longest."""
        for _, customer, is_late in sorted(self._coming.pop(day - 1, ())):
            self._came_late[customer] = is_late

    def _buyer(self, shipment: Shipment, draws: list[float]) -> int:
        """Who orders to that city: of those drawn, who was served late declines more often."""
        customer = 0
        for attempt in range(_CANDIDATES):
            customer = self.customers.living_in(shipment.destination, draws[attempt])
            if not self._came_late[customer] or draws[_CANDIDATES + attempt] < self._shop.late_repeat:
                break
        return customer

    def _ordered(self, shipment: Shipment, draws: list[float]) -> Order:
        shop = self._shop
        customer = None if draws[20] < shop.guests else self._buyer(shipment, draws)
        parcel = Parcel(
            shipment.carrier,
            shipment.service_code,
            shipment.number,
            shipment.shipped_at,
            shipment.delivered_at,
            shipment.promised_at,
            shipment.finished_at,
        )
        if customer is not None and parcel.delivered_at is not None:
            told = (parcel.delivered_at, customer, parcel.is_late)
            # What comes within the day of the order counts from the next day on, too.
            self._coming.setdefault(max(parcel.delivered_at // DAY, shipment.day), []).append(told)
        number = shop_id(shipment.day, shipment.index)
        group, lines = self._baskets.fill(number, customer, shipment.ordered_at, draws[21:46])
        until_shipped = parcel.shipped_at - shipment.ordered_at
        noted = (shipment.ordered_at + int(draws[46] / shop.noted * until_shipped),) if draws[46] < shop.noted else ()
        if len(lines) > 1 and draws[47] < shop.line_removed:
            removed_at = shipment.ordered_at + int(draws[47] / shop.line_removed * until_shipped)
            lines[-1] = lines[-1]._replace(removed_at=removed_at)
        return Order(
            id=number,
            order_id=shipment.order_id,
            kind=self._seller[shipment.origin.country],
            origin=shipment.origin.country,
            place=shipment.destination,
            customer=customer,
            group=group,
            ordered_at=shipment.ordered_at,
            lines=tuple(lines),
            parcel=parcel,
            edited_at=noted,
            refunds=self._refunds(number, lines, parcel, draws[48:60]),
        )

    def _refunds(self, number: int, lines: list[Line], parcel: Parcel, draws: list[float]) -> tuple[Refund, ...]:
        """What comes back after delivery, or is paid back because nothing was ever delivered."""
        kept = [(place, line) for place, line in enumerate(lines) if line.removed_at is None]
        if parcel.delivered_at is None:
            at = parcel.finished_at + int((1 + draws[0] * 3) * DAY)
            back = [(place, line.quantity) for place, line in kept]
        else:
            at = parcel.delivered_at + int((3 + draws[0] * 18) * DAY)
            back = []
            for place, line in kept:
                chance = self.catalogue.products[line.product].return_chance
                if draws[1 + place] < min(1.0, chance * (self._shop.late_return if parcel.is_late else 1.0)):
                    back.append((place, 1 + int(draws[6 + place] * line.quantity)))
        return (Refund(number * 100 + _REFUND_ID, at, tuple(back)),) if back else ()

    def _cancelled(self, day: int, index: int, like: Shipment, draws: list[float]) -> Order:
        """An order that was never shipped: from where another one came, to where it went."""
        number = shop_id(day, index)
        customer = None if draws[20] < self._shop.guests else self._buyer(like, draws)
        ordered_at = day * DAY + int((draws[61] + draws[62]) / 2 * DAY)
        group, lines = self._baskets.fill(number, customer, ordered_at, draws[21:46], is_kept=False)
        return Order(
            id=number,
            order_id=f"{(_EPOCH + timedelta(days=day)).strftime('%y%m%d')}-{index + 1:04d}",
            kind=self._seller[like.origin.country],
            origin=like.origin.country,
            place=like.destination,
            customer=customer,
            group=group,
            ordered_at=ordered_at,
            lines=tuple(lines),
            parcel=None,
            cancelled_at=ordered_at + 600 + int(draws[63] * 20 * 3600),
        )
