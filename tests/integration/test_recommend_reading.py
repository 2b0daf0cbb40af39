"""What recommendations are learned from, rule by rule."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from recommend_world import NOW, customers, deed, execute, insert, order, products

from lanecast.recommend import reading
from lanecast.recommend.deeds import Kind
from lanecast.recommend.reading import Known

DAY = timedelta(days=1)
Told = tuple[str | None, str, str, str | None]


def read() -> Known:
    return reading.read(as_of=NOW)


def told(known: Known) -> list[Told]:
    """Customer, product, kind and country of each deed, in their order."""
    deeds = known.deeds
    return [
        (
            deeds.customers[deeds.customer[place]] if deeds.customer[place] >= 0 else None,
            deeds.products[deeds.product[place]],
            Kind(deeds.kind[place]).name.lower(),
            deeds.countries[deeds.country[place]] if deeds.country[place] >= 0 else None,
        )
        for place in range(len(deeds))
    ]


@pytest.fixture(autouse=True)
def _parties(warehouse: str) -> None:
    customers("ann", "bob", country="FR")
    products("cup", "pot", "tea")


def test_lines_of_orders_are_purchases_and_returns_at_their_own_time() -> None:
    lines = [
        "cup",
        {"product_id": "pot", "quantity": 10**40},
        {"product_id": "pot", "quantity": -2, "occurred_at": NOW - DAY},
    ]
    order("1", "ann", lines, NOW - 9 * DAY, country="DE")
    known = read()
    assert told(known) == [
        ("ann", "cup", "purchase", "DE"),
        ("ann", "pot", "purchase", "DE"),
        ("ann", "pot", "return", "DE"),
    ]
    assert known.deeds.at.tolist() == [int((NOW - days * DAY).timestamp()) for days in (9, 9, 1)]
    assert known.deeds.basket.tolist() == [0, 0, 0]
    assert known.deeds.customers.tolist() == ["ann"]  # bob did nothing
    assert [known.deeds.countries[place] for place in known.customer_country] == ["DE"]


def test_a_guest_s_order_stays_one_basket_without_a_customer_or_country() -> None:
    order("1", None, ["cup", "pot"], NOW - DAY)
    order("2", None, ["cup"], NOW - 2 * DAY)
    known = read()
    assert told(known) == [(None, one, "purchase", None) for one in ("cup", "cup", "pot")]
    first, *second = known.deeds.basket.tolist()
    assert len(set(second)) == 1
    assert {first, *second} == {0, 1}
    assert known.deeds.customers.tolist() == []


def test_a_cancelled_order_and_a_withdrawn_line_are_no_purchases() -> None:
    order("1", "ann", ["cup"], NOW - 3 * DAY, cancelled_at=NOW - DAY, status="cancelled")
    order("2", "ann", ["tea"], NOW - 3 * DAY, status="canceled")
    order("3", "ann", ["cup", {"product_id": "pot", "withdrawn_at": NOW - DAY}], NOW - 2 * DAY)
    assert told(read()) == [("ann", "cup", "purchase", "FR")]


def test_what_is_cancelled_withdrawn_or_done_later_than_now_is_not_known_yet() -> None:
    order("1", "ann", ["cup"], NOW - 3 * DAY, cancelled_at=NOW + DAY)
    order("2", "ann", [{"product_id": "pot", "withdrawn_at": NOW + DAY}], NOW - 2 * DAY)
    order("3", "ann", ["tea", {"product_id": "cup", "occurred_at": NOW}], NOW + timedelta(seconds=1))
    known = read()
    assert [product for _, product, *_ in told(known)] == ["cup", "pot", "cup"]
    assert known.deeds.at.max() < known.now == int(NOW.timestamp()) + 1


def test_an_order_told_twice_counts_once_and_what_no_order_tells_counts() -> None:
    order("1", "ann", ["cup"], NOW - 3 * DAY)
    order("2", "ann", ["cup"], NOW - 3 * DAY, cancelled_at=NOW - 2 * DAY)
    for order_id in ("1", "2", "elsewhere", None):
        deed("ann", "pot", "purchase", NOW - DAY, order_id=order_id, quantity=2)
    deed("ann", "tea", "return", NOW, order_id="1", quantity=-1)
    deed("ann", "tea", "return", NOW, order_id="elsewhere", quantity=-1)
    deed("ann", "tea", "view", NOW - DAY, order_id="1", country="ES")
    deed("bob", "tea", "cart", NOW - DAY)
    assert sorted(told(read()), key=str) == sorted(
        [
            ("ann", "cup", "purchase", "FR"),
            ("ann", "pot", "purchase", "FR"),
            ("ann", "pot", "purchase", "FR"),
            ("ann", "tea", "return", "FR"),
            ("ann", "tea", "view", "ES"),
            ("bob", "tea", "cart", "FR"),
        ],
        key=str,
    )


def test_an_erased_customer_leaves_nothing_and_the_others_keep_their_numbers() -> None:
    order("1", "ann", ["cup"], NOW - 3 * DAY)
    order("2", "bob", ["cup", "pot"], NOW - 2 * DAY)
    deed("ann", "tea", "view", NOW - DAY)
    before = told(read())
    insert("ops.erased_customer", [{"customer_id": "ann", "erased_at": NOW}])
    known = read()
    assert told(known) == [one for one in before if one[0] == "bob"]
    assert known.deeds.customers.tolist() == ["bob"]
    assert known.erasures == 1


def test_what_is_known_of_products() -> None:
    execute(
        "UPDATE core.product SET title = 'A cup', category = 'kitchen', published_at = '2026-01-01Z' "
        "WHERE product_id = 'cup'"
    )
    execute("UPDATE core.product SET is_available = false, category = 'kitchen' WHERE product_id = 'pot'")
    execute("UPDATE core.product SET withdrawn_at = %s, category = 'food' WHERE product_id = 'tea'", NOW - DAY)
    products("mat", withdrawn_at=NOW + DAY)
    order("1", "ann", ["pot", "tea"], NOW - 3 * DAY)
    order("2", "ann", ["pot"], NOW - 2 * DAY)
    known = read()
    assert known.deeds.products.tolist() == ["cup", "mat", "pot", "tea"]
    assert known.titles.tolist() == ["A cup", "", "", ""]
    assert known.catalogue.available.tolist() == [True, True, False, False]
    assert known.catalogue.category.tolist() == [1, -1, 1, 0]
    sold, heard_of = (int((NOW - days * DAY).timestamp()) for days in (3, 1))
    assert known.catalogue.published_at.tolist() == [1_767_225_600, heard_of, sold, sold]


def test_nothing_is_read_of_nothing() -> None:
    known = read()
    assert len(known.deeds) == 0
    assert known.deeds.customer.dtype == known.deeds.basket.dtype == np.int32


def test_many_rows_come_in_chunks_and_in_one_order(warehouse: str, monkeypatch: pytest.MonkeyPatch) -> None:
    execute(
        "INSERT INTO core.interaction (interaction_hash, occurred_at, customer_id, product_id, kind, quantity, run_id, "
        "ingested_at) SELECT n, %s - make_interval(mins => (n * 7919 %% 50)::integer), "
        "(ARRAY['ann', 'bob', NULL])[1 + n %% 3], (ARRAY['cup', 'pot', 'tea'])[1 + n / 7 %% 3], "
        "(ARRAY['view', 'purchase'])[1 + n / 11 %% 2], 1 + n %% 4, 'test', now() FROM generate_series(1, 5000) AS n",
        NOW,
    )
    whole = read().deeds
    monkeypatch.setattr(reading.binary_copy.read, "__defaults__", (1000,))
    execute("UPDATE core.interaction SET ingested_at = now() WHERE interaction_hash % 3 = 1")  # rows move in the table
    pieces = read().deeds
    assert len(whole) == 5000
    assert (np.diff(whole.at) >= 0).all()
    for name, column in vars(whole).items():
        assert (column == getattr(pieces, name)).all(), name
