"""WooCommerce's REST API v3, as the sandbox plays it: pages of orders, refunds and products."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from lanecast.sandbox.shop.orders import Order, Refund
from lanecast.sandbox.shop.storefronts import Storefronts
from lanecast.sandbox.shop.woocommerce_asked import Refused, fields, numbers, only, time, window
from lanecast.sandbox.shop.woocommerce_json import Json


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
        self._json = Json(shop)

    def orders(self, asked: Mapping[str, str]) -> Page:
        """A page of the orders. Refused where a parameter is none."""
        ids, changed, ordered = self._shop.seen("woocommerce")
        kept = np.ones(len(ids), bool)
        for name, values in (("modified", changed), ("", ordered)):
            for side in ("after", "before"):
                at = time(asked, f"{name}_{side}".lstrip("_"))
                if at is not None:
                    kept &= values > at if side == "after" else values < at
        included = numbers(asked, "include")
        if included is not None:
            kept &= np.isin(ids, included)
        by = {"modified": changed, "id": ids}.get(asked.get("orderby", "date"), ordered)
        # They come by their last change already.
        chosen = ids[kept] if by is changed else ids[kept][np.lexsort((ids[kept], by[kept]))]
        chosen = chosen if asked.get("order", "desc") == "asc" else chosen[::-1]
        statuses = asked.get("status", "any").split(",")
        found = chosen.tolist()
        if "any" in statuses:  # the trash is left out, even where it is named beside
            trash = self._shop.in_trash()
            found = [number for number in found if number not in trash] if trash else found
        elif statuses == ["trash"]:
            trash = self._shop.in_trash()
            found = [number for number in found if number in trash]
        else:
            found = [number for number in found if self._json.status(self._known(number)) in statuses]
        wanted = fields(asked)
        since, size = window(asked)
        told = [only(self._json.order(self._known(number)), wanted) for number in found[since : since + size]]
        return Page(told, len(found), -(-len(found) // size))

    def order(self, number: int, asked: Mapping[str, str]) -> dict[str, Any]:
        """One order."""
        return only(self._json.order(self._found(number)), fields(asked))

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
        after, before = time(asked, "after"), time(asked, "before")
        found = [
            one for one in found if (after is None or one[1].at > after) and (before is None or one[1].at < before)
        ]
        return self._refund_page(found, asked)

    def products(self, asked: Mapping[str, str]) -> Page:
        """A page of the products."""
        after, before = time(asked, "modified_after"), time(asked, "modified_before")
        found = [
            one
            for one in self._shop.products()
            if (after is None or one[0] > after) and (before is None or one[0] < before)
        ]
        included = numbers(asked, "include")
        if included is not None:
            found = [one for one in found if one[1].id in included]
        if asked.get("orderby", "date") != "modified":
            by_id = asked.get("orderby") == "id"
            found.sort(key=lambda one: (0 if by_id else one[1].published_at, one[1].id))
        found = found if asked.get("order", "desc") == "asc" else found[::-1]
        wanted = fields(asked)
        since, size = window(asked)
        told = [only(self._json.product(at, product), wanted) for at, product in found[since : since + size]]
        return Page(told, len(found), -(-len(found) // size))

    def product(self, number: int, asked: Mapping[str, str]) -> dict[str, Any]:
        """One product."""
        for at, product in self._shop.products():
            if product.id == number:
                return only(self._json.product(at, product), fields(asked))
        raise Refused(404, "woocommerce_rest_product_invalid_id", "Invalid ID.")

    def _refund_page(self, found: list[tuple[Order, Refund]], asked: Mapping[str, str]) -> Page:
        found = found if asked.get("order", "desc") == "asc" else found[::-1]
        wanted = fields(asked)
        since, size = window(asked)
        told = [only(self._json.refund(*one), wanted) for one in found[since : since + size]]
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
