"""WooCommerce's REST API v3, as the sandbox plays it: orders, refunds and products as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np

from lanecast.sandbox.shop.catalogue import Product
from lanecast.sandbox.shop.customers import customer_id, person
from lanecast.sandbox.shop.orders import Order, Refund
from lanecast.sandbox.shop.storefronts import Storefronts
from lanecast.sandbox.shop.told import money, naive_text, provider, total

MOST_PER_PAGE = 100
_DEFAULT_PER_PAGE = 10


class Refused(ValueError):
    """A request that the API refuses: status, code and message as it words them."""

    def __init__(self, status: int, code: str, message: str, params: Mapping[str, str] | None = None) -> None:
        """`params` says what is wrong with each parameter."""
        super().__init__(message)
        self.status = status
        data: dict[str, Any] = {"status": status} | ({"params": params} if params else {})
        self.body = {"code": code, "message": message, "data": data}


class Page(NamedTuple):
    """A page of a list, and how many there are in all."""

    told: list[dict[str, Any]]
    total: int
    pages: int


class WooCommerce:
    """One shop's REST API."""

    def __init__(self, shop: Storefronts) -> None:
        """`shop` tells the moment."""
        self._shop = shop
        self._categories = {name: 40 + n for n, name in enumerate(shop.world.description.shop.categories)}

    def orders(self, asked: Mapping[str, str]) -> Page:
        """A page of the orders. Refused where a parameter is none."""
        ids, changed, ordered = self._shop.seen("woocommerce")
        kept = np.ones(len(ids), bool)
        for name, values in (("modified", changed), ("", ordered)):
            for side in ("after", "before"):
                at = _time(asked, f"{name}_{side}".lstrip("_"))
                if at is not None:
                    kept &= values > at if side == "after" else values < at
        if asked.get("include"):
            kept &= np.isin(ids, [int(one) for one in asked["include"].split(",")])
        by = {"modified": changed, "id": ids}.get(asked.get("orderby", "date"), ordered)
        # They come by their last change already.
        chosen = ids[kept] if by is changed else ids[kept][np.lexsort((ids[kept], by[kept]))]
        chosen = chosen if asked.get("order", "desc") == "asc" else chosen[::-1]
        wanted = {one for one in asked.get("status", "any").split(",") if one != "any"}
        numbers = chosen.tolist()
        if wanted:
            numbers = [number for number in numbers if self._status(self._known(number)) in wanted]
        fields = _fields(asked)
        since, size = _window(asked)
        told = [_only(self._order(self._known(number)), fields) for number in numbers[since : since + size]]
        return Page(told, len(numbers), -(-len(numbers) // size))

    def order(self, number: int, asked: Mapping[str, str]) -> dict[str, Any]:
        """One order."""
        return _only(self._order(self._found(number)), _fields(asked))

    def refunds(self, number: int, asked: Mapping[str, str]) -> Page:
        """A page of an order's refunds, newest first unless asked otherwise."""
        order = self._found(number)
        return self._refund_page([(order, refund) for refund in order.refunds_at(self._shop.now())], asked)

    def all_refunds(self, asked: Mapping[str, str]) -> Page:
        """A page of the refunds of all orders."""
        now = self._shop.now()
        found = [
            (order, refund)
            for number in self._shop.seen("woocommerce")[0].tolist()
            for order in (self._known(number),)
            for refund in order.refunds_at(now)
        ]
        found.sort(key=lambda one: (one[1].at, one[1].id))
        after, before = _time(asked, "after"), _time(asked, "before")
        found = [
            one for one in found if (after is None or one[1].at > after) and (before is None or one[1].at < before)
        ]
        return self._refund_page(found, asked)

    def products(self, asked: Mapping[str, str]) -> Page:
        """A page of the products."""
        after, before = _time(asked, "modified_after"), _time(asked, "modified_before")
        found = [
            one
            for one in self._shop.products()
            if (after is None or one[0] > after) and (before is None or one[0] < before)
        ]
        if asked.get("include"):
            wanted = {int(one) for one in asked["include"].split(",")}
            found = [one for one in found if one[1].id in wanted]
        if asked.get("orderby", "date") != "modified":
            by_id = asked.get("orderby") == "id"
            found.sort(key=lambda one: (0 if by_id else one[1].published_at, one[1].id))
        found = found if asked.get("order", "desc") == "asc" else found[::-1]
        fields = _fields(asked)
        since, size = _window(asked)
        told = [_only(self._product(at, product), fields) for at, product in found[since : since + size]]
        return Page(told, len(found), -(-len(found) // size))

    def product(self, number: int, asked: Mapping[str, str]) -> dict[str, Any]:
        """One product."""
        for at, product in self._shop.products():
            if product.id == number:
                return _only(self._product(at, product), _fields(asked))
        raise Refused(404, "woocommerce_rest_product_invalid_id", "Invalid ID.")

    def _refund_page(self, found: list[tuple[Order, Refund]], asked: Mapping[str, str]) -> Page:
        found = found if asked.get("order", "desc") == "asc" else found[::-1]
        fields = _fields(asked)
        since, size = _window(asked)
        told = [_only(self._refund(*one), fields) for one in found[since : since + size]]
        return Page(told, len(found), -(-len(found) // size))

    def _found(self, number: int) -> Order:
        order = self._shop.order(number, "woocommerce")
        if order is None:
            raise Refused(404, "woocommerce_rest_shop_order_invalid_id", "Invalid ID.")
        return order

    def _known(self, number: int) -> Order:
        order = self._shop.order(number)
        assert order is not None
        return order

    def _status(self, order: Order) -> str:
        now = self._shop.now()
        if order.is_cancelled(now):
            return "cancelled"
        if order.is_refunded(now):
            return "refunded"
        return "completed" if order.is_shipped(now) else "processing"

    def _order(self, order: Order) -> dict[str, Any]:
        now = self._shop.now()
        shipped = naive_text(order.parcel.shipped_at) if order.parcel and order.is_shipped(now) else None
        known = person(order.customer, order.order_id)
        address = {
            "first_name": known.first_name,
            "last_name": known.last_name,
            "company": "",
            "address_1": f"{order.id % 900 + 1} Example Street",
            "address_2": "",
            "city": order.place.city,
            "state": order.place.region,
            "postcode": order.place.postal_code,
            "country": order.place.country,
        }
        created, modified = naive_text(order.ordered_at), naive_text(order.changed_at(now))
        return {
            "id": order.id,
            "parent_id": 0,
            "status": self._status(order),
            "currency": self._shop.world.description.shop.currency,
            "version": "10.0.0",
            "date_created": created,
            "date_created_gmt": created,
            "date_modified": modified,
            "date_modified_gmt": modified,
            "date_paid": created,
            "date_paid_gmt": created,
            "date_completed": shipped,
            "date_completed_gmt": shipped,
            "total": money(total(order)),
            "customer_id": 0 if order.customer is None else customer_id(order.customer),
            "customer_ip_address": f"192.0.2.{order.id % 250 + 1}",
            "customer_note": "",
            "number": order.order_id,
            "billing": address | {"email": known.email, "phone": known.phone},
            "shipping": address | {"phone": known.phone},
            "meta_data": self._meta(order, now),
            "line_items": [
                self._line(order, place)
                for place, line in enumerate(order.lines)
                if line.removed_at is None or line.removed_at > now
            ],
            "refunds": [
                {"id": refund.id, "reason": "", "total": f"-{money(self._amount(order, refund))}"}
                for refund in reversed(order.refunds_at(now))
            ],
        }

    def _meta(self, order: Order, now: int) -> list[dict[str, Any]]:
        """What plugins keep with an order: parcels, and a note that names the customer."""
        found: list[dict[str, Any]] = []
        if any(at <= now for at in order.edited_at):
            known = person(order.customer, order.order_id)
            note = f"Ring at {known.first_name} {known.last_name}"
            found.append({"id": order.part_id(91), "key": "_delivery_note", "value": note})
        if order.parcel is not None and order.is_shipped(now):
            slug, name = provider(order.parcel)
            item = {
                "tracking_provider": slug,
                "custom_tracking_provider": name,
                "custom_tracking_link": "",
                "tracking_number": order.parcel.number,
                "date_shipped": str(order.parcel.shipped_at),
                "tracking_id": f"{order.part_id(90):032x}",
            }
            found.append({"id": order.part_id(92), "key": "_wc_shipment_tracking_items", "value": [item]})
        return found

    def _line(self, order: Order, place: int) -> dict[str, Any]:
        line = order.lines[place]
        product = self._shop.product(line.product)
        listed = product.is_listed(self._shop.now())
        return {
            "id": line.id,
            "name": product.title,
            "product_id": product.id if listed else 0,
            "variation_id": 0,
            "quantity": line.quantity,
            "tax_class": "",
            "subtotal": money(line.price * line.quantity),
            "total": money(line.price * line.quantity),
            "taxes": [],
            "meta_data": [],
            "sku": product.sku if listed else None,
            "price": line.price / 100,
        }

    def _amount(self, order: Order, refund: Refund) -> int:
        return sum(order.lines[place].price * quantity for place, quantity in refund.lines)

    def _refund(self, order: Order, refund: Refund) -> dict[str, Any]:
        lines = []
        for number, (place, quantity) in enumerate(refund.lines):
            line = self._line(order, place)
            back = f"-{money(order.lines[place].price * quantity)}"
            refunded = {"id": refund.id * 10 + number, "key": "_refunded_item_id", "value": str(line["id"])}
            lines.append(
                line
                | {"id": refund.id * 10 + number, "quantity": -quantity, "subtotal": back, "total": back}
                | {"meta_data": [refunded]}
            )
        at = naive_text(refund.at)
        return {
            "id": refund.id,
            "parent_id": order.id,
            "date_created": at,
            "date_created_gmt": at,
            "amount": money(self._amount(order, refund)),
            "reason": "",
            "refunded_by": 1,
            "refunded_payment": True,
            "meta_data": [],
            "line_items": lines,
        }

    def _product(self, changed_at: int, product: Product) -> dict[str, Any]:
        stock = product.stock(self._shop.now())
        created, modified = naive_text(product.published_at), naive_text(changed_at)
        return {
            "id": product.id,
            "name": product.title,
            "slug": product.title.replace(", ", "-").replace(" ", "-"),
            "date_created": created,
            "date_created_gmt": created,
            "date_modified": modified,
            "date_modified_gmt": modified,
            "type": "simple",
            "status": "publish",
            "catalog_visibility": "visible",
            "sku": product.sku,
            "price": money(product.price),
            "regular_price": money(product.price),
            "purchasable": True,
            "manage_stock": True,
            "stock_quantity": stock,
            "stock_status": "instock" if stock else "outofstock",
            "categories": [
                {"id": self._categories[product.category], "name": product.category, "slug": product.category}
            ],
        }


def _window(asked: Mapping[str, str]) -> tuple[int, int]:
    """Offset and size of the page that is asked for."""
    size = _number(asked, "per_page", _DEFAULT_PER_PAGE, 1, MOST_PER_PAGE)
    page = _number(asked, "page", 1, 1, None)
    return _number(asked, "offset", (page - 1) * size, 0, None), size


def _number(asked: Mapping[str, str], name: str, default: int, least: int, most: int | None) -> int:
    told = asked.get(name, str(default))
    if told.isdigit() and int(told) >= least and (most is None or int(told) <= most):
        return int(told)
    said = f"{name} must be between {least} (inclusive) and {most} (inclusive)"
    if most is None:
        said = f"{name} must be greater than or equal to {least}"
    raise Refused(400, "rest_invalid_param", f"Invalid parameter(s): {name}", {name: said})


def _time(asked: Mapping[str, str], name: str) -> int | None:
    """A time in seconds since 1970; this shop's own time is UTC, so dates_are_gmt changes nothing."""
    told = asked.get(name)
    if not told:
        return None
    try:
        at = datetime.fromisoformat(told.replace(" ", "+"))
    except ValueError:
        raise Refused(400, "rest_invalid_param", f"Invalid parameter(s): {name}", {name: "Invalid date."}) from None
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp())


def _fields(asked: Mapping[str, str]) -> dict[str, Any] | None:
    """The fields asked for, nested as billing.country is; None for all."""
    found: dict[str, Any] = {}
    for path in filter(None, (one.strip() for one in asked.get("_fields", "").split(","))):
        into = found
        *above, last = path.split(".")
        for name in above:
            below = into.setdefault(name, {})
            if below is True:
                break
            into = below
        else:
            into[last] = True
    return found or None


def _only(told: dict[str, Any], fields: dict[str, Any] | None) -> dict[str, Any]:
    """What was asked for. As in WordPress, a field within the entries of a list leaves the list empty."""
    if fields is None:
        return told
    kept: dict[str, Any] = {}
    for name, below in fields.items():
        if name in told:
            value = told[name]
            if below is not True and isinstance(value, dict):
                value = _only(value, below)
            elif below is not True and isinstance(value, list):
                value = []
            kept[name] = value
    return kept
