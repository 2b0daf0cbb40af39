"""What is past its time goes, with all that hangs on it, and what is served follows; numbers are worked out by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
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
    refresh.refresh(as_of=days(50))


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
    done = retention.apply(NOW, NOW, most=most)
    refresh.refresh(as_of=NOW)
    assert left() == KEPT
    assert {table: count for table, count in done.items() if count} == {
        "core.tracking_event partitions": 1,  # March, with both events of shipment 1
        "core.tracking_event": 1,  # of shipment 3, in April, which 2 keeps
        "core.shipment": 2,
        "core.shipment_number": 3,
    }
    assert not any(retention.apply(NOW, NOW, most=most).values()), "and nothing is left to do"


@pytest.mark.usefixtures("journeys")
def test_a_kill_at_any_instant_is_made_good_by_the_next_night(monkeypatch: pytest.MonkeyPatch) -> None:
    hold = retention._hold_loads
    for instant in (1, 2, 2, 2):  # each attempt gets one step further
        calls = iter(range(1, 100))

        def killed(cursor: Any, name: str, instant: int = instant, calls: Any = calls) -> None:
            if next(calls) == instant:
                raise KeyboardInterrupt
            hold(cursor, name)

        monkeypatch.setattr(retention, "_hold_loads", killed)
        with pytest.raises(KeyboardInterrupt):
            retention.apply(NOW, NOW, most=1)
    monkeypatch.setattr(retention, "_hold_loads", hold)
    retention.apply(NOW, NOW, most=1)
    refresh.refresh(as_of=NOW)
    assert left() == KEPT


@pytest.mark.usefixtures("journeys")
def test_a_month_that_a_reader_holds_is_left_to_the_next_night(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "_PATIENCE", "20ms")
    with connection.connect() as reader, reader.cursor() as cursor:
        cursor.execute("SELECT FROM core.tracking_event LIMIT 1")
        done = retention.apply(NOW, NOW)
    assert done["core.tracking_event partitions"] == 0
    assert done["core.tracking_event"] == 3, "its rows go all the same"
    assert retention.apply(NOW, NOW)["core.tracking_event partitions"] == 1
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
        retention.apply(NOW, NOW)


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

    done = retention.apply(NOW, NOW, most=1)

    assert kept("core.interaction", "interaction_hash") == {2}
    assert kept("core.order_line", "order_id") == {"old, new line"}
    assert kept("core.customer_order", "order_id") == {"old, new line", "new"}
    assert kept("core.customer", "customer_id") == {"old, ordered", "old, looked", "new"}
    assert kept("core.product", "product_id") == {"old, ordered", "old, looked at", "new"}
    assert {table: count for table, count in done.items() if count} == {
        f"core.{name}": 1 for name in ("interaction", "order_line", "customer_order", "customer", "product")
    }


def run(name: str, as_of: datetime, ended_at: datetime | None, began_at: datetime = START) -> int:
    execute(
        "INSERT INTO ops.run (run_id, kind, dataset, as_of, started_at, finished_at) VALUES (%s, 'x', 'x', %s, %s, %s)",
        *(name, as_of, began_at, ended_at),
    )
    return int(rows("SELECT run_number FROM ops.run WHERE run_id = %s", name)[0]["run_number"])


def kept(table: str, key: str) -> set[Any]:
    return {row["key"] for row in rows(f"SELECT {key} AS key FROM {table}")}


def test_what_lanecast_did_ages_by_the_wall_clock_of_its_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """The wall clock is at day 2000; history is kept for 730 days of it, the quarantine for 400, runs for 1,825, the
    longest retention of any contract. What time it is in the world, or was as of the run, changes nothing."""
    history, quarantine, longest = (timedelta(days=kept) for kept in (730, 400, 1825))
    second = timedelta(seconds=1)
    ends = {
        "in the quarantine still": NOW - quarantine,
        "in the history still": NOW - history,
        "just out of it": NOW - history - second,
        "in the ledger still": NOW - longest,
        "gone": NOW - longest - second,
        "with answers": NOW - longest - second,
    }
    as_of = [days(-4000), days(9000)]
    for place, (name, ended_at) in enumerate(ends.items()):
        run(name, as_of[place % 2], ended_at)
    run("under way", days(-4000), None, NOW - history)
    run("lost sight of", days(-4000), None, NOW - history - second)
    execute(
        "INSERT INTO ops.raw_answer (run_id, carrier, file, byte_offset, byte_length, tracking_numbers, sha256, "
        "requested_at, answered_at) VALUES ('with answers', 'ups', 'f', 0, 1, '{}', '', now(), now())"
    )
    # of a run that is not known, the row's own time tells
    for place, name in enumerate((*ends, "under way", "lost sight of", "unknown, just out", "unknown, still in")):
        moment = {"unknown, just out": NOW - history - second, "unknown, still in": NOW - history}.get(
            name, as_of[place % 2]
        )
        execute(
            "INSERT INTO quality.reconciliation "
            "(run_id, dataset, source_count, received, loaded, duplicate, quarantined, recorded_at) "
            "VALUES (%s, 'shipment', 3, 3, 1, 1, 1, %s)",
            *(name, moment),
        )
        execute(
            "INSERT INTO quality.validation_result "
            "(run_id, dataset, rule, severity, expectation, rows_checked, rows_failed, passed, validated_at) "
            "VALUES (%s, 'shipment', 'x', 'row', 'x', 1, 0, true, %s)",
            *(name, moment),
        )
        execute(
            "INSERT INTO quality.quarantined_row (dataset, rule, row_hash, severity, reason, row_data, first_run_id, "
            "last_run_id, first_seen_at, last_seen_at) "
            "VALUES ('shipment', 'x', %s, 'row', 'x', '{}', 'gone', %s, %s, %s)",
            *(name.encode(), name, moment, moment),
        )

    for world in (days(-5000), days(2000), days(90_000)):
        retention.apply(world, NOW)
        history_left = {"in the quarantine still", "in the history still", "under way", "unknown, still in"}
        assert kept("quality.reconciliation", "run_id") == history_left
        assert kept("quality.validation_result", "run_id") == history_left
        assert kept("quality.quarantined_row", "last_run_id") == {"in the quarantine still"}
        assert kept("ops.run", "run_id") == {*ends, "under way", "lost sight of"} - {"gone"}
    monkeypatch.setenv("LANECAST_HISTORY_RETENTION_DAYS", "729")
    assert retention.apply(NOW, NOW)["quality.reconciliation"] == 3
    monkeypatch.setenv("LANECAST_QUARANTINE_RETENTION_DAYS", "399")
    assert retention.apply(NOW, NOW)["quality.quarantined_row"] == 1


def test_feeds_alerts_and_codes_go_when_both_clocks_say_so() -> None:
    """730 days by default. The world runs six times as fast: its day 2000 is the wall clock's day 1000."""
    wall = days(1000)
    world_cut, wall_cut = days(1270), days(270)
    second = timedelta(seconds=1)
    for name, moment, noted_at in (
        ("gone", world_cut - second, wall_cut - second),
        ("young in the world", world_cut, wall_cut - second),
        ("young on the wall", world_cut - second, wall_cut),
        ("open", None, wall_cut - second),
    ):
        execute(
            "INSERT INTO quality.alert (kind, dataset, rule, subject, severity, message, opened_at, last_seen_at, "
            "resolved_at, noted_at) VALUES ('x', 'shipment', 'x', %s, 'warning', 'x', %s, %s, %s, %s)",
            *(name, START, START, moment, noted_at),
        )
        if moment is not None:
            execute(
                "INSERT INTO quality.feed_hour (source, hour, noted_at) VALUES (%s, %s, %s)", name, moment, noted_at
            )
            execute(
                "INSERT INTO quality.unmapped_code (source, code, first_seen_at, last_seen_at, times_seen, noted_at) "
                "VALUES ('ups', %s, %s, %s, 1, %s)",
                *(name, START, moment, noted_at),
            )
    done = retention.apply(NOW, wall)
    young = {"young in the world", "young on the wall"}
    assert kept("quality.alert", "subject") == young | {"open"}
    assert kept("quality.feed_hour", "source") == young
    assert kept("quality.unmapped_code", "code") == young
    assert {table: count for table, count in done.items() if count} == {
        f"quality.{name}": 1 for name in ("alert", "feed_hour", "unmapped_code")
    }


def test_rows_of_core_stay_until_they_were_here_for_their_time() -> None:
    """Loaded as of long ago (day -3000), where 1,825 and 1,095 days are past by ops.as_of(); by the wall clock the one
    run ended just at the cut, the other a second before."""
    old = days(-3000)
    wall = NOW
    for name, ended_at in (("young", CUT), ("old", JUST_BEFORE)):
        number = run(name, old, ended_at)
        execute("INSERT INTO core.customer VALUES (%s, %s, %s, %s)", name, old, name, old)
        execute("INSERT INTO core.product VALUES (%s, %s, %s)", name, name, old)
        execute("INSERT INTO core.customer_order VALUES (%s, NULL, %s, 'paid', 'EUR', %s, %s)", name, old, name, old)
        execute("INSERT INTO core.order_line VALUES (%s, 1, 'x', 2, 9.5, %s, %s)", f"{name}'s line", name, old)
        # journeys by shipment_id: 1 and 2 by their shipment's run, 11 and 12 by their event's, 21 and 22 by both
        place = 1 if name == "young" else 2
        for shipment_id, of_shipment, of_event in (
            (place, name, None),
            (10 + place, "old", number),
            (20 + place, name, number),
        ):
            shipment(shipment_id, 4, old)
            execute("UPDATE core.shipment SET run_id = %s WHERE shipment_id = %s", of_shipment, shipment_id)
            if of_event is not None:
                put_events(shipment_id, {"at": days(place), "milestone": "picked_up"})
                execute(
                    "UPDATE core.tracking_event SET run_number = %s, ingested_at = %s WHERE shipment_id = %s",
                    *(of_event, old, shipment_id),
                )
    for name, ended_at in (("looked", days(905)), ("looked before", days(905) - timedelta(seconds=1))):
        run(name, old, ended_at)
        execute(
            "INSERT INTO core.interaction VALUES (1, %s, 'c', 'p', 'view', 1, 1, NULL, %s, %s)",
            *(old if name == "looked" else START, name, old),
        )

    for world in (days(-5000), NOW):  # the world's clock may stand before all of it: nothing is old then
        retention.apply(world, wall)
        left = {"young"} if world == NOW else {"young", "old"}
        assert kept("core.customer", "customer_id") == left
        assert kept("core.product", "product_id") == left
        assert kept("core.customer_order", "order_id") == left
        assert kept("core.order_line", "order_id") == {f"{name}'s line" for name in left}
        assert kept("core.interaction", "run_id") == {"looked"} | ({"looked before"} if len(left) == 2 else set())
        journeys = {1, 11, 21} | ({2, 12, 22} if len(left) == 2 else set())
        assert kept("core.shipment", "shipment_id") == kept("core.shipment_number", "shipment_id") == journeys
        assert kept("core.tracking_event", "shipment_id") == journeys - {1, 2}


def test_an_import_as_of_long_ago_outlives_the_next_maintenance(
    warehouse: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A good and a bad row as of two and of six years ago: all of it was brought in today."""
    from lanecast import pipeline

    monkeypatch.setenv("LANECAST_STATE", str(tmp_path))
    header = "order_id,tracking_number,carrier,destination_country,ordered_at,shipped_at,delivered_at"
    for years in (2, 6):
        as_of = datetime.now(UTC) - timedelta(days=365 * years)
        then = (as_of - timedelta(days=20)).date()
        path = tmp_path / f"{years}.csv"
        told = (("O", "BR"), ("P", "XX"))
        lines = [f"{order}{years},T{order}{years}001,ups,{where},{then},{then},{then}" for order, where in told]
        path.write_text("\n".join([header, *lines, ""]))
        opened = pipeline.open_import(f"import {years}", "shipments", str(path), as_of=as_of, address=warehouse)
        pipeline.stage(opened, warehouse)
        pipeline.judge(opened, warehouse)
        (result,) = pipeline.load(opened, warehouse)
        assert (result.received, result.loaded, result.quarantined) == (2, 1, 1)
    tables = ("core.shipment", "core.shipment_number", "quality.quarantined_row", "quality.reconciliation", "ops.run")

    def counted() -> dict[str, int]:
        return {table: rows(f"SELECT count(*) AS n FROM {table}")[0]["n"] for table in tables}

    assert counted() == dict.fromkeys(tables, 2)
    maintenance.maintain(warehouse)
    assert counted() == dict.fromkeys(tables, 2)
    # 1,826 days later by the wall clock, what is six years old goes; the shipment of two years ago is not past its time
    execute("UPDATE ops.run SET finished_at = finished_at - interval '1826 days'")
    maintenance.maintain(warehouse)
    assert counted() == {**dict.fromkeys(tables, 0), "core.shipment": 1, "core.shipment_number": 1}


def test_batches_pass_over_a_table_once_and_let_loads_in_between(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each batch reads pages that no other reads, and holds the load's lock for its own transaction alone."""
    execute(
        "INSERT INTO core.interaction SELECT i, %s, 'c', 'p', 'view', 1, 1, NULL, 'r', "
        "CASE WHEN i %% 2 = 0 THEN %s::timestamptz ELSE %s END FROM generate_series(1, 2000) AS i",
        *(START, days(904), days(905)),
    )
    pages = rows("SELECT pg_relation_size('core.interaction') / 8192 AS pages")[0]["pages"]
    held: list[str] = []
    hold = retention._hold_loads

    def waited(cursor: Any, name: str) -> None:
        with connection.connect() as other, other.cursor() as load:
            load.execute("SELECT pg_try_advisory_xact_lock(hashtext(%s))", (name,))
            assert load.fetchone() == (True,), "the batch before has let go"
        held.append(name)
        hold(cursor, name)

    monkeypatch.setattr(retention, "_hold_loads", waited)
    done = retention.apply(NOW, NOW, most=1)
    assert done["core.interaction"] == 1000
    assert held.count("lanecast load customers and products") == pages > 10
    assert kept("core.interaction", "interaction_hash & 1") == {1}


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
    later = START + timedelta(days=200_000)
    retention.apply(later, later)
    assert rows("SELECT count(*) AS n FROM core.country")[0]["n"] == countries > 200
