"""The life table: equal to one worked out cell by cell, and however it came about: in batches, corrected, erased."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from delivery_rows import days, execute, mark_changed, put_many_events, put_shipments, rows
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from life_table_by_hand import Lane, Span, curves

from lanecast.delivery import life_table
from lanecast.delivery.refresh import refresh

pytestmark = pytest.mark.usefixtures("warehouse")

NUMBERS = range(1, 13)
WATCHED = (
    *("info_received", "picked_up", "in_transit", "export_customs_started", "export_cleared", "hub_departed"),
    *("destination_country_arrived", "import_customs_started", "import_cleared", "out_for_delivery"),
    *("available_for_pickup", "delivered", "returning", "lost", "tracking_expired"),
)
ROUNDS = 6
TABLES = (
    *("serving.shipment_status", "serving.delivery_time", "serving.journey_span", "serving.life_table"),
    *("serving.leaf_lane", "serving.measured_lane", "serving.span_day", "serving.life_table_state"),
)
EVERYTHING = (*TABLES, "core.tracking_event", "core.shipment", "core.shipment_number", "ops.shipment_change")


def empty(tables: tuple[str, ...]) -> None:
    for table in tables:
        execute(f"DELETE FROM {table}")


moments = st.integers(0, 60 * 24 * 4).map(lambda quarter_hours: days(quarter_hours / 96))
sometimes = st.one_of(st.none(), moments)
shipments = st.fixed_dictionaries(
    {
        "shipment_id": st.sampled_from(NUMBERS),
        "carrier": st.sampled_from(["unknown", "ups"]),
        "service": st.sampled_from([None, "express"]),
        "origin_country": st.sampled_from([None, "CN", "DE"]),
        "origin_region": st.sampled_from([None, "CN-GD"]),
        "destination_country": st.sampled_from([None, "BR", "FR"]),
        "destination_region": st.sampled_from([None, "BR-SP"]),
        "ordered_at": sometimes,
        "milestone": st.sampled_from([None, None, None, "cancelled", "lost"]),
    }
)
events = st.fixed_dictionaries(
    {
        "shipment_id": st.sampled_from(NUMBERS),
        "at": moments,
        "milestone": st.sampled_from(WATCHED),
        "country": st.sampled_from([None, "CN", "DE", "BR", "FR"]),
        "event_hash": st.integers(0, 60),
        "withdrawn_at": st.sampled_from([None, None, None, days(1)]),
    }
)
batches = st.lists(
    st.tuples(
        st.lists(shipments, max_size=6, unique_by=lambda one: one["shipment_id"]),
        st.lists(events, max_size=12, unique_by=lambda one: (one["shipment_id"], one["at"], one["event_hash"])),
        st.lists(st.sampled_from(NUMBERS), max_size=2, unique=True),  # registered by hand, if not known yet
        st.lists(st.sampled_from(NUMBERS), max_size=1),  # erased
        st.integers(1, 20),  # days until the refresh
    ),
    min_size=2,
    max_size=ROUNDS,
)


def register(number: int, opened_at: datetime) -> None:
    execute(
        "INSERT INTO core.shipment_number (carrier, tracking_number, epoch, shipment_id, opened_at) "
        "OVERRIDING SYSTEM VALUE VALUES ('ups', %s, 1, %s, %s) ON CONFLICT DO NOTHING",
        *(str(number), number, opened_at),
    )
    mark_changed([number])


def by_leaf() -> dict[tuple[Any, ...], dict[str, Any]]:
    """The sums, by what they are sums of rather than by numbers that depend on the order of arrival."""
    sums = rows(
        "SELECT measure, lane, n, n_delivered, n_lost, seconds, seconds_squared FROM serving.leaf_lane WHERE n > 0"
    )
    bins = rows(
        "SELECT leaf.measure, leaf.lane, life.* FROM serving.life_table AS life "
        "JOIN serving.leaf_lane AS leaf USING (leaf_id)"
    )
    state = rows("SELECT * FROM serving.life_table_state")
    scale = 2 ** ((state[0]["epoch"] - days(0).date()).days / state[0]["half_life_days"]) if state else 1
    found: dict[tuple[Any, ...], dict[str, Any]] = {(row.pop("measure"), row.pop("lane")): row for row in sums}
    for row in bins:
        del row["leaf_id"]
        key = (row.pop("measure"), row.pop("lane"), row.pop("bin"))
        found[key] = {column: float(weight) * scale for column, weight in row.items()}
    return found


def lanes() -> dict[tuple[str, str], dict[str, Any]]:
    found = rows("SELECT * FROM serving.delivery_time")
    return {(row["measure"], row["lane"]): row for row in found}


def assert_same(one: dict[Any, dict[str, Any]], other: dict[Any, dict[str, Any]]) -> None:
    assert one.keys() == other.keys()
    for key, row in one.items():
        for column, value in row.items():
            twin = other[key][column]
            if isinstance(value, list):
                assert value == pytest.approx(twin, abs=1e-9), (key, column)
            elif isinstance(value, str) or value is None or isinstance(value, datetime):
                assert value == twin, (key, column)
            else:
                assert float(value) == pytest.approx(float(twin), rel=1e-9, abs=1e-9), (key, column)


def expected(measure: str, as_of: datetime) -> dict[tuple[int, Lane], Any]:
    spans = [
        Span(
            tuple(row[column] for column in LANE),
            *(row[column] for column in ("started_at", "entered_at", "ended_at", "outcome")),
        )
        for row in rows(
            "SELECT leaf.*, span.* FROM serving.journey_span AS span JOIN serving.leaf_lane AS leaf USING (leaf_id) "
            "WHERE leaf.measure = %s AND span.outcome <> 'ahead'",
            measure,
        )
    ]
    days_seen = rows("SELECT max(day) AS day FROM serving.span_day")[0]["day"]
    (bounds,) = rows("SELECT serving.age_bounds(%s) AS bounds", measure)
    return curves(spans, as_of, [bound for bound in bounds["bounds"] if bound <= 120], last_day=days_seen)


LANE = ("origin_country", "origin_region", "destination_country", "destination_region", "carrier", "service")


def assert_as_by_hand(as_of: datetime) -> int:
    """Holds every lane of every measure against the table worked out cell by cell; returns how many have a curve."""
    found = rows("SELECT * FROM serving.delivery_time")
    compared = 0
    for measure in life_table.MEASURES:
        told = {
            (row["specificity"] - 1, tuple(row[column] for column in LANE)): row
            for row in found
            if row["measure"] == measure
        }
        by_hand = expected(measure, as_of)
        assert told.keys() == by_hand.keys()
        for key, row in told.items():
            own = by_hand[key]
            assert row["curve"] == (None if own.share is None else pytest.approx(own.share, abs=1e-9)), (measure, key)
            for column, value in (
                ("p_never_delivered", own.p_never),
                ("p_never_delivered_expired_lost", own.p_never_expired_lost),
                ("effective_n", own.effective_n),
            ):
                told_value = None if row[column] is None else float(row[column])
                assert told_value == (None if value is None else pytest.approx(value, abs=1e-9)), (measure, key, column)
            compared += row["curve"] is not None
    return compared


@settings(
    max_examples=10,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(batches)
def test_step_by_step_equals_all_at_once_and_by_hand(steps: list[Any]) -> None:
    empty(EVERYTHING)
    as_of = days(10)
    for put, scans, registered, erased, wait in steps:
        as_of += timedelta(days=wait)
        if put:
            put_shipments(put)
        if scans:
            put_many_events(scans)
        for number in registered:
            register(number, as_of - timedelta(days=wait / 2))
        for number in erased:
            execute("DELETE FROM core.shipment WHERE shipment_id = %s", number)
            mark_changed([number])
        refresh(as_of=as_of)
    mark_changed(NUMBERS)  # the last refresh has all of the steps, too
    refresh(as_of=as_of)
    stepwise = by_leaf(), lanes()
    assert_as_by_hand(as_of)
    empty(TABLES)
    mark_changed(row["shipment_id"] for row in rows("SELECT shipment_id FROM core.shipment"))
    refresh(as_of=as_of)
    rebuilt = by_leaf(), lanes()
    for one, other in zip(stepwise, rebuilt, strict=True):
        assert_same(one, other)
    mark_changed(NUMBERS)
    refresh(as_of=as_of, rebuild=True)
    assert_same(by_leaf(), rebuilt[0])
