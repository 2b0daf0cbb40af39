"""The shops of a world as they stand at a moment: orders and products, and what is changed in them by hand."""

from __future__ import annotations

import threading
from collections.abc import Callable

import msgspec

from lanecast.sandbox.shop.catalogue import Catalogue, Product
from lanecast.sandbox.shop.customers import Customers
from lanecast.sandbox.shop.description import StorefrontKind
from lanecast.sandbox.shop.index import OrderIndex, Times
from lanecast.sandbox.shop.ledger import Ledger
from lanecast.sandbox.shop.orders import Order, Refund, id_of_name, place_of
from lanecast.sandbox.workdays import DAY
from lanecast.sandbox.world import World

KINDS: tuple[StorefrontKind, ...] = ("shopify", "woocommerce")
_FIRST_REFUND_BY_HAND = 70


class ChangeError(ValueError):
    """An order or a product cannot be changed like that; the message says why."""


class Storefronts:
    """Both shops of one world. What is changed by hand is kept until `reset`, on top of what the world says."""

    def __init__(self, world: World, now: Callable[[], int]) -> None:
        """`now` is the world's time, in seconds since 1970. The ledger is worked out when it is first needed."""
        self.world = world
        self.now = now
        self._made: Ledger | None = None
        self._lock = threading.RLock()
        self.reset()

    def reset(self) -> None:
        """Forget what was changed by hand."""
        self._orders: dict[int, Order] = {}
        self._products: dict[int, Product] = {}
        self._indexes: dict[StorefrontKind, OrderIndex] = {}

    @property
    def ledger(self) -> Ledger:
        """The orders as the world has them."""
        with self._lock:
            if self._made is None:
                self._made = Ledger(self.world)
            return self._made

    @property
    def catalogue(self) -> Catalogue:
        """The products as the world has them."""
        return self.ledger.catalogue

    @property
    def customers(self) -> Customers:
        """The customers of both shops."""
        return self.ledger.customers

    def seen(self, kind: StorefrontKind) -> tuple[Times, Times, Times]:
        """A shop's orders by last change and id: ids, times of the last change, times ordered (see OrderIndex)."""
        with self._lock:
            index = self._indexes.get(kind)
            if index is None:
                index = self._indexes[kind] = OrderIndex(kind, self.ledger.first_day, self.ledger.on)
                for order in self._orders.values():
                    if order.kind == kind:
                        index.put(order)
            return index.seen(self.now())

    def order(self, number: int, kind: StorefrontKind | None = None) -> Order | None:
        """The order of an id, where there is one by now (in that shop)."""
        now = self.now()
        if place_of(number)[0] > now // DAY:
            return None  # the ledger need not be worked out until then
        order = self._orders.get(number) or self.ledger.get(number)
        if order is None or order.ordered_at > now or (kind is not None and order.kind != kind):
            return None
        return order

    def in_trash(self) -> set[int]:
        """The ids of orders that are in the trash now: none but by hand."""
        return {number for number, order in self._orders.items() if order.is_trashed(self.now())}

    def named(self, order_id: str) -> Order | None:
        """The order that the shop prints like that, where there is one by now."""
        number = id_of_name(order_id)
        return None if number is None else self.order(number)

    def product(self, number: int) -> Product:
        """A product by its number from 0, as it stands, deleted or not."""
        told = self.catalogue.products[number]
        return self._products.get(told.id, told)

    def products(self) -> list[tuple[int, Product]]:
        """The products that are listed now, with the time of the last change, by that and id."""
        now = self.now()
        found = (self.product(number) for number in range(len(self.catalogue.products)))
        listed = [(product.changed_at(now), product) for product in found if product.is_listed(now)]
        return sorted(listed, key=lambda one: (one[0], one[1].id))

    def change_order(self, order_id: str, change: OrderChange) -> Order:
        """Change an order by hand, now. Raises LookupError where there is none, ChangeError where it cannot be."""
        order = self.named(order_id)
        if order is None:
            raise LookupError(f"no order {order_id}")
        now = self.now()
        edited = (*order.edited_at, now)
        if change.cancel:
            if order.is_shipped(now):
                raise ChangeError(f"order {order_id} is shipped, and cannot be cancelled")
            order = msgspec.structs.replace(order, cancelled_at=now)
        if change.trash:
            if order.kind != "woocommerce":
                raise ChangeError(f"order {order_id} is of {order.kind}, which has no trash")
            order = msgspec.structs.replace(order, trashed_at=now)
        if change.remove_line is not None:
            place = _place(order, change.remove_line)
            lines = list(order.lines)
            lines[place] = lines[place]._replace(removed_at=now)
            order = msgspec.structs.replace(order, lines=tuple(lines))
        if change.refund:
            told = tuple((_place(order, line), quantity) for line, quantity in change.refund.items())
            for place, quantity in told:
                if not 0 < quantity <= order.quantity_left(place, now):
                    raise ChangeError(f"line {place + 1} of order {order_id} has no {quantity} left to refund")
            number = order.part_id(_FIRST_REFUND_BY_HAND + sum(1 for one in order.refunds if one.id % 100 >= 70))
            order = msgspec.structs.replace(order, refunds=(*order.refunds, Refund(number, now, told)))
        order = msgspec.structs.replace(order, edited_at=edited)
        with self._lock:
            self._orders[order.id] = order
            self.seen(order.kind)
            self._indexes[order.kind].put(order)
        return order

    def change_product(self, product_id: int, change: ProductChange) -> Product:
        """Change a product by hand, now. Raises LookupError where there is none."""
        number = self.catalogue.number_of.get(product_id)
        if number is None or not self.product(number).is_listed(self.now()):
            raise LookupError(f"no product {product_id}")
        product, now = self.product(number), self.now()
        if change.delete:
            product = msgspec.structs.replace(product, deleted_at=now)
        if change.sold_out is not None:
            out = (now, 1 << 40) if change.sold_out else (None, None)
            product = msgspec.structs.replace(product, out_from=out[0], out_until=out[1])
        if change.price is not None:
            product = msgspec.structs.replace(product, price=change.price)
        product = msgspec.structs.replace(product, edited_at=now)
        self._products[product_id] = product
        return product


class OrderChange(msgspec.Struct, forbid_unknown_fields=True):
    """What is done to an order: `refund` is quantity by line, lines are counted from 1. All absent: a note."""

    cancel: bool = False
    trash: bool = False
    remove_line: int | None = None
    refund: dict[int, int] = {}


class ProductChange(msgspec.Struct, forbid_unknown_fields=True):
    """What is done to a product; `price` in hundredths. All absent: it is only touched."""

    delete: bool = False
    sold_out: bool | None = None
    price: int | None = None


def _place(order: Order, line: int) -> int:
    if not 1 <= line <= len(order.lines):
        raise ChangeError(f"order {order.order_id} has lines 1 to {len(order.lines)}, not {line}")
    return line - 1
