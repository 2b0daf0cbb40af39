"""What WooCommerce's pages tell: orders with their refunds, and products; a bad one never stops the rest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

import msgspec

from lanecast.storefronts import texts
from lanecast.storefronts.base import Line, OrderTold, Page, PageBroken, ParcelTold, ProductTold, Seen
from lanecast.storefronts.members import BAD, Identified, Raw, Value, identity, member, place
from lanecast.storefronts.texts import Notes

TRACKING = "_wc_shipment_tracking_items"
"""The order's meta key under which the Shipment Tracking extension keeps tracking numbers."""
NO_PURCHASE = frozenset({"cancelled", "failed", "trash", "checkout-draft", "auto-draft"})
"""Statuses of orders that came to nothing."""


class _Seen(msgspec.Struct):
    id: str | int
    date_modified_gmt: Value = None


class _Address(msgspec.Struct):
    country: Value = None
    state: Value = None


class _Line(msgspec.Struct):
    id: str | int
    product_id: Value = None
    quantity: Value = None
    price: Value = None
    total: Value = None
    sku: Value = None


class _Tracking(msgspec.Struct):
    tracking_provider: Value = None
    custom_tracking_provider: Value = None
    tracking_number: Value = None


class _Meta(msgspec.Struct):
    key: Value = None
    value: list[_Tracking] | Value = None


class _Order(msgspec.Struct):
    id: str | int
    line_items: list[Raw]
    number: Value = None
    status: Value = None
    currency: Value = None
    date_created_gmt: Value = None
    date_modified_gmt: Value = None
    customer_id: Value = None
    shipping: _Address | Value = None
    billing: _Address | Value = None
    refunds: list[Identified] = []
    meta_data: list[Raw] = []


class _Refund(msgspec.Struct):
    id: str | int
    date_created_gmt: Value = None
    line_items: list[Raw] = []


class _Refunds(msgspec.Struct):
    id: str | int
    refunds: list[Raw] = []


class _Category(msgspec.Struct):
    name: Value = None


class _Product(msgspec.Struct):
    id: str | int
    name: Value = None
    status: Value = None
    catalog_visibility: Value = None
    date_created_gmt: Value = None
    date_modified_gmt: Value = None
    price: Value = None
    purchasable: Value = None
    stock_status: Value = None
    stock_quantity: Value = None
    manage_stock: Value = None
    categories: list[_Category] = []


_decode_items = msgspec.json.Decoder(list[Raw])
_decode_seen = msgspec.json.Decoder(_Seen)
_decode_refunds = msgspec.json.Decoder(_Refunds)
_decode_order = msgspec.json.Decoder(_Order)
_decode_line = msgspec.json.Decoder(_Line)
_decode_refund = msgspec.json.Decoder(_Refund)
_decode_meta = msgspec.json.Decoder(_Meta)
_decode_product = msgspec.json.Decoder(_Product)


def items(page: Page) -> list[Raw]:
    """The items of a page, each as it came; none for what is gone. PageBroken for what is no list."""
    if not page.body:
        return []
    try:
        return _decode_items.decode(page.body)
    except BAD as error:
        raise PageBroken(f"the page is no list of {page.step.state['of']}: {error}") from None


def seen(item: Raw) -> Seen:
    """Id and last change of an item."""
    try:
        told = _decode_seen.decode(item)
    except BAD:
        return Seen(identity(item), None)
    return Seen(str(told.id), texts.changed(told.date_modified_gmt))


def refunded(item: Raw) -> str | None:
    """The id of an order that has refunds; None for one that has none, or whose id is none."""
    try:
        told = _decode_refunds.decode(item)
    except BAD:
        return None
    owner = str(told.id)
    return owner if told.refunds and owner.isascii() and owner.isdigit() else None


def orders(page: Page, rest: Iterable[Page]) -> Iterator[OrderTold]:
    """The orders of a page, with the lines of their refunds."""
    refunds: dict[str, list[Raw]] = {}
    for one in rest:
        refunds.setdefault(str(one.step.state["id"]), []).extend(items(one))
    for item in items(page):
        yield _order(item, refunds)


def _order(item: Raw, refunds: dict[str, list[Raw]]) -> OrderTold:
    try:
        order = _decode_order.decode(item)
    except BAD as error:
        number = texts.plain(member(item, "number"))
        return OrderTold(number, unreadable=f"order {identity(item)}: {error}", is_whole=False)
    notes = Notes()
    address = next((one for one in (order.shipping, order.billing) if isinstance(one, _Address) and one.country), None)
    country = notes.read("country", texts.country, address.country if address else None)
    status = str(order.status or "").strip().lower() or None
    changed_at = notes.read("changed_in_shop_at", texts.moment, order.date_modified_gmt)
    customer = str(order.customer_id or "").strip()
    told = OrderTold(
        order_id=texts.plain(str(order.number or order.id)),
        customer=customer if customer not in ("", "0") else None,
        ordered_at=notes.read("ordered_at", texts.moment, order.date_created_gmt),
        status=status,
        currency=str(order.currency or "").strip().upper() or None,
        country=country,
        region=texts.region(country, str(address.state or "") or None) if address else None,
        cancelled_at=changed_at if status in NO_PURCHASE else None,
        changed_at=changed_at,
        parcels=tuple(_parcels(order)),
    )
    return told._replace(lines=tuple(_lines(order, refunds.get(str(order.id), []))), unreadable=notes.text)


def _parcels(order: _Order) -> Iterator[ParcelTold]:
    for raw in order.meta_data:
        try:
            meta = _decode_meta.decode(raw)
        except BAD:
            continue  # of another extension, or of none that can be read: the order stands without it
        if meta.key != TRACKING or not isinstance(meta.value, list):
            continue
        for one in meta.value:
            company = one.tracking_provider or one.custom_tracking_provider
            if one.tracking_number is not None and (number := str(one.tracking_number).strip()):
                yield ParcelTold(str(company) if company else None, number)


def _lines(order: _Order, refunds: list[Raw]) -> Iterator[Line]:
    """Purchases first, by the shop's id of the line, then what came back, by time."""
    bought = [(place(identity(raw)), _line(raw, None)) for raw in order.line_items]
    yield from (line for _, line in sorted(bought, key=lambda pair: pair[0]) if line.quantity != "0")
    back: list[tuple[str, tuple[int, str], Line]] = []
    for raw in refunds:
        try:
            refund = _decode_refund.decode(raw)
        except BAD as error:
            back.append(("", (0, ""), Line(None, None, None, unreadable=f"refund {identity(raw)}: {error}")))
            continue
        for part in refund.line_items:
            line = _line(part, refund)
            if line.quantity != "0":  # money alone came back
                back.append((str(refund.date_created_gmt), place(str(refund.id)), line))
    yield from (line for _, _, line in sorted(back, key=lambda one: one[:2]))


def _line(raw: Raw, refund: _Refund | None) -> Line:
    try:
        line = _decode_line.decode(raw)
    except BAD as error:
        return Line(None, None, None, unreadable=f"line {identity(raw)}: {error}")
    notes = Notes()
    quantity = notes.read("quantity", texts.pieces, line.quantity)
    if refund is not None and quantity is not None and not quantity.startswith("-") and quantity != "0":
        quantity = f"-{quantity}"
    product = str(line.product_id or "").strip()
    product_id = texts.plain(product) if product not in ("", "0") else None
    if product_id is None and line.sku not in (None, ""):
        product_id = f"sku:{texts.plain(str(line.sku))}"
    price = notes.read("unit_price", texts.pieces, line.price)
    if price is None and quantity not in (None, "0"):
        total = notes.read("unit_price", texts.pieces, line.total)
        price = None if total is None else texts.pieces(str(round(Decimal(total) / Decimal(quantity or "1"), 6)))
    occurred_at = notes.read("occurred_at", texts.moment, refund.date_created_gmt) if refund else None
    return Line(product_id, quantity, price, occurred_at, notes.text)


def products(page: Page) -> Iterator[ProductTold]:
    """The products of a page."""
    for item in items(page):
        try:
            told = _decode_product.decode(item)
        except BAD as error:
            yield ProductTold(None, unreadable=f"product {identity(item)}: {error}")
            continue
        notes = Notes()
        in_stock = str(told.stock_status or "instock") in ("instock", "onbackorder")
        is_shown = told.status == "publish" and told.catalog_visibility != "hidden"
        yield ProductTold(
            product_id=texts.plain(str(told.id)),
            title=texts.plain(str(told.name or "")),
            category=texts.plain(str(told.categories[0].name or "")) if told.categories else None,
            unit_price=notes.read("unit_price", texts.pieces, told.price),
            is_available=is_shown and in_stock and told.purchasable is not False,
            stock_quantity=notes.read("stock_quantity", texts.pieces, told.stock_quantity)
            if told.manage_stock is True
            else None,
            published_at=notes.read("published_at", texts.moment, told.date_created_gmt)
            if told.status == "publish"
            else None,
            changed_at=notes.read("changed_in_shop_at", texts.moment, told.date_modified_gmt),
            unreadable=notes.text,
        )
