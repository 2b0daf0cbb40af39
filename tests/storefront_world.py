"""A simulated world's shops, and a warehouse that reads them."""

from __future__ import annotations

import base64
import io
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg2
import pytest
import zstandard

import customer_keys
from lanecast.sandbox.shop import exports
from lanecast.sandbox.shop.orders import Order
from lanecast.storefronts import console
from lanecast.warehouse import clock
from sandbox_world import StandIn

Line = tuple[str, str | None, str, int, str, str | None]
"""Order, customer's key, product, quantity, status, when it came back."""


def rows(dsn: str, query: str, *values: object) -> list[tuple[Any, ...]]:
    link = psycopg2.connect(dsn)
    with link, link.cursor() as cursor:
        cursor.execute(query, values or None)
        found = cursor.fetchall()
    link.close()
    return found


def one(dsn: str, query: str, *values: object) -> Any:
    ((value,),) = rows(dsn, query, *values)
    return value


def pull(*sources: str, full: bool = False) -> dict[str, dict[str, Any]]:
    """Reads and loads the sources, or all of them; what became of each."""
    chosen = sources or (None,)
    return {one["source"]: one for only in chosen for one in console.pull_all(only, full, lambda _: None)}


def loaded(told: dict[str, Any]) -> dict[str, tuple[int, int, int]]:
    """Loaded, duplicate and quarantined rows of a source's datasets."""
    return {one["dataset"]: (one["loaded"], one["duplicate"], one["quarantined"]) for one in told["loaded"]}


def known_orders(shops: StandIn) -> list[Order]:
    """The orders that both shops have by now, as the world has them."""
    shop = shops.sandbox.storefronts.shop
    return [
        order
        for kind in ("shopify", "woocommerce")
        for number in shop.seen(kind)[0].tolist()  # type: ignore[arg-type]
        if (order := shop.order(number)) is not None
    ]


def gone_products(shops: StandIn) -> set[str]:
    """The products that the shops have no more: their orders do not tell them."""
    shop, now = shops.sandbox.storefronts.shop, int(shops.time.timestamp())
    known = shop.catalogue
    return {str(one.id) for one in known.products if not shop.product(known.number_of[one.id]).is_listed(now)}


def told_lines(shops: StandIn, kind: str | None = None) -> Counter[Line]:
    """The lines of all orders (of one shop) as the shops' own export has them, by now, without those of products that
    are gone."""
    shop, now, gone = shops.sandbox.storefronts.shop, int(shops.time.timestamp()), gone_products(shops)
    found: Counter[Line] = Counter()
    for order in known_orders(shops):
        for row in exports.order_rows(shop, order, now) if kind in (None, order.kind) else ():
            order_id, customer, _, status, _, product, quantity, _, _, _, back = row
            if product not in gone:
                key = customer_keys.key(customer) if customer else None
                found[order_id, key, product, int(quantity), status, back or None] += 1
    return found


def core_lines(dsn: str, shops: StandIn) -> Counter[Line]:
    """The lines that are known and stand, without those of products that are gone."""
    return Counter(
        rows(
            dsn,
            "SELECT line.order_id, customer_id, product_id, quantity::integer, status, "
            'to_char(occurred_at, \'YYYY-MM-DD"T"HH24:MI:SS"Z"\') FROM core.order_line AS line '
            "JOIN core.customer_order USING (order_id) WHERE line.withdrawn_at IS NULL "
            "AND NOT starts_with(product_id, 'sku:') AND product_id <> ALL(%s)",
            sorted(gone_products(shops)),
        )
    )


def stored_bodies(folder: Path) -> bytes:
    """All that pages in the raw store hold, as it came."""
    told = b"".join(
        zstandard.ZstdDecompressor().stream_reader(io.BytesIO(path.read_bytes()), read_across_frames=True).read()
        for path in folder.rglob("*.zst")
    )
    return b"".join(base64.b64decode(json.loads(line)["body"]) for line in told.splitlines()) + told


def move_on(shops: StandIn, by: timedelta) -> None:
    shops.time += by
    clock.set_clock(shops.time, shops.time, 0)


def change(shops: StandIn, what: str, number: object, **order: Any) -> dict[str, Any]:
    """Changes an order or a product by hand, now."""
    answer = httpx.post(f"{shops.url}/sandbox/{what}/{number}", json=order, trust_env=False)
    answer.raise_for_status()
    return dict(answer.json())


@contextmanager
def declared(monkeypatch: pytest.MonkeyPatch, folder: Path, sources: dict[str, Any]) -> Iterator[None]:
    """A file of sources of the test's own."""
    path = folder / "storefronts.yaml"
    path.write_text(json.dumps({"sources": sources}), encoding="utf-8")  # JSON is YAML
    with monkeypatch.context() as patched:
        patched.setenv("LANECAST_STOREFRONTS", str(path))
        yield
