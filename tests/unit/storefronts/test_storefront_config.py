"""The file of sources: what it may say, and what it says of what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from lanecast.storefronts import accounts, config
from lanecast.storefronts.config import ConfigError

SQL = "{kind: sql, streams: {orders: {query: 'SELECT * FROM o WHERE changed > :watermark', watermark: changed}}}"


def read(tmp_path: Path, text: str) -> dict[str, config.Source]:
    path = tmp_path / "storefronts.yaml"
    path.write_text(text, encoding="utf-8")
    return config.sources(path)


def test_the_file_that_ships_declares_both_shops_and_the_behaviour() -> None:
    found = config.sources()
    assert {name: one.kind for name, one in found.items()} == {
        "shopify": "shopify",
        "woocommerce": "woocommerce",
        "behaviour": "files",
    }
    assert list(found["shopify"].streams) == ["products", "orders"]
    assert found["shopify"].connection == "lanecast_shopify"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("sources: [", "is not YAML"),
        ("shops: {}", "unknown field"),
        ("sources: {Shop: {kind: shopify, streams: [orders]}}", "letters a to z"),
        ("sources: {shop: {kind: magento, streams: [orders]}}", "magento"),
        ("sources: {shop: {kind: shopify, streams: []}}", "name at least one"),
        ("sources: {shop: {kind: shopify, streams: [interactions]}}", "products and orders"),
        ("sources: {shop: {kind: shopify, streams: [orders], password: x}}", "password"),
        ("sources: {shop: {kind: shopify, streams: [orders], origin: XX}}", "ISO 3166-1"),
        ("sources: {shop: {kind: shopify, streams: [orders], currency: usd}}", "ISO 4217"),
        ("sources: {shop: {kind: shopify, streams: {orders: {query: x}}}}", "no keys"),
        ("sources: {shop: {kind: shopify, streams: [orders], overlap_minutes: -1}}", "overlap_minutes"),
        ("sources: {shop: {kind: sql, streams: [orders]}}", "query: is missing"),
        ("sources: {shop: {kind: sql, streams: {orders: {query: 'SELECT 1', watermark: at}}}}", "no :watermark"),
        ("sources: {shop: {kind: sql, streams: {orders: {query: 'SELECT :watermark'}}}}", "name the column"),
        ("sources: {shop: {kind: files, streams: {orders: {query: x}}}}", "for sql sources alone"),
        ("sources: {shop: {kind: files, streams: {orders: {paths: [a], ids: b}}}}", "ids: is for products"),
        ("sources: {shop: {kind: files, streams: {products: {paths: [a], whole_orders: true}}}}", "for orders alone"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        read(tmp_path, text)


def test_a_source_that_is_not_declared_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="shopify, woocommerce, behaviour"):
        config.source("etsy")


def test_without_connection_the_sandbox_stands_in_and_without_either_a_source_is_skipped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("LANECAST_SANDBOX_URL", raising=False)
    assert [way.account for way in accounts.ways(config.sources())] == [None, None, None]
    monkeypatch.setenv("LANECAST_SANDBOX_URL", "http://127.0.0.1:9/")
    told = [way.account for way in accounts.ways(config.sources())]
    assert [one and (one.base_url, one.is_sandbox) for one in told] == [
        ("http://127.0.0.1:9/shopify", True),
        ("http://127.0.0.1:9/woocommerce", True),
        ("http://127.0.0.1:9", True),
    ]


def test_beside_a_real_shop_the_sandbox_stands_in_for_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANECAST_SANDBOX_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AIRFLOW_CONN_LANECAST_SHOPIFY", '{"host": "shop.example", "password": "hush hush"}')
    told = {way.source.name: way for way in accounts.ways(config.sources())}
    account = told["shopify"].account
    assert account is not None
    assert (account.base_url, account.is_sandbox) == ("https://shop.example", False)
    assert "hush" not in repr(account)
    for name in ("woocommerce", "behaviour"):
        assert told[name].account is None
        assert told[name].why_skipped == "the sandbox, beside a source that is real"


@pytest.mark.parametrize(
    ("connection", "problem"),
    [
        ('{"password": "hush hush"}', "no host"),
        ('{"host": "shop.example"}', "password"),
        ('{"host": "http://shop.example", "password": "hush hush"}', "plain http"),
        ('{"host": "shop.example", "password": "hush hush", "extra": {"attempts": "many"}}', "unreadable limit"),
        ('{"host": "shop.example", "password": "hush hush", "extra": {"page_size": "many"}}', "page_size 'many'"),
        ('{"host": "shop.example", "password": "hush hush", "extra": {"page_size": 0}}', "page_size 0"),
        ("{", "no connection"),
    ],
)
def test_a_connection_that_cannot_be_used_leaves_its_source_out_and_the_sandbox_too(
    monkeypatch: pytest.MonkeyPatch, connection: str, problem: str
) -> None:
    monkeypatch.setenv("LANECAST_SANDBOX_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AIRFLOW_CONN_LANECAST_SHOPIFY", connection)
    (way, *others) = accounts.ways(config.sources())
    assert way.account is None
    assert problem in str(way.why_skipped)
    assert "hush" not in str(way.why_skipped)
    assert [other.why_skipped for other in others] == ["the sandbox, beside a source that is real"] * 2


def test_a_database_needs_its_connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = read(tmp_path, f"sources: {{own: {SQL}}}")
    assert accounts.way(found["own"], found).why_skipped == "no connection lanecast_own, and no sandbox for it"
    monkeypatch.setenv("AIRFLOW_CONN_LANECAST_OWN", "postgresql://reader:hush@db.example/shop")
    assert accounts.way(found["own"], found).account is not None
