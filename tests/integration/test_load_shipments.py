"""The load of shipments: identity, recycled numbers, merging, and that the order of arrival does not matter."""

from __future__ import annotations

from datetime import timedelta

import pytest
from load_rows import AUGUST, JANUARY, Loader, Row, days, event, shipment

A: Row = shipment("A", ordered_at=JANUARY, shipped_at=JANUARY + days(1), delivered_at=JANUARY + days(9))
B: Row = shipment("B", ordered_at=AUGUST)


@pytest.fixture
def loader(warehouse: str) -> Loader:
    return Loader(warehouse)


def orders(loader: Loader) -> list[str | None]:
    return [order for order, _, _ in loader.journeys()]


def test_the_same_file_again_is_duplicates(loader: Loader) -> None:
    rows = [A, B, shipment("C", "LC0003", attributes='{"weight": 1}')]
    assert loader.shipments(*rows) == (3, 0, 0)
    before = loader.contents()
    assert loader.shipments(*rows) == (0, 3, 0)
    assert loader.contents() == before


def test_without_a_tracking_number_the_order_is_the_identity(loader: Loader) -> None:
    unknown = shipment("A", None, carrier=None)
    assert loader.shipments(unknown, shipment("B", None, carrier=None), shipment("A", None)) == (3, 0, 0)
    assert loader.shipments(unknown | {"service": "express"}) == (1, 0, 0)
    assert loader.asked(
        "SELECT carrier, tracking_number, order_id, service FROM core.shipment ORDER BY order_id, carrier"
    ) == [("dhl", None, "A", None), ("unknown", None, "A", "express"), ("unknown", None, "B", None)]


@pytest.mark.parametrize("each", [99, 1], ids=["one batch", "a batch each"])
def test_the_newest_value_that_is_there_wins_and_attributes_are_merged(loader: Loader, each: int) -> None:
    tellings = [
        shipment(service="slow", ordered_at=JANUARY, attributes='{"weight": 1, "colour": "red"}'),
        shipment(service="fast", attributes=None),
        shipment(service=None, shipped_at=JANUARY + days(1), attributes='{"weight": 2}'),
    ]
    for start in range(0, 3, each):
        loader.shipments(*tellings[start : start + each])
    assert loader.asked("SELECT service, ordered_at, shipped_at, attributes FROM core.shipment") == [
        ("fast", JANUARY, JANUARY + days(1), {"weight": 2, "colour": "red"})
    ]
    assert loader.shipments(shipment(service="fast")) == (0, 1, 0)


def test_several_tellings_of_a_shipment_in_a_batch_are_one(loader: Loader) -> None:
    assert loader.shipments(shipment(), shipment(service="fast"), shipment()) == (1, 2, 0)


@pytest.mark.parametrize("end", [{"delivered_at": JANUARY + days(9)}, {"milestone": "cancelled"}])
def test_an_end_that_is_told_finishes_the_shipment(loader: Loader, end: Row) -> None:
    loader.shipments(shipment(ordered_at=JANUARY))
    assert loader.journeys()[0][2] is False
    loader.shipments(shipment(**end))
    assert loader.journeys()[0][2] is True


# ------------------------------------------------------------------------------------------------ recycled numbers


@pytest.mark.parametrize("rows", [[A, B], [B, A], [A, B, A, B]], ids=["in time", "against time", "twice"])
@pytest.mark.parametrize("each", [99, 1], ids=["one batch", "a batch each"])
def test_another_order_after_the_delivery_opens_an_epoch(loader: Loader, rows: list[Row], each: int) -> None:
    for start in range(0, len(rows), each):
        loader.shipments(*rows[start : start + each])
    assert orders(loader) == ["A", "B"]


def test_the_same_order_again_updates_its_own_epoch(loader: Loader) -> None:
    loader.shipments(A, B)
    assert loader.shipments(shipment("A", service="express")) == (1, 0, 0)
    assert loader.asked("SELECT order_id, service FROM core.shipment ORDER BY 1") == [("A", "express"), ("B", None)]


def test_another_order_before_the_delivery_is_the_same_shipment(loader: Loader) -> None:
    loader.shipments(shipment("A", ordered_at=JANUARY))
    loader.shipments(shipment("B", ordered_at=JANUARY + days(1)))
    assert orders(loader) == ["B"]


def test_a_delivery_told_without_its_order_belongs_to_the_journey(loader: Loader) -> None:
    loader.shipments(A)
    assert loader.shipments(shipment(None, delivered_at=JANUARY + days(10))) == (1, 0, 0)
    assert orders(loader) == ["A"]


JOURNEYS = {
    "one": ([A], [event(at=JANUARY + days(2)), event(at=JANUARY + days(9), milestone="delivered")]),
    "without an end": ([B], [event(at=AUGUST + days(2))]),
    "recycled": (
        [A, B],
        [
            event(at=JANUARY + days(2)),
            event(at=JANUARY + days(9), milestone="delivered"),
            event(at=AUGUST + days(2), milestone="picked_up"),
        ],
    ),
    "recycled and ended": (
        [A, B | {"delivered_at": AUGUST + days(7)}],
        [
            event(at=JANUARY + days(9), milestone="delivered"),
            event(at=AUGUST + days(2), milestone="picked_up"),
            event(at=AUGUST + days(7) - timedelta(hours=5), milestone="delivered"),
        ],
    ),
}


@pytest.mark.parametrize("case", JOURNEYS)
def test_shipments_or_events_first_comes_to_the_same(loader: Loader, case: str) -> None:
    rows, events = JOURNEYS[case]
    loader.shipments(*rows)
    loader.events(*events)
    shipments_first = loader.contents()
    _empty(loader)
    loader.events(*events)
    loader.shipments(*rows)
    assert loader.contents() == shipments_first
    assert orders(loader) == [row["order_id"] for row in rows]


def _empty(loader: Loader) -> None:
    for table in ("tracking_event", "shipment", "shipment_number"):
        loader.execute(f"DELETE FROM core.{table}")


# ------------------------------------------------------------------------------------------------ contradictions


def test_a_delivery_before_the_handing_over_that_is_known_goes_to_the_quarantine(loader: Loader) -> None:
    loader.shipments(A)
    early = shipment("A", delivered_at=JANUARY)
    assert loader.shipments(early, shipment("C", "LC0003")) == (1, 0, 1), "the rest goes through"
    assert loader.asked("SELECT delivered_at FROM core.shipment WHERE order_id = 'A'") == [(A["delivered_at"],)]
    ((rule, reason),) = loader.asked("SELECT rule, reason FROM quality.quarantined_row")
    assert rule == "delivered_before_handed_over"
    assert "delivered_at 2025-01-10" in reason
    assert "shipped_at 2025-01-11" in reason


def test_rows_of_one_file_that_contradict_each_other_go_to_the_quarantine(loader: Loader) -> None:
    rows = [shipment("A", shipped_at=JANUARY + days(3)), shipment("A", delivered_at=JANUARY)]
    assert loader.shipments(*rows) == (0, 0, 2)
    assert loader.asked("SELECT FROM core.shipment_number") == [], "nothing is registered for them"
