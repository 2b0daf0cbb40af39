"""What is past its time goes, with all that hangs on it, and what is served follows; numbers are worked out by hand."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from delivery_rows import START, days, execute, put_events, put_shipments, rows

from lanecast.contracts.reader import ContractError, contract
from lanecast.delivery import refresh
from lanecast.warehouse import connection, maintenance, retention

pytestmark = pytest.mark.usefixtures("warehouse")

NOW = days(2000)
CUT = days(175)
"""1,825 days before NOW: 2026-08-24 09:00."""
JUST_BEFORE = CUT - timedelta(microseconds=1)


def number(shipment_id: int, carrier: str, last_event_at: datetime | None = None) -> None:
    execute(
        "INSERT INTO core.shipment_number (carrier, tracking_number, epoch, shipment_id, opened_at, last_event_at) "
        "OVERRIDING SYSTEM VALUE VALUES (%s, %s, 1, %s, %s, %s)",
        carrier,
        f"N{shipment_id}",
        shipment_id,
        START,
        last_event_at,
    )


def shipment(shipment_id: int, delivered: float, changed_at: datetime) -> None:
    put_shipments(
        [
            {
                "shipment_id": shipment_id,
                "tracking_number": f"N{shipment_id}",
                "carrier": "ups",
                "destination_country": "BR",
                "ordered_at": START,
                "delivered_at": days(delivered),
                "changed_at": changed_at,
            }
        ]
    )
    number(shipment_id, "ups")
    execute(
        "INSERT INTO ops.poll_plan (shipment_id, carrier, source, reason) VALUES (%s, 'ups', 'ups', 'x')", shipment_id
    )


@pytest.fixture
def journeys(warehouse: str) -> None:
    """1 and 3 are past their time; 2 is kept for an event that came late, 4 for it changed just at the cut."""
    shipment(1, 4, START)
    shipment(2, 6, START)
    shipment(3, 10, JUST_BEFORE)
    shipment(4, 20, CUT)
    number(5, "dhl")  # a number that no shipment has: its last event, else its beginning, tells
    number(6, "gls", CUT)
    put_events(1, {"at": days(0), "milestone": "picked_up"}, {"at": days(4), "milestone": "delivered"})
    put_events(2, {"at": days(40), "milestone": "picked_up"}, {"at": days(41), "milestone": "in_transit"})
    put_events(3, {"at": days(42), "milestone": "picked_up"})
    execute("UPDATE core.tracking_event SET ingested_at = %s WHERE milestone = 'in_transit'", days(200))
    refresh.refresh(as_of=days(1))


def left() -> dict[str, Any]:
    ids = {
        table: [row["id"] for row in rows(f"SELECT DISTINCT shipment_id AS id FROM {table} ORDER BY 1")]
        for table in (
            *("core.shipment", "core.shipment_number", "core.tracking_event", "ops.poll_plan"),
            *("serving.shipment_status", "mart.shipment_event"),
        )
    }
    partitions = rows(
        "SELECT inhrelid::regclass::text AS name FROM pg_inherits "
        "WHERE inhparent = 'core.tracking_event'::regclass ORDER BY 1"
    )
    world = rows("SELECT * FROM mart.delivery_time WHERE level = 'world' AND measure = 'order_to_door'")
    return {
        **ids,
        "partitions": [row["name"] for row in partitions],
        "world": [(row["n"], row["n_delivered"], float(row["mean_days"])) for row in world],
    }


KEPT = {
    "core.shipment": [2, 4],
    "core.shipment_number": [2, 4, 6],
    "core.tracking_event": [2],
    "ops.poll_plan": [2, 4],
    "serving.shipment_status": [2, 4],
    "mart.shipment_event": [2],
    "partitions": ["core.tracking_event_202604"],
    "world": [(2, 2, 13.0)],  # (6 + 20) / 2
}


@pytest.mark.usefixtures("journeys")
@pytest.mark.parametrize("most", [1, 2, 1000])
def test_journeys_go_as_a_whole_and_the_marts_follow(most: int) -> None:
    assert left()["world"] == [(4, 4, 10.0)]  # (4 + 6 + 10 + 20) / 4
    assert left()["partitions"] == ["core.tracking_event_202603", "core.tracking_event_202604"]
    done = retention.apply(NOW, most=most)
    refresh.refresh(as_of=NOW)
    assert left() == KEPT
    assert {table: count for table, count in done.items() if count} == {
        "core.tracking_event partitions": 1,  # March, with both events of shipment 1
        "core.tracking_event": 1,  # of shipment 3, in April, which 2 keeps
        "core.shipment": 2,
        "core.shipment_number": 3,
    }
    assert not any(retention.apply(NOW, most=most).values()), "and nothing is left to do"


@pytest.mark.usefixtures("journeys")
def test_a_kill_at_any_instant_is_made_good_by_the_next_night(monkeypatch: pytest.MonkeyPatch) -> None:
    hold = retention._hold_loads
    for instant in range(1, 6):
        calls = iter(range(1, 100))

        def killed(cursor: Any, instant: int = instant, calls: Any = calls) -> None:
            if next(calls) == instant:
                raise KeyboardInterrupt
            hold(cursor)

        monkeypatch.setattr(retention, "_hold_loads", killed)
        with pytest.raises(KeyboardInterrupt):
            retention.apply(NOW, most=1)
    monkeypatch.setattr(retention, "_hold_loads", hold)
    retention.apply(NOW, most=1)
    refresh.refresh(as_of=NOW)
    assert left() == KEPT


@pytest.mark.usefixtures("journeys")
def test_a_month_that_a_reader_holds_is_left_to_the_next_night(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "_PATIENCE", "20ms")
    with connection.connect() as reader, reader.cursor() as cursor:
        cursor.execute("SELECT FROM core.tracking_event LIMIT 1")
        done = retention.apply(NOW)
    assert done["core.tracking_event partitions"] == 0
    assert done["core.tracking_event"] == 3, "its rows go all the same"
    assert retention.apply(NOW)["core.tracking_event partitions"] == 1
    refresh.refresh(as_of=NOW)
    assert left() == KEPT


def test_a_journey_has_one_retention(monkeypatch: pytest.MonkeyPatch) -> None:
    import msgspec

    def shorter(name: str) -> Any:
        terms = contract(name)
        if name != "tracking_event":
            return terms
        agreed = msgspec.structs.replace(terms.retention, value=30)
        return msgspec.structs.replace(terms, sla_properties=[agreed])

    monkeypatch.setattr(retention, "contract", shorter)
    with pytest.raises(ContractError, match="30 days for tracking_event"):
        retention.apply(NOW)


def test_customers_products_and_orders_stay_while_something_refers_to_them() -> None:
    old, new = JUST_BEFORE, CUT
    for customer, at in (("old alone", old), ("old, ordered", old), ("old, looked", old), ("new", new)):
        execute("INSERT INTO core.customer VALUES (%s, %s, 'r', %s)", customer, at, at)
    for product, at in (("old alone", old), ("old, ordered", old), ("old, looked at", old), ("new", new)):
        execute("INSERT INTO core.product VALUES (%s, 'r', %s)", product, at)
    order = "INSERT INTO core.customer_order VALUES (%s, %s, %s, 'paid', 'EUR', 'r', %s)"
    execute(order, "old, new line", "old, ordered", START, old)
    execute(order, "old, old line", "old alone", START, old)
    execute(order, "new", None, START, new)
    line = "INSERT INTO core.order_line VALUES (%s, 1, %s, 2, 9.5, 'r', %s)"
    execute(line, "old, new line", "old, ordered", new)
    execute(line, "old, old line", "old alone", old)
    look = "INSERT INTO core.interaction VALUES (%s, %s, %s, %s, 'view', 1, 1, NULL, 'r', %s)"
    # interactions are kept for 1,095 days: until days(905) is past
    execute(look, 1, START, "old alone", "old alone", days(905) - timedelta(seconds=1))
    execute(look, 2, START, "old, looked", "old, looked at", days(905))

    done = retention.apply(NOW, most=1)

    def kept(table: str, key: str) -> set[Any]:
        return {row["key"] for row in rows(f"SELECT {key} AS key FROM {table}")}

    assert kept("core.interaction", "interaction_hash") == {2}
    assert kept("core.order_line", "order_id") == {"old, new line"}
    assert kept("core.customer_order", "order_id") == {"old, new line", "new"}
    assert kept("core.customer", "customer_id") == {"old, ordered", "old, looked", "new"}
    assert kept("core.product", "product_id") == {"old, ordered", "old, looked at", "new"}
    assert {table: count for table, count in done.items() if count} == {
        f"core.{name}": 1 for name in ("interaction", "order_line", "customer_order", "customer", "product")
    }


def test_what_is_known_of_runs_goes_by_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    """730 days by default, so until days(1270) is past."""
    at, before = days(1270), days(1270) - timedelta(seconds=1)
    for name, moment in (("kept", at), ("gone", before), ("with answers", before)):
        execute(
            "INSERT INTO ops.run (run_id, kind, dataset, as_of, finished_at) VALUES (%s, 'pull', 'x', %s, now())",
            name,
            moment,
        )
        execute("INSERT INTO quality.feed_hour (source, hour) VALUES (%s, %s)", name, moment)
        execute(
            "INSERT INTO quality.reconciliation "
            "(run_id, dataset, source_count, received, loaded, duplicate, quarantined, recorded_at) "
            "VALUES (%s, 'shipment', 3, 3, 1, 1, 1, %s)",
            name,
            moment,
        )
        execute(
            "INSERT INTO quality.validation_result "
            "(run_id, dataset, rule, severity, expectation, rows_checked, rows_failed, passed, validated_at) "
            "VALUES (%s, 'shipment', 'x', 'row', 'x', 1, 0, true, %s)",
            name,
            moment,
        )
    execute("INSERT INTO ops.run (run_id, kind, dataset, as_of) VALUES ('under way', 'pull', 'x', %s)", before)
    execute(
        "INSERT INTO ops.raw_answer (run_id, carrier, file, byte_offset, byte_length, tracking_numbers, sha256, "
        "requested_at, answered_at) VALUES ('with answers', 'ups', 'f', 0, 1, '{}', '', now(), now())"
    )
    for name, resolved in (("resolved", before), ("just resolved", at), ("open", None)):
        execute(
            "INSERT INTO quality.alert (kind, dataset, rule, subject, severity, message, opened_at, last_seen_at, "
            "resolved_at) VALUES ('x', 'shipment', 'x', %s, 'warning', 'x', %s, %s, %s)",
            name,
            START,
            START,
            resolved,
        )
    for name, moment in (("gone", before), ("kept", at)):
        execute("INSERT INTO quality.unmapped_code VALUES ('ups', %s, NULL, %s, %s, 1)", name, START, moment)

    done = retention.apply(NOW)

    def kept(table: str, key: str) -> set[Any]:
        return {row["key"] for row in rows(f"SELECT {key} AS key FROM {table}")}

    assert kept("ops.run", "run_id") == {"kept", "with answers", "under way"}
    assert kept("quality.feed_hour", "source") == {"kept"}
    assert kept("quality.reconciliation", "run_id") == {"kept"}
    assert kept("quality.validation_result", "run_id") == {"kept"}
    assert kept("quality.alert", "subject") == {"just resolved", "open"}
    assert kept("quality.unmapped_code", "code") == {"kept"}
    assert (done["ops.run"], done["quality.feed_hour"], done["quality.alert"]) == (1, 2, 1)
    monkeypatch.setenv("LANECAST_HISTORY_RETENTION_DAYS", "729")
    assert retention.apply(NOW)["ops.run"] == 1


@pytest.mark.usefixtures("journeys")
def test_maintenance_applies_it_as_of_the_world_and_refreshes(
    warehouse: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANECAST_STATE", str(tmp_path))
    execute("INSERT INTO ops.clock VALUES (true, %s, now(), 0)", NOW)
    done = maintenance.maintain(warehouse)
    assert (done["core.shipment"], done["core.tracking_event partitions"]) == (2, 1)
    after = left()
    assert after["world"] == [(2, 2, 13.0)]
    assert after["serving.shipment_status"] == [2, 4]
    assert "core.tracking_event_202603" not in after["partitions"]


def test_reference_data_is_not_aged() -> None:
    countries = rows("SELECT count(*) AS n FROM core.country")[0]["n"]
    retention.apply(START + timedelta(days=200_000))
    assert rows("SELECT count(*) AS n FROM core.country")[0]["n"] == countries > 200
