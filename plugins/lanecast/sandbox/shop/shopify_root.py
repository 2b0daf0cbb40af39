"""The fields at the root of Shopify's GraphQL: pages of orders and products, counts, and objects by id."""

from __future__ import annotations

from typing import Any

import numpy as np
from graphql import GraphQLError
from numpy.typing import NDArray

from lanecast.sandbox.shop.orders import Order, order_of_part
from lanecast.sandbox.shop.shopify_nodes import OrderNode, ProductNode
from lanecast.sandbox.shop.shopify_pages import Connection, cursor_of, gid, page_size, read_cursor
from lanecast.sandbox.shop.shopify_search import Term, holds, terms
from lanecast.sandbox.shop.storefronts import Storefronts

Numbers = NDArray[np.int64]
_BY_CREATION = {"CREATED_AT", "PROCESSED_AT", "ORDER_NUMBER"}


class Root:
    """What a query starts from. `unknown` gathers the search fields that were not understood."""

    def __init__(self, shop: Storefronts) -> None:
        """For one request."""
        self._shop = shop
        self.unknown: list[str] = []
        self.shop = {
            "id": gid("Shop", 1),
            "name": shop.world.description.name,
            "currencyCode": shop.world.description.shop.currency,
            "ianaTimezone": "Etc/UTC",
        }

    def orders(self, _info: object, sortKey: str, reverse: bool, **asked: Any) -> Connection:
        ids, changed, ordered = self._shop.seen("shopify")
        by = ids if sortKey == "ID" else ordered if sortKey in _BY_CREATION else changed
        kept = self._orders_found(asked.get("query"))
        page = _page(by[kept], ids[kept], asked.get("first"), asked.get("after"), reverse)
        nodes = [OrderNode(self._known(int(number)), self._shop) for number in page[1]]
        return Connection(nodes, [cursor_of(*at) for at in zip(*page[:2], strict=True)], *page[2:])

    def ordersCount(self, _info: object, limit: int | None, query: str | None = None) -> dict[str, Any]:
        return _count(int(self._orders_found(query).sum()), limit)

    def products(self, _info: object, sortKey: str, reverse: bool, **asked: Any) -> Connection:
        found = self._products_found(asked.get("query"))
        ids = np.array([product.id for _, product in found], np.int64)
        changed = np.array([at for at, _ in found], np.int64)
        created = np.array([product.published_at for _, product in found], np.int64)
        by = {"UPDATED_AT": changed, "CREATED_AT": created, "PUBLISHED_AT": created}.get(sortKey, ids)
        page = _page(by, ids, asked.get("first"), asked.get("after"), reverse)
        known = {product.id: product for _, product in found}
        nodes = [ProductNode(known[int(number)], self._shop) for number in page[1]]
        return Connection(nodes, [cursor_of(*at) for at in zip(*page[:2], strict=True)], *page[2:])

    def productsCount(self, _info: object, limit: int | None, query: str | None = None) -> dict[str, Any]:
        return _count(len(self._products_found(query)), limit)

    def order(self, _info: object, id: str) -> Any:
        return self._object(id) if "/Order/" in id else None

    def product(self, _info: object, id: str) -> Any:
        return self._object(id) if "/Product/" in id else None

    def node(self, _info: object, id: str) -> Any:
        return self._object(id)

    def nodes(self, _info: object, ids: list[str]) -> list[Any]:
        return [self._object(one) for one in ids]

    def _object(self, told: str) -> Any:
        """The order, product, refund or line with a global id, or None."""
        kind, _, number = told.removeprefix("gid://shopify/").partition("/")
        if not (told.startswith("gid://shopify/") and number.isdigit()):
            raise GraphQLError(f"Invalid global id '{told}'", extensions={"code": "argumentLiteralsIncompatible"})
        if kind == "Product":
            found = (product for _, product in self._shop.products() if product.id == int(number))
            return next((ProductNode(product, self._shop) for product in found), None)
        holder = int(number) if kind == "Order" else order_of_part(int(number))[0]
        order = self._shop.order(holder, "shopify")
        if order is None or kind not in ("Order", "LineItem", "Refund"):
            return None
        node = OrderNode(order, self._shop)
        parts: list[Any] = [node, *node.lines, *node.refunds(None)]
        return next((one for one in parts if one.id == told), None)

    def _known(self, number: int) -> Order:
        order = self._shop.order(number)
        assert order is not None
        return order

    def _orders_found(self, query: str | None) -> NDArray[np.bool_]:
        ids, changed, ordered = self._shop.seen("shopify")
        kept = np.ones(len(ids), bool)
        for term in self._terms(query):
            told = {"updated_at": changed, "created_at": ordered, "id": ids, "name": ids}
            kept &= holds(term, told[term.field])
        return kept

    def _products_found(self, query: str | None) -> list[tuple[int, Any]]:
        found = self._shop.products()
        for term in self._terms(query):
            if term.field == "name":
                continue
            values = np.array(
                [{"updated_at": at, "created_at": one.published_at, "id": one.id}[term.field] for at, one in found],
                np.int64,
            )
            found = [one for one, kept in zip(found, holds(term, values), strict=True) if kept]
        return found

    def _terms(self, query: str | None) -> list[Term]:
        try:
            found, unknown = terms(query)
        except ValueError as problem:
            raise GraphQLError(f"Invalid search query: {problem}", extensions={"code": "BAD_REQUEST"}) from None
        self.unknown.extend(unknown)
        return found


def _page(
    by: Numbers, ids: Numbers, first: int | None, after: str | None, reverse: bool
) -> tuple[list[int], list[int], bool, bool]:
    """Sort values and ids of a page after a cursor, and whether there is more behind and before it."""
    size, position = page_size(first), read_cursor(after, 2)
    sorted_by = np.lexsort((ids, by))
    sorted_by = sorted_by[::-1] if reverse else sorted_by
    since = 0
    if position is not None:
        value, last = position
        past = (by > value) | ((by == value) & (ids > last))
        if reverse:
            past = (by < value) | ((by == value) & (ids < last))
        since = len(ids) - int(past.sum())
    chosen = sorted_by[since : since + size]
    return by[chosen].tolist(), ids[chosen].tolist(), since + size < len(ids), since > 0


def _count(found: int, limit: int | None) -> dict[str, Any]:
    if limit is not None and found > limit:
        return {"count": limit, "precision": "AT_LEAST"}
    return {"count": found, "precision": "EXACT"}
