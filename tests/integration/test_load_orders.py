"""The load of order lines and interactions."""

from __future__ import annotations

import pytest
from load_rows import JANUARY, Loader, Row, counts, days


@pytest.fixture
def loader(warehouse: str) -> Loader:
    return Loader(warehouse)


def line(order: str = "A", product: str = "p1", **changes: object) -> Row:
    return {
        "order_id": order,
        "customer_id": "c1",
        "ordered_at": JANUARY,
        "status": "paid",
        "currency": "EUR",
        "product_id": product,
        "quantity": 1,
        "unit_price": 9.5,
    } | changes


def view(number: int, **changes: object) -> Row:
    told = {"customer_id": "c1", "product_id": "p1", "kind": "view", "occurred_at": JANUARY, "interaction_hash": number}
    return told | changes


def orders(loader: Loader, *rows: Row, **options: object) -> tuple[int, int, int]:
    return counts(loader.load("order_line", rows, **options))  # type: ignore[arg-type]


def test_the_same_orders_again_load_nothing(loader: Loader) -> None:
    rows = [line(), line(), line(product="p2"), line("B", customer_id=None)]
    assert orders(loader, *rows) == (4, 0, 0), "two equal lines of an order are two lines"
    assert orders(loader, *rows) == (0, 4, 0)
    assert loader.asked("SELECT order_id, line_number, product_id FROM core.order_line ORDER BY 1, 2") == [
        ("A", 1, "p1"),
        ("A", 2, "p1"),
        ("A", 3, "p2"),
        ("B", 1, "p1"),
    ]
    assert loader.asked("SELECT customer_id, first_seen_at FROM core.customer") == [("c1", JANUARY)]
    assert loader.asked("SELECT product_id FROM core.product ORDER BY 1") == [("p1",), ("p2",)]


def test_a_changed_line_counts_as_loaded(loader: Loader) -> None:
    orders(loader, line(), line(product="p2"))
    assert orders(loader, line(), line(product="p2", quantity=3)) == (1, 1, 0)


def test_lines_of_a_changed_order_count_as_loaded(loader: Loader) -> None:
    orders(loader, line(), line(product="p2"), line("B"))
    assert orders(loader, line(status="shipped"), line(product="p2", status="shipped"), line("B")) == (2, 1, 0)
    assert loader.asked("SELECT status FROM core.customer_order WHERE order_id = 'A'") == [("shipped",)]


def test_what_one_line_of_an_order_tells_is_not_lost_with_the_next(loader: Loader) -> None:
    orders(loader, line(), line(product="p2", customer_id=None, currency=None, status=None))
    assert loader.asked("SELECT customer_id, currency, status FROM core.customer_order") == [("c1", "EUR", "paid")]


def test_a_rejected_line_keeps_its_number(loader: Loader) -> None:
    rows = [line(), line(product="p2"), line(product="p3")]
    assert orders(loader, *rows, rejected={1: "quantity_not_usable"}) == (2, 0, 1)
    assert orders(loader, *rows) == (1, 2, 0), "once mended it is the one that is new"
    assert loader.asked("SELECT line_number, product_id FROM core.order_line ORDER BY 1") == [
        (1, "p1"),
        (2, "p2"),
        (3, "p3"),
    ]


def test_interactions_are_loaded_once(loader: Loader) -> None:
    rows = [view(1), view(2), view(1), view(1, occurred_at=JANUARY + days(1)), view(3, customer_id=None)]
    assert counts(loader.load("interaction", rows)) == (4, 1, 0)
    assert counts(loader.load("interaction", [*rows, view(4, customer_id="c2")])) == (1, 5, 0)
    assert loader.asked("SELECT customer_id FROM core.customer ORDER BY 1") == [("c1",), ("c2",)]
