"""The delivery marts: statuses and lane times by hand-worked numbers, refreshed only where something changed."""

from __future__ import annotations

import threading
from datetime import timedelta
from math import exp, log
from types import SimpleNamespace
from typing import Any

import numpy
import psycopg2
import pytest
from delivery_rows import days, execute, put_events, put_shipments, rows, status

from lanecast import tasks
from lanecast.delivery.refresh import refresh
from lanecast.warehouse import connection

pytestmark = pytest.mark.usefixtures("warehouse")


def event(milestone: str, day: float, **more: Any) -> dict[str, Any]:
    return {"milestone": milestone, "at": days(day), **more}


# ------------------------------------------------------------------------------------------------ shipment_status


def test_a_journey_by_events() -> None:
    put_shipments([{"shipment_id": 1, "carrier": "ups", "ordered_at": days(0), "destination_country": "BR"}])
    put_events(
        1,
        event("info_received", 0.5),
        event("picked_up", 1, country="CN", city="Shenzhen"),
        event("customs_hold", 4, country="BR", city="Curitiba", reason="customs_documents"),
    )
    refresh(as_of=days(6))
    found = status(1, as_of=days(6))
    assert (found["carrier"], found["milestone"], found["milestone_at"]) == ("ups", "customs_hold", days(4))
    assert (found["shipped_at"], found["delivered_at"], found["ended_at"]) == (days(1), None, None)
    assert (found["last_place"], found["last_country"], found["reason"]) == ("Curitiba, BR", "BR", "customs_documents")
    assert found["days_under_way"] == 5
    assert found["refreshed_at"] == days(6)
    put_events(1, event("delivered", 7.25))
    refresh(as_of=days(20))
    found = status(1, as_of=days(30))
    assert (found["milestone"], found["delivered_at"], found["ended_at"]) == ("delivered", days(7.25), days(7.25))
    assert found["days_under_way"] == 6.25
    assert found["last_place"] == "Curitiba, BR"
    assert found["reason"] is None


TOLD: tuple[tuple[dict[str, Any], str, int | None, int | None, int | None], ...] = (
    # what the file tells (moments as days); the milestone, its day, the day of handover, the day of delivery
    ({}, "registered", None, None, None),
    ({"ordered_at": 0}, "registered", 0, None, None),
    ({"ordered_at": 0, "shipped_at": 1}, "in_transit", 1, 1, None),
    ({"ordered_at": 0, "shipped_at": 1, "delivered_at": 5}, "delivered", 5, 1, 5),
    ({"ordered_at": 0, "delivered_at": 5}, "delivered", 5, None, 5),
    ({"shipped_at": 1, "milestone": "cancelled"}, "cancelled", None, 1, None),
    ({"shipped_at": 1, "delivered_at": 5, "milestone": "cancelled"}, "cancelled", None, 1, 5),
    ({"shipped_at": 1, "delivered_at": 5, "milestone": "in_transit"}, "delivered", 5, 1, 5),
    ({"milestone": "lost"}, "lost", None, None, None),
)


def as_moments(file: dict[str, Any]) -> dict[str, Any]:
    return {key: days(value) if isinstance(value, int) else value for key, value in file.items()}


def as_moment(day: float | None) -> Any:
    return None if day is None else days(day)


def test_without_events_the_file_speaks() -> None:
    put_shipments({"shipment_id": number, **as_moments(case[0])} for number, case in enumerate(TOLD))
    refresh()
    for number, (file, milestone, *moments) in enumerate(TOLD):
        found = status(number)
        assert found["milestone"] == milestone, file
        seen = [found["milestone_at"], found["shipped_at"], found["delivered_at"]]
        assert seen == [as_moment(day) for day in moments], file
        assert (found["carrier"], found["last_place"]) == (None, None)


DECIDED: tuple[tuple[str, dict[str, Any], list[tuple[str, float]], str, float | None], ...] = (
    # what the file tells, the events and their days; the milestone, the day of delivery
    ("a scan after the door is ignored", {}, [("delivered", 5), ("in_transit", 6)], "delivered", 5),
    ("also in the same minute", {}, [("delivered", 5), ("damaged", 5)], "delivered", 5),
    ("the further of one minute", {}, [("in_transit", 5), ("delivered", 5)], "delivered", 5),
    ("the first delivery counts", {}, [("delivered", 5), ("delivered", 6)], "delivered", 5),
    ("but a return counts", {}, [("delivered", 5), ("returning", 8)], "returning", 5),
    ("and stays", {}, [("delivered", 5), ("returned", 8), ("in_transit", 9)], "returned", 5),
    ("found again", {}, [("lost", 5), ("in_transit", 9)], "in_transit", None),
    ("expiry undoes no end", {}, [("lost", 5), ("tracking_expired", 9)], "lost", None),
    ("end of sight", {}, [("in_transit", 5), ("tracking_expired", 9)], "tracking_expired", None),
    ("only the file delivers", {"delivered_at": 5}, [("in_transit", 3)], "delivered", 5),
    ("even before the last scan", {"delivered_at": 5}, [("in_transit", 6)], "delivered", 5),
    ("the carrier's time wins", {"delivered_at": 5}, [("delivered", 4)], "delivered", 4),
    ("returned after the file's delivery", {"delivered_at": 5}, [("returning", 7)], "returning", 5),
    ("cancelled label", {"milestone": "cancelled"}, [("info_received", 1)], "cancelled", None),
    ("yet it moved", {"milestone": "cancelled"}, [("picked_up", 1)], "picked_up", None),
    ("the file tells the end", {"milestone": "lost"}, [("in_transit", 1)], "lost", None),
    ("the carrier knows better", {"milestone": "lost"}, [("delivered", 9)], "delivered", 9),
)


def test_which_milestone_decides() -> None:
    put_shipments(
        {"shipment_id": number, "carrier": "ups", "ordered_at": days(0), **as_moments(case[1])}
        for number, case in enumerate(DECIDED)
    )
    for number, (_, _, events, _, _) in enumerate(DECIDED):
        put_events(number, *[event(name, day) for name, day in events])
    refresh()
    for number, (case, _, _, milestone, delivered) in enumerate(DECIDED):
        found = status(number)
        assert found["milestone"] == milestone, case
        assert found["delivered_at"] == as_moment(delivered), case


def test_withdrawn_events_count_nowhere() -> None:
    put_shipments([{"shipment_id": 1, "carrier": "ups", "ordered_at": days(0)}])
    put_events(1, event("picked_up", 1), event("delivered", 5))
    refresh()
    assert status(1)["milestone"] == "delivered"
    put_events(1, event("delivered", 5, withdrawn_at=days(6)))
    refresh()
    found = status(1)
    assert (found["milestone"], found["delivered_at"]) == ("picked_up", None)
    assert [row["milestone"] for row in rows("SELECT milestone FROM mart.shipment_event")] == ["picked_up"]


# -------------------------------------------------------------------------------------------------- delivery_time


def lane_rows(**lane: Any) -> dict[str, dict[str, Any]]:
    columns = ("origin_country", "origin_region", "destination_country", "destination_region", "carrier", "service")
    where = " AND ".join(f"{column} IS NOT DISTINCT FROM %s" for column in columns)
    found = rows(f"SELECT * FROM mart.delivery_time WHERE {where}", *[lane.get(column) for column in columns])
    return {row["measure"]: row for row in found}


def test_a_lane_by_hand() -> None:
    lane = {"carrier": "ups", "service": "express", "origin_country": "CN", "destination_country": "BR"}
    put_shipments(
        [
            {"shipment_id": 1, "ordered_at": days(0), "shipped_at": days(1), "delivered_at": days(5), **lane},
            {"shipment_id": 2, "ordered_at": days(0), "shipped_at": days(3), "delivered_at": days(9), **lane},
            {"shipment_id": 3, "ordered_at": days(0), "delivered_at": days(10), **lane},
            {"shipment_id": 4, "ordered_at": days(0), "shipped_at": days(1), **lane},
            {"shipment_id": 5, "ordered_at": days(0), **lane},
            {"shipment_id": 6, "ordered_at": days(0), "shipped_at": days(1), "milestone": "lost", **lane},
            {"shipment_id": 7, "ordered_at": days(0), "shipped_at": days(1), "milestone": "returning", **lane},
            {"shipment_id": 8, "ordered_at": days(0), "shipped_at": days(1), "milestone": "tracking_expired", **lane},
            {"shipment_id": 9, "ordered_at": days(0), "shipped_at": days(1), "milestone": "cancelled", **lane},
            {"shipment_id": 10, "ordered_at": days(6), "delivered_at": days(5), **lane},  # delivered before the order
            {"shipment_id": 11, "shipped_at": days(0), "delivered_at": days(2), **lane},
        ]
    )
    done = refresh(as_of=days(20))
    assert (done.shipments, done.lanes) == (11, 10)  # world, to BR, CN to BR, ups, express; two clocks
    times = lane_rows(**lane)
    order, handover = times["order_to_door"], times["handover_to_door"]
    counts = ("n", "n_delivered", "n_in_transit", "n_lost_or_returned")
    assert [order[count] for count in counts] == [8, 3, 3, 2]
    assert [handover[count] for count in counts] == [7, 3, 2, 2]
    assert order["mean_days"] == pytest.approx(8, abs=1e-12)
    assert float(order["sd_days"]) == pytest.approx(7**0.5)  # 5, 9, 10
    assert (handover["mean_days"], handover["sd_days"]) == (4, 2)  # 2, 4, 6
    # All began on one day and count alike. In the bin up to 1 day, two are lost and one goes out of sight: 2 / 7.5.
    # Of the five left, one arrives within (4, 5], one of four within (8, 9], one of three within (9, 10]: a fifth each.
    # Two are open at 20 days, and guessed to arrive at a pace of a tenth a day until the horizon.
    arriving = 3 / 5 + 2 / 5 * (1 - exp(-0.1 * 100))
    points = [float(order[point]) for point in ("p05", "p10", "p25", "p50", "p75", "p90", "p95")]
    assert points[:4] == pytest.approx([4 + 0.25 * arriving, 4 + 0.5 * arriving, 8.25, 9.5], rel=1e-4)
    assert points[4:] == pytest.approx([20 - log(1 - share) / 0.1 for share in (0.375, 0.75, 0.875)], rel=3e-3)
    lost = 2 / 7.5
    assert float(order["p_never_delivered"]) == pytest.approx(lost / (lost + (1 - lost) * arriving))
    lost_or_out_of_sight = 2 / 7.5 + 1 / 8
    assert float(order["p_never_delivered_expired_lost"]) == pytest.approx(
        lost_or_out_of_sight / (lost_or_out_of_sight + (1 - lost_or_out_of_sight) * arriving)
    )
    assert (order["level"], order["coverage_90d"]) == ("service", None)
    # Weights halve in 14 days, back from the end of the last day of which anything is known: Mar 12, 11 days on.
    weight = 2 ** (-11 / 14)
    assert float(order["effective_n"]) == pytest.approx(
        weight * sum(2 ** (bin_start / 14) for bin_start in (0.5, 0.5, 4, 8, 9))
    )
    assert order["basis"].startswith("life table of lane CN → BR, carrier ups, service express, effective n 3.7; ")
    assert order["basis"].endswith(" % leans on lane CN → BR, carrier ups")
    assert order["refreshed_at"] == days(20)


def test_levels_are_skipped_where_their_key_is_absent() -> None:
    region = {
        "origin_country": "BR",
        "origin_region": "BR-SP",
        "destination_country": "BR",
        "destination_region": "BR-RJ",
    }
    put_shipments(
        [
            {"shipment_id": 1, "ordered_at": days(0), "delivered_at": days(1), "destination_country": "PT"},
            {"shipment_id": 2, "ordered_at": days(0), "delivered_at": days(2), **region},
            {"shipment_id": 3, "ordered_at": days(0), "carrier": "dhl", "service": "eco", **region},
        ]
    )
    refresh()
    levels = rows(
        "SELECT level, destination_country AS country, carrier, destination_region IS NOT NULL AS regional, n, "
        "n_delivered FROM mart.delivery_time WHERE measure = 'order_to_door' ORDER BY level, country, regional"
    )
    assert [tuple(row.values()) for row in levels] == [
        ("carrier", "BR", "dhl", False, 1, 0),
        ("carrier", "BR", "dhl", True, 1, 0),
        ("destination_country", "BR", None, False, 2, 1),
        ("destination_country", "PT", None, False, 1, 1),
        ("destination_region", "BR", None, True, 2, 1),
        ("lane_country", "BR", None, False, 2, 1),
        ("lane_region", "BR", None, True, 2, 1),
        ("service", "BR", "dhl", False, 1, 0),
        ("service", "BR", "dhl", True, 1, 0),
        ("world", None, None, False, 3, 2),
    ]
    # The world's parcels: one of three arrives within (0.5, 1], one of two within (1.5, 2].
    world = lane_rows()["order_to_door"]
    assert (float(world["p50"]), float(world["p90"])) == pytest.approx((1, 1.9))
    # A lane that has delivered nothing answers all the same, with the lanes it leans on; so does one to elsewhere.
    medians = [row["p50"] for row in rows("SELECT p50 FROM mart.delivery_time WHERE carrier = 'dhl'")]
    assert all(1 < median < 2 for median in medians)


def test_figures_equal_numpy() -> None:
    times = numpy.random.default_rng(7).gamma(4, 3, size=500).round(5)
    put_shipments(
        {"shipment_id": i, "ordered_at": days(0), "delivered_at": days(t), "destination_country": "BR"}
        for i, t in enumerate(times.tolist(), 1)
    )
    refresh()
    found = lane_rows(destination_country="BR")["order_to_door"]
    # All have arrived, and began on one day: each bound has its share delivered; between bounds the curve is straight.
    (curve,) = rows(
        "SELECT curve, serving.age_bounds(measure) AS bounds FROM serving.delivery_time WHERE specificity = 2"
    )
    shares = [(times <= bound).mean() for bound in curve["bounds"][: len(curve["curve"])]]
    assert curve["curve"] == pytest.approx(shares, abs=1e-9)
    points = {"p05": 5, "p10": 10, "p25": 25, "p50": 50, "p75": 75, "p90": 90, "p95": 95}
    for column, percent in points.items():
        assert float(found[column]) == pytest.approx(numpy.percentile(times, percent), abs=0.5)
        exact = numpy.interp(percent / 100, [0, *shares], [0, *curve["bounds"][: len(shares)]])
        assert float(found[column]) == pytest.approx(exact, abs=1e-9)
    assert float(found["mean_days"]) == pytest.approx(times.mean(), abs=1e-9)
    assert float(found["sd_days"]) == pytest.approx(times.std(ddof=1), abs=1e-9)


# ------------------------------------------------------------------------------------------------- what is refreshed


def test_only_what_changed_is_read_again_and_all_lanes_are_written() -> None:
    def parcel(number: int, country: str, delivered: float | None = None) -> dict[str, Any]:
        moment = None if delivered is None else days(delivered)
        lane = {"carrier": "ups", "origin_country": "CN", "destination_country": country}
        return {"shipment_id": number, "ordered_at": days(0), "delivered_at": moment, **lane}

    put_shipments([parcel(1, "BR", 5), parcel(2, "PT", 6), parcel(3, "MX", 7)])
    refresh(as_of=days(10))
    put_shipments([parcel(1, "PT", 5)])  # its lane was wrong
    done = refresh(as_of=days(11))
    assert done.shipments == 1
    found = rows(
        "SELECT destination_country AS country, refreshed_at, n FROM mart.delivery_time "
        "WHERE measure = 'order_to_door' AND level IN ('lane_country', 'destination_country', 'carrier')"
    )
    assert {(row["country"], row["refreshed_at"], row["n"]) for row in found} == {
        ("PT", days(11), 2),
        ("MX", days(11), 1),
    }
    seen = rows("SELECT shipment_id, refreshed_at FROM mart.shipment_status ORDER BY shipment_id")
    assert [row["refreshed_at"] for row in seen] == [days(11), days(10), days(10)]
    assert lane_rows()["order_to_door"]["n"] == 3
    nothing = refresh(as_of=days(12))
    assert (nothing.shipments, nothing.lanes) == (0, 0)
    assert rows("SELECT 1 FROM mart.delivery_time WHERE refreshed_at > %s", days(11)) == []


def test_an_erased_shipment_leaves_the_marts() -> None:
    put_shipments([{"shipment_id": 1, "ordered_at": days(0), "delivered_at": days(5), "destination_country": "BR"}])
    refresh()
    execute("DELETE FROM core.shipment")
    execute("INSERT INTO ops.shipment_change (shipment_id, run_id) VALUES (1, 'test')")
    refresh()
    assert rows("SELECT 1 FROM mart.shipment_status") == []
    assert rows("SELECT 1 FROM mart.delivery_time") == []


def test_a_killed_refresh_has_done_nothing_and_two_at_once_do_it_once(warehouse: str) -> None:
    put_shipments(
        {"shipment_id": number, "ordered_at": days(0), "destination_country": "BR"} for number in range(1, 200)
    )
    done: list[Any] = []

    def attempt() -> None:
        try:
            done.append(refresh(address=warehouse))
        except psycopg2.Error as error:
            done.append(error)

    with connection.connect(role="owner") as blocker, blocker.cursor() as cursor:
        cursor.execute("LOCK TABLE serving.delivery_time IN ACCESS EXCLUSIVE MODE")
        killed = threading.Thread(target=attempt, daemon=True)
        killed.start()
        waiting: list[dict[str, Any]] = []
        for _ in range(200):
            killed.join(0.05)
            waiting = rows("SELECT pid FROM pg_locks WHERE NOT granted AND locktype = 'relation'", role=None)
            if waiting:
                break
        assert waiting, "the refresh never came to the locked table"
        execute("SELECT pg_terminate_backend(%s)", waiting[0]["pid"], role=None)
        killed.join(10)
    assert isinstance(done.pop(), psycopg2.Error)
    assert rows("SELECT count(*) AS n FROM ops.shipment_change")[0]["n"] == 199
    assert rows("SELECT 1 FROM serving.shipment_status") == []
    pair = [threading.Thread(target=attempt, daemon=True) for _ in range(2)]
    for thread in pair:
        thread.start()
    for thread in pair:
        thread.join(30)
    assert sorted(one.shipments for one in done) == [0, 199]
    assert lane_rows(destination_country="BR")["order_to_door"]["n"] == 199


# ------------------------------------------------------------------------------------------------------ the views


def test_all_packages_sent_to_a_country_in_a_period() -> None:
    put_shipments(
        {
            "shipment_id": number,
            "carrier": "ups",
            "tracking_number": f"1Z{number}",
            "destination_country": "BR" if number % 50 == 0 else "PT",
            "shipped_at": days(number / 100),
        }
        for number in range(1, 5001)
    )
    put_events(50, event("delivered", 9, country="BR", city="Manaus"))
    refresh()
    question = (
        "SELECT tracking_number, last_place, milestone, delivered_at FROM mart.shipment_status "
        "WHERE destination_country = 'BR' AND shipped_at >= '2026-03-02' AND shipped_at < '2026-03-04'"
    )
    found = {row.pop("tracking_number"): row for row in rows(question)}
    assert len(found) == 3
    assert found["1Z50"] == {"last_place": "Manaus, BR", "milestone": "delivered", "delivered_at": days(9)}
    assert found["1Z100"]["milestone"] == "in_transit"
    with connection.connect(role="owner") as link, link.cursor() as cursor:
        cursor.execute("ANALYZE serving.shipment_status")
    plan = "\n".join(str(row["QUERY PLAN"]) for row in rows("EXPLAIN " + question))
    assert "shipment_status_destination_country_shipped_at_idx" in plan
    assert "Seq Scan on shipment_status" not in plan


def test_the_timeline_folds_what_two_sources_tell() -> None:
    put_shipments([{"shipment_id": 1, "carrier": "ups", "tracking_number": "1Z1"}])
    put_events(
        1,
        event("picked_up", 1, source="ups", code="PU", event_hash=1, utc_offset_minutes=-210, city="Gander"),
        event("picked_up", 1, source="seventeentrack", event_hash=2),
        event("picked_up", 1, source="ups", code="XX", event_hash=3),
        event("delivered", 2, source="seventeentrack", event_hash=4, utc_offset_minutes=480),
    )
    found = rows("SELECT * FROM mart.shipment_event WHERE tracking_number = '1Z1' ORDER BY occurred_at, code")
    assert [(row["milestone"], row["source"], row["code"]) for row in found] == [
        ("picked_up", "ups", "PU"),
        ("picked_up", "ups", "XX"),
        ("delivered", "seventeentrack", None),
    ]
    assert (found[0]["utc_offset"], found[2]["utc_offset"]) == ("-03:30", "+08:00")
    assert found[0]["local_time"] == (days(1) - timedelta(minutes=210)).replace(tzinfo=None)


def test_data_quality_adds_up_per_run_and_dataset() -> None:
    execute(
        "INSERT INTO quality.reconciliation VALUES "
        "('r1', 'shipment', 10, 6, 1, 3, %s, 10), ('r1', 'order_line', 2, 2, 0, 0, %s, 2)",
        days(1),
        days(1),
    )
    execute(
        "INSERT INTO ops.run (run_id, kind, dataset, as_of, state) VALUES ('r1', 'import', 'shipment', %s, 'loaded'), "
        "('r2', 'import', 'shipment', %s, 'stopped'), ('r3', 'import', 'interaction', %s, 'failed')",
        *(days(1), days(2), days(3)),
    )
    checks = [("a", "row", 2, False), ("b", "warn", 1, False), ("c", "row", 0, True), ("d", "row", 1, False)]
    for rule, severity, failed, passed in checks:
        execute(
            "INSERT INTO quality.validation_result VALUES ('r1', 'shipment', %s, %s, 'x', 10, %s, %s, NULL, %s)",
            *(rule, severity, failed, passed, days(1)),
        )
    execute(
        "INSERT INTO quality.validation_result VALUES ('r2', 'shipment', 'a', 'batch', 'x', 10, 10, false, NULL, %s)",
        days(2),
    )
    found = {(row["run_id"], row["dataset"]): row for row in rows("SELECT * FROM mart.data_quality")}
    first = found["r1", "shipment"]
    assert (first["received"], first["loaded"] + first["duplicate"] + first["quarantined"]) == (10, 10)
    assert (first["rules"], first["rules_failed"], first["rules_warned"], first["failures"]) == (4, 2, 1, 4)
    assert (first["failed_rules"], first["kind"], first["state"]) == (["a", "b", "d"], "import", "loaded")
    assert (found["r1", "order_line"]["rules"], found["r1", "order_line"]["failed_rules"]) == (0, [])
    assert first["source_count"] == 10
    assert (found["r3", "interaction"]["state"], found["r3", "interaction"]["received"]) == ("failed", None)
    assert (found["r2", "shipment"]["received"], found["r2", "shipment"]["refreshed_at"]) == (None, days(2))


def test_a_refresh_is_left_to_the_load_that_is_about_to_end() -> None:
    from airflow.sdk.exceptions import AirflowSkipException

    def start(run_type: str) -> dict[str, Any]:
        return tasks.refresh_delivery_time({"dag_run": SimpleNamespace(run_type=run_type)})

    def under_way(run: str, kind: str, dataset: str, minutes: int) -> None:
        execute(
            "INSERT INTO ops.run (run_id, kind, dataset, as_of, started_at) "
            "VALUES (%s, %s, %s, now(), now() - make_interval(mins => %s))",
            *(run, kind, dataset, minutes),
        )

    start("asset_triggered")
    under_way("hung", "import", "tracking_event", 11)
    under_way("other", "import", "order_line", 0)
    start("asset_triggered")
    under_way("pull", "pull", "tracking_event", 1)
    with pytest.raises(AirflowSkipException, match="another load"):
        start("asset_triggered")
    start("manual")
    # What has waited for long waits for no other.
    execute(
        "INSERT INTO ops.run (run_id, kind, dataset, as_of, state, finished_at) "
        "VALUES ('old', 'pull', 'tracking_event', now(), 'loaded', now() - interval '11 minutes'); "
        "INSERT INTO ops.shipment_change (shipment_id, run_id) VALUES (1, 'old')",
    )
    start("asset_triggered")
