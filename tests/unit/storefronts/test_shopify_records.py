"""Shopify's pages: what orders and products they tell, and what is said of those that can't be read."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lanecast.quarantine.mending import mend
from lanecast.storefronts.base import OrderTold, Page, PageBroken, SourceAccount, Step, Window
from lanecast.storefronts.keeping import kept
from lanecast.storefronts.rows import order_rows
from lanecast.storefronts.shopify import Shopify
from lanecast.warehouse.staging import COLUMNS

SHOP = Shopify()
ACCOUNT = SourceAccount(source="shop", connection="lanecast_shop", base_url="https://shop.example")
END = {"hasNextPage": False, "endCursor": None}


def line(number: int, quantity: Any = 1, **more: Any) -> dict[str, Any]:
    return {
        "id": f"gid://shopify/LineItem/{number}",
        "quantity": quantity,
        "currentQuantity": quantity,
        "sku": f"SKU-{number}",
        "discountedUnitPriceAfterAllDiscountsSet": {"shopMoney": {"amount": "12.50", "currencyCode": "EUR"}},
        "product": {"id": f"gid://shopify/Product/{number + 100}"},
    } | more


def refund(number: int, at: str, *lines: tuple[int, Any], info: dict[str, Any] = END) -> dict[str, Any]:
    nodes = [{"lineItem": {"id": f"gid://shopify/LineItem/{of}"}, "quantity": quantity} for of, quantity in lines]
    return {
        "id": f"gid://shopify/Refund/{number}",
        "createdAt": at,
        "refundLineItems": {"nodes": nodes, "pageInfo": info},
    }


def order(*lines: Any, info: dict[str, Any] = END, **more: Any) -> dict[str, Any]:
    return {
        "id": "gid://shopify/Order/1",
        "name": "#1001",
        "createdAt": "2026-05-20T12:00:00+02:00",
        "updatedAt": "2026-05-21T08:00:00Z",
        "cancelledAt": None,
        "displayFinancialStatus": "PAID",
        "currencyCode": "EUR",
        "customer": {"id": "gid://shopify/Customer/77"},
        "shippingAddress": {"countryCodeV2": "BR", "provinceCode": "SP"},
        "lineItems": {"nodes": list(lines), "pageInfo": info},
        "refunds": [],
        "fulfillments": [],
    } | more


def page(nodes: Any, of: str = "orders", info: Any = END, **state: Any) -> Page:
    body = json.dumps({"data": {of: {"nodes": nodes, "pageInfo": info}}}).encode()
    step = Step("records", {"of": of, "first": 25, "nested": 50, **state})
    return Page(step, kept(body, SHOP.keep(step)))


def one(node: Any, *rest: Page) -> OrderTold:
    (told,) = SHOP.orders(page([node]), rest)
    return told


def test_an_order_as_the_shop_prints_it() -> None:
    told = one(order(line(2, 3), line(1)))
    assert told._replace(lines=()) == OrderTold(
        order_id="1001",
        customer="77",
        ordered_at="2026-05-20T10:00:00+00:00",
        status="paid",
        currency="EUR",
        country="BR",
        region="BR-SP",
        changed_at="2026-05-21T08:00:00+00:00",
    )
    assert [(one.product_id, one.quantity, one.unit_price) for one in told.lines] == [
        ("101", "1", "12.5"),
        ("102", "3", "12.5"),
    ]


def test_purchases_come_first_by_their_ids_then_what_came_back_by_time() -> None:
    told = one(
        order(
            line(10, 4),
            line(9, 2),
            refunds=[refund(2, "2026-06-02T00:00:00Z", (9, 1)), refund(1, "2026-06-01T00:00:00Z", (10, 3), (9, 1))],
        )
    )
    assert [(one.product_id, one.quantity, one.occurred_at) for one in told.lines] == [
        ("109", "2", None),
        ("110", "4", None),
        ("110", "-3", "2026-06-01T00:00:00+00:00"),
        ("109", "-1", "2026-06-01T00:00:00+00:00"),
        ("109", "-1", "2026-06-02T00:00:00+00:00"),
    ]


def test_what_was_taken_out_of_an_order_before_it_was_paid_back_was_never_bought() -> None:
    told = one(
        order(
            line(1, 5, currentQuantity=2),  # one came back, two were taken out
            line(2, 1, currentQuantity=0),  # taken out altogether
            refunds=[refund(1, "2026-06-01T00:00:00Z", (1, 1))],
        )
    )
    assert [(one.product_id, one.quantity) for one in told.lines] == [("101", "3"), ("101", "-1")]


def test_an_order_of_300_lines_is_read_over_nested_pages() -> None:
    first = page(
        [order(*(line(n) for n in range(1, 51)), info={"hasNextPage": True, "endCursor": "c50"})],
    )
    facts = SHOP.facts(first)
    assert [step.state for step in facts.rest] == [
        {"of": "lines", "id": "gid://shopify/Order/1", "after": "c50", "nested": 50}
    ]
    rest: list[Page] = []
    waiting = list(facts.rest)
    while waiting:
        step = waiting.pop()
        at = int(step.state["after"][1:])
        lines = {
            "nodes": [line(n) for n in range(at + 1, at + 51)],
            "pageInfo": {"hasNextPage": at + 50 < 300, "endCursor": f"c{at + 50}"},
        }
        body = json.dumps({"data": {"node": {"id": "gid://shopify/Order/1", "lineItems": lines}}}).encode()
        rest.append(Page(step, kept(body, SHOP.keep(step))))
        waiting.extend(SHOP.facts(rest[-1]).rest)
    (told,) = SHOP.orders(first, rest)
    assert [one.product_id for one in told.lines] == [str(100 + n) for n in range(1, 301)]


def test_the_rest_of_a_refund_belongs_to_it() -> None:
    more = {"hasNextPage": True, "endCursor": "r1"}
    first = page([order(line(1, 2), line(2, 2), refunds=[refund(5, "2026-06-01T00:00:00Z", (1, 1), info=more)])])
    (step,) = SHOP.facts(first).rest
    assert step.state["of"] == "refund"
    node = {"id": "gid://shopify/Refund/5", "refundLineItems": refund(5, "", (2, 2))["refundLineItems"]}
    rest = Page(step, json.dumps({"data": {"node": node}}).encode())
    (told,) = SHOP.orders(first, [rest])
    assert [(one.product_id, one.quantity) for one in told.lines[2:]] == [("101", "-1"), ("102", "-2")]


def test_an_order_that_was_deleted_while_it_was_read_has_no_rest() -> None:
    step = Step("rest", {"of": "lines", "id": "gid://shopify/Order/1", "after": "c", "nested": 50})
    assert SHOP.facts(Page(step, b'{"data": {"node": null}}')).rest == ()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"product": None}, ("sku:SKU-1", "1", "12.5", None)),
        ({"product": None, "sku": None}, (None, "1", "12.5", None)),
        ({"product": None, "sku": ""}, (None, "1", "12.5", None)),
        ({"quantity": "2", "currentQuantity": "2"}, ("101", "2", "12.5", None)),
        ({"product": {"id": "gid://shopify/Product/🎈"}}, ("🎈", "1", "12.5", None)),
        ({"discountedUnitPriceAfterAllDiscountsSet": None}, ("101", "1", None, None)),
    ],
)
def test_lines_that_are_unusual(change: dict[str, Any], expected: tuple[str | None, ...]) -> None:
    (told,) = one(order(line(1, **change))).lines
    assert (told.product_id, told.quantity, told.unit_price, told.unreadable) == expected


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"quantity": "two", "currentQuantity": None}, "quantity: 'two' (not a number"),
        ({"quantity": True, "currentQuantity": None}, "a bool"),
        ({"discountedUnitPriceAfterAllDiscountsSet": {"shopMoney": {"amount": "12,50"}}}, "unit_price: '12,50'"),
        ({"discountedUnitPriceAfterAllDiscountsSet": "12.50"}, "Expected `object | null`"),
        ({"product": "tea"}, "Expected `object | null`"),
        ({"id": None}, "line (unreadable"),
    ],
)
def test_a_line_that_cannot_be_read_says_so_and_leaves_the_others_alone(change: dict[str, Any], words: str) -> None:
    told = one(order(line(1, **change), line(2)))
    (bad,) = [one for one in told.lines if one.unreadable]
    assert words in str(bad.unreadable)
    assert [one.product_id for one in told.lines if not one.unreadable] == ["102"]
    assert told.is_whole


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"createdAt": "yesterday"}, "ordered_at: 'yesterday'"),
        ({"createdAt": 20260520}, "ordered_at: '20260520'"),
        ({"updatedAt": "2026-02-30T00:00:00Z"}, "changed_in_shop_at"),
    ],
)
def test_an_order_with_an_unreadable_time_says_so_with_each_line(change: dict[str, Any], words: str) -> None:
    told = one(order(line(1), line(2), **change))
    assert words in str(told.unreadable)
    assert len(told.lines) == 2


@pytest.mark.parametrize(
    "change", [{"lineItems": None}, {"customer": "Ada"}, {"refunds": "none"}, {"fulfillments": [7]}], ids=str
)
def test_an_order_that_cannot_be_read_at_all_is_one_row_that_withdraws_nothing(change: dict[str, Any]) -> None:
    told = one(order(line(1), **change))
    assert (told.order_id, told.lines, told.is_whole) == ("1001", (), False)
    assert "gid://shopify/Order/1" in str(told.unreadable)


@pytest.mark.parametrize(
    ("change", "column", "value"),
    [
        ({"createdAt": "yesterday"}, "ordered_at", "2026-05-20T10:00:00Z"),
        ({"updatedAt": "yesterday"}, "changed_in_shop_at", "2026-05-21T08:00:00Z"),
        ({"cancelledAt": "yesterday"}, "cancelled_at", "2026-05-21T08:00:00Z"),
    ],
)
def test_what_could_not_be_read_is_mended_by_the_column_that_it_belongs_to(
    change: dict[str, Any], column: str, value: str
) -> None:
    (row,) = order_rows(one(order(line(1), **change)), str.lower)
    bad = dict(zip(COLUMNS["order_line"], (1, *row), strict=True))
    assert bad["unreadable"]
    assert mend("order_line", bad, {column: value})["unreadable"] is None


def test_currency_in_lower_case_and_a_place_that_nobody_knows() -> None:
    told = one(order(line(1), currencyCode="eur", shippingAddress={"countryCodeV2": "ZZ", "provinceCode": "SP"}))
    assert (told.currency, told.country, told.region) == ("EUR", None, None)
    told = one(order(line(1), shippingAddress=None, customer=None))
    assert (told.country, told.customer) == (None, None)


def test_a_cancelled_order_is_cancelled_whatever_was_paid() -> None:
    emptied = line(1, 3, currentQuantity=0)  # as Shopify shows a cancelled order's lines
    told = one(order(emptied, cancelledAt="2026-05-20T11:00:00Z", displayFinancialStatus="VOIDED"))
    assert (told.status, told.cancelled_at) == ("cancelled", "2026-05-20T11:00:00+00:00")
    assert [line.quantity for line in told.lines] == ["3"]


def test_an_order_that_was_emptied_by_editing_is_told_as_one_that_came_to_nothing() -> None:
    told = one(order(line(1, 3, currentQuantity=0), line(2, 1, currentQuantity=0)))
    assert (told.status, told.cancelled_at) == ("paid", "2026-05-21T08:00:00+00:00")
    assert [line.quantity for line in told.lines] == ["3", "1"]


def test_each_number_of_a_fulfillment_that_stands_is_a_parcel() -> None:
    tracking = [{"company": "DHL Express", "number": " JD01 "}, {"company": None, "number": 12}, {"number": None}]
    told = one(
        order(
            line(1),
            fulfillments=[
                {"status": "SUCCESS", "trackingInfo": tracking},
                {"status": "CANCELLED", "trackingInfo": [{"company": "UPS", "number": "1Z"}]},
            ],
        )
    )
    assert told.parcels == (("DHL Express", "JD01"), (None, "12"))


def test_an_order_that_tried_payments_out_is_said_to_be_one() -> None:
    assert one(order(line(1), test=True)).is_test
    assert not one(order(line(1), test=False)).is_test
    assert " test " in SHOP.spec(SHOP.first(Window("orders"), ACCOUNT)).json["query"]


def test_a_null_among_the_orders_is_told_and_counted() -> None:
    told = list(SHOP.orders(page([None, order(line(1))]), ()))
    assert len(told) == len(SHOP.facts(page([None, order(line(1))])).seen) == 2
    assert told[0].unreadable
    assert not told[0].is_whole


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"data": null}',
        b'{"data": {"orders": null}}',
        b'{"data": {"orders": {"nodes": []}}}',
        b'{"data": {"orders": {"nodes": "none", "pageInfo": {}}}}',
        b'{"data": {"products": {"nodes": [], "pageInfo": {}}}}',
        b'{"data": {"orders": {"nodes": [], "pageInfo": {"hasNextPage": true}}}}',
        b'{"data": {"orders": {"nodes": [], "pageInfo": {"hasNextPage": true, "endCursor": "same"}}}}',
    ],
)
def test_a_page_that_does_not_tell_how_to_go_on_is_refused(body: bytes) -> None:
    with pytest.raises(PageBroken):
        SHOP.facts(Page(Step("records", {"of": "orders", "nested": 50, "after": "same"}), body))


def test_windows_are_asked_for_by_the_last_change() -> None:
    since = datetime(2026, 5, 20, 12, tzinfo=UTC)
    spec = SHOP.spec(SHOP.first(Window("orders", since), ACCOUNT))
    assert spec.json["variables"]["query"] == "updated_at:>='2026-05-20T12:00:00Z'"
    assert "sortKey: UPDATED_AT" in spec.json["query"]
    (count,) = SHOP.counts(Window("orders", since), datetime(2026, 5, 21, tzinfo=UTC))
    counted = SHOP.spec(count)
    assert counted.json["variables"] == {
        "query": "updated_at:>='2026-05-20T12:00:00Z' AND updated_at:<'2026-05-21T00:00:00Z'"
    }
    assert "query" not in SHOP.spec(SHOP.first(Window("orders"), ACCOUNT)).json["variables"]


def test_what_a_query_may_cost_is_learnt_from_the_refusal() -> None:
    step = SHOP.first(Window("orders"), ACCOUNT)
    refusal = {"errors": [{"message": "too dear", "extensions": {"code": "MAX_COST_EXCEEDED"}}]}
    trouble = SHOP.trouble(step, json.dumps(refusal).encode())
    assert trouble is not None
    assert trouble.kind == "too much"
    sizes = []
    smaller: Step | None = step
    while smaller is not None:
        sizes.append((smaller.state["first"], smaller.state["nested"]))
        smaller = SHOP.smaller(smaller)
    assert sizes == [(25, 50), (12, 25), (6, 12), (3, 6), (1, 3), (1, 1)]


@pytest.mark.parametrize(("available", "seconds"), [(900.0, 0.0), (100.0, 2.0), (300.0, 0.0)])
def test_a_bucket_that_is_low_is_waited_for(available: float, seconds: float) -> None:
    status = {"maximumAvailable": 1000.0, "currentlyAvailable": available, "restoreRate": 100.0}
    cost = {"requestedQueryCost": 300, "actualQueryCost": 40, "throttleStatus": status}
    assert SHOP.pause(json.dumps({"data": {}, "extensions": {"cost": cost}}).encode()) == pytest.approx(seconds)
    assert SHOP.pause(b"[") == 0.0


def test_products_are_available_where_they_are_shown_and_in_stock() -> None:
    def told(**change: Any) -> Any:
        node = {
            "id": "gid://shopify/Product/5",
            "title": "Mug",
            "productType": "ceramics",
            "status": "ACTIVE",
            "updatedAt": "2026-05-20T12:00:00Z",
            "publishedAt": "2026-01-01T00:00:00Z",
            "totalInventory": 3,
            "tracksInventory": True,
            "priceRangeV2": {"minVariantPrice": {"amount": "32.0", "currencyCode": "usd"}},
        } | change
        (found,) = SHOP.products(page([node], "products"))
        return found

    mug = told()
    assert (mug.product_id, mug.title, mug.category, mug.unit_price, mug.currency) == (
        *("5", "Mug", "ceramics", "32", "USD"),
    )
    assert (mug.is_available, mug.stock_quantity) == (True, "3")
    assert told(totalInventory=0).is_available is False
    assert told(totalInventory=0, tracksInventory=False).is_available is True
    assert told(totalInventory=0, tracksInventory=False).stock_quantity is None
    assert told(status="ARCHIVED").is_available is False
    assert told(publishedAt=None).is_available is False
    assert "stock_quantity" in told(totalInventory="many").unreadable
    assert told(id=None).unreadable.startswith("product (unreadable")


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(order())), inner, max_size=4),
    max_leaves=8,
)


@given(st.sampled_from(sorted(order())), anything)
def test_whatever_stands_in_a_member_an_order_is_told(name: str, value: Any) -> None:
    told = list(SHOP.orders(page([order(line(1)) | {name: value}, order(line(2))]), ()))
    assert len(told) == 2
    assert told[1].order_id == "1001"


MOST_COST = {"code": "MAX_COST_EXCEEDED", "cost": 2003, "maxCost": 1000, "documentation": "https://shopify.dev"}


@pytest.mark.parametrize(
    ("errors", "kind", "words"),
    [
        ([{"message": "dear", "extensions": MOST_COST}], "too much", "dear"),
        ([{"message": "late", "extensions": {"code": "TIMEOUT", "cost": 1}}], "failed", "late"),
        ([{"message": None, "extensions": None}], "failed", "an error without words"),
        ([None, 7, {"message": {"a": 1}}], "failed", "an error without words"),
        ({"query": "missing"}, "failed", "an error without words"),
        ("[API] Internal", "failed", "[API] Internal"),
        ([{"message": "Throttled", "extensions": {"code": "THROTTLED"}}], "throttled", "every wait: Throttled"),
    ],
)
@pytest.mark.parametrize(
    "cost", [None, {"requestedQueryCost": 5, "throttleStatus": None}, {"requestedQueryCost": "?"}, 3]
)
def test_an_error_is_one_whatever_it_looks_like(errors: Any, kind: str, words: str, cost: Any) -> None:
    told = {"data": {"orders": {"nodes": [], "pageInfo": END}}, "errors": errors, "extensions": {"cost": cost}}
    trouble = SHOP.trouble(SHOP.first(Window("orders"), ACCOUNT), json.dumps(told).encode())
    assert trouble is not None
    assert trouble.kind == kind
    assert words in trouble.problem
    assert SHOP.trouble(SHOP.first(Window("orders"), ACCOUNT), json.dumps(told | {"errors": []}).encode()) is None
    assert SHOP.pause(json.dumps(told).encode()) == 0
