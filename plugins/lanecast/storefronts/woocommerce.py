"""WooCommerce, by its REST API v3: what is asked, and how a read goes on. What is told is read in woocommerce_records.

Records come in the order of their last change, and each page asks from where the last one ended, to the second:
numbered pages alone would lose a record for each one that is changed, and so moves to the end, while they are read.
Orders of `any` status come first, then those in the trash, which it leaves out, whatever else is named beside it.
Reference: https://woocommerce.github.io/woocommerce-rest-api-docs/.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from lanecast.carriers.base import RequestSpec, basic_auth
from lanecast.storefronts import woocommerce_records as records
from lanecast.storefronts.asking import page_size
from lanecast.storefronts.base import (
    Facts,
    OrderTold,
    Page,
    ProductTold,
    ShopAdapter,
    SourceAccount,
    Step,
    Window,
)
from lanecast.storefronts.keeping import KEEP, Only

PAGE_SIZE = 100
_ROOT = "/wp-json/wc/v3"
_SECOND = timedelta(seconds=1)

_ORDER_TEXTS = ("id", "number", "status", "currency", "date_created_gmt", "date_modified_gmt", "customer_id")
_LINE_TEXTS = ("id", "product_id", "variation_id", "quantity", "price", "total", "sku")
_PRODUCT_TEXTS = (
    *("id", "name", "status", "catalog_visibility", "date_created_gmt", "date_modified_gmt", "price", "purchasable"),
    *("stock_status", "stock_quantity", "manage_stock"),
)
# Members of members can be named where these are objects, not where they are lists.
_FIELDS = {
    "orders": ",".join(
        (
            *_ORDER_TEXTS,
            *("shipping.country", "shipping.state", "billing.country", "billing.state"),
            *("line_items", "refunds", "meta_data"),
        )
    ),
    "products": ",".join((*_PRODUCT_TEXTS, "categories")),
    "refunds": "id,date_created_gmt,line_items",
    "ids": "id",
}
_LINE = dict.fromkeys(_LINE_TEXTS, KEEP)
_ADDRESS = {"country": KEEP, "state": KEEP}
_TRACKING = dict.fromkeys(("tracking_provider", "custom_tracking_provider", "tracking_number", "date_shipped"), KEEP)
_KEPT = {
    "orders": [
        {
            **dict.fromkeys(_ORDER_TEXTS, KEEP),
            "shipping": _ADDRESS,
            "billing": _ADDRESS,
            "line_items": [_LINE],
            "refunds": [{"id": KEEP}],
            "meta_data": Only("key", frozenset({records.TRACKING}), {"key": KEEP, "value": [_TRACKING]}),
        }
    ],
    "products": [{**dict.fromkeys(_PRODUCT_TEXTS, KEEP), "categories": [{"id": KEEP, "name": KEEP}]}],
    "refunds": [{"id": KEEP, "date_created_gmt": KEEP, "line_items": [_LINE]}],
    "ids": [{"id": KEEP}],
}


class WooCommerce(ShopAdapter):
    """WooCommerce's REST API v3, of any WordPress site."""

    kind: ClassVar[str] = "woocommerce"

    def authorization(self, account: SourceAccount) -> Mapping[str, str]:
        return basic_auth(account)

    def first(self, window: Window, account: SourceAccount) -> Step:
        size = page_size(account, PAGE_SIZE, most=PAGE_SIZE)
        after = None if window.since is None else _time(window.since - _SECOND)  # strictly after, in whole seconds
        state: dict[str, Any] = {"of": window.stream, "after": after, "page": 1, "size": size}
        if window.stream == "orders":
            state |= {"status": "any", "since": after}
        return Step("records", state)

    def listing(self, account: SourceAccount) -> Step:
        return Step("ids", {"of": "products", "page": 1, "size": page_size(account, PAGE_SIZE, most=PAGE_SIZE)})

    def counts(self, window: Window, before: datetime | None = None) -> tuple[Step, ...]:
        after = None if window.since is None else _time(window.since - _SECOND)
        asked = {"of": window.stream, "after": after, "before": None if before is None else _time(before)}
        return tuple(
            Step("count", asked | {"status": status})
            for status in (("any", "trash") if window.stream == "orders" else ("any",))
        )

    def spec(self, step: Step) -> RequestSpec:
        state = step.state
        if step.part == "rest":
            path = f"{_ROOT}/orders/{state['id']}/refunds"
            return RequestSpec(
                "GET", path, {"per_page": "100", "page": str(state["page"]), "_fields": _FIELDS["refunds"]}
            )
        given = {
            "status": state.get("status", "any"),
            "order": "asc",
            "orderby": "id" if step.part == "ids" else "modified",
            "per_page": "1" if step.part == "count" else str(state["size"]),
            "page": str(state.get("page", 1)),
            "_fields": _FIELDS[state["of"]] if step.part == "records" else _FIELDS["ids"],
        }
        for name, parameter in (("after", "modified_after"), ("before", "modified_before")):
            if state.get(name):
                given |= {parameter: state[name], "dates_are_gmt": "true"}
        return RequestSpec("GET", f"{_ROOT}/{state['of']}", given)

    def keep(self, step: Step) -> Any:
        if step.part == "rest":
            return _KEPT["refunds"]
        return _KEPT[step.state["of"]] if step.part == "records" else _KEPT["ids"]

    def read_count(self, body: bytes, headers: Mapping[str, str]) -> int | None:
        return _total(headers)

    def facts(self, page: Page) -> Facts:
        state = page.step.state
        if page.step.part == "rest":
            more, _ = _place(page, len(records.items(page)), 100)
            return Facts([], rest=(Step("rest", state | {"page": state["page"] + 1}),) if more else ())
        found = records.items(page)
        seen = [records.seen(item) for item in found]
        told = _total(page.headers)
        lacking: list[Step] = []
        if page.step.part == "records" and state["of"] == "orders":
            owners = [owner for item in found if (owner := records.refunded(item)) is not None]
            lacking = [Step("rest", {"of": "refunds", "id": owner, "page": 1}) for owner in owners]
        more, left_out = _place(page, len(found), state["size"])
        following = None
        if more:
            following = Step(page.step.part, self._following(page.step, [one.changed_at for one in seen]))
        elif state.get("status") == "any":
            following = Step("records", state | {"status": "trash", "after": state["since"], "page": 1})
        return Facts(seen, following, tuple(lacking), told, left_out)

    @staticmethod
    def _following(step: Step, changed: list[datetime | None]) -> dict[str, Any]:
        state = step.state
        latest = max((one for one in changed if one is not None), default=None)
        if step.part == "records" and latest is not None:
            after = _time(latest - _SECOND)
            if state["after"] is None or after > state["after"]:
                return state | {"after": after, "page": 1}
        return state | {"page": state["page"] + 1}  # a whole page was changed in one second

    def orders(self, page: Page, rest: Iterable[Page]) -> Iterator[OrderTold]:
        return records.orders(page, rest)

    def products(self, page: Page) -> Iterator[ProductTold]:
        return records.products(page)


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _place(page: Page, found: int, size: int) -> tuple[bool, int]:
    """Whether pages follow one of `found` records where `size` were asked for, and how many it counts beyond them.

    WooCommerce counts records first and leaves out those that it can't show; and a host may give fewer a page than it
    is asked for. So the totals tell, not how full the page is.
    """
    number, total, pages = page.step.state["page"], _total(page.headers), _total(page.headers, "x-wp-totalpages")
    if total is None or pages is None:
        return found >= size or number * size < (total or 0), 0
    if pages > -(-total // size):
        size = -(-total // pages)  # at least so many a page
    return number < pages, max(0, min(size, total - (number - 1) * size) - found)


def _total(headers: Mapping[str, str], name: str = "x-wp-total") -> int | None:
    text = headers.get(name, "").strip()
    return int(text) if text.isascii() and text.isdigit() else None


ADAPTER = WooCommerce
