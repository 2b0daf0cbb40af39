"""The shops' history as the platform's import files: orders, products, views, carts. Ids are the shops' own, bare."""

from __future__ import annotations

from collections.abc import Iterator

from lanecast.sandbox.csv_gz import Row, csv_gz
from lanecast.sandbox.shop.behaviour import Behaviour, Deed
from lanecast.sandbox.shop.catalogue import Product
from lanecast.sandbox.shop.customers import customer_id
from lanecast.sandbox.shop.orders import Order
from lanecast.sandbox.shop.storefronts import Storefronts
from lanecast.sandbox.shop.told import money, time_text
from lanecast.sandbox.workdays import DAY

ORDER_COLUMNS = (
    *("order_id", "customer_id", "ordered_at", "status", "currency", "product_id", "quantity", "unit_price"),
    *("country", "region", "occurred_at"),
)
PRODUCT_COLUMNS = (
    *("product_id", "title", "category", "unit_price", "currency", "is_available", "stock_quantity", "published_at"),
    "changed_in_shop_at",
)
INTERACTION_COLUMNS = (
    *("customer_id", "product_id", "kind", "occurred_at", "quantity", "value", "order_id", "country"),
)


def orders_csv_gz(shop: Storefronts) -> Iterator[bytes]:
    """The orders file of the history: a row a line as it stood at the world's start, returns as rows of their own."""
    start, ledger = int(shop.world.start.timestamp()), shop.ledger
    orders = (order for day in range(ledger.first_day, start // DAY + 1) for order in ledger.on(day))
    known = (order for order in orders if order.ordered_at <= start)
    return csv_gz(ORDER_COLUMNS, known, lambda order: order_rows(shop, order, start))


def products_csv_gz(shop: Storefronts) -> Iterator[bytes]:
    """The products file: what was listed at the world's start."""
    start = int(shop.world.start.timestamp())
    listed = (product for product in shop.catalogue.products if product.is_listed(start))
    return csv_gz(PRODUCT_COLUMNS, listed, lambda product: [_product_row(shop, product, start)])


def interactions_csv_gz(shop: Storefronts, since: int | None, until: int) -> Iterator[bytes]:
    """The views and carts with since < occurred_at <= until; `since` None is the first day of the history."""
    described = shop.world.description.shop
    behaviour = Behaviour(shop.ledger, shop.world.seed, described.browsing)
    first = shop.ledger.first_day * DAY - 1 if since is None else since
    return csv_gz(INTERACTION_COLUMNS, behaviour.between(first, until), lambda deed: [_deed_row(shop, deed)])


def order_rows(shop: Storefronts, order: Order, at: int) -> list[Row]:
    """The rows of an order as it stood at a time: lines bought, then refunds."""
    described = shop.world.description.shop
    head = (
        order.order_id,
        "" if order.customer is None else str(customer_id(order.customer)),
        time_text(order.ordered_at),
        status(order, at),
        described.currency,
    )
    place = (order.place.country, order.place.iso_region)
    products = shop.catalogue.products
    rows: list[Row] = [
        (*head, str(products[line.product].id), str(line.quantity), money(line.price), *place, "")
        for line in order.lines
        if line.removed_at is None or line.removed_at > at
    ]
    for refund in order.refunds_at(at):
        for number, quantity in refund.lines:
            line = order.lines[number]
            told = (str(products[line.product].id), str(-quantity), money(line.price))
            rows.append((*head, *told, *place, time_text(refund.at)))
    return rows


def status(order: Order, at: int) -> str:
    """An order's status in its own shop's word, in lower case."""
    if order.is_trashed(at):
        return "trash"
    if order.is_cancelled(at):
        return "cancelled"
    if order.kind == "woocommerce":
        return "refunded" if order.is_refunded(at) else "completed" if order.is_shipped(at) else "processing"
    return "refunded" if order.is_refunded(at) else "partially_refunded" if order.refunds_at(at) else "paid"


def _product_row(shop: Storefronts, product: Product, at: int) -> Row:
    stock = product.stock(at)
    return (
        str(product.id),
        product.title,
        product.category,
        money(product.price),
        shop.world.description.shop.currency,
        "true" if stock else "false",
        str(stock),
        time_text(product.published_at),
        time_text(product.changed_at(at)),
    )


def _deed_row(shop: Storefronts, deed: Deed) -> Row:
    product = shop.catalogue.products[deed.product]
    return (
        str(customer_id(deed.customer)),
        str(product.id),
        deed.kind,
        time_text(deed.at),
        "1",
        money(product.price),
        "",
        shop.customers.place[deed.customer].country,
    )
