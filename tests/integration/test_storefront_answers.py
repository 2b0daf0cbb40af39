"""Shops that answer as none should, over real HTTP: nothing is made up or lost in silence, and no watermark moves."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lanecast.storefronts import pull as pulling
from lanecast.storefronts import runs
from lanecast.storefronts.asking import ShopDown
from lanecast.storefronts.base import Incomplete, PageBroken, ShopRefused, StorefrontError
from sandbox_world import serving
from storefront_world import declared, one, rows

pytestmark = pytest.mark.timeout(90)

SECRET = "ck-secret-of-the-shop"
QUICK = {"requests_per_second": 5000, "attempts": 3, "first_backoff": 0.01, "longest_wait": 0.2, "page_size": 4}
_numbers = itertools.count(1)


@dataclass
class Shop:
    """A WooCommerce shop of `orders`, each changed a second after the one before; `spoil` has the last word."""

    orders: int = 10
    spoil: Callable[[Request, Response, int], Response] = lambda request, answer, number: answer
    hides: frozenset[int] = frozenset()
    """Orders that it counts, and can't show."""
    most: int = 100
    """Orders a page, whatever is asked for."""
    asked: list[dict[str, str]] = field(default_factory=list)
    url: str = ""

    def item(self, number: int) -> dict[str, Any]:
        return {
            "id": number,
            "number": str(number),
            "status": "completed",
            "currency": "EUR",
            "date_created_gmt": "2026-05-20T10:00:00",
            "date_modified_gmt": f"2026-05-20T11:{number // 60:02d}:{number % 60:02d}",
            "customer_id": 7,
            "shipping": {"country": "BR", "state": "SP"},
            "line_items": [{"id": number, "product_id": 5, "quantity": 1, "price": 2, "sku": "S"}],
            "refunds": [],
            "meta_data": [],
        }

    async def answer(self, request: Request) -> Response:
        asked = dict(request.query_params)
        self.asked.append(asked)
        found = [self.item(number) for number in range(1, self.orders + 1)] if asked["status"] == "any" else []
        if after := asked.get("modified_after"):
            found = [item for item in found if item["date_modified_gmt"] > after]
        if before := asked.get("modified_before"):
            found = [item for item in found if item["date_modified_gmt"] < before]
        size, page = min(int(asked["per_page"]), self.most), int(asked["page"])
        shown = [item for item in found[(page - 1) * size : page * size] if item["id"] not in self.hides]
        headers = {"X-WP-Total": str(len(found)), "X-WP-TotalPages": str(-(-len(found) // size))}
        answer = Response(json.dumps(shown), headers=headers | {"Content-Type": "application/json"})
        return self.spoil(request, answer, len(self.asked))


@pytest.fixture
def shop(warehouse: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Shop]:
    made = Shop()
    monkeypatch.setenv("LANECAST_RAW", str(tmp_path / "raw"))
    with serving(Starlette(routes=[Route("/wp-json/wc/v3/orders", made.answer)])) as made.url:
        connection = {"host": made.url, "login": "ck", "password": SECRET, "extra": QUICK}
        monkeypatch.setenv("AIRFLOW_CONN_LANECAST_SHOP", json.dumps(connection))
        with declared(monkeypatch, tmp_path, {"shop": {"kind": "woocommerce", "streams": ["orders"]}}):
            yield made


def read() -> int:
    (run,) = runs.open_runs(f"test:{next(_numbers)}")
    return pulling.pull(run).get("orders", 0)


@contextmanager
def stays_where_it_was(dsn: str) -> Iterator[None]:
    """No watermark moves, no read counts as whole, and what went wrong is kept."""
    yield
    assert rows(dsn, "SELECT * FROM ops.storefront_watermark") == []
    assert rows(dsn, "SELECT complete_at, problem IS NOT NULL FROM ops.storefront_read") == [(None, True)]
    assert SECRET not in str(rows(dsn, "SELECT * FROM ops.storefront_read"))


def every(answer: Response) -> Callable[..., Response]:
    return lambda *_: answer


def test_a_shop_that_is_well_is_read_to_its_end(shop: Shop, warehouse: str) -> None:
    assert read() == 10
    told = rows(warehouse, "SELECT told, held, fetched, problem FROM ops.storefront_read")
    assert told == [(10, 9, 10, None)]  # the last second may have more to come


@pytest.mark.parametrize(
    ("body", "error"),
    [
        *((body, ShopDown) for body in (b"", b"{", b'[{"id": 1', b"<html>moved</html>", b"\xff\xfe[]", b"[" * 60_000)),
        *((body, PageBroken) for body in (b"null", b'{"orders": []}')),
    ],
    ids=["empty", "brace", "cut", "html", "bytes", "deep", "null", "object"],
)
def test_a_page_that_is_none_costs_no_page_before_it(
    shop: Shop, warehouse: str, body: bytes, error: type[StorefrontError]
) -> None:
    shop.spoil = lambda request, answer, number: answer if number < 5 else Response(body)
    with stays_where_it_was(warehouse), pytest.raises(error):
        read()
    assert one(warehouse, "SELECT count(*) FROM ops.storefront_page") == 2


@pytest.mark.parametrize("status", [401, 403])
def test_a_shop_that_refuses_the_account_is_asked_once(shop: Shop, warehouse: str, status: int) -> None:
    shop.spoil = every(Response('{"code": "x", "message": "no"}', status))
    with stays_where_it_was(warehouse), pytest.raises(ShopRefused, match=f"HTTP {status}.*connection lanecast_shop"):
        read()
    assert len(shop.asked) == 1


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_shop_that_is_out_of_order_is_asked_again_and_then_given_up(shop: Shop, warehouse: str, status: int) -> None:
    shop.spoil = every(Response("", status, {"Retry-After": "0"}))
    with stays_where_it_was(warehouse), pytest.raises(ShopDown, match=f"HTTP {status}, after 3 attempts"):
        read()
    assert len(shop.asked) == 3


def test_a_request_that_makes_no_sense_to_the_shop_is_not_made_again(shop: Shop, warehouse: str) -> None:
    refusal = {"code": "rest_invalid_param", "message": f"Invalid parameter(s): orderby {SECRET}"}
    shop.spoil = every(Response(json.dumps(refusal), 400))
    with stays_where_it_was(warehouse), pytest.raises(StorefrontError, match=r"HTTP 400 .rest_invalid_param") as told:
        read()
    assert SECRET not in str(told.value)
    assert len(shop.asked) == 1


def test_a_redirect_is_not_followed(shop: Shop, warehouse: str) -> None:
    shop.spoil = every(Response("", 302, {"Location": "https://elsewhere.example/"}))
    with stays_where_it_was(warehouse), pytest.raises(StorefrontError, match=r"302: it sends elsewhere.*lanecast_shop"):
        read()


def test_a_page_that_repeats_for_ever_ends_the_read(shop: Shop, warehouse: str) -> None:
    shop.spoil = lambda request, answer, number: (
        answer if number == 1 else Response(json.dumps([shop.item(1)] * 4), headers={"X-WP-Total": "10"})
    )
    with stays_where_it_was(warehouse), pytest.raises(PageBroken, match="nothing new"):
        read()
    assert len(shop.asked) < 12


def test_a_read_that_falls_short_is_made_once_more_and_then_fails(shop: Shop, warehouse: str) -> None:
    def loses_one(request: Request, answer: Response, number: int) -> Response:
        if request.query_params["per_page"] == "1" or request.query_params["status"] == "trash":
            return answer
        items = [item for item in json.loads(bytes(answer.body)) if item["id"] != 3]
        return Response(json.dumps(items + items[:1] * (len(items) == 3)), headers={"X-WP-Total": "10"})

    shop.spoil = loses_one
    with stays_where_it_was(warehouse), pytest.raises(Incomplete, match=r"holds 9 records.*8 of them came"):
        read()
    assert sum(one["per_page"] == "1" for one in shop.asked) == 8  # with the trash, before and after, twice


@pytest.mark.parametrize("hidden", [{1}, {4}, {3, 4, 5}, {10}, set(range(1, 9))])
def test_orders_that_the_shop_cannot_show_hold_up_no_others(shop: Shop, warehouse: str, hidden: set[int]) -> None:
    shop.hides = frozenset(hidden)
    shop.orders = 12
    assert read() == 12 - len(hidden)
    problem = one(warehouse, "SELECT problem FROM ops.storefront_read WHERE complete_at IS NOT NULL")
    assert f"{len(hidden)} record" in problem


def test_a_host_that_gives_fewer_records_a_page_is_read_to_its_end(shop: Shop, warehouse: str) -> None:
    shop.most = 3
    assert read() == 10
    assert rows(warehouse, "SELECT told, held, fetched, problem FROM ops.storefront_read") == [(10, 9, 10, None)]


def test_a_shop_without_totals_is_read_and_nothing_is_held_against_it(shop: Shop, warehouse: str) -> None:
    shop.spoil = lambda request, answer, number: Response(bytes(answer.body))
    assert read() == 10
    assert rows(warehouse, "SELECT told, held, fetched FROM ops.storefront_read") == [(None, None, 10)]


def test_orders_of_one_second_beyond_a_page_are_all_read(shop: Shop, warehouse: str) -> None:
    item = shop.item
    shop.item = lambda number: item(number) | {"date_modified_gmt": "2026-05-20T11:00:00"}  # type: ignore[method-assign]
    shop.orders = 15
    assert read() == 15


def test_orders_that_cannot_be_read_are_counted_as_the_others(shop: Shop, warehouse: str) -> None:
    spoilt: dict[int, Any] = {2: None, 5: "order", 7: {"id": 7, "date_modified_gmt": "soon"}}

    def spoil(request: Request, answer: Response, number: int) -> Response:
        items = [spoilt.get(item["id"], item) for item in json.loads(bytes(answer.body))]
        return Response(json.dumps(items), headers={"X-WP-Total": answer.headers["X-WP-Total"]})

    shop.spoil = spoil
    assert read() == 10


def test_an_order_with_more_refunds_than_a_page_holds_and_one_that_is_gone(shop: Shop, warehouse: str) -> None:
    item = shop.item
    shop.item = lambda number: item(number) | {"refunds": [{"id": 1}]}  # type: ignore[method-assign]
    shop.orders = 1
    # No route answers for refunds here: the order was deleted meanwhile, HTTP 404.
    assert read() == 1
    assert rows(warehouse, "SELECT part, count(*) FROM ops.storefront_page GROUP BY 1 ORDER BY 1") == [
        ("records", 2),
        ("rest", 1),
    ]
