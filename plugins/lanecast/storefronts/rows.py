"""What shops tell as staged rows, in the order of `warehouse.staging.COLUMNS`; customers under their keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from lanecast.customers.keys import bare_id
from lanecast.files.datasets import UNKNOWN_CARRIER
from lanecast.files.values import Defect, tracking_number
from lanecast.storefronts.base import OrderTold, ProductTold
from lanecast.storefronts.companies import carrier_of

Row = tuple[object, ...]
"""A staged row without its number, which comes first."""
_EMPTY = "product_id: '' (not given); quantity: '' (not given)"


def order_rows(order: OrderTold, key: Callable[[str], str]) -> Iterator[Row]:
    """One row for each line of an order; one that has none, or can't be read at all, is one row that says so."""
    customer = order.customer and key(bare_id(order.customer))
    head = (order.order_id, customer, order.ordered_at, order.status, order.currency)
    place = (order.country, order.region)
    tail = (order.cancelled_at, order.changed_at, order.is_whole, None, None)  # the load numbers lines by place
    if not order.lines:
        yield (*head, None, None, None, *place, None, *tail, order.unreadable)
    for line in order.lines:
        problem = line.unreadable
        if problem is None and (line.product_id, line.quantity, line.unit_price, line.occurred_at) == (None,) * 4:
            problem = _EMPTY  # not to be taken for an order that has no lines
        unreadable = "; ".join(one for one in (order.unreadable, problem) if one) or None
        yield (
            *(*head, line.product_id, line.quantity, line.unit_price, *place, line.occurred_at),
            *(*tail, unreadable),
        )


def parcel_rows(order: OrderTold, origin: str | None) -> Iterator[Row]:
    """One row for each tracking number of an order. When it was handed over, the carrier tells."""
    for parcel in order.parcels:
        problems: list[str] = []
        number = carrier = None
        try:
            number = tracking_number(parcel.number)
        except Defect as defect:
            problems.append(f"tracking_number: {parcel.number[:200]!r} ({defect})")
        try:
            carrier = carrier_of(parcel.company) or UNKNOWN_CARRIER
        except Defect as defect:
            problems.append(f"carrier: {(parcel.company or '')[:200]!r} ({defect})")
        yield (
            *(order.order_id, carrier, number, None, origin, None, order.country, order.region, order.ordered_at),
            *(None, None, None, None, None, None, "; ".join(problems) or None),
        )


def product_row(product: ProductTold, currency: str | None) -> Row:
    """The row of a product; `currency` is the shop's, where its products do not tell theirs."""
    price_in = product.currency or (currency if product.unit_price is not None else None)
    return (
        *(product.product_id, product.title, product.category, product.unit_price, price_in, product.is_available),
        *(product.stock_quantity, product.published_at, product.changed_at, None, None, product.unreadable),
    )


def gone_row(product_id: str, since: datetime) -> Row:
    """The row of a product that its shop has no more."""
    return (product_id, *(None,) * 8, since.isoformat(), None, None)


def back_row(product_id: str) -> Row:
    """The row of a product that its shop has again, and has not told of anew."""
    return (product_id, *(None,) * 9, None, None)
