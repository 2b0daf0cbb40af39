"""Both shops and the behaviour of a simulated world, over real HTTP, into a real warehouse: what the shops have is
there, once, whatever changes and whatever breaks off."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from lanecast import pipeline
from lanecast.sandbox.shop import exports
from lanecast.sandbox.shop.customers import person
from lanecast.sandbox.shop.shopify_nodes import OrderNode
from lanecast.storefronts import asking, runs, watermarks
from lanecast.storefronts import pull as pulling
from lanecast.storefronts.asking import ShopDown
from lanecast.warehouse import clock
from sandbox_world import StandIn, stand_in
from storefront_world import (
    change,
    core_lines,
    declared,
    known_orders,
    loaded,
    move_on,
    one,
    pull,
    rows,
    stored_bodies,
    told_lines,
)

PARCELS = (
    "SELECT carrier, tracking_number, shipment.order_id, destination_country, origin_country AS origin, source "
    "FROM core.shipment LEFT JOIN core.customer_order USING (order_id)"
)
_numbers = itertools.count(1)
pytestmark = pytest.mark.timeout(180)

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def world() -> Iterator[StandIn]:
    with stand_in(per_day=16, history_days=20) as running:
        yield running


@pytest.fixture
def shops(world: StandIn, warehouse: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[StandIn]:
    monkeypatch.setenv("LANECAST_SANDBOX_URL", world.url)
    monkeypatch.setenv("LANECAST_RAW", str(tmp_path / "raw"))
    world.calm()
    world.sandbox.storefronts.shop.reset()
    clock.set_clock(world.time, world.time, 0)
    yield world
    world.calm()
    world.sandbox.storefronts.shop.reset()


def read(*sources: str) -> dict[str, int]:
    """Reads sources without loading what came; how many orders came of each."""
    found = {}
    for source in sources:
        (run,) = runs.open_runs(f"test:{next(_numbers)}", source)
        found[source] = pulling.pull(run).get("orders", 0)
    return found


def all_of(shops: StandIn) -> dict[str, int]:
    """How many orders the shops have."""
    return {kind: len(shops.sandbox.storefronts.shop.seen(kind)[0]) for kind in ("shopify", "woocommerce")}


def parcels_of(shops: StandIn) -> set[tuple[str, str, str, str]]:
    """Carrier, tracking number, order and destination of what was shipped by now."""
    now = int(shops.time.timestamp())
    return {
        (order.parcel.carrier, order.parcel.number, order.order_id, order.place.country)
        for order in known_orders(shops)
        if order.parcel is not None and order.is_shipped(now)
    }


def watermark(dsn: str, source: str, stream: str) -> Any:
    found = rows(
        dsn, "SELECT watermark FROM ops.storefront_watermark WHERE source = %s AND stream = %s", source, stream
    )
    return found[0][0] if found else None


def test_what_the_shops_have_is_known_and_a_second_run_brings_nothing(shops: StandIn, warehouse: str) -> None:
    told = pull()
    assert [source["error"] for source in told.values()] == [None, None, None]
    held = all_of(shops)
    assert {source: told[source]["fetched"]["orders"] for source in held} == held
    assert min(held.values()) > 60  # more than one page of each
    assert rows(
        warehouse,
        "SELECT source, told = fetched, problem, is_full FROM ops.storefront_read WHERE stream = 'orders' ORDER BY 1",
    ) == [("shopify", True, None, True), ("woocommerce", True, None, True)]
    assert core_lines(warehouse, shops) == told_lines(shops)
    unknown = rows(warehouse, "SELECT DISTINCT rule FROM quality.quarantined_row")
    assert unknown in ([], [("product_missing",)])
    products = len(shops.sandbox.storefronts.shop.products())
    assert one(warehouse, "SELECT count(*) FROM core.product WHERE title IS NOT NULL") == products
    assert {row[:4] for row in rows(warehouse, PARCELS)} == parcels_of(shops)
    assert rows(warehouse, f"SELECT DISTINCT origin FROM ({PARCELS}) AS told WHERE source = 'shopify'") == [("DE",)]
    before = watermark(warehouse, "shopify", "orders")

    again = pull("shopify", "woocommerce")
    for source in again.values():
        assert [row[0] for row in loaded(source).values()] == [0] * len(source["loaded"])
        assert sum(source["fetched"].values()) < 20
    assert watermark(warehouse, "shopify", "orders") == before
    assert core_lines(warehouse, shops) == told_lines(shops)


def test_prices_are_those_after_discounts_and_test_orders_are_left_out(
    shops: StandIn, warehouse: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shop, now = shops.sandbox.storefronts.shop, int(shops.time.timestamp())
    orders = [order for order in known_orders(shops) if order.kind == "shopify"]
    tried = next(order for order in orders if order.parcel and order.is_shipped(now))
    monkeypatch.setattr(OrderNode, "test", property(lambda node: node.name == f"#{tried.order_id}"))
    with declared(monkeypatch, tmp_path, {"shopify": {"kind": "shopify", "streams": ["orders"]}}):
        told = pull("shopify")["shopify"]
    assert told["fetched"]["orders"] == len(orders)
    known = "SELECT count(*) FROM core.customer_order UNION ALL SELECT count(*) FROM core.shipment WHERE order_id = %s"
    assert rows(warehouse, known, tried.order_id) == [(len(orders) - 1,), (0,)]
    prices = {(row[0], Decimal(row[7])) for order in orders for row in exports.order_rows(shop, order, now)}
    assert set(rows(warehouse, "SELECT order_id, unit_price FROM core.order_line")) <= prices


def test_behaviour_is_known_by_customers_keys(shops: StandIn, warehouse: str) -> None:
    told = pull("behaviour")["behaviour"]
    assert loaded(told)["interaction"][0] == told["fetched"]["interactions"] > 100
    assert one(warehouse, "SELECT bool_and(customer_id ~ '^c[0-9a-f]{32}$') FROM core.interaction")
    before = one(warehouse, "SELECT count(*) FROM core.interaction")
    move_on(shops, DAY)
    told = pull("behaviour")["behaviour"]
    new, known, _ = loaded(told)["interaction"]
    assert new > 0
    assert one(warehouse, "SELECT count(*) FROM core.interaction") == before + new
    # The history is not read again, and the overlap of a quarter of an hour is known already.
    assert known < before / 10


def test_late_changes_are_picked_up(shops: StandIn, warehouse: str) -> None:
    pull("shopify", "woocommerce")
    now = int(shops.time.timestamp())
    chosen = {}
    for kind in ("shopify", "woocommerce"):
        orders = [
            order for order in known_orders(shops) if order.kind == kind and not order.refunds and not order.edited_at
        ]
        open_ones = [one for one in orders if one.parcel and not one.is_shipped(now)]
        shipped = next(one for one in orders if one.is_shipped(now))
        shortened = next(one for one in open_ones if len(one.lines) > 1)
        cancelled = next(one for one in open_ones if one is not shortened)
        chosen[kind] = (shipped.order_id, cancelled.order_id, shortened.order_id)
    single = (order for order in known_orders(shops) if order.kind == "woocommerce" and len(order.lines) == 1)
    emptied = next(order.order_id for order in single if order.order_id not in chosen["woocommerce"])
    kept = (
        order.order_id for order in known_orders(shops) if order.kind == "woocommerce" and order.order_id != emptied
    )
    trashed = next(order_id for order_id in kept if order_id not in chosen["woocommerce"])
    move_on(shops, timedelta(hours=31))  # and what else happens in a day
    for sent_back, cancelled_id, shortened_id in chosen.values():
        change(shops, "orders", sent_back, refund={"1": 1})
        with contextlib.suppress(httpx.HTTPStatusError):  # it may have been shipped in the meantime
            change(shops, "orders", cancelled_id, cancel=True)
        change(shops, "orders", shortened_id, remove_line=2)
    change(shops, "orders", emptied, remove_line=1)
    change(shops, "orders", trashed, trash=True)
    told = pull("shopify", "woocommerce")
    assert [source["error"] for source in told.values()] == [None, None]
    assert core_lines(warehouse, shops) == told_lines(shops)
    for sent_back, _, shortened_id in chosen.values():
        assert one(warehouse, "SELECT count(*) FROM core.order_line WHERE quantity < 0 AND order_id = %s", sent_back)
        withdrawn = "SELECT count(*) FROM core.order_line WHERE order_id = %s AND withdrawn_at IS NOT NULL"
        assert one(warehouse, withdrawn, shortened_id) == 1
    assert one(warehouse, withdrawn, emptied) >= 1
    assert one(
        warehouse, "SELECT cancelled_at = changed_in_shop_at FROM core.customer_order WHERE order_id = %s", trashed
    )
    assert pull("woocommerce", full=True)["woocommerce"]["fetched"]["orders"] == all_of(shops)["woocommerce"]


def test_a_product_that_every_shop_has_deleted_is_withdrawn_and_comes_back(
    shops: StandIn, warehouse: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shopify = {"kind": "shopify", "streams": ["products", "orders"]}
    sources = {"shopify": shopify, "woocommerce": {"kind": "woocommerce", "streams": ["products"]}}
    with declared(monkeypatch, tmp_path, sources):
        deleted_and_back(shops, warehouse)


def deleted_and_back(shops: StandIn, warehouse: str) -> None:
    pull("shopify", "woocommerce")
    sold, lines = rows(
        warehouse,
        "SELECT product.product_id, count(*) FROM core.order_line AS line JOIN core.product AS product "
        "ON line.product_id = product.product_id JOIN core.customer_order AS sale USING (order_id) "
        "WHERE product.title IS NOT NULL AND sale.source = 'shopify' GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 1",
    )[0]
    of_shopify = (
        "SELECT count(*) FROM core.order_line JOIN core.customer_order USING (order_id) "
        "WHERE product_id = %s AND source = 'shopify'"
    )
    gone = "SELECT withdrawn_at FROM core.product WHERE product_id = %s"
    change(shops, "products", sold, delete=True)
    move_on(shops, DAY)
    pull("shopify")
    assert one(warehouse, gone, sold) is None  # the other shop may have it still
    pull("woocommerce")
    assert one(warehouse, gone, sold) == shops.time
    # Where its orders are read again, their lines keep the product that they had.
    pull("shopify", full=True)
    assert one(warehouse, of_shopify, sold) >= lines
    shops.sandbox.storefronts.shop.reset()
    move_on(shops, DAY)
    pull("shopify")
    assert one(warehouse, gone, sold) is None


def test_a_full_read_finds_what_a_watermark_has_passed_by(shops: StandIn, warehouse: str) -> None:
    pull("shopify")
    before = core_lines(warehouse, shops)
    lost = rows(warehouse, "DELETE FROM core.order_line WHERE line_number = 1 RETURNING order_id")
    assert len(lost) > 20
    told = pull("shopify", full=True)
    assert told["shopify"]["fetched"]["orders"] == len(shops.sandbox.storefronts.shop.seen("shopify")[0])
    assert core_lines(warehouse, shops) == before


def test_no_personal_data_gets_into_the_raw_store(shops: StandIn, warehouse: str, tmp_path: Path) -> None:
    read("shopify", "woocommerce", "behaviour")
    bodies = stored_bodies(tmp_path / "raw")
    for expected in (b"lineItems", b"line_items", b"occurred_at"):
        assert expected in bodies
    assert b"sandbox-secret" not in bodies
    for order in known_orders(shops):
        known = person(order.customer, order.order_id)
        for told in (f"{known.first_name} {known.last_name}", known.email, known.phone):
            assert told.encode() not in bodies, told
    for word in (b"@", b"Example Street", b"Ring at", b"192.0.2."):
        assert word not in bodies


def test_rate_limits_are_kept_to(shops: StandIn, warehouse: str, monkeypatch: pytest.MonkeyPatch) -> None:
    endpoints = shops.sandbox.storefronts
    points = endpoints._shopify().points
    for name in ("most", "per_second", "_level"):
        monkeypatch.setattr(points, name, 300.0)
    shops.fault(carrier="woocommerce", kind="429", count=3, seconds=0)
    limited = endpoints.stats["woocommerce"]["429"]
    assert read("shopify", "woocommerce") == all_of(shops)
    assert endpoints.stats["woocommerce"]["429"] == limited + 3


def test_a_query_that_costs_too_much_is_asked_in_smaller_pages(
    shops: StandIn, warehouse: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lanecast.sandbox.shop.shopify.MOST", 100)
    assert read("shopify") == {"shopify": all_of(shops)["shopify"]}
    sizes = "SELECT DISTINCT (resume #>> '{step,1,first}')::int FROM ops.storefront_page WHERE part = 'records'"
    (size,) = rows(warehouse, f"{sizes} AND stream = 'orders'")[0]
    assert 1 <= size < 25


@pytest.mark.parametrize("kind", ["503", "disconnect", "html"])
def test_a_shop_that_stumbles_is_read_all_the_same(shops: StandIn, warehouse: str, kind: str) -> None:
    for shop in ("shopify", "woocommerce"):
        shops.fault(carrier=shop, kind=kind, share=0.3, seconds=0)
    assert read("shopify", "woocommerce") == all_of(shops)


def test_a_shop_that_is_down_leaves_the_others_alone_and_its_watermark_stays(shops: StandIn, warehouse: str) -> None:
    shops.fault(carrier="shopify", kind="503", share=1.0, seconds=0)
    told = pull("shopify", "woocommerce")
    assert "HTTP 503, after 5 attempts" in told["shopify"]["error"]
    assert told["woocommerce"]["error"] is None
    assert watermark(warehouse, "shopify", "orders") is None
    assert watermark(warehouse, "woocommerce", "orders") is not None
    assert rows(
        warehouse,
        "SELECT DISTINCT complete_at IS NULL, problem LIKE '%%503%%' FROM ops.storefront_read WHERE source = %s",
        "shopify",
    ) == [(True, True)]
    assert one(warehouse, "SELECT state FROM ops.run WHERE source = 'shopify'") == "failed"


def test_a_stream_that_fails_keeps_no_other_from_being_loaded(
    shops: StandIn, warehouse: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = asking.Line.ask

    async def no_products(line: asking.Line, step: Any) -> Any:
        if step.state["of"] == "products":
            raise ShopDown("out of order")
        return await ask(line, step)

    monkeypatch.setattr(asking.Line, "ask", no_products)
    (run,) = runs.open_runs("test:partly", "woocommerce")
    with pytest.raises(ShopDown):
        pulling.pull(run)  # another attempt may bring it
    told = pull("woocommerce")["woocommerce"]
    assert "products: out of order" in told["error"]
    assert loaded(told)["order_line"][0] > 0
    assert watermark(warehouse, "woocommerce", "orders") is not None
    assert watermark(warehouse, "woocommerce", "products") is None
    assert one(warehouse, "SELECT state FROM ops.run WHERE run_id = %s", told["run_id"]) == "failed"
    assert core_lines(warehouse, shops) == told_lines(shops, "woocommerce")


def test_a_read_that_is_cut_off_goes_on_from_its_last_page(
    shops: StandIn, warehouse: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (run,) = runs.open_runs("test:cut", "woocommerce")
    asked: list[str] = []
    ask = asking.Line.ask

    async def breaks_off(line: asking.Line, step: Any) -> Any:
        asked.append(f"{step.part} of {step.state['of']}")
        if asked.count("records of orders") == 3:
            raise ShopDown("cut off")
        return await ask(line, step)

    monkeypatch.setattr(asking.Line, "ask", breaks_off)
    with pytest.raises(ShopDown, match="cut off"):
        pulling.pull(run)
    stored = one(warehouse, "SELECT count(*) FROM ops.storefront_page WHERE stream = 'orders' AND part = 'records'")
    assert stored == 2
    monkeypatch.setattr(asking.Line, "ask", ask)
    came = pulling.pull(run, attempt=2)
    assert came == {"orders": len(shops.sandbox.storefronts.shop.seen("woocommerce")[0])}
    assert one(warehouse, "SELECT count(DISTINCT place) = count(*) FROM ops.storefront_page WHERE stream = 'orders'")
    pipeline.stage(run)
    pipeline.judge(run)
    pipeline.load(run)
    assert core_lines(warehouse, shops) == told_lines(shops, "woocommerce")


def test_a_load_that_is_killed_moves_no_watermark_and_is_made_good(
    shops: StandIn, warehouse: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (run,) = runs.open_runs("test:killed", "shopify")
    pulling.pull(run)
    pulling.pull(run, attempt=2)  # what was read whole is not read again
    assert one(warehouse, "SELECT count(DISTINCT file) FROM ops.storefront_page") == 2
    pipeline.stage(run)
    pipeline.judge(run)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    source = pipeline.SOURCES["storefront"]
    with monkeypatch.context() as patched:
        after_merge = {**watermarks.AFTER_MERGE, "shipment": killed}
        patched.setitem(pipeline.SOURCES, "storefront", pipeline.Source(source.batches, source.stage, after_merge))
        with pytest.raises(KeyboardInterrupt):
            pipeline.load(run)
    assert one(warehouse, "SELECT count(*) FROM core.order_line") > 0
    assert one(warehouse, "SELECT count(*) FROM core.shipment") == 0
    assert watermark(warehouse, "shopify", "products") is not None
    assert watermark(warehouse, "shopify", "orders") is None
    pipeline.load(pipeline.find_run(run.run_id))
    assert watermark(warehouse, "shopify", "orders") is not None
    assert one(warehouse, "SELECT count(*) FROM core.shipment") > 0


def test_staging_that_was_lost_is_made_again_from_the_raw_store(shops: StandIn, warehouse: str) -> None:
    (run,) = runs.open_runs("test:lost", "shopify")
    pulling.pull(run)
    pipeline.stage(run)
    pipeline.judge(run)
    for (table,) in rows(
        warehouse, "SELECT tablename FROM pg_tables WHERE schemaname = 'staging' AND tablename LIKE 'order_line%%'"
    ):
        rows(warehouse, f"TRUNCATE staging.{table}; SELECT 1")
    pipeline.load(run)
    assert core_lines(warehouse, shops) == told_lines(shops, "shopify")
