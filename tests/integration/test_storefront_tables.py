"""Databases and files as storefronts: by watermark and version, late changes and all, customers under keys at once."""

from __future__ import annotations

import gzip
import json
import os
import re
import sqlite3
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg2
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from sqlalchemy.dialects import oracle
from sqlalchemy.exc import OperationalError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

import customer_keys
from customer_keys import key
from lanecast import pipeline
from lanecast.cli import cli
from lanecast.connections import Connection
from lanecast.customers.keys import CustomerKeyError
from lanecast.storefronts import database, fetching, found, runs, tables
from lanecast.storefronts import pull as pulling
from lanecast.storefronts.base import StorefrontError
from lanecast.storefronts.engines import engine, words
from lanecast.storefronts.opened import Opened
from lanecast.warehouse import maintenance, retention
from sandbox_world import serving
from storefront_world import declared, loaded, one, pull, rows, stored_bodies

pytestmark = pytest.mark.timeout(90)

TABLES = """
CREATE SCHEMA shop;
CREATE TABLE shop.sale (
    sale text, buyer text, mail text, sold timestamptz, state text, cancelled timestamptz, changed timestamptz
);
CREATE TABLE shop.item (sale text, place integer, article text, pieces integer, price numeric);
CREATE TABLE shop.article (article text, name text, price numeric, changed timestamp);
"""
ORDERS = """
SELECT sale AS order_id, buyer AS customer_id, mail, sold AS ordered_at, state AS status, cancelled, changed,
    article AS product_id, pieces AS quantity, price AS unit_price, 'EUR' AS currency
FROM shop.sale JOIN shop.item USING (sale)
WHERE changed > :watermark
ORDER BY changed, sale, place
"""
PRODUCTS = """
SELECT article AS product_id, name AS title, price AS unit_price, 'EUR' AS currency, changed AS changed_in_shop_at
FROM shop.article WHERE changed > :watermark ORDER BY changed
"""
OWN: dict[str, Any] = {
    "own": {
        "kind": "sql",
        "streams": {
            "products": {
                "query": PRODUCTS,
                "watermark": "changed_in_shop_at",
                "ids": "SELECT article FROM shop.article",
            },
            "orders": {"query": ORDERS, "watermark": "changed", "whole_orders": True, "cancelled": "cancelled"},
        },
    }
}
LINES = (
    "SELECT order_id, line_number, product_id, quantity::integer, line.withdrawn_at IS NULL "
    "FROM core.order_line AS line ORDER BY 1, 2"
)


@pytest.fixture
def folder(warehouse: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("LANECAST_RAW", str(tmp_path / "raw"))
    monkeypatch.delenv("LANECAST_SANDBOX_URL", raising=False)
    monkeypatch.setattr(found, "UNTOUCHED_SECONDS", 0.0)  # files of these tests are read as soon as they are written
    (tmp_path / "in").mkdir()
    return tmp_path


@pytest.fixture
def shop(folder: Path, warehouse: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A shop's own database, here in another schema of the warehouse's server."""
    do(warehouse, TABLES)
    do(
        warehouse,
        "INSERT INTO shop.article SELECT 'a' || n, 'Article ' || n, n, '2026-05-01' FROM generate_series(1, 30) AS n;"
        "INSERT INTO shop.sale SELECT 's' || n, 'B' || n % 7, 'b@mail.example', '2026-05-01Z', 'Paid', NULL, "
        "timestamptz '2026-05-02Z' + make_interval(mins => n) FROM generate_series(1, 400) AS n;"
        "INSERT INTO shop.item SELECT 's' || n, place, 'a' || 1 + (n + place) % 30, place, 2.5 "
        "FROM generate_series(1, 400) AS n, generate_series(1, 2) AS place",
    )
    monkeypatch.setenv("AIRFLOW_CONN_LANECAST_OWN", warehouse)
    with declared(monkeypatch, folder, OWN):
        yield warehouse


def do(dsn: str, statements: str) -> None:
    link = psycopg2.connect(dsn)
    with link, link.cursor() as cursor:
        cursor.execute(statements)
    link.close()


def stored(folder: Path) -> str:
    return stored_bodies(folder / "raw").decode()


def read(source: str = "own") -> dict[str, int]:
    (run,) = runs.open_runs(f"test:{os.urandom(4).hex()}", source)
    return pulling.pull(run)


def test_a_database_is_read_by_its_watermark_and_late_changes_are_picked_up(shop: str, folder: Path) -> None:
    told = pull()["own"]
    assert (told["error"], told["fetched"]) == (None, {"products": 30, "orders": 800})
    assert loaded(told) == {"product": (30, 0, 0), "order_line": (800, 0, 0), "shipment": (0, 0, 0)}
    assert rows(shop, "SELECT told, held, fetched FROM ops.storefront_read WHERE stream = 'orders'") == [
        (800, 800, 800)
    ]
    assert one(shop, "SELECT customer_id FROM core.customer_order WHERE order_id = 's8'") == key("B1")
    assert "s8" in stored(folder)
    assert "mail.example" not in stored(folder)
    assert '"B1"' not in stored(folder)

    do(
        shop,
        "UPDATE shop.sale SET state = 'void', cancelled = '2026-05-04Z', changed = '2026-05-05Z' WHERE sale = 's1';"
        "UPDATE shop.sale SET changed = '2026-05-05Z' WHERE sale = 's2'; DELETE FROM shop.item "
        "WHERE sale = 's2' AND place = 2; DELETE FROM shop.article WHERE article = 'a3'",
    )
    told = pull()["own"]
    assert told["fetched"]["orders"] < 40  # the changed ones, and those within the overlap
    assert rows(shop, "SELECT status, cancelled_at IS NOT NULL FROM core.customer_order WHERE order_id = 's1'") == [
        ("void", True)
    ]
    assert [row[1:] for row in rows(shop, LINES) if row[0] == "s2"] == [(1, "a4", 1, True), (2, "a5", 2, False)]
    assert one(shop, "SELECT withdrawn_at FROM core.product WHERE product_id = 'a3'") is None  # listed an hour ago
    pull(full=True)
    assert one(shop, "SELECT withdrawn_at IS NOT NULL FROM core.product WHERE product_id = 'a3'")
    assert one(shop, "SELECT count(*) FROM core.product WHERE withdrawn_at IS NOT NULL") == 1


def test_a_list_of_ids_is_read_as_products_are_and_withdraws_no_whole_catalogue(
    shop: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = "SELECT count(*) FROM core.product WHERE withdrawn_at IS NOT NULL"

    def told(ids: str, full: bool = False) -> str | None:
        products = OWN["own"]["streams"]["products"] | {"ids": ids}
        sources = {"own": OWN["own"] | {"streams": {"products": products}}}
        do(shop, "UPDATE ops.storefront_watermark SET listed_at = NULL")
        with declared(monkeypatch, folder, sources):
            error: str | None = pull(full=full)["own"]["error"]
        return error

    assert told("SELECT article::char(8) FROM shop.article") is None
    assert (told("SELECT article::char(8) FROM shop.article"), one(shop, gone)) == (None, 0)
    for ids, missing in (
        ("SELECT 'x'", 30),
        ("SELECT 'a1' WHERE false", 30),
        ("SELECT 'a' || generate_series(1, 14)", 16),
    ):
        assert f"lacks {missing} of the 30" in str(told(ids))
        assert (one(shop, gone), one(shop, "SELECT listed_at FROM ops.storefront_watermark")) == (0, None)
    assert "pull own --full" in one(shop, "SELECT problem FROM ops.storefront_read ORDER BY began_at DESC LIMIT 1")
    assert (told("SELECT 'a' || generate_series(1, 15)"), one(shop, gone)) == (None, 15)
    do(shop, "DELETE FROM shop.article WHERE article <> 'a1'")
    assert (told("SELECT article FROM shop.article", full=True), one(shop, gone)) == (None, 29)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("DROP TABLE shop.item", 'relation "shop.item" does not exist'),
        ("ALTER TABLE shop.sale RENAME buyer TO who", 'column "buyer" does not exist'),
    ],
)
def test_a_query_that_fails_says_why_in_a_line_and_moves_nothing(shop: str, change: str, problem: str) -> None:
    do(shop, change)
    with pytest.raises(StorefrontError) as told:
        read()
    assert problem in str(told.value)
    assert "\n" not in str(told.value)
    assert "lanecast:" not in str(told.value)  # nor user, nor password
    assert rows(shop, "SELECT stream, complete_at IS NULL FROM ops.storefront_read ORDER BY 1") == [
        ("orders", True),
        ("products", False),
    ]


def test_a_database_that_cannot_be_reached_keeps_its_password(shop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_LANECAST_OWN", "postgresql://reader:hush-hush-hush@127.0.0.1:1/shop")
    with pytest.raises(StorefrontError) as told:
        read()
    assert "hush" not in str(told.value)
    assert "OperationalError" in str(told.value)


def test_sqlite_is_a_database_too(folder: Path, warehouse: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder / "shop.db"
    link = sqlite3.connect(path)
    link.execute("CREATE TABLE deed (who text, what text, did text, at text)")
    link.executemany(
        "INSERT INTO deed VALUES (?, ?, 'view', ?)",
        [(f"c{n % 3}", f"p{n % 5}", f"2026-05-0{1 + n % 9} 10:00:{n % 60:02d}") for n in range(50)],
    )
    link.commit()
    monkeypatch.setenv("AIRFLOW_CONN_LANECAST_OWN", f"sqlite:///{path}")
    query = (
        "SELECT who AS customer_id, what AS product_id, did AS kind, at AS occurred_at FROM deed "
        "WHERE at > :watermark ORDER BY at"
    )
    sources = {"own": {"kind": "sql", "streams": {"interactions": {"query": query, "watermark": "occurred_at"}}}}
    with declared(monkeypatch, folder, sources):
        assert read() == {"interactions": 50}
        told = pull()["own"]
        assert loaded(told)["interaction"] == (50, 0, 0)
        link.execute("INSERT INTO deed VALUES ('c9', 'p1', 'cart', '2026-05-20 10:00:00')")
        link.commit()
        assert loaded(pull()["own"])["interaction"][0] == 1
    link.close()
    assert rows(warehouse, "SELECT customer_id FROM core.interaction WHERE kind = 'cart'") == [(key("c9"),)]


ORDER_FILE = "order_id,customer_id,ordered_at,product_id,quantity,name\no1,c1,2026-05-01T10:00:00Z,p1,2,Ada\n"


def test_each_version_of_a_file_is_read_once_whatever_its_format(
    folder: Path, warehouse: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = folder / "in"
    (inbox / "a.csv").write_text(ORDER_FILE)
    line = {"order_id": "o2", "customer_id": 2, "ordered_at": "2026-05-01T10:00:00Z", "product_id": "p2", "quantity": 1}
    (inbox / "b.jsonl.gz").write_bytes(gzip.compress(json.dumps(line).encode()))
    pq.write_table(
        pa.table({name: [value, value] for name, value in line.items()} | {"order_id": ["o3", "o4"]}),
        inbox / "c.parquet",
    )
    sources = {"drop": {"kind": "files", "streams": {"orders": {"paths": [f"{inbox}/*"]}}}}
    with declared(monkeypatch, folder, sources):
        told = pull()["drop"]
        assert (told["error"], told["fetched"]) == (None, {"orders": 4})
        assert pull()["drop"]["fetched"] == {"orders": 0}
        (inbox / "a.csv").write_text(ORDER_FILE + "o5,c1,2026-05-02T10:00:00Z,p1,1,Ada\n")
        told = pull()["drop"]
        assert (told["fetched"], loaded(told)["order_line"]) == ({"orders": 2}, (1, 1, 0))
        assert pull(full=True)["drop"]["fetched"] == {"orders": 5}
    assert rows(warehouse, "SELECT order_id, customer_id FROM core.customer_order ORDER BY 1") == [
        ("o1", key("c1")),
        ("o2", key("2")),
        ("o3", key("2")),
        ("o4", key("2")),
        ("o5", key("c1")),
    ]
    assert "Ada" not in stored(folder)
    assert '"c1"' not in stored(folder)


def test_rows_that_cannot_be_read_are_told_and_counted(
    folder: Path, warehouse: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = "o2,c2,yesterday,p1,two,Bo\n" + 'o3,"broken\n'
    (folder / "in" / "a.csv").write_text(ORDER_FILE + bad)
    sources = {"drop": {"kind": "files", "streams": {"orders": {"paths": [str(folder / "in" / "a.csv")]}}}}
    with declared(monkeypatch, folder, sources):
        told = pull()["drop"]
    assert loaded(told)["order_line"] == (1, 0, 2)


def test_a_mapping_says_how_the_columns_are_called(
    folder: Path, warehouse: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mapping = folder / "shop.yaml"
    mapping.write_text(
        json.dumps(
            {
                "timezone": "Europe/Berlin",
                "datasets": {
                    "orders": {
                        "columns": {
                            "order_id": "Bestellung",
                            "customer_id": {"from": "Kunde", "sentinels": ["Gast"]},
                            "ordered_at": "Zeit",
                            "product_id": "Artikel",
                            "quantity": "Menge",
                            "currency": {"value": "EUR"},
                        }
                    }
                },
            }
        )
    )
    (folder / "in" / "a.csv").write_text(
        "Bestellung;Kunde;Zeit;Artikel;Menge\nb1;77;2026-05-01 12:00:00;p1;1\nb2;Gast;2026-05-01 12:00:00;p1;1\n"
    )
    stream = {"paths": [str(folder / "in" / "a.csv")], "mapping": str(mapping)}
    with declared(monkeypatch, folder, {"drop": {"kind": "files", "streams": {"orders": stream}}}):
        assert pull()["drop"]["error"] is None
    assert rows(
        warehouse,
        "SELECT order_id, customer_id, to_char(ordered_at AT TIME ZONE 'UTC', 'HH24:MI') FROM core.customer_order "
        "ORDER BY 1",
    ) == [("b1", key("77"), "10:00"), ("b2", None, "10:00")]


def test_the_commands_say_how_far_each_source_was_read_and_whether_it_could_be(
    folder: Path, warehouse: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def command(*arguments: str) -> tuple[int, Any]:
        done = CliRunner().invoke(cli, ["storefront", *arguments])
        return done.exit_code, json.loads(done.stdout) if "--json" in arguments else done.output

    def has_failed(told: dict[str, Any]) -> bool:
        return bool(told["problem"] or told["why_skipped"])

    (folder / "in" / "a.csv").write_text(ORDER_FILE)
    sources = {
        "drop": {"kind": "files", "streams": {"orders": {"paths": [str(folder / "in" / "a.csv")]}}},
        "lost": {"kind": "files", "streams": {"products": {"paths": [str(folder / "in" / "none.csv")]}}},
        "shop": {"kind": "shopify", "streams": ["orders"]},
    }
    with declared(monkeypatch, folder, sources):
        code, told = command("pull", "--json")
        assert code == 1
        assert [one["source"] for one in told["sources"]] == ["drop", "lost"]
        assert "does not exist" in told["sources"][1]["error"]
        assert command("pull", "drop")[0] == 0
        code, told = command("list", "--json")
        assert code == 0
        assert [
            (one["source"], one["stream"], one["reached_by"], one["fetched"], has_failed(one))
            for one in told["sources"]
        ] == [
            ("drop", "orders", "files", 0, False),
            ("lost", "products", "files", 0, True),
            ("shop", "orders", "skipped", None, True),
        ]
        assert "until 2026-05-01 10:00 UTC" in command("list")[1]
        code, words = command("pull", "shop")
        assert (code, "no connection lanecast_shop" in words) == (1, True)
        assert "no source is called 'etsy'" in command("pull", "etsy")[1]


def test_pages_are_kept_as_long_as_carriers_answers_and_runs_as_long_as_their_pages(
    folder: Path, warehouse: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "in" / "a.csv").write_text(ORDER_FILE)
    source = {"drop": {"kind": "files", "streams": {"orders": {"paths": [str(folder / "in" / "a.csv")]}}}}
    with declared(monkeypatch, folder, source):
        read("drop")
    pages = "SELECT count(*) FROM ops.storefront_page"
    long_ago = datetime.now(UTC) - timedelta(days=5000)
    do(warehouse, f"UPDATE ops.run SET started_at = '{long_ago}', finished_at = '{long_ago}'")
    retention.apply(datetime.now(UTC), datetime.now(UTC))
    assert one(warehouse, pages) == 1
    assert one(warehouse, "SELECT count(*) FROM ops.run") == 1
    assert one(warehouse, "SELECT count(*) FROM ops.storefront_read") == 0
    (path,) = (folder / "raw").rglob("*.zst")
    old = path.parents[3] / "2001" / "01" / "01"
    old.mkdir(parents=True)
    path.rename(old / path.name)
    do(warehouse, f"UPDATE ops.storefront_page SET file = '{(old / path.name).relative_to(folder / 'raw')}'")
    maintenance.maintain()
    assert one(warehouse, pages) == 0


def test_a_file_that_is_not_there_is_said_and_a_pattern_without_match_is_no_fault(
    folder: Path, warehouse: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def source(path: str) -> dict[str, Any]:
        return {"drop": {"kind": "files", "streams": {"orders": {"paths": [path]}}}}

    with declared(monkeypatch, folder, source(f"{folder}/none.csv")), pytest.raises(StorefrontError, match="not exist"):
        read("drop")
    with declared(monkeypatch, folder, source(f"{folder}/*.none")):
        assert read("drop") == {"orders": 0}


def test_a_web_address_is_read_by_its_tag_and_by_what_came_before(
    folder: Path, warehouse: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str]] = []
    header = "customer_id,product_id,kind,occurred_at\n"

    async def answer(request: Request) -> Response:
        since = request.query_params.get("since", "")
        asked.append((request.method, since))
        if not since:
            return Response(header + "c1,p1,view,2026-05-01T10:00:00Z\n", headers={"ETag": '"one"'})
        new = [at for at in ("2026-05-01T10:00:00Z", "2026-05-03T09:00:00Z") if at > since]
        return Response(header + "".join(f"c1,p2,view,{at}\n" for at in new))

    with serving(Starlette(routes=[Route("/export", answer, methods=["GET", "HEAD"])])) as url:
        paths = [f"{url}/export", f"{url}/export?since={{since}}"]
        sources = {"drop": {"kind": "files", "streams": {"interactions": {"paths": paths}}}}
        with declared(monkeypatch, folder, sources):
            assert loaded(pull()["drop"])["interaction"] == (2, 0, 0)
            assert loaded(pull()["drop"])["interaction"] == (0, 1, 0)
    assert asked == [
        ("GET", ""),
        ("GET", "2026-05-01T10:00:00Z"),
        ("HEAD", ""),
        ("GET", "2026-05-03T08:45:00Z"),  # a quarter of an hour before the last
    ]


VIEWS = "customer_id,product_id,kind,occurred_at\nc1,{product},view,2026-05-01T10:00:00Z\n"


def test_files_that_somebody_writes_are_left_to_the_next_run_and_empty_ones_passed_over(
    folder: Path, warehouse: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    long_ago = datetime(2026, 5, 1, tzinfo=UTC).timestamp()
    for name in ("a", "b", "c"):
        (folder / "in" / f"{name}.csv").write_text(VIEWS.format(product=name))
        os.utime(folder / "in" / f"{name}.csv", (long_ago, long_ago))
    (folder / "in" / "empty.csv").touch()
    growing = folder / "in" / "b.csv"
    whole = tables._pages

    def pages(opened: Opened, *more: Any) -> Iterator[tables.TablePage]:
        yield from whole(opened, *more)
        if opened.shown == str(growing) and growing.stat().st_mtime == long_ago:
            growing.write_text(growing.read_text() + "c2,b,cart,2026-05-02T10:00:00Z\n")

    sources = {"drop": {"kind": "files", "streams": {"interactions": {"paths": [f"{folder}/in/*.csv"]}}}}
    with declared(monkeypatch, folder, sources):
        monkeypatch.setattr(tables, "_pages", pages)
        assert loaded(pull()["drop"])["interaction"] == (2, 0, 0)
        assert "b.csv: it was changed while it was read" in caplog.text
        assert "empty.csv: it is empty" in caplog.text
        monkeypatch.setattr(found, "UNTOUCHED_SECONDS", 60.0)
        assert loaded(pull()["drop"])["interaction"] == (0, 0, 0)
        assert "b.csv: it was changed a moment ago" in caplog.text
        os.utime(growing, (long_ago + 1, long_ago + 1))
        assert loaded(pull()["drop"])["interaction"] == (2, 0, 0)
    assert rows(warehouse, "SELECT product_id, kind FROM core.interaction ORDER BY 1, 2") == [
        ("a", "view"),
        ("b", "cart"),
        ("b", "view"),
        ("c", "view"),
    ]


def test_a_file_that_two_patterns_name_is_read_once(
    folder: Path, warehouse: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = folder / "in"
    for name in ("a", "b"):
        (inbox / f"{name}.csv").write_text(VIEWS.format(product=name))
    paths = [f"{inbox}/b.csv", f"{inbox}/*.csv", f"{inbox}/a.csv"]
    with declared(monkeypatch, folder, {"drop": {"kind": "files", "streams": {"interactions": {"paths": paths}}}}):
        assert pull()["drop"]["fetched"] == {"interactions": 2}
    assert rows(warehouse, "SELECT product_id FROM core.interaction ORDER BY 1") == [("a",), ("b",)]


def test_a_whole_order_that_several_files_tell_has_its_lines_once(
    folder: Path, warehouse: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = "order_id,customer_id,ordered_at,product_id,quantity\n"
    line = "{},c1,2026-05-01T10:00:00Z,{},{}\n"
    told = line.format("o2", "p1", 2) + line.format("o2", "p2", "{}")
    (folder / "in" / "a.csv").write_text(head + told.format("none"))
    (folder / "in" / "b.csv").write_text(head + line.format("o1", "p1", 1) + told.format(3))
    (folder / "in" / "c.csv").write_text(head + line.format("o3", "p1", 1))
    stream = {"paths": [f"{folder}/in/*.csv"], "whole_orders": True}
    with declared(monkeypatch, folder, {"drop": {"kind": "files", "streams": {"orders": stream}}}):
        assert loaded(pull()["drop"])["order_line"] == (5, 0, 1)
    assert rows(warehouse, LINES) == [
        ("o1", 1, "p1", 1, True),
        ("o2", 1, "p1", 2, True),
        ("o2", 2, "p2", 3, True),
        ("o3", 1, "p1", 1, True),
    ]
    assert one(warehouse, "SELECT row_data ->> 'line_number' FROM quality.quarantined_row") == "2"


def test_lines_of_an_order_stand_whenever_each_was_placed_or_changed(
    folder: Path, warehouse: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "in" / "a.csv").write_text(
        "order_id,customer_id,ordered_at,product_id,quantity,changed\n"
        "o1,c1,2026-05-01T10:00:00Z,p1,2,2026-05-09T10:00:00Z\n"
        "o1,c1,2026-05-01T10:01:00Z,p2,1,2026-05-08T10:00:00Z\n"
        "o1,c1,2026-05-03T09:00:00Z,p1,-1,2026-05-07T10:00:00Z\n"
    )
    lines = [("o1", 1, "p1", 2, True), ("o1", 2, "p2", 1, True), ("o1", 3, "p1", -1, True)]
    named = {"watermark": "changed"}
    for number, more in enumerate(({}, {"whole_orders": True}, named)):
        stream = {"paths": [f"{folder}/in/*.csv"], **more}
        with declared(monkeypatch, folder, {f"drop{number}": {"kind": "files", "streams": {"orders": stream}}}):
            assert loaded(pull()[f"drop{number}"])["order_line"] == (3, 0, 0)
        assert rows(warehouse, LINES) == lines
        do(warehouse, "DELETE FROM core.order_line; DELETE FROM core.customer_order")


BROKEN = {
    "a.csv": ORDER_FILE + 'o2,c77,2026-05-01T10:00:00Z,p1,1,Lovelace,ada@mail.example\no3,c77,"Lovelace\n',
    "b.jsonl": '{"order_id": "o4", "ordered_at": "2026-05-01", "product_id": "p1", "quantity": 1}\n'
    '{"order_id": "o5", "name": "Lovelace" ada@mail.example}\n',
}


def test_a_line_that_cannot_be_read_is_told_by_its_place_and_kept_nowhere(
    folder: Path, warehouse: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in BROKEN.items():
        (folder / "in" / name).write_text(text)
        run = pipeline.open_import(f"import {name}", "orders", str(folder / "in" / name))
        pipeline.load(run)
    sources = {"drop": {"kind": "files", "streams": {"orders": {"paths": [f"{folder}/in/*"]}}}}
    with declared(monkeypatch, folder, sources):
        assert loaded(pull()["drop"])["order_line"][2] == 3
    told = str(rows(warehouse, "SELECT to_jsonb(bad) FROM quality.quarantined_row AS bad")) + stored(folder)
    assert not [word for word in ("Lovelace", "mail.example", "c77") if word in told]
    places = []
    for number in range(1, 7):
        shown = CliRunner().invoke(cli, ["quarantine", "show", str(number)]).output
        path = next(name for name in BROKEN if f"{folder}/in/{name}" in shown)
        places.append((path, re.findall(r"line \d", shown)[0]))
    assert sorted(set(places)) == [("a.csv", "line 3"), ("a.csv", "line 4"), ("b.jsonl", "line 2")]


def test_what_opens_a_door_is_nowhere_kept(folder: Path, warehouse: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def answer(request: Request) -> Response:
        return Response(VIEWS.format(product=request.query_params["of"]))

    with serving(Starlette(routes=[Route("/export", answer)])) as url:
        paths = [f"{url}/export?token=hush-hush&of=p1&since={{since}}", f"{url}/export?sig=hush-hush&of=p2"]
        with declared(monkeypatch, folder, {"drop": {"kind": "files", "streams": {"interactions": {"paths": paths}}}}):
            assert pull()["drop"]["fetched"] == {"interactions": 2}
            assert pull()["drop"]["fetched"] == {"interactions": 1}, "what tells no version is read once"
    for table in ("ops.storefront_page", "ops.storefront_read", "ops.storefront_file", "ops.run"):
        assert "hush" not in str(rows(warehouse, f"SELECT to_jsonb(told)::text FROM {table} AS told"))
    assert "hush" not in stored(folder)


def test_a_server_of_files_is_asked_as_it_wishes_and_its_keys_are_in_no_log(
    folder: Path, warehouse: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[tuple[str, str]] = []
    waited: list[float] = []
    monkeypatch.setattr(fetching, "pause", waited.append)
    caplog.set_level("DEBUG")

    async def answer(request: Request) -> Response:
        name = request.path_params["name"]
        asked.append((name, request.headers["accept-encoding"]))
        if name == "busy" and len(asked) < 3:
            return Response(status_code=429, headers={"Retry-After": "30"})
        if name in ("401", "404", "503"):
            return Response(status_code=int(name))
        if name == "packed":
            return Response(VIEWS, headers={"Content-Encoding": "zstd"})
        body = VIEWS.format(product=name).encode()
        return Response(
            gzip.compress(body) if name == "gz" else body, headers={"Content-Encoding": "gzip"} if name == "gz" else {}
        )

    def told(url: str, name: str) -> str | None:
        asked.clear()
        stream = {"paths": [f"{url}/{name}?token=hush-hush"]}
        with declared(monkeypatch, folder, {"drop": {"kind": "files", "streams": {"interactions": stream}}}):
            problem: str | None = pull()["drop"]["error"]
        return problem

    with serving(Starlette(routes=[Route("/{name}", answer)])) as url:
        assert told(url, "busy") is None
        assert (asked, [wait >= 30 for wait in waited]) == ([("busy", "identity")] * 3, [True, True])
        assert told(url, "gz") is None
        for name, times in (("401", 1), ("404", 1), ("503", 3), ("packed", 1)):
            assert "can't be fetched" in str(told(url, name))
            assert len(asked) == times
    assert rows(warehouse, "SELECT product_id FROM core.interaction ORDER BY 1") == [("busy",), ("gz",)]
    assert "hush" not in caplog.text


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("https://shop.example:port/x.csv", "Invalid port"),
        ("nowhere://shop/x.csv", "nowhere"),
        ("https://reader:hush@127.0.0.1:9/x.csv", "127.0.0.1:9/x.csv can't be fetched"),
    ],
)
def test_an_address_that_cannot_be_used_is_said_and_leaves_other_sources_alone(
    folder: Path, warehouse: str, monkeypatch: pytest.MonkeyPatch, path: str, problem: str
) -> None:
    (folder / "in" / "a.csv").write_text(ORDER_FILE)
    sources = {
        "bad": {"kind": "files", "streams": {"orders": {"paths": [path]}}},
        "good": {"kind": "files", "streams": {"orders": {"paths": [f"{folder}/in/a.csv"]}}},
    }
    with declared(monkeypatch, folder, sources):
        told = pull()
    assert problem in told["bad"]["error"]
    assert "hush" not in told["bad"]["error"]
    assert told["good"]["fetched"] == {"orders": 1}


def test_times_without_offset_are_of_the_mappings_clock(
    folder: Path, warehouse: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    columns = {name: name for name in ("order_id", "customer_id", "ordered_at", "product_id", "quantity")}
    document = {"timezone": "America/New_York", "datasets": {"orders": {"columns": columns}}}
    (folder / "shop.yaml").write_text(json.dumps(document))
    (folder / "in" / "a.csv").write_text(
        "order_id,customer_id,ordered_at,product_id,quantity,changed,ended\n"
        "o1,c1,2026-05-01 10:00:00,p1,1,2026-05-01 13:00:00,2026-05-01 12:00:00\n"
        "o2,c1,2026-05-01 10:00:00,p1,1,2026-05-01 13:00:00,at noon\n"
    )
    stream = {
        "paths": [f"{folder}/in/a.csv"],
        "mapping": f"{folder}/shop.yaml",
        "watermark": "changed",
        "cancelled": "ended",
    }
    with declared(monkeypatch, folder, {"drop": {"kind": "files", "streams": {"orders": stream}}}):
        told = pull()["drop"]
    assert rows(
        warehouse,
        "SELECT order_id, to_char(cancelled_at AT TIME ZONE 'UTC', 'HH24:MI'), "
        "to_char(changed_in_shop_at AT TIME ZONE 'UTC', 'HH24:MI') FROM core.customer_order",
    ) == [("o1", "16:00", "17:00")]
    assert loaded(told)["order_line"] == (1, 0, 1)
    assert "cancelled_at: 'at noon'" in one(warehouse, "SELECT reason FROM quality.quarantined_row")


def test_an_address_is_asked_for_what_came_after_by_the_mappings_columns_and_clock(
    folder: Path, warehouse: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    async def answer(request: Request) -> Response:
        asked.append(request.query_params["since"])
        return Response("Kunde;Artikel;Was;Zeit\nc1;p1;view;01.05.2026 12:00\n")

    columns = {"customer_id": "Kunde", "product_id": "Artikel", "kind": "Was"}
    time = {"occurred_at": {"from": "Zeit", "formats": ["%d.%m.%Y %H:%M"]}}
    document = {"timezone": "Europe/Berlin", "datasets": {"interactions": {"columns": columns | time}}}
    (folder / "shop.yaml").write_text(json.dumps(document))
    with serving(Starlette(routes=[Route("/export", answer)])) as url:
        stream = {"paths": [f"{url}/export?since={{since}}"], "mapping": f"{folder}/shop.yaml"}
        with declared(monkeypatch, folder, {"drop": {"kind": "files", "streams": {"interactions": stream}}}):
            assert [loaded(pull()["drop"])["interaction"] for _ in range(2)] == [(1, 0, 0), (0, 1, 0)]
    assert asked == ["1970-01-01T00:00:00Z", "2026-05-01T09:45:00Z"]


def test_pages_hold_keys_of_the_warehouses_secret_alone(
    shop: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (run,) = runs.open_runs("test:keys", "own")
    monkeypatch.setenv(customer_keys.VARIABLE, "generic://:another-secret-of-the-tests@privacy")
    with pytest.raises(CustomerKeyError, match="another secret"):
        pulling.pull(run)
    assert one(shop, "SELECT count(*) FROM ops.storefront_page") == 0


def test_what_a_database_says_of_a_row_is_kept_without_the_row(
    shop: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = ORDERS.replace("pieces AS", "mail::integer + pieces AS")
    orders = OWN["own"]["streams"]["orders"] | {"query": query}
    with (
        declared(monkeypatch, folder, {"own": {"kind": "sql", "streams": {"orders": orders}}}),
        pytest.raises(StorefrontError, match="invalid input syntax for type integer") as raised,
    ):
        read()
    kept = one(shop, "SELECT problem FROM ops.storefront_read")
    assert "mail.example" not in f"{raised.value} {kept}"


def test_what_a_connection_s_extra_says_reaches_the_database(shop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def problem(extra: dict[str, Any], kind: str = "postgres") -> str:
        address = urlsplit(shop)
        told = {"host": "127.0.0.1", "port": address.port, "login": address.username, "password": address.password}
        told |= {"conn_type": kind, "schema": address.path[1:], "extra": extra}
        monkeypatch.setenv("AIRFLOW_CONN_LANECAST_OWN", json.dumps(told))
        with pytest.raises(StorefrontError) as raised:
            read()
        return str(raised.value)

    assert "server does not support SSL" in problem({"sslmode": "verify-full", "sslrootcert": "/none.pem"})
    assert "extra has 'sslmod', which PostgreSQL's client does not know" in problem({"sslmod": "require"})
    assert "extra has 'host', which the connection itself says" in problem({"host": "elsewhere"})
    assert "extra has 'ssl', which is no plain value" in problem({"ssl": {"ca": "/ca.pem"}}, "mysql")
    url = engine(Connection("own", "oracle", "db", extra={"driver": "sqlite", "timeout": 3, "uri": True})).url
    assert url.query == {"timeout": "3", "uri": "true"}


class _Said(Exception):
    """What a driver raises."""


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ((1146, "Table 'shop.sale' doesn't exist"), "OperationalError: 1146 Table 'shop.sale' doesn't exist"),
        ((1366, "Incorrect value: 'it's ada@mail.example' for 'pieces'"), "OperationalError: 1366 Incorrect value: …"),
        (
            (b"Conversion of the varchar value 'Ada' failed", b"x"),
            "OperationalError: Conversion of the varchar value … failed x",
        ),
        (("Could not decode column 'mail' with text 'Ada'\nmore",), "OperationalError: Could not decode column …"),
    ],
)
def test_drivers_words_are_kept_without_values(said: tuple[Any, ...], told: str) -> None:
    query = "SELECT pieces, mail FROM shop.sale"
    assert words(OperationalError(query, {}, _Said(*said)), query) == told


def test_values_of_databases_are_told_as_files_would_write_them() -> None:
    values = (b"A1", bytearray(b"A1"), memoryview(b"A1"), None, True, date(2026, 5, 1), Decimal("1E+2"))
    assert [database._text(value) for value in values] == ["A1"] * 3 + ["", "true", "2026-05-01", "100"]


def test_a_watermark_that_is_no_time_is_said(shop: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    query = ORDERS.replace("cancelled, changed,", "cancelled, 'today' AS changed,")
    orders = OWN["own"]["streams"]["orders"] | {"query": query}
    with (
        declared(monkeypatch, folder, {"own": {"kind": "sql", "streams": {"orders": orders}}}),
        pytest.raises(StorefrontError, match="no value of its watermark column changed is a time"),
    ):
        read()


def test_a_query_may_end_with_a_comment(shop: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    orders = OWN["own"]["streams"]["orders"] | {"query": f"{ORDERS} -- the newest last"}
    with declared(monkeypatch, folder, {"own": {"kind": "sql", "streams": {"orders": orders}}}):
        assert read() == {"orders": 800}


def test_rows_are_counted_in_each_database_s_own_words() -> None:
    told = str(database._count("SELECT 1").compile(dialect=oracle.dialect()))
    assert told.split() == ["SELECT", "count(*)", "AS", "count_1", "FROM", "(SELECT", "1", ")", "counted"]
