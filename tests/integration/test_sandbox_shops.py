"""The sandbox's Shopify and WooCommerce over real HTTP: pages, counts, limits, changes, what they give away."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from lanecast.sandbox.shop.orders import Order, shop_id
from lanecast.sandbox.shop.shopify_cost import Points, cost
from lanecast.sandbox.shop.shopify_schema import schema
from sandbox_world import START, StandIn, stand_in

GRAPHQL = "/shopify/admin/api/2026-07/graphql.json"
REST = "/woocommerce/wp-json/wc/v3"
ORDERS = """query($first: Int!, $after: String, $query: String, $lines: Int!) {
  orders(first: $first, after: $after, query: $query, sortKey: UPDATED_AT) {
    nodes {
      id name createdAt updatedAt cancelledAt displayFinancialStatus displayFulfillmentStatus currencyCode
      customer { id } shippingAddress { countryCodeV2 provinceCode }
      lineItems(first: $lines) {
        nodes {
          id quantity currentQuantity sku product { id }
          discountedUnitPriceAfterAllDiscountsSet { shopMoney { amount currencyCode } }
        }
        pageInfo { hasNextPage endCursor }
      }
      refunds { id createdAt refundLineItems(first: 10) { nodes { lineItem { id } quantity } } }
      fulfillments { id createdAt status trackingInfo { company number } }
    }
    pageInfo { hasNextPage endCursor }
  }
  ordersCount(query: $query, limit: null) { count precision }
}"""


class Shops:
    """Both shops, asked over HTTP, and the world behind them."""

    def __init__(self, running: StandIn) -> None:
        self.running = running
        self.http = httpx.Client(base_url=running.url, trust_env=False, timeout=60)
        self.shop = running.sandbox.storefronts.shop

    def graphql(self, document: str, token: str = "sandbox-secret", **variables: Any) -> dict[str, Any]:
        answer = self.http.post(
            GRAPHQL, headers={"X-Shopify-Access-Token": token}, json={"query": document, "variables": variables}
        )
        told: dict[str, Any] = answer.json() | {"status": answer.status_code}
        return told

    def all_orders(self, first: int, lines: int = 10, query: str | None = None) -> tuple[list[dict[str, Any]], int]:
        found: list[dict[str, Any]] = []
        after, pages = None, 0
        while True:
            told = self.graphql(ORDERS, first=first, after=after, query=query, lines=lines)
            assert "errors" not in told, told
            page = told["data"]["orders"]
            found, pages = found + page["nodes"], pages + 1
            if not page["pageInfo"]["hasNextPage"]:
                assert told["data"]["ordersCount"] == {"count": len(found), "precision": "EXACT"}
                return found, pages
            after = page["pageInfo"]["endCursor"]

    def rest(self, path: str, **asked: Any) -> httpx.Response:
        return self.http.get(REST + path, params=asked, auth=("sandbox-woocommerce", "sandbox-secret"))

    def truth(self, kind: str) -> list[Order]:
        ledger, now = self.shop.ledger, self.shop.now()
        days = range(ledger.first_day, now // 86400 + 1)
        return [one for day in days for one in ledger.on(day) if one.kind == kind and one.ordered_at <= now]

    def change(self, what: str, **change: Any) -> dict[str, Any]:
        told: dict[str, Any] = self.http.post(f"/sandbox/{what}", json=change).raise_for_status().json()
        return told


@pytest.fixture(scope="module")
def shops() -> Iterator[Shops]:
    with stand_in(per_day=10, history_days=60) as running:
        yield Shops(running)


@pytest.fixture(autouse=True)
def _calm(shops: Shops) -> Iterator[None]:
    yield
    shops.running.calm()
    shops.http.delete("/sandbox/changes").raise_for_status()


def test_shopify_tells_every_order_once_page_by_page(shops: Shops) -> None:
    found, pages = shops.all_orders(25)
    truth = {order.order_id: order for order in shops.truth("shopify")}
    assert pages == -(-len(truth) // 25) > 3
    assert sorted(node["name"] for node in found) == sorted(f"#{name}" for name in truth)
    assert [node["updatedAt"] for node in found] == sorted(node["updatedAt"] for node in found)
    now = shops.shop.now()
    for node in found:
        order = truth[node["name"][1:]]
        assert node["id"] == f"gid://shopify/Order/{order.id}"
        assert (node["customer"] is None) == (order.customer is None)
        assert node["shippingAddress"]["countryCodeV2"] == order.place.country
        assert [line["quantity"] for line in node["lineItems"]["nodes"]] == [line.quantity for line in order.lines]
        assert (node["cancelledAt"] is not None) == order.is_cancelled(now)
        numbers = [told["number"] for one in node["fulfillments"] for told in one["trackingInfo"]]
        assert numbers == ([order.parcel.number] if order.parcel is not None and order.is_shipped(now) else [])
        refunded = sum(line["quantity"] for one in node["refunds"] for line in one["refundLineItems"]["nodes"])
        assert refunded == sum(quantity for one in order.refunds_at(now) for _, quantity in one.lines)


def test_shopify_and_woocommerce_together_tell_all_parcels_of_the_world(shops: Shops) -> None:
    shopify = {node["name"][1:] for node in shops.all_orders(100)[0]}
    woocommerce = {order["number"] for order in _rest_orders(shops)}
    assert not shopify & woocommerce
    parcels = {one.order_id for one in shops.running.world.history()}
    cancelled = {
        order.order_id for kind in ("shopify", "woocommerce") for order in shops.truth(kind) if not order.parcel
    }
    assert shopify | woocommerce == parcels | cancelled


def test_shopify_pages_what_is_nested_and_goes_on_by_the_node(shops: Shops) -> None:
    found, _ = shops.all_orders(100, lines=1)
    node = next(node for node in found if node["lineItems"]["pageInfo"]["hasNextPage"])
    cursor = node["lineItems"]["pageInfo"]["endCursor"]
    rest = shops.graphql(
        "query($id: ID!, $after: String) { node(id: $id) { ... on Order { "
        "lineItems(first: 50, after: $after) { nodes { id } pageInfo { hasNextPage } } } } }",
        id=node["id"],
        after=cursor,
    )["data"]["node"]["lineItems"]
    order = shops.shop.named(node["name"][1:])
    assert order is not None
    seen = [line["id"] for line in node["lineItems"]["nodes"] + rest["nodes"]]
    assert seen == [f"gid://shopify/LineItem/{line.id}" for line in order.lines]
    assert rest["pageInfo"]["hasNextPage"] is False


def test_an_order_changed_after_it_was_read_is_told_again_and_alone(shops: Shops) -> None:
    order = next(one for one in shops.truth("shopify") if one.is_shipped(shops.shop.now()) and not one.refunds)
    shops.running.time = START + timedelta(hours=1)
    since = f"updated_at:>='{(START + timedelta(hours=1)).isoformat()}'"
    before, _ = shops.all_orders(25, query=since)
    shops.change(f"orders/{order.order_id}", refund={"1": 1})
    told, _ = shops.all_orders(25, query=since)
    assert [node["name"] for node in told if node not in before] == [f"#{order.order_id}"]
    (node,) = (node for node in told if node["name"] == f"#{order.order_id}")
    assert node["refunds"][0]["refundLineItems"]["nodes"] == [
        {"lineItem": {"id": f"gid://shopify/LineItem/{order.lines[0].id}"}, "quantity": 1}
    ]
    assert node["lineItems"]["nodes"][0]["currentQuantity"] == order.lines[0].quantity - 1
    assert node["displayFinancialStatus"] in ("PARTIALLY_REFUNDED", "REFUNDED")


def test_shopify_throttles_by_what_queries_cost(shops: Shops) -> None:
    graph = shops.running.sandbox.storefronts._shopify()
    clock = [0.0]
    graph.points = Points(400, 50, lambda: clock[0])
    query = "{ orders(first: 250) { nodes { id customer { id } shippingAddress { zip } } } }"
    first = shops.graphql(query)["extensions"]["cost"]
    assert first["requestedQueryCost"] >= first["actualQueryCost"] > 0
    assert first["throttleStatus"] == {
        "maximumAvailable": 400.0,
        "currentlyAvailable": 400 - first["actualQueryCost"],
        "restoreRate": 50.0,
    }
    while "errors" not in (told := shops.graphql(query)):
        pass
    assert told["errors"][0]["extensions"]["code"] == "THROTTLED"
    assert told["extensions"]["cost"]["actualQueryCost"] is None
    clock[0] += 60
    assert "errors" not in shops.graphql(query)
    graph.points = Points(4000, 2000)
    inner = "product { variants(first: 250) { nodes { id } } }"
    dear = f"{{ orders(first: 250) {{ nodes {{ lineItems(first: 250) {{ nodes {{ {inner} }} }} }} }} }}"
    assert shops.graphql(dear)["errors"][0]["extensions"]["code"] == "MAX_COST_EXCEEDED"


def test_a_connection_costs_what_shopify_was_seen_to_ask_for_one() -> None:
    from graphql import parse

    query = parse("{ product(id: 1) { variants(first: 250) { nodes { product { id } } } } }")
    assert cost(schema(), query, {}) == 25


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{ orders { nodes { id } } }", "BAD_REQUEST"),
        ("{ orders(first: 251) { nodes { id } } }", "BAD_REQUEST"),
        ('{ orders(first: 1, after: "no cursor") { nodes { id } } }', "BAD_REQUEST"),
        ("{ orders(first: 1, query: \"updated_at:>='yesterday'\") { nodes { id } } }", "BAD_REQUEST"),
    ],
)
def test_shopify_refuses_what_it_cannot_answer(shops: Shops, query: str, code: str) -> None:
    assert shops.graphql(query)["errors"][0]["extensions"]["code"] == code


def test_shopify_says_what_is_wrong_with_a_query_a_token_and_a_version(shops: Shops) -> None:
    assert (
        "Cannot query field 'weight'"
        in shops.graphql("{ orders(first: 1) { nodes { weight } } }")["errors"][0]["message"]
    )
    assert shops.graphql("{ orders(first: 1) {")["errors"][0]["message"].startswith("Syntax Error")
    assert shops.graphql("{ shop { name } }", token="wrong")["status"] == 401
    old = shops.http.post(
        GRAPHQL.replace("2026-07", "2019-01"), headers={"X-Shopify-Access-Token": "sandbox-secret"}, json={"query": ""}
    )
    assert old.status_code == 404


def test_counts_stop_at_their_limit_and_ignored_search_terms_are_named(shops: Shops) -> None:
    told = shops.graphql('{ ordersCount(limit: 7, query: "tag:new") { count precision } }')
    assert told["data"]["ordersCount"] == {"count": 7, "precision": "AT_LEAST"}
    assert told["extensions"]["search"][0]["warnings"] == [{"field": "tag", "code": "invalid_field"}]


def test_products_are_told_alike_by_both_shops_until_one_is_deleted(shops: Shops) -> None:
    page = "products(first: 250, after: $after, sortKey: UPDATED_AT) "
    query = (
        f"query($after: String) {{ {page} {{ nodes {{ id title totalInventory }} pageInfo {{ endCursor }} }} "
        "productsCount { count } }"
    )
    told = shops.graphql(query)["data"]
    second = shops.graphql(
        query,
        after=told["products"]["pageInfo"]["endCursor"],
    )["data"]["products"]["nodes"]
    shopify = {
        int(one["id"].rpartition("/")[2]): (one["title"], one["totalInventory"])
        for one in told["products"]["nodes"] + second
    }
    assert len(shopify) == told["productsCount"]["count"] > 250
    rest: dict[int, tuple[str, int]] = {}
    for page in (1, 2, 3, 4):
        answer = shops.rest("/products", per_page=100, page=page, orderby="id", order="asc")
        rest |= {one["id"]: (one["name"], one["stock_quantity"]) for one in answer.json()}
        assert answer.headers["X-WP-Total"] == str(len(shopify))
        assert answer.headers["X-WP-TotalPages"] == "3"
    assert rest == shopify

    order = next(one for one in shops.truth("shopify") if _still_sold(shops, one))
    other = next(one for one in shops.truth("woocommerce") if _still_sold(shops, one))
    for one in (order, other):
        shops.change(f"products/{shops.shop.product(one.lines[0].product).id}", delete=True)
    assert shops.graphql(query)["data"]["productsCount"]["count"] == len(shopify) - len(
        {order.lines[0].product, other.lines[0].product}
    )
    node = shops.graphql(
        "query($id: ID!) { node(id: $id) { ... on Order { lineItems(first: 9) { nodes { sku product { id } } } } } }",
        id=f"gid://shopify/Order/{order.id}",
    )
    line = node["data"]["node"]["lineItems"]["nodes"][0]
    assert line == {"sku": shops.shop.product(order.lines[0].product).sku, "product": None}
    assert shops.rest(f"/orders/{other.id}").json()["line_items"][0]["product_id"] == 0
    assert shops.rest(f"/products/{shops.shop.product(other.lines[0].product).id}").status_code == 404


def test_woocommerce_pages_count_and_filter_by_the_last_change(shops: Shops) -> None:
    truth = shops.truth("woocommerce")
    answer = shops.rest("/orders", per_page=100, page=1, orderby="modified", order="asc", status="any")
    assert answer.headers["X-WP-Total"] == str(len(truth))
    assert answer.headers["X-WP-TotalPages"] == str(-(-len(truth) // 100))
    found = _rest_orders(shops)
    assert {one["number"] for one in found} == {order.order_id for order in truth}
    modified = [one["date_modified_gmt"] for one in found]
    assert modified == sorted(modified)
    since = modified[len(modified) // 2]
    later = shops.rest("/orders", modified_after=since, dates_are_gmt="true", status="any", per_page=1)
    assert int(later.headers["X-WP-Total"]) == sum(one > since for one in modified)
    assert shops.rest("/orders", page=1000, per_page=100).json() == []


def test_woocommerce_tells_lines_refunds_and_parcels(shops: Shops) -> None:
    now = shops.shop.now()
    order = next(one for one in shops.truth("woocommerce") if one.refunds_at(now) and len(one.lines) > 1)
    told = shops.rest(f"/orders/{order.id}").json()
    assert [(line["id"], line["quantity"]) for line in told["line_items"]] == [
        (line.id, line.quantity) for line in order.lines if line.removed_at is None
    ]
    refund = order.refunds_at(now)[0]
    (back,) = shops.rest(f"/orders/{order.id}/refunds").json()
    assert back["id"] == told["refunds"][0]["id"] == refund.id
    assert [(line["quantity"], line["meta_data"][0]["value"]) for line in back["line_items"]] == [
        (-quantity, str(order.lines[place].id)) for place, quantity in refund.lines
    ]
    assert back["amount"] == told["refunds"][0]["total"].removeprefix("-")
    tracking = {one["key"]: one["value"] for one in told["meta_data"]}["_wc_shipment_tracking_items"]
    assert order.parcel is not None
    assert [one["tracking_number"] for one in tracking] == [order.parcel.number]
    everyone = shops.rest("/refunds", per_page=100)
    assert int(everyone.headers["X-WP-Total"]) == sum(len(one.refunds_at(now)) for one in shops.truth("woocommerce"))


def test_woocommerce_gives_the_fields_asked_for_and_refuses_what_is_wrong(shops: Shops) -> None:
    (told,) = shops.rest("/orders", per_page=1, _fields="id,billing.country,line_items.id").json()
    assert set(told) == {"id", "billing", "line_items"}
    assert set(told["billing"]) == {"country"}
    assert told["line_items"] == []  # WordPress does not look into the entries of a list
    wrong = shops.rest("/orders", per_page=101)
    assert (wrong.status_code, wrong.json()["code"]) == (400, "rest_invalid_param")
    for asked in ({"modified_after": "yesterday"}, {"include": "one"}, {"page": "0"}):
        assert shops.rest("/orders", **asked).json()["code"] == "rest_invalid_param"
    one = shops.truth("woocommerce")[3]
    assert [order["id"] for order in shops.rest("/orders", include=f"{one.id},23").json()] == [one.id]
    processing = shops.rest("/orders", status="processing", per_page=100)
    assert int(processing.headers["X-WP-Total"]) > 0
    assert {order["status"] for order in processing.json()} == {"processing"}
    assert shops.rest("/orders/23").json()["code"] == "woocommerce_rest_shop_order_invalid_id"
    worked_out = len(shops.shop.ledger._days)
    assert shops.rest(f"/orders/{shop_id(40_000, 0)}").status_code == 404
    assert len(shops.shop.ledger._days) == worked_out  # a far order is none, without working out the days until then
    stranger = shops.http.get(f"{REST}/orders", auth=("sandbox-woocommerce", "wrong"))
    assert (stranger.status_code, stranger.json()["code"]) == (401, "woocommerce_rest_cannot_view")


def test_orders_are_cancelled_and_lines_removed_by_hand(shops: Shops) -> None:
    shops.running.time = START + timedelta(hours=1)
    now = shops.shop.now()
    order = next(
        one
        for one in shops.truth("woocommerce")
        if len(one.lines) > 1 and not one.is_shipped(now) and not one.is_cancelled(now)
    )
    shops.change(f"orders/{order.order_id}", remove_line=1)
    told = shops.rest(f"/orders/{order.id}").json()
    assert [line["id"] for line in told["line_items"]] == [
        line.id for line in order.lines[1:] if line.removed_at is None
    ]
    shops.change(f"orders/{order.order_id}", cancel=True)
    told = shops.rest(f"/orders/{order.id}").json()
    assert told["status"] == "cancelled"
    assert told["date_modified_gmt"] == "2026-05-20T13:00:00"
    shipped = next(one for one in shops.truth("shopify") if one.is_shipped(now))
    for path, change, status in (
        (f"orders/{shipped.order_id}", {"cancel": True}, 400),
        (f"orders/{shipped.order_id}", {"refund": {"1": 1000}}, 400),
        (f"orders/{shipped.order_id}", {"remove_line": 9}, 400),
        (f"orders/{shipped.order_id}", {"resend": True}, 400),
        ("orders/260520-9999", {"cancel": True}, 404),
        ("products/1", {"delete": True}, 404),
    ):
        assert shops.http.post(f"/sandbox/{path}", json=change).status_code == status
    shops.http.delete("/sandbox/changes")
    assert shops.rest(f"/orders/{order.id}").json()["status"] == "processing"


def test_personal_data_is_there_for_whoever_asks(shops: Shops) -> None:
    order = next(one for one in shops.truth("shopify") if one.customer is not None)
    query = (
        "query($id: ID!) { order(id: $id) { email customer { firstName lastName } shippingAddress { address1 city } } }"
    )
    told = shops.graphql(query, id=f"gid://shopify/Order/{order.id}")["data"]["order"]
    assert told["customer"]["firstName"] == "Customer"
    assert told["email"] == f"customer{told['customer']['lastName']}@example.com"
    noted = next(one for one in shops.truth("woocommerce") if any(at <= shops.shop.now() for at in one.edited_at))
    rest = shops.rest(f"/orders/{noted.id}").json()
    assert rest["billing"]["email"].endswith("@example.com")
    assert any(
        rest["billing"]["last_name"] in one["value"] for one in rest["meta_data"] if one["key"] == "_delivery_note"
    )


@pytest.mark.parametrize("kind", ["shopify", "woocommerce"])
def test_shops_fail_on_demand_as_carriers_do(shops: Shops, kind: str) -> None:
    def ask() -> httpx.Response:
        if kind == "woocommerce":
            return shops.rest("/orders", per_page=1)
        return shops.http.post(
            GRAPHQL, headers={"X-Shopify-Access-Token": "sandbox-secret"}, json={"query": "{ shop { name } }"}
        )

    whole = ask()
    for fault, status in (("429", 429), ("500", 500), ("503", 503), ("truncated", 200)):
        shops.running.fault(carrier=kind, kind=fault)
        answer = ask()
        assert answer.status_code == status
        assert fault != "truncated" or len(answer.content) < len(whole.content)
    assert ask().status_code == 200
    stats = shops.http.get("/sandbox/stats").json()["requests"][kind]
    assert stats["fault 500"] == stats["500"] == 1


def test_the_exports_say_what_the_shops_say(shops: Shops) -> None:
    lines = _export(shops, "orders.csv.gz")
    orders = {node["name"][1:]: node for node in shops.all_orders(100)[0]}
    for order_id, node in orders.items():
        mine = [row for row in lines if row["order_id"] == order_id]
        bought = sum(line["quantity"] for line in node["lineItems"]["nodes"])
        back = sum(line["quantity"] for one in node["refunds"] for line in one["refundLineItems"]["nodes"])
        removed = bought - back - sum(line["currentQuantity"] for line in node["lineItems"]["nodes"])
        expected = bought - removed - back if node["cancelledAt"] is None else bought
        assert sum(int(row["quantity"]) for row in mine) == expected
        customer = node["customer"] and node["customer"]["id"].rpartition("/")[2]
        assert {row["customer_id"] for row in mine} == {customer or ""}
    assert {row["order_id"] for row in lines} == set(orders) | {one["number"] for one in _rest_orders(shops)}
    listed = int(shops.rest("/products").headers["X-WP-Total"])
    assert len(_export(shops, "products.csv.gz")) == listed


def test_what_is_new_of_behaviour_follows_its_history(shops: Shops) -> None:
    history = _export(shops, "interactions.csv.gz")
    assert max(row["occurred_at"] for row in history) <= "2026-05-20T12:00:00Z"
    assert _export(shops, "new_interactions.csv.gz") == []
    shops.running.time = START + timedelta(days=2)
    new = _export(shops, "new_interactions.csv.gz", since=START.isoformat())
    later = _export(shops, "new_interactions.csv.gz", since=(START + timedelta(days=1)).isoformat())
    assert len(new) > len(later) > 0
    assert [row for row in new if row["occurred_at"] > "2026-05-21T12:00:00Z"] == later
    assert all(row["order_id"] == "" and row["kind"] in ("view", "cart") for row in history + new)
    assert shops.http.get("/export/new_interactions.csv.gz", params={"since": "yesterday"}).status_code == 400


def _still_sold(shops: Shops, order: Order) -> bool:
    return shops.shop.product(order.lines[0].product).is_listed(shops.shop.now()) and order.lines[0].removed_at is None


def _rest_orders(shops: Shops) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    page = 1
    while True:
        answer = shops.rest("/orders", per_page=100, page=page, orderby="modified", order="asc", status="any")
        found += answer.json()
        if page >= int(answer.headers["X-WP-TotalPages"]):
            return found
        page += 1


def _export(shops: Shops, name: str, **asked: str) -> list[dict[str, str]]:
    body = shops.http.get(f"/export/{name}", params=asked).raise_for_status().content
    return list(csv.DictReader(io.StringIO(gzip.decompress(body).decode())))
