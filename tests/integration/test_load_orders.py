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


def known(loader: Loader) -> list[tuple[object, ...]]:
    return loader.asked("SELECT line_number, product_id, quantity::integer FROM core.order_line ORDER BY order_id, 1")


def test_a_later_part_of_an_order_follows_the_lines_that_another_file_told(loader: Loader) -> None:
    first = [line(quantity=2), line(product="p2")]
    later = [line(quantity=-1, occurred_at=JANUARY + days(2)), line("B")]
    assert orders(loader, *first, source="a.csv") == (2, 0, 0)
    assert orders(loader, *later, source="b.csv") == (2, 0, 0)
    every = [(1, "p1", 2), (2, "p2", 1), (3, "p1", -1), (1, "p1", 1)]
    assert known(loader) == every
    for rows, source in ((later, "b.csv"), (first, "a.csv"), ([*later, *first], "c.csv"), (later, "d.csv")):
        assert orders(loader, *rows, source=source) == (0, len(rows), 0)
    assert known(loader) == every
    mended = [line(quantity=-2, occurred_at=JANUARY + days(2)), line("B")]
    assert orders(loader, *mended, source="b.csv") == (1, 1, 0), "a file's own line that is told otherwise"
    assert known(loader) == [*every[:2], (3, "p1", -2), every[3]]
    assert orders(loader, *first, line(product="p3"), source="a.csv") == (1, 2, 0)
    assert known(loader)[3] == (4, "p3", 1), "and one that the first file has more takes no place of the second"


def test_equal_lines_of_two_files_are_as_many_as_the_file_that_has_most(loader: Loader) -> None:
    orders(loader, line(), line(unit_price=None), source="a.csv")
    assert orders(loader, *[line()] * 3, line(unit_price=None), kind="storefront", source="own") == (4, 0, 0), (
        "the source of the order is a storefront now"
    )
    assert known(loader) == [(number, "p1", 1) for number in range(1, 5)]
    assert orders(loader, *[line()] * 3, line(unit_price=None), kind="storefront", source="own") == (0, 4, 0)


def test_a_bad_line_of_a_later_part_keeps_the_number_that_it_was_put_aside_with(loader: Loader) -> None:
    orders(loader, line(), source="a.csv")
    part = [line(product="p2", quantity=0), line(product="p3")]
    for _ in range(2):
        orders(loader, *part, rejected={0: "quantity_not_usable"}, source="b.csv")
        orders(loader, *part[:1], rejected={0: "quantity_not_usable"}, kind="storefront", source="own")
    assert loader.asked("SELECT row_data ->> 'line_number', times_seen FROM quality.quarantined_row") == [("2", 4)]
    assert known(loader) == [(1, "p1", 1), (3, "p3", 1)]
    assert orders(loader, line(product="p2", quantity=5), part[1], source="b.csv") == (1, 1, 0)
    assert known(loader) == [(1, "p1", 1), (2, "p2", 5), (3, "p3", 1)]


def test_a_line_s_number_is_its_key_where_it_is_told(loader: Loader) -> None:
    numbered = [line(line_number=7), line(product="p2", line_number=3), line(product="p3")]
    assert orders(loader, *numbered, source="a.csv") == (3, 0, 0)
    assert known(loader) == [(3, "p2", 1), (7, "p1", 1), (8, "p3", 1)]
    assert orders(loader, *numbered, source="a.csv") == (0, 3, 0)
    assert orders(loader, line(line_number=7, quantity=4), kind="storefront", source="own") == (1, 0, 0)
    assert known(loader) == [(3, "p2", 1), (7, "p1", 4), (8, "p3", 1)]


def test_a_line_that_the_shop_has_no_more_is_not_brought_back_by_a_part(loader: Loader) -> None:
    whole = {"is_whole_order": True, "changed_in_shop_at": JANUARY}
    shop = {"kind": "storefront", "source": "shopify"}
    orders(loader, line(**whole), line(product="p2", **whole), **shop)
    orders(loader, line(**whole | {"changed_in_shop_at": JANUARY + days(1)}), **shop)
    orders(loader, line(), line(product="p2"), source="a.csv")
    assert loader.asked("SELECT line_number, withdrawn_at IS NULL FROM core.order_line ORDER BY 1") == [
        (1, True),
        (2, False),
    ]


def test_interactions_are_loaded_once(loader: Loader) -> None:
    rows = [view(1), view(2), view(1), view(1, occurred_at=JANUARY + days(1)), view(3, customer_id=None)]
    assert counts(loader.load("interaction", rows)) == (4, 1, 0)
    assert counts(loader.load("interaction", [*rows, view(4, customer_id="c2")])) == (1, 5, 0)
    assert loader.asked("SELECT customer_id FROM core.customer ORDER BY 1") == [("c1",), ("c2",)]
