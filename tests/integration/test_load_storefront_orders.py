"""The load of whole orders, as storefronts tell them: changed, cancelled, sent back, and told late."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from load_rows import JANUARY, NOW, Loader, Row, counts, days, shipment
from quarantine_rows import Quarantine


@pytest.fixture
def loader(warehouse: str) -> Loader:
    return Loader(warehouse)


def order(day: int, *lines: tuple[str | None, int], order_id: str = "1001", **changes: Any) -> list[Row]:
    """An order as the shop had it on a day after it was placed; lines are product and quantity."""
    head: Row = {
        "order_id": order_id,
        "customer_id": "c1",
        "ordered_at": JANUARY,
        "status": "paid",
        "currency": "EUR",
        "country": "FR",
        "changed_in_shop_at": JANUARY + days(day),
        "is_whole_order": True,
    }
    told = [{"product_id": product, "quantity": quantity, "unit_price": 5} for product, quantity in lines]
    return [head | line | changes for line in told]


def told(loader: Loader, *rows: Row, **options: Any) -> tuple[int, int, int]:
    """(loaded, duplicate, quarantined)"""
    return counts(loader.load("order_line", rows, **{"kind": "storefront", "source": "shopify", **options}))


def lines(loader: Loader) -> list[tuple[Any, ...]]:
    """(number, product, quantity, is withdrawn)"""
    return loader.asked(
        "SELECT line_number, product_id, quantity, withdrawn_at IS NOT NULL FROM core.order_line ORDER BY 1"
    )


def one(loader: Loader, columns: str) -> tuple[Any, ...]:
    """Columns of the order."""
    (found,) = loader.asked(f"SELECT {columns} FROM core.customer_order WHERE order_id = '1001'")
    return found


def test_an_order_is_told_with_where_it_goes_and_by_whom(loader: Loader) -> None:
    assert told(loader, *order(1, ("p1", 2), region="FR-75")) == (1, 0, 0)
    assert one(loader, "source, country, region, cancelled_at, changed_in_shop_at") == (
        *("shopify", "FR", "FR-75", None),
        JANUARY + days(1),
    )
    assert loader.asked("SELECT customer_id, country FROM core.customer") == [("c1", "FR")]
    assert told(loader, *order(1, ("p1", 2), region="FR-75")) == (0, 1, 0)


def test_a_region_belongs_to_its_country(loader: Loader) -> None:
    told(loader, *order(1, ("p1", 2), region="FR-75"))
    told(loader, *order(2, ("p1", 2)))
    assert one(loader, "country, region") == ("FR", "FR-75")
    told(loader, *order(3, ("p1", 2), country="BR"))
    assert one(loader, "country, region") == ("BR", None)


def test_lines_that_are_not_told_any_more_are_withdrawn_and_come_back(loader: Loader) -> None:
    told(loader, *order(1, ("p1", 2), ("p2", 1), ("p3", 1)))
    assert told(loader, *order(2, ("p1", 2))) == (1, 0, 0)
    assert lines(loader) == [(1, "p1", 2, False), (2, "p2", 1, True), (3, "p3", 1, True)]
    assert loader.asked("SELECT DISTINCT withdrawn_at FROM core.order_line WHERE line_number > 1") == [(NOW,)]
    told(loader, *order(3, ("p1", 2), ("p2", 1)))
    assert lines(loader) == [(1, "p1", 2, False), (2, "p2", 1, False), (3, "p3", 1, True)]


def test_files_tell_lines_and_withdraw_none(loader: Loader) -> None:
    told(loader, *order(1, ("p1", 2), ("p2", 1)))
    file = [row | {"changed_in_shop_at": None, "is_whole_order": None} for row in order(1, ("p1", 2))]
    assert told(loader, *file, kind="import", source="orders.csv") == (0, 1, 0), (
        "the source of an order is a storefront"
    )
    assert lines(loader) == [(1, "p1", 2, False), (2, "p2", 1, False)]


def test_an_older_reading_changes_nothing(loader: Loader) -> None:
    told(loader, *order(5, ("p1", 2), status="shipped"))
    older = order(4, ("p1", 1), ("p2", 1), ("p3", 1), status="paid", country="BR", customer_id="c2")
    assert told(loader, *older) == (0, 3, 0), "also of lines that nobody ever heard of"
    assert lines(loader) == [(1, "p1", 2, False)]
    assert one(loader, "status, country, customer_id, changed_in_shop_at") == ("shipped", "FR", "c1", JANUARY + days(5))
    assert loader.asked("SELECT customer_id FROM core.customer") == [("c1",)]
    assert loader.asked("SELECT product_id FROM core.product") == [("p1",)]


def test_of_two_readings_in_a_batch_the_later_counts_whichever_comes_first(loader: Loader) -> None:
    later, older = order(3, ("p1", 2), status="shipped"), order(2, ("p1", 2), ("p2", 1))
    assert told(loader, *later, *older) == (1, 2, 0)
    assert (lines(loader), one(loader, "status")) == ([(1, "p1", 2, False)], ("shipped",))
    assert told(loader, *order(4, ("p1", 2), ("p2", 9)), *order(5, ("p1", 3), ("p2", 9))) == (2, 2, 0)
    assert lines(loader) == [(1, "p1", 3, False), (2, "p2", 9, False)]


def test_a_return_has_its_own_time(loader: Loader) -> None:
    told(loader, *order(1, ("p1", 2)))
    back = JANUARY + days(9)
    assert told(loader, *order(10, ("p1", 2)), *order(10, ("p1", -1), occurred_at=back)) == (2, 0, 0)
    assert loader.asked("SELECT quantity, occurred_at FROM core.order_line ORDER BY line_number") == [
        (2, None),
        (-1, back),
    ]


def at(loader: Loader) -> datetime | None:
    found: datetime | None = one(loader, "cancelled_at")[0]
    return found


def test_a_cancelled_order_is_cancelled_until_it_is_told_otherwise(loader: Loader) -> None:
    told(loader, *order(1, ("p1", 2)))
    told(loader, *order(2, ("p1", 2), status="cancelled", cancelled_at=JANUARY + days(1.5)))
    assert at(loader) == JANUARY + days(1.5)
    told(loader, *order(3, ("p1", 2), status="processing"))
    assert at(loader) is None


def test_an_order_that_is_only_said_to_be_cancelled_was_at_the_latest_change_told(loader: Loader) -> None:
    told(loader, *order(2, ("p1", 2), status="cancelled"))
    told(loader, *order(4, ("p1", 2), status="cancelled"))
    assert at(loader) == JANUARY + days(2), "the first time that it was told so"


def test_an_order_that_stays_cancelled_was_cancelled_when_it_first_was(loader: Loader) -> None:
    for day in (2, 5):  # as WooCommerce tells it: with the time of its last change alone
        told(loader, *order(day, ("p1", 2), status="failed", cancelled_at=JANUARY + days(day)))
        assert at(loader) == JANUARY + days(2)
    told(loader, *order(6, ("p1", 2), status="processing"))
    told(loader, *order(7, ("p1", 2), status="failed", cancelled_at=JANUARY + days(7)))
    assert at(loader) == JANUARY + days(7)
    told(loader, *order(8, ("p1", 2), status="failed", cancelled_at=JANUARY + days(6.5)))
    assert at(loader) == JANUARY + days(6.5), "a time of its own"


def test_a_deleted_product_leaves_the_line_the_product_that_is_known(loader: Loader) -> None:
    told(loader, *order(1, ("p1", 2), ("p2", 1)))
    assert told(loader, *order(2, (None, 2), ("sku:S-2", 1), ("sku:S-3", 1))) == (3, 0, 0)
    assert [product for _, product, *_ in lines(loader)] == ["p1", "p2", "sku:S-3"]


def test_a_deleted_product_is_not_taken_for_that_of_a_line_that_was_taken_out(loader: Loader) -> None:
    first, second, back = order(1, ("p1", 2), ("p2", 1), ("p2", -1))
    told(loader, first | {"unit_price": 9}, second, back)
    assert told(loader, *order(2, (None, 1), ("sku:S-2", -1))) == (1, 0, 1), "the second line is the first one now"
    assert lines(loader)[:2] == [(1, "p1", 2, False), (2, "sku:S-2", -1, False)]
    assert loader.asked("SELECT rule FROM quality.quarantined_row") == [("product_missing",)]


def test_a_line_of_which_no_product_is_known_is_quarantined_by_the_load_too(loader: Loader) -> None:
    assert told(loader, *order(1, ("p1", 2), (None, 1))) == (1, 0, 1)
    assert loader.asked("SELECT rule, reason, row_data ->> 'line_number' FROM quality.quarantined_row") == [
        ("product_missing", "product_id is not given (line 3)", "2")
    ]
    assert told(loader, *order(2, ("p1", 2), (None, 1), ("p3", 1))) == (2, 0, 1), "it keeps its place"
    assert [number for number, *_ in lines(loader)] == [1, 3]


def test_a_rejected_line_is_told_all_the_same(loader: Loader) -> None:
    told(loader, *order(1, ("p1", 2), ("p2", 1)))
    assert told(loader, *order(2, ("p1", 2), ("p2", 0)), rejected={1: "quantity_not_usable"}) == (1, 0, 1)
    assert lines(loader) == [(1, "p1", 2, False), (2, "p2", 1, False)]


def test_customers_live_where_their_latest_order_went(loader: Loader) -> None:
    told(loader, *order(1, ("p1", 1), country="BR", ordered_at=JANUARY + days(3), order_id="1002"))
    told(
        loader, *order(1, ("p1", 1)), *order(9, ("p1", 1), country=None, ordered_at=JANUARY + days(5), order_id="1003")
    )
    assert loader.asked("SELECT country FROM core.customer") == [("BR",)]
    deed = {"customer_id": "c1", "product_id": "p1", "kind": "view", "occurred_at": NOW, "interaction_hash": 1}
    loader.load("interaction", [deed | {"country": "US"}, deed | {"country": "US", "customer_id": "c2"}])
    assert loader.asked("SELECT customer_id, country FROM core.customer ORDER BY 1") == [("c1", "BR"), ("c2", "US")]


def test_an_interaction_that_tells_another_country_says_something_new(loader: Loader) -> None:
    deed = {"customer_id": "c1", "product_id": "p1", "kind": "view", "occurred_at": JANUARY, "interaction_hash": 1}
    assert counts(loader.load("interaction", [deed, deed | {"country": "US"}])) == (1, 1, 0)
    assert counts(loader.load("interaction", [deed, deed | {"country": "US"}])) == (0, 2, 0)
    assert counts(loader.load("interaction", [deed | {"country": "FR"}])) == (1, 0, 0)


def test_erased_customers_come_back_as_nobody(loader: Loader) -> None:
    loader.execute("INSERT INTO ops.erased_customer VALUES ('c1', now())")
    rows = [*order(1, ("p1", 1)), *order(1, ("p1", 0), customer_id="c1")]
    assert told(loader, *rows, rejected={1: "quantity_not_usable"}) == (1, 0, 1)
    deed = {"customer_id": "c1", "product_id": "p1", "kind": "view", "occurred_at": JANUARY, "interaction_hash": 1}
    loader.load("interaction", [deed])
    assert loader.asked("SELECT FROM core.customer") == []
    assert (
        loader.asked(
            "SELECT customer_id FROM core.customer_order UNION ALL SELECT customer_id FROM core.interaction "
            "UNION ALL SELECT row_data ->> 'customer_id' FROM quality.quarantined_row"
        )
        == [(None,)] * 3
    )


def emptied(day: int, **changes: Any) -> list[Row]:
    """An order of which the shop tells that it has no lines."""
    return [row | {"unit_price": None} for row in order(day, (None, 0), quantity=None, **changes)]


def test_an_order_that_was_emptied_is_known_to_have_no_lines(loader: Loader) -> None:
    told(loader, *order(1, ("p1", 2), ("p2", 1)))
    gone = emptied(2, status="cancelled", cancelled_at=JANUARY + days(2))
    assert told(loader, *gone) == (1, 0, 0)
    assert lines(loader) == [(1, "p1", 2, True), (2, "p2", 1, True)]
    assert one(loader, "status, cancelled_at") == ("cancelled", JANUARY + days(2))
    assert told(loader, *gone) == (0, 1, 0)
    assert told(loader, *order(1, ("p1", 2))) == (0, 1, 0), "an older reading"
    assert told(loader, *order(3, ("p1", 2))) == (1, 0, 0)
    assert lines(loader) == [(1, "p1", 2, False), (2, "p2", 1, True)]


def test_an_order_that_never_had_lines_is_known_all_the_same(loader: Loader) -> None:
    assert told(loader, *emptied(1), *order(1, ("p1", 1), order_id="1002")) == (2, 0, 0)
    assert told(loader, *emptied(1), *order(1, ("p1", 1), order_id="1002")) == (0, 2, 0)
    assert one(loader, "customer_id, source") == ("c1", "shopify")
    assert loader.asked("SELECT product_id FROM core.product") == [("p1",)]
    assert loader.asked("SELECT order_id FROM core.order_line") == [("1002",)]


def test_an_order_without_lines_that_was_put_aside_stays_one(loader: Loader) -> None:
    assert told(loader, *emptied(1, currency="?"), rejected={0: "currency_malformed"}) == (0, 0, 1)
    assert loader.asked("SELECT row_data ->> 'line_number' FROM quality.quarantined_row") == [(None,)]


def test_lines_that_are_gone_are_withdrawn_where_all_others_are_put_aside(loader: Loader) -> None:
    told(loader, *order(1, ("p1", 2), ("p2", 1), ("p3", 1)))
    bad = order(2, ("p1", 0), ("p2", 0))
    assert told(loader, *bad, rejected={0: "batch:mostly_bad", 1: "batch:mostly_bad"}) == (0, 0, 2)
    assert told(loader, *bad, rejected={0: "changed_in_future", 1: "changed_in_future"}) == (0, 0, 2)
    assert [gone for *_, gone in lines(loader)] == [False] * 3
    unusable = dict.fromkeys((0, 1), "quantity_not_usable")
    assert told(loader, *order(0, ("p1", 0), ("p2", 0)), rejected=unusable) == (0, 0, 2)
    assert [gone for *_, gone in lines(loader)] == [False] * 3, "an older reading"
    assert told(loader, *bad, rejected=unusable) == (0, 0, 2)
    assert lines(loader) == [(1, "p1", 2, False), (2, "p2", 1, False), (3, "p3", 1, True)]


def test_another_shops_order_of_the_same_number_is_put_aside_with_its_parcels(loader: Loader) -> None:
    told(loader, *order(1, ("p1", 2), ("p2", 1)))
    other = {"source": "shop_b", "kind": "storefront"}
    assert told(loader, *order(2, ("p9", 1)), *order(2, ("p9", 1), order_id="b-1"), **other) == (1, 0, 1)
    assert told(loader, *emptied(3), **other) == (0, 0, 1)
    assert loader.asked("SELECT product_id, withdrawn_at FROM core.order_line WHERE order_id = '1001' ORDER BY 1") == [
        ("p1", None),
        ("p2", None),
    ]
    assert one(loader, "source, changed_in_shop_at") == ("shopify", JANUARY + days(1))
    reason = "order 1001 of storefront shop_b is known from storefront shopify: give each shop a warehouse of its own, "
    reason += "or its orders a prefix"
    assert loader.asked("SELECT DISTINCT rule, reason FROM quality.quarantined_row") == [
        ("order_of_another_shop", reason)
    ]
    assert loader.shipments(shipment("1001", "LC1"), shipment("b-1", "LC2"), **other) == (1, 0, 1)
    assert loader.shipments(shipment("1001", "LC3"), kind="storefront", source="shopify") == (1, 0, 0)
    assert loader.asked("SELECT order_id, tracking_number FROM core.shipment ORDER BY 2") == [
        ("b-1", "LC2"),
        ("1001", "LC3"),
    ]


def test_another_shops_order_stays_put_aside_until_its_rule_is_waived(loader: Loader, tmp_path: Path) -> None:
    told(loader, *order(1, ("p1", 2)))
    assert told(loader, *order(2, ("p9", 1)), source="shop_b") == (0, 0, 1)
    quarantine = Quarantine(loader.address, tmp_path)
    assert quarantine.replay(rule="order_of_another_shop") == {"order_line": (1, 0, 0, 1)}
    waived = ("order_of_another_shop",)
    assert quarantine.replay(rule="order_of_another_shop", waive=waived) == {"order_line": (1, 1, 0, 0)}


def test_a_shop_takes_over_an_order_of_which_a_file_told_first(loader: Loader) -> None:
    file = [row | {"changed_in_shop_at": None, "is_whole_order": None} for row in order(1, ("p1", 2))]
    assert told(loader, *file, kind="import", source="orders.csv") == (1, 0, 0)
    assert told(loader, *order(2, ("p1", 2))) == (1, 0, 0)
    assert one(loader, "source") == ("shopify",)
