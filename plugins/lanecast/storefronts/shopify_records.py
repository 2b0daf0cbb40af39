"""What Shopify's pages tell: orders with all their lines and refunds, and products; a bad one never stops the rest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lanecast.customers.keys import bare_gid
from lanecast.storefronts import shopify_wire as wire
from lanecast.storefronts import texts
from lanecast.storefronts.base import Line, OrderTold, Page, PageBroken, ParcelTold, ProductTold
from lanecast.storefronts.members import BAD, Raw, Value, identity, member, place
from lanecast.storefronts.texts import Notes


def unfinished(node: Raw) -> Iterator[tuple[str, str, str | None]]:
    """What an order has more of than its page shows: `lines` or `refund`, of which id, after which cursor."""
    try:
        order = wire.decode_order.decode(node)
    except BAD:
        return
    if order.line_items.page_info.has_next_page:
        yield "lines", order.id, order.line_items.page_info.end_cursor
    for refund in order.refunds:
        if refund.refund_line_items is not None and refund.refund_line_items.page_info.has_next_page:
            yield "refund", refund.id, refund.refund_line_items.page_info.end_cursor


def rest_info(page: Page) -> wire.PageInfo | None:
    """Whether more of a record follows a page of its rest; None where the record is gone."""
    found = _rest_of(page)
    return None if found is None else found[1].page_info


def _rest_of(page: Page) -> tuple[str, wire.Connection] | None:
    if not page.body:
        return None
    try:
        node = wire.decode_rest.decode(page.body).data.node
        if node is None:
            return None
        inner = node.line_items if page.step.state["of"] == "lines" else node.refund_line_items
        if inner is None:
            raise PageBroken("the rest of a record has no lines")
        return node.id, inner
    except BAD as error:
        raise PageBroken(f"the rest of a record can't be read: {error}") from None


def orders(page: Page, rest: Iterable[Page]) -> Iterator[OrderTold]:
    """The orders of a page, with what further pages tell of their lines and refunds."""
    further: dict[str, list[Raw]] = {}
    for one in rest:
        found = _rest_of(one)
        if found is not None:
            further.setdefault(found[0], []).extend(found[1].nodes)
    for node in wire.connection(page).nodes:
        yield _order(node, further)


def _order(node: Raw, further: dict[str, list[Raw]]) -> OrderTold:
    try:
        order = wire.decode_order.decode(node)
    except BAD as error:
        return OrderTold(_name(member(node, "name")), unreadable=f"order {identity(node)}: {error}", is_whole=False)
    notes = Notes()
    address = order.shipping_address or wire.Address()
    country = notes.read("country", texts.country, address.country_code_v2)
    cancelled_at = notes.read("cancelled_at", texts.moment, order.cancelled_at)
    status = str(order.display_financial_status or "").lower() or None
    told = OrderTold(
        order_id=_name(order.name),
        customer=bare_gid(order.customer.id) if order.customer else None,
        ordered_at=notes.read("ordered_at", texts.moment, order.created_at),
        status="cancelled" if order.cancelled_at else status,
        currency=str(order.currency_code or "").strip().upper() or None,
        country=country,
        region=texts.region(country, str(address.province_code or "") or None),
        cancelled_at=cancelled_at,
        changed_at=notes.read("changed_in_shop_at", texts.moment, order.updated_at),
        parcels=tuple(_parcels(order)),
        is_test=order.test is True,
    )
    lines = tuple(_lines(order, further, is_whole=told.cancelled_at is not None))
    if not lines and order.line_items.nodes:
        # All of it was taken out again: what was ordered is told all the same, to be known to have come to nothing.
        lines = tuple(_lines(order, further, is_whole=True))
        told = told._replace(cancelled_at=told.changed_at)
    return told._replace(lines=lines, unreadable=notes.text)


def _name(told: object) -> str | None:
    return texts.plain(str(told or "").strip().removeprefix("#"))


def _parcels(order: wire.Order) -> Iterator[ParcelTold]:
    for fulfillment in order.fulfillments:
        if str(fulfillment.status or "").upper() in ("CANCELLED", "ERROR", "FAILURE"):
            continue
        for info in fulfillment.tracking_info:
            if info.number is not None and (number := str(info.number).strip()):
                yield ParcelTold(None if info.company is None else str(info.company), number)


def _lines(order: wire.Order, further: dict[str, list[Raw]], is_whole: bool) -> Iterator[Line]:
    """Purchases first, by the shop's id of the line, then what came back, by time. `is_whole`: as ordered, whatever was
    taken out since; an order that is cancelled has nothing left in it."""
    returned = [(refund, *one) for refund in order.refunds for one in _refunded(refund, further)]
    back: dict[str, int] = {}
    for _, line_id, quantity, _ in returned:
        back[line_id] = back.get(line_id, 0) + (quantity or 0)
    known: dict[str, Line] = {}
    bought: list[tuple[tuple[int, str], Line]] = []
    for node in [*order.line_items.nodes, *further.get(order.id, [])]:
        try:
            line = wire.decode_line.decode(node)
        except BAD as error:
            bought.append((place(identity(node)), Line(None, None, None, unreadable=f"line {identity(node)}: {error}")))
            continue
        one = _purchase(line, None if is_whole else back.get(line.id, 0))
        known[line.id] = one
        if one.quantity != "0":
            bought.append((place(line.id), one))
    yield from (one for _, one in sorted(bought, key=lambda pair: pair[0]))
    for refund, line_id, quantity, problem in sorted(returned, key=lambda one: (str(one[0].created_at), one[0].id)):
        if quantity == 0:
            continue
        notes = Notes()
        of = known.get(line_id)
        if problem:
            notes.add(problem)
        elif of is None:
            notes.add(f"refund {refund.id} is of a line that the order has not")
        yield Line(
            of.product_id if of else None,
            None if quantity is None else str(-quantity),
            of.unit_price if of else None,
            notes.read("occurred_at", texts.moment, refund.created_at),
            notes.text,
        )


def _refunded(refund: wire.Refund, further: dict[str, list[Raw]]) -> Iterator[tuple[str, int | None, str | None]]:
    """(line, pieces, what can't be read) for each line of a refund."""
    told = refund.refund_line_items.nodes if refund.refund_line_items else []
    for node in [*told, *further.get(refund.id, [])]:
        try:
            one = wire.decode_refunded.decode(node)
        except BAD as error:
            yield "", None, f"refund {refund.id}: {error}"
            continue
        quantity = _whole(one.quantity)
        yield (
            one.line_item.id,
            quantity,
            None if quantity is not None else f"refund {refund.id}: quantity {one.quantity!r}",
        )


def _purchase(line: wire.Line, returned: int | None) -> Line:
    """A line as it was bought: `returned` of it came back; None takes it as it was ordered."""
    notes = Notes()
    quantity = notes.read("quantity", texts.pieces, line.quantity)
    ordered, current = _whole(line.quantity), _whole(line.current_quantity)
    if ordered is not None and current is not None and returned is not None:
        # What was taken out of an order by editing it was never bought; what was sent back was.
        quantity = str(max(0, min(ordered, current + returned)))
    paid = line.discounted_unit_price_after_all_discounts_set
    money = paid.shop_money if paid else None
    product = bare_gid(line.product.id) if line.product else None
    if product is None and line.sku not in (None, ""):
        product = f"sku:{texts.plain(str(line.sku))}"
    price = notes.read("unit_price", texts.pieces, money.amount if money else None)
    return Line(product, quantity, price, unreadable=notes.text)


def _whole(value: Value) -> int | None:
    text = str(value).strip()
    return int(text) if text.removeprefix("-").isdecimal() and text.isascii() and len(text) < 10 else None


def products(page: Page) -> Iterator[ProductTold]:
    """The products of a page."""
    for node in wire.connection(page).nodes:
        try:
            told = wire.decode_product.decode(node)
        except BAD as error:
            yield ProductTold(None, unreadable=f"product {identity(node)}: {error}")
            continue
        notes = Notes()
        money = told.price_range_v2.min_variant_price if told.price_range_v2 else None
        stock = notes.read("stock_quantity", texts.pieces, told.total_inventory)
        status = str(told.status or "").upper()
        has_stock = told.tracks_inventory is not True or stock is None or float(stock) > 0
        yield ProductTold(
            product_id=texts.plain(bare_gid(told.id)),
            title=texts.plain(str(told.title or "")),
            category=texts.plain(str(told.product_type or "")),
            unit_price=notes.read("unit_price", texts.pieces, money.amount if money else None),
            currency=str(money.currency_code or "").strip().upper() or None if money else None,
            is_available=status == "ACTIVE" and told.published_at is not None and has_stock,
            stock_quantity=stock if told.tracks_inventory is True else None,
            published_at=notes.read("published_at", texts.moment, told.published_at),
            changed_at=notes.read("changed_in_shop_at", texts.moment, told.updated_at),
            unreadable=notes.text,
        )
