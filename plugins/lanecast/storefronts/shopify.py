"""Shopify, by the GraphQL Admin API: what is asked, and how a read goes on. What is told is read in shopify_records.

Pages follow each other by cursor in the order of their last change, so that a change while they are read moves a record
behind what was read, and never out of sight. A query costs points of a bucket that fills again: where it is low, the
next one waits. Reference: https://shopify.dev/docs/api/admin-graphql/2026-07.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

import msgspec

from lanecast.carriers.base import RequestSpec
from lanecast.storefronts import shopify_records as records
from lanecast.storefronts import shopify_wire as wire
from lanecast.storefronts.asking import page_size
from lanecast.storefronts.base import (
    Facts,
    OrderTold,
    Page,
    PageBroken,
    ProductTold,
    Seen,
    ShopAdapter,
    SourceAccount,
    Step,
    Trouble,
    Window,
)
from lanecast.storefronts.keeping import KEEP
from lanecast.storefronts.members import identity

VERSION = "2026-07"
PAGE_SIZE = 25
MOST_NESTED = 50
_PATH = f"/admin/api/{VERSION}/graphql.json"

# What a piece was sold at: the original price is that before discounts.
_PRICE = "discountedUnitPriceAfterAllDiscountsSet"
_LINE = f"id quantity currentQuantity sku {_PRICE} {{ shopMoney {{ amount currencyCode }} }} product {{ id }}"
_LINES = f"lineItems(first: $nested, after: $after) {{ nodes {{ {_LINE} }} pageInfo {{ hasNextPage endCursor }} }}"
_REFUNDED = "nodes { lineItem { id } quantity } pageInfo { hasNextPage endCursor }"
_ORDER = (
    "id name test createdAt updatedAt cancelledAt displayFinancialStatus displayFulfillmentStatus currencyCode "
    "customer { id } shippingAddress { countryCodeV2 provinceCode } "
    + _LINES.replace(", after: $after", "")
    + f" refunds {{ id createdAt refundLineItems(first: $nested) {{ {_REFUNDED} }} }} "
    "fulfillments { id createdAt status trackingInfo { company number } }"
)
_PRODUCT = (
    "id title productType status updatedAt publishedAt totalInventory tracksInventory "
    "priceRangeV2 { minVariantPrice { amount currencyCode } }"
)
_QUERIES = {
    ("records", "orders"): "query Orders($first: Int!, $nested: Int!, $after: String, $query: String) { "
    "orders(first: $first, after: $after, query: $query, sortKey: UPDATED_AT) { "
    f"nodes {{ {_ORDER} }} pageInfo {{ hasNextPage endCursor }} }} }}",
    ("records", "products"): "query Products($first: Int!, $after: String, $query: String) { "
    "products(first: $first, after: $after, query: $query, sortKey: UPDATED_AT) { "
    f"nodes {{ {_PRODUCT} }} pageInfo {{ hasNextPage endCursor }} }} }}",
    ("ids", "products"): "query ProductIds($first: Int!, $after: String) { "
    "products(first: $first, after: $after, sortKey: ID) { nodes { id } pageInfo { hasNextPage endCursor } } }",
    ("rest", "lines"): "query Lines($id: ID!, $nested: Int!, $after: String) { "
    f"node(id: $id) {{ ... on Order {{ id {_LINES} }} }} }}",
    ("rest", "refund"): "query Refund($id: ID!, $nested: Int!, $after: String) { node(id: $id) { ... on Refund { "
    f"id refundLineItems(first: $nested, after: $after) {{ {_REFUNDED} }} }} }} }}",
    ("count", "orders"): "query OrdersCount($query: String) { ordersCount(query: $query, limit: null) { count } }",
    (
        "count",
        "products",
    ): "query ProductsCount($query: String) { productsCount(query: $query, limit: null) { count } }",
}

_PAGE_INFO = {"hasNextPage": KEEP, "endCursor": KEEP}
_MONEY = {"amount": KEEP, "currencyCode": KEEP}
_KEPT_LINES = {
    "nodes": [
        {
            **dict.fromkeys(("id", "quantity", "currentQuantity", "sku"), KEEP),
            _PRICE: {"shopMoney": _MONEY},
            "product": {"id": KEEP},
        }
    ],
    "pageInfo": _PAGE_INFO,
}
_KEPT_REFUNDED = {"nodes": [{"lineItem": {"id": KEEP}, "quantity": KEEP}], "pageInfo": _PAGE_INFO}
_ORDER_TEXTS = (
    *("id", "name", "test", "createdAt", "updatedAt", "cancelledAt", "displayFinancialStatus", "currencyCode"),
)
_KEPT_ORDER = {
    **dict.fromkeys((*_ORDER_TEXTS, "displayFulfillmentStatus"), KEEP),
    "customer": {"id": KEEP},
    "shippingAddress": {"countryCodeV2": KEEP, "provinceCode": KEEP},
    "lineItems": _KEPT_LINES,
    "refunds": [{"id": KEEP, "createdAt": KEEP, "refundLineItems": _KEPT_REFUNDED}],
    "fulfillments": [
        {"id": KEEP, "createdAt": KEEP, "status": KEEP, "trackingInfo": [{"company": KEEP, "number": KEEP}]}
    ],
}
_PRODUCT_TEXTS = ("id", "title", "productType", "status", "updatedAt", "publishedAt", "totalInventory")
_KEPT_PRODUCT = {
    **dict.fromkeys((*_PRODUCT_TEXTS, "tracksInventory"), KEEP),
    "priceRangeV2": {"minVariantPrice": _MONEY},
}
_KEPT_DATA = {
    "orders": {"nodes": [_KEPT_ORDER], "pageInfo": _PAGE_INFO},
    "products": {"nodes": [_KEPT_PRODUCT], "pageInfo": _PAGE_INFO},
    "node": {"id": KEEP, "lineItems": _KEPT_LINES, "refundLineItems": _KEPT_REFUNDED},
    "ordersCount": {"count": KEEP},
    "productsCount": {"count": KEEP},
}


class _Throttle(msgspec.Struct):
    maximumAvailable: float
    currentlyAvailable: float
    restoreRate: float


class _Cost(msgspec.Struct):
    requestedQueryCost: float
    throttleStatus: _Throttle

    def seconds(self) -> float:
        """How long until as much is there again as this query asked for."""
        status = self.throttleStatus
        lacking = min(self.requestedQueryCost, status.maximumAvailable) - status.currentlyAvailable
        return max(0.0, lacking / status.restoreRate) if status.restoreRate > 0 else 1.0


class _Told(msgspec.Struct):
    """What an answer says besides its data. What errors look like is left open: whatever they are, they are errors."""

    errors: Any = None
    extensions: Any = None

    @property
    def cost(self) -> _Cost | None:
        """What the query cost, where that can be read."""
        try:
            return msgspec.convert(self.extensions["cost"], _Cost, strict=False)
        except (msgspec.ValidationError, KeyError, TypeError, IndexError):
            return None


def _code(error: Any) -> str:
    extensions = error.get("extensions") if isinstance(error, dict) else None
    return str(extensions.get("code")) if isinstance(extensions, dict) else ""


def _words(error: Any) -> str:
    told = error.get("message") if isinstance(error, dict) else error
    return told.strip()[:200] if isinstance(told, str) and told.strip() else "an error without words"


class Shopify(ShopAdapter):
    """Shopify's GraphQL Admin API, version 2026-07."""

    kind: ClassVar[str] = "shopify"

    def authorization(self, account: SourceAccount) -> Mapping[str, str]:
        return {"X-Shopify-Access-Token": account.password}

    def first(self, window: Window, account: SourceAccount) -> Step:
        size = page_size(account, PAGE_SIZE if window.stream == "orders" else 100, most=250)
        return Step("records", {"of": window.stream, "query": _changed(window), "first": size, "nested": MOST_NESTED})

    def listing(self, account: SourceAccount) -> Step:
        return Step("ids", {"of": "products", "first": 250})

    def counts(self, window: Window, before: datetime | None = None) -> tuple[Step, ...]:
        return (Step("count", {"of": window.stream, "query": _changed(window, before)}),)

    def spec(self, step: Step) -> RequestSpec:
        state = step.state
        names = ("first", "nested", "after", "query", "id")
        variables = {name: state[name] for name in names if state.get(name) is not None}
        if state["of"] == "products" or step.part in ("ids", "count"):
            variables.pop("nested", None)
        return RequestSpec("POST", _PATH, json={"query": _QUERIES[step.part, state["of"]], "variables": variables})

    def trouble(self, step: Step, body: bytes) -> Trouble | None:
        told = _told(body)
        if told is None or not told.errors:
            return None
        errors = told.errors if isinstance(told.errors, list) else [told.errors]
        codes = {_code(one) for one in errors}
        words = "; ".join(dict.fromkeys(map(_words, errors[:10])))
        if "THROTTLED" in codes:
            return Trouble("throttled", f"asked too often, and again after every wait: {words}", _wait(told.cost))
        if "MAX_COST_EXCEEDED" in codes:
            return Trouble("too much", words)
        return Trouble("failed", words)

    def pause(self, body: bytes) -> float:
        told = _told(body)
        cost = told.cost if told else None
        return cost.seconds() if cost else 0.0

    def smaller(self, step: Step) -> Step | None:
        nested, first = step.state.get("nested", 1), step.state.get("first", 1)
        if max(nested, first) <= 1:
            return None
        return Step(step.part, step.state | {"nested": max(1, nested // 2), "first": max(1, first // 2)})

    def keep(self, step: Step) -> Any:
        return {"data": _KEPT_DATA}

    def read_count(self, body: bytes, headers: Mapping[str, str]) -> int | None:
        try:
            (told,) = msgspec.json.decode(body, type=wire.Counted).data.values()
        except (msgspec.MsgspecError, UnicodeDecodeError, ValueError):
            raise PageBroken("the count has no number") from None
        return told.count

    def facts(self, page: Page) -> Facts:
        if page.step.part == "rest":
            return Facts([], rest=tuple(_rest(page)))
        found = wire.connection(page)
        if page.step.part == "ids":
            seen = [Seen(identity(node), None) for node in found.nodes]
        else:
            seen = [wire.seen(node) for node in found.nodes]
        lacking: list[Step] = []
        if page.step.part == "records" and page.step.state["of"] == "orders":
            nested = page.step.state["nested"]
            lacking = [
                Step("rest", {"of": of, "id": owner, "after": cursor, "nested": max(nested, 1)})
                for node in found.nodes
                for of, owner, cursor in records.unfinished(node)
            ]
        info = found.page_info
        following = None
        if info.has_next_page:
            if not info.end_cursor or info.end_cursor == page.step.state.get("after"):
                raise PageBroken("the page says that others follow, and not where: its cursor is missing or its own")
            following = Step(page.step.part, page.step.state | {"after": info.end_cursor})
        return Facts(seen, following, tuple(lacking))

    def orders(self, page: Page, rest: Iterable[Page]) -> Iterator[OrderTold]:
        return records.orders(page, rest)

    def products(self, page: Page) -> Iterator[ProductTold]:
        return records.products(page)


def _changed(window: Window, before: datetime | None = None) -> str | None:
    parts = []
    if window.since is not None:
        parts.append(f"updated_at:>='{_time(window.since)}'")
    if before is not None:
        parts.append(f"updated_at:<'{_time(before)}'")
    return " AND ".join(parts) or None


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _told(body: bytes) -> _Told | None:
    try:
        return msgspec.json.decode(body, type=_Told)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _wait(cost: _Cost | None) -> float:
    return 1.0 if cost is None else max(cost.seconds(), 0.05)


def _rest(page: Page) -> Iterator[Step]:
    """What is still lacking after a further page of lines or of a refund."""
    info = records.rest_info(page)
    if info is not None and info.has_next_page:
        if not info.end_cursor or info.end_cursor == page.step.state.get("after"):
            raise PageBroken("further lines are said to follow, and not where: the cursor is missing or its own")
        yield Step("rest", page.step.state | {"after": info.end_cursor})


ADAPTER = Shopify
