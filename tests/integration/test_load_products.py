"""The load of products: from storefronts, which tell all of a product, and from files, which tell what they have."""

from __future__ import annotations

from typing import Any

import pytest
from load_rows import JANUARY, Loader, Row, counts, days


@pytest.fixture
def loader(warehouse: str) -> Loader:
    return Loader(warehouse)


def product(day: int | None = None, **changes: Any) -> Row:
    """A product as the shop had it on a day; without one, as a file tells it."""
    changed = None if day is None else JANUARY + days(day)
    return {"product_id": "p1", "title": "Shoes", "unit_price": 5, "changed_in_shop_at": changed} | changes


def told(loader: Loader, *rows: Row) -> tuple[int, int, int]:
    """(loaded, duplicate, quarantined)"""
    return counts(loader.load("product", rows))


def known(loader: Loader, columns: str = "title, unit_price, stock_quantity, withdrawn_at") -> tuple[Any, ...]:
    (found,) = loader.asked(f"SELECT {columns} FROM core.product WHERE product_id = 'p1'")
    return found


def test_the_same_products_again_are_duplicates(loader: Loader) -> None:
    rows = [product(1), product(1, product_id="p2"), product(1)]
    assert told(loader, *rows) == (2, 1, 0)
    assert told(loader, *rows) == (0, 3, 0)


def test_a_product_that_an_order_named_gets_its_title(loader: Loader) -> None:
    line = {"order_id": "A", "ordered_at": JANUARY, "product_id": "p1", "quantity": 1}
    loader.load("order_line", [line])
    assert told(loader, product(1)) == (1, 0, 0)
    loader.load("order_line", [line | {"order_id": "B"}])
    assert known(loader) == ("Shoes", 5, None, None), "an order tells nothing of a product"


def test_what_a_shop_tells_is_all_of_it_and_the_latest_stands(loader: Loader) -> None:
    told(loader, product(1, stock_quantity=3))
    assert told(loader, product(3, title="Boots"), product(2)) == (1, 1, 0)
    assert known(loader) == ("Boots", 5, None, None), "the shop does not count them any more"
    assert told(loader, product(2, stock_quantity=9)) == (0, 1, 0)
    assert known(loader, "changed_in_shop_at") == (JANUARY + days(3),)


def test_a_file_adds_what_it_has(loader: Loader) -> None:
    told(loader, product(1, stock_quantity=3))
    assert told(loader, product(title=None, unit_price=7), product(title="Boots", unit_price=None)) == (1, 1, 0)
    assert known(loader) == ("Boots", 7, 3, None)


def test_a_withdrawn_product_keeps_what_it_was_and_may_come_back(loader: Loader) -> None:
    told(loader, product(1, stock_quantity=3))
    gone = product(title=None, unit_price=None, withdrawn_at=JANUARY + days(4))
    assert told(loader, gone) == (1, 0, 0)
    assert known(loader) == ("Shoes", 5, 3, JANUARY + days(4))
    assert told(loader, gone | {"withdrawn_at": JANUARY + days(5)}) == (0, 1, 0), "since when stays"
    assert told(loader, product(6)) == (1, 0, 0)
    assert known(loader) == ("Shoes", 5, None, None)
