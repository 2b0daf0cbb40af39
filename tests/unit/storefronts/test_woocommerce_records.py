"""WooCommerce's pages: what orders and products they tell, and how a read goes on while the shop changes."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lanecast.storefronts.base import Facts, OrderTold, Page, PageBroken, SourceAccount, Step, Window
from lanecast.storefronts.keeping import kept
from lanecast.storefronts.rows import order_rows
from lanecast.storefronts.tally import Tally
from lanecast.storefronts.woocommerce import WooCommerce
from lanecast.warehouse.staging import COLUMNS

SHOP = WooCommerce()
ACCOUNT = SourceAccount(source="shop", connection="lanecast_shop", base_url="https://shop.example")
START = datetime(2026, 5, 20, 12, tzinfo=UTC)


def line(number: int, **more: Any) -> dict[str, Any]:
    return {"id": number, "product_id": number + 100, "quantity": 1, "price": 12.5, "sku": f"SKU-{number}"} | more


def order(*lines: Any, **more: Any) -> dict[str, Any]:
    return {
        "id": 1,
        "number": "W-1001",
        "status": "Completed",
        "currency": "usd",
        "date_created_gmt": "2026-05-20T10:00:00",
        "date_modified_gmt": "2026-05-21T08:00:00",
        "customer_id": 77,
        "shipping": {"country": "BR", "state": "SP"},
        "billing": {"country": "PT", "state": ""},
        "line_items": list(lines),
        "refunds": [],
        "meta_data": [],
    } | more


def page(items: Any, of: str = "orders", headers: dict[str, str] | None = None, **state: Any) -> Page:
    step = Step("records", {"of": of, "after": None, "page": 1, "size": 100, **state})
    return Page(step, kept(json.dumps(items).encode(), SHOP.keep(step)), headers or {})


def refunds(*told: Any) -> Page:
    step = Step("rest", {"of": "refunds", "id": "1", "page": 1})
    return Page(step, kept(json.dumps(told).encode(), SHOP.keep(step)))


def one(item: Any, *rest: Page) -> OrderTold:
    (told,) = SHOP.orders(page([item]), rest)
    return told


def test_an_order_as_the_shop_prints_it() -> None:
    told = one(order(line(2, quantity=3), line(1)))
    assert told._replace(lines=()) == OrderTold(
        order_id="W-1001",
        customer="77",
        ordered_at="2026-05-20T10:00:00+00:00",
        status="completed",
        currency="USD",
        country="BR",
        region="BR-SP",
        changed_at="2026-05-21T08:00:00+00:00",
    )
    assert [(one.product_id, one.quantity, one.unit_price) for one in told.lines] == [
        ("101", "1", "12.5"),
        ("102", "3", "12.5"),
    ]


def test_refunds_are_lines_of_their_own_and_money_alone_is_none() -> None:
    back = {"id": 9, "date_created_gmt": "2026-06-02T00:00:00", "line_items": [line(1, quantity=-2)]}
    earlier = {
        "id": 8,
        "date_created_gmt": "2026-06-01T00:00:00",
        "line_items": [line(2, quantity=1), line(1, quantity=0)],
    }
    told = one(order(line(1, quantity=3), line(2), refunds=[{"id": 9}, {"id": 8}]), refunds(back, earlier))
    assert [(one.product_id, one.quantity, one.occurred_at) for one in told.lines[2:]] == [
        ("102", "-1", "2026-06-01T00:00:00+00:00"),
        ("101", "-2", "2026-06-02T00:00:00+00:00"),
    ]


def test_refunds_are_asked_for_of_orders_that_have_some() -> None:
    facts = SHOP.facts(page([order(line(1)), order(line(1), id=2, refunds=[{"id": 9}])]))
    assert [step.state["id"] for step in facts.rest] == ["2"]
    spec = SHOP.spec(facts.rest[0])
    assert spec.path == "/wp-json/wc/v3/orders/2/refunds"


@pytest.mark.parametrize("status", ["cancelled", "failed", "trash", "checkout-draft"])
def test_an_order_that_came_to_nothing_is_cancelled(status: str) -> None:
    told = one(order(line(1), status=status))
    assert (told.status, told.cancelled_at) == (status, "2026-05-21T08:00:00+00:00")
    assert one(order(line(1), status="refunded")).cancelled_at is None


@pytest.mark.parametrize("lines", [[], [line(1, quantity=0)]])
def test_an_order_without_lines_is_a_row_that_says_so(lines: list[Any]) -> None:
    (row,) = order_rows(one(order(*lines, status="cancelled")), str.lower)
    told = dict(zip(COLUMNS["order_line"][1:], row, strict=True))
    assert (told["order_id"], told["status"], told["is_whole_order"]) == ("W-1001", "cancelled", True)
    assert (told["product_id"], told["quantity"], told["unit_price"], told["unreadable"]) == (None,) * 4


def test_a_line_that_says_nothing_is_not_taken_for_an_order_without_lines() -> None:
    nothing = line(1, **dict.fromkeys(("product_id", "sku", "quantity", "price", "total")))
    (row,) = order_rows(one(order(nothing)), str.lower)
    assert "quantity: '' (not given)" in str(row[-1])


@pytest.mark.parametrize("customer", [0, "0", None, ""])
def test_a_guest_is_nobody(customer: Any) -> None:
    assert one(order(line(1), customer_id=customer)).customer is None


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"product_id": 0}, ("sku:SKU-1", "1", "12.5", None)),
        ({"product_id": 0, "sku": None}, (None, "1", "12.5", None)),
        ({"quantity": "2"}, ("101", "2", "12.5", None)),
        ({"product_id": "🎈"}, ("🎈", "1", "12.5", None)),
        ({"price": None, "quantity": 4, "total": "10.00"}, ("101", "4", "2.5", None)),
        ({"price": "7.00"}, ("101", "1", "7", None)),
    ],
)
def test_lines_that_are_unusual(change: dict[str, Any], expected: tuple[str | None, ...]) -> None:
    (told,) = one(order(line(1, **change))).lines
    assert (told.product_id, told.quantity, told.unit_price, told.unreadable) == expected


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"quantity": "two"}, "quantity: 'two'"),
        ({"price": "a lot"}, "unit_price: 'a lot'"),
        ({"id": None}, "line (unread"),
    ],
)
def test_a_line_that_cannot_be_read_says_so_and_leaves_the_others_alone(change: dict[str, Any], words: str) -> None:
    told = one(order(line(1, **change), line(2)))
    (bad,) = [one for one in told.lines if one.unreadable]
    assert words in str(bad.unreadable)
    assert [one.product_id for one in told.lines if not one.unreadable] == ["102"]


def test_tracking_numbers_lie_among_what_plugins_keep_and_nothing_else_is_stored() -> None:
    items = [
        {"tracking_provider": "dhl-us", "tracking_number": " JD01 ", "date_shipped": "1747742400"},
        {"tracking_provider": "", "custom_tracking_provider": "Yanwen", "tracking_number": "Y1"},
        {"tracking_provider": "ups", "tracking_number": ""},
    ]
    given = order(
        line(1),
        meta_data=[
            {"id": 1, "key": "_delivery_note", "value": "Ring at Ada"},
            {"id": 2, "key": "_wc_shipment_tracking_items", "value": items},
            {"id": 3, "key": "_wc_shipment_tracking_items", "value": "Ada"},
        ],
    )
    stored = page([given])
    assert b"Ada" not in stored.body
    (told,) = SHOP.orders(stored, ())
    assert told.parcels == (("dhl-us", "JD01"), ("Yanwen", "Y1"))


def test_an_order_that_cannot_be_read_at_all_is_one_row_that_withdraws_nothing() -> None:
    told = one(order(line(1), line_items="three"))
    assert (told.order_id, told.lines, told.is_whole) == ("W-1001", (), False)
    assert told.unreadable
    assert [bool(one.unreadable) for one in SHOP.orders(page([None, 7, order(line(1))]), ())] == [True, True, False]


@pytest.mark.parametrize("body", [b"{}", b'"none"', b"null", b'{"code": "x", "message": "y"}'])
def test_a_page_that_is_no_list_is_refused(body: bytes) -> None:
    with pytest.raises(PageBroken):
        SHOP.facts(Page(Step("records", {"of": "orders", "after": None, "page": 1, "size": 100}), body))


def test_windows_are_asked_for_by_the_last_change_and_without_personal_data() -> None:
    spec = SHOP.spec(SHOP.first(Window("orders", START), ACCOUNT))
    asked = dict(spec.params or {})
    # "modified after" is strict, and counts whole seconds
    assert asked["modified_after"] == "2026-05-20T11:59:59"
    assert (asked["orderby"], asked["order"], asked["status"], asked["dates_are_gmt"]) == (
        *("modified", "asc", "any", "true"),
    )
    assert "shipping.country" in asked["_fields"].split(",")
    assert not {"billing", "shipping", "customer_note"} & set(asked["_fields"].split(","))
    counts = [
        dict(SHOP.spec(one).params or {}) for one in SHOP.counts(Window("orders", START), START + timedelta(days=1))
    ]
    assert [one["status"] for one in counts] == ["any", "trash"]
    counted = counts[0]
    assert (counted["modified_before"], counted["per_page"]) == ("2026-05-21T12:00:00", "1")


def test_a_count_that_is_no_number_is_none() -> None:
    assert SHOP.read_count(b"[]", {"x-wp-total": "12"}) == 12
    assert SHOP.read_count(b"[]", {"x-wp-total": "many"}) is None
    assert SHOP.read_count(b"[]", {}) is None


def test_products_are_available_where_they_are_shown_and_in_stock() -> None:
    def told(**change: Any) -> Any:
        item = {
            "id": 5,
            "name": "Mug",
            "status": "publish",
            "catalog_visibility": "visible",
            "date_created_gmt": "2026-01-01T00:00:00",
            "date_modified_gmt": "2026-05-20T12:00:00",
            "price": "32.00",
            "purchasable": True,
            "stock_status": "instock",
            "stock_quantity": 3,
            "manage_stock": True,
            "categories": [{"id": 4, "name": "ceramics"}],
        } | change
        (found,) = SHOP.products(page([item], "products"))
        return found

    mug = told()
    assert (mug.product_id, mug.title, mug.category, mug.unit_price) == ("5", "Mug", "ceramics", "32")
    assert (mug.is_available, mug.stock_quantity) == (True, "3")
    assert told(stock_status="outofstock").is_available is False
    assert told(stock_status="onbackorder").is_available is True
    assert told(status="draft").is_available is False
    assert told(catalog_visibility="hidden").is_available is False
    assert told(manage_stock=False).stock_quantity is None
    assert told(price="").unit_price is None
    assert "price" in told(price="on request").unreadable
    assert told(id=None).unreadable.startswith("product (unreadable")


class ChangingShop:
    """A shop whose orders change while they are read: `changes` says which one changes before each request."""

    def __init__(self, seconds: list[int], changes: list[int]) -> None:
        self.modified = dict(enumerate(seconds))
        self.changes = list(changes)
        self.clock = max(seconds, default=0)

    def ask(self, step: Step) -> Facts:
        if self.changes:
            self.clock += 1
            changed = self.changes.pop()
            if changed in self.modified:
                self.modified[changed] = self.clock
        state = step.state
        after = datetime.fromisoformat(state["after"] + "+00:00") if state["after"] else START - timedelta(days=1)
        found = sorted((at, number) for number, at in self.modified.items() if START + timedelta(seconds=at) > after)
        shown = found[(state["page"] - 1) * state["size"] :][: state["size"]]
        items = [
            {"id": number, "date_modified_gmt": (START + timedelta(seconds=at)).isoformat()[:19]}
            for at, number in shown
        ]
        pages = {"x-wp-total": str(len(found)), "x-wp-totalpages": str(-(-len(found) // state["size"]))}
        return SHOP.facts(Page(step, json.dumps(items).encode(), pages))


@given(
    st.lists(st.integers(0, 12), min_size=1, max_size=40),
    st.lists(st.integers(0, 40), max_size=12),
    st.integers(4, 9),
)
def test_no_order_is_missed_while_orders_change(seconds: list[int], changes: list[int], size: int) -> None:
    shop, tally = ChangingShop(seconds, changes), Tally()
    step: Step | None = Step("records", {"of": "products", "after": None, "page": 1, "size": size})
    asked = 0
    # Where more records were changed in one second than a page holds, numbered pages are all there is.
    if max(map(seconds.count, seconds)) >= size:
        shop.changes = []
    while step is not None:
        facts = shop.ask(step)
        tally.add(facts)
        step = facts.next
        asked += 1
        assert asked < 200
    assert tally.fetched == len(seconds)
