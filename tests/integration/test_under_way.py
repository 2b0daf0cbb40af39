"""What is said of open shipments: dwell by hand, stuck with its reason, days left, and the odd cases."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest
from delivery_rows import START, days, execute, put_many_events, put_shipments, rows, status
from watch_world import set_now

from lanecast.contracts.watch import watch
from lanecast.delivery.refresh import refresh as refresh_statuses
from lanecast.under_way import life
from lanecast.under_way.refreshing import refresh

LANE = {"origin_country": "CN", "destination_country": "BR", "carrier": "ups", "service": "express"}
NOW = days(60)


@pytest.fixture
def lane(warehouse: str) -> list[float]:
    """200 parcels that stood 1 to 200 fiftieths of a day in Brazilian customs, then took a day to the door."""
    stays = [number / 50 for number in range(1, 201)]
    put_shipments({"shipment_id": 1000 + number, "ordered_at": days(0), **LANE} for number in range(1, 201))
    put_many_events(
        event
        for number, stay in enumerate(stays, 1001)
        for event in (
            {"shipment_id": number, "at": days(2), "milestone": "import_customs_started", "country": "BR"},
            {"shipment_id": number, "at": days(2 + stay), "milestone": "import_cleared", "country": "BR"},
            {"shipment_id": number, "at": days(3 + stay), "milestone": "delivered", "country": "BR"},
        )
    )
    return stays


def put_open(shipment_id: int, *events: dict[str, Any], **shipment: Any) -> None:
    put_shipments([{"shipment_id": shipment_id, "ordered_at": days(50), **LANE, **shipment}])
    if events:
        put_many_events([{"shipment_id": shipment_id, "country": "BR", **event} for event in events])


def run(as_of: Any = NOW, learn_every: timedelta = timedelta(0)) -> None:
    refresh_statuses(as_of=as_of)
    refresh(as_of=as_of, learn_every=learn_every)


def eta(shipment_id: int, as_of: Any = NOW) -> dict[str, Any]:
    found = rows("SELECT * FROM mart.shipment_eta WHERE shipment_id = %s", shipment_id, as_of=as_of)
    return found[0] if found else {}


def test_dwell_by_hand(lane: list[float]) -> None:
    run()
    (found,) = rows(
        "SELECT n, p50, p90, p95, moved_on FROM serving.dwell WHERE level = 'world' AND step LIKE 'import_customs%%'"
    )
    assert found["n"] == 200
    # Half are out by two days, nine tenths by 3.6; one parcel more, which leaves at a tenth a day, adds a little.
    assert found["p50"] == pytest.approx(2.0, abs=0.03)
    assert found["p90"] == pytest.approx(3.6, abs=0.05)
    assert found["p95"] == pytest.approx(3.8, abs=0.1)
    # Six are out by three hours (0.02 to 0.12), and of the one more a share of 1 - exp(-0.1 / 8).
    assert found["moved_on"][0] == pytest.approx((6 + 0.01242) / 201, rel=1e-3)


def test_a_parcel_is_stuck_beyond_p95_of_its_kind_with_the_reason_seen(lane: list[float]) -> None:
    customs = {"milestone": "import_customs_started"}
    put_open(101, {"at": days(57), **customs})
    put_open(102, {"at": days(54), **customs}, {"at": days(54.5), "milestone": "delayed", "reason": "strike"})
    put_open(103, {"at": days(54), **customs})
    put_open(104, {"at": days(54), **customs}, {"at": days(59), "milestone": "import_customs_started", "event_hash": 7})
    put_open(105, {"at": days(54), **customs}, {"at": days(54.2), "milestone": "returning"})
    run()
    assert [status(number, NOW)["is_stuck"] for number in range(101, 106)] == [False, True, True, True, False]
    assert status(101, NOW)["stuck_reason"] is None
    p95 = rows("SELECT p95 FROM serving.dwell WHERE level = 'service' AND step LIKE 'import_customs%%'")[0]["p95"]
    told = status(102, NOW)["stuck_reason"]
    assert told.startswith(
        f"strike; 6.0 days at import customs started at the destination, "
        f"where 95 % of its kind that move on do so within {p95:.1f}: 1 in "
    )
    assert status(103, NOW)["stuck_reason"].startswith("the carrier's scans stopped; 6.0 days at ")
    assert status(104, NOW)["stuck_reason"].startswith("no reason told; 6.0 days at ")
    assert 20 <= status(103, NOW)["stuck_one_in"] <= 1000
    # As time goes by it becomes stuck without another run, and it is not any more once it has moved on.
    assert status(101, days(62.5))["is_stuck"]
    put_many_events([{"shipment_id": 103, "at": days(60.5), "milestone": "import_cleared", "country": "BR"}])
    refresh_statuses(as_of=days(61))
    assert not status(103, days(61))["is_stuck"]


def test_days_left_are_those_of_parcels_that_stood_there_as_long(lane: list[float]) -> None:
    customs = {"milestone": "import_customs_started"}
    put_open(101, {"at": days(60), **customs})
    put_open(102, {"at": days(58), **customs})
    put_open(103, {"at": days(59), **customs}, {"at": days(59.9), "milestone": "import_cleared"})
    run()
    fresh, older, cleared = eta(101), eta(102), eta(103)
    assert float(fresh["p50"]) == pytest.approx(3.05, abs=0.25)  # 2.05 in customs, and a day to the door
    assert float(older["p50"]) == pytest.approx(2.05, abs=0.25)  # those left after 2 days stay 1.05 more
    assert float(cleared["p50"]) == pytest.approx(0.9, abs=0.25)
    assert (fresh["level"], fresh["n"]) == ("service", 203)
    assert fresh["basis"] == "203 parcels at import_customs_started at the destination from CN to BR by ups express"
    for one in (fresh, older, cleared):
        left = [one[name] for name in ("p05", "p10", "p25", "p50", "p75", "p90", "p95")]
        assert left == sorted(left)
        assert left[0] >= 0
        assert START.date() + timedelta(days=60) <= one["earliest"] <= one["likely"] <= one["latest"]
    told = status(101, NOW)
    assert [told[f"expected_{name}"] for name in ("earliest", "likely", "latest")] == [
        fresh[name] for name in ("earliest", "likely", "latest")
    ]


def test_a_range_is_never_past_and_widens_as_a_parcel_overstays(warehouse: str) -> None:
    # A long-tailed world: days in customs grow by two in a hundred from parcel to parcel, from 0.3 to 47.
    stays = [0.3 * 1.0204**number for number in range(251)]
    put_shipments({"shipment_id": number, "ordered_at": days(0), **LANE} for number in range(len(stays)))
    put_many_events(
        event
        for number, stay in enumerate(stays)
        for event in (
            {"shipment_id": number, "at": days(1), "milestone": "import_customs_started", "country": "BR"},
            {"shipment_id": number, "at": days(1 + stay), "milestone": "delivered", "country": "BR"},
        )
    )
    ages = [20.0, 26.0, 30.0, 36.0, 40.0, 48.0, 55.0]
    for number, age in enumerate(ages):
        put_open(
            9000 + number, {"at": NOW - timedelta(days=age), "milestone": "import_customs_started"}, ordered_at=days(1)
        )
    run()
    p90 = rows("SELECT p90 FROM serving.dwell WHERE level = 'world' AND step LIKE 'import_customs%%'")[0]["p90"]
    found = [eta(9000 + number) for number in range(len(ages))]
    beyond = [float(one["p90"] - one["p10"]) for one, age in zip(found, ages, strict=True) if age >= p90]
    assert len(beyond) >= 4
    assert all(later >= earlier - 1e-9 for earlier, later in pairwise(beyond))
    for later in (NOW, days(70), days(400)):
        for number in range(len(ages)):
            one = eta(9000 + number, later)
            assert min(one["earliest"], one["likely"], one["latest"]) >= (later - timedelta(hours=3)).date()
            assert one["p05"] >= 0


def test_the_odd_cases_have_answers(lane: list[float]) -> None:
    put_open(101, destination_country="TV", carrier="nobody", service=None)  # a country never seen, no scan
    put_open(102, {"at": days(58), "milestone": "hub_arrived", "country": "PA"})  # a state never seen
    put_open(103, {"at": days(65), "milestone": "import_cleared"})  # a clock that jumps ahead
    put_open(104, {"at": days(52), "milestone": "import_cleared"}, {"at": days(53), "milestone": "tracking_expired"})
    put_open(105, {"at": days(52), "milestone": "returning"})
    put_open(106, carrier="unknown", service=None, ordered_at=None)  # nothing is known of it at all
    put_open(107, shipped_at=days(55))  # handed over, as a file tells; no scan
    put_open(108, {"at": days(51), "milestone": "delivered"}, ordered_at=days(52))  # delivered before it was ordered
    run()
    world = eta(101)
    assert (world["level"], world["step"]) == ("world", "registered at the origin")
    assert world["latest"] is not None
    assert eta(102)["basis"].endswith(" stays at any step anywhere")
    assert eta(103)["earliest"] >= NOW.date()
    hidden = eta(104)
    assert (hidden["step"], hidden["is_in_sight"]) == ("import_cleared at the destination", False)
    assert hidden["days_at_step"] == 8
    assert hidden["p50"] is not None
    back = eta(105)
    assert (back["p50"], back["earliest"], back["basis"]) == (None, None, "it is on its way back")
    assert not status(105, NOW)["is_stuck"]
    assert eta(106)["latest"] is not None
    assert eta(107)["step"] == "in_transit between"
    assert eta(108) == {}


def test_nothing_is_known_at_first_and_one_parcel_is_enough_for_a_range(warehouse: str) -> None:
    put_open(1)
    run()
    assert (eta(1)["n"], status(1, NOW)["expected_latest"]) == (1, eta(1)["latest"])
    put_shipments([{"shipment_id": 2, "ordered_at": days(51), "delivered_at": days(55), **LANE}])
    run()
    assert eta(1)["n"] == 2
    assert not status(1, NOW)["is_stuck"], "two parcels say nothing of what is usual"


def test_a_run_again_changes_nothing_and_an_erased_shipment_is_gone(lane: list[float]) -> None:
    for number in range(101, 104):
        put_open(number, {"at": days(58), "milestone": "import_customs_started"})
    run()

    def all_said() -> list[Any]:
        return [
            rows(f"SELECT * FROM serving.{table} ORDER BY 1, 2")
            for table in ("dwell", "remaining_time", "shipment_eta", "day_factor", "step_noise", "disruption")
        ] + [rows("SELECT * FROM serving.step_day ORDER BY 1, 2, 3, 4, 5, 6")]

    before = all_said()
    run()
    run(learn_every=timedelta(days=1))
    assert all_said() == before
    execute("DELETE FROM core.tracking_event WHERE shipment_id = 102")
    execute("DELETE FROM core.shipment WHERE shipment_id = 102")
    execute("INSERT INTO ops.shipment_change (shipment_id, run_id) VALUES (102, 'erasure')")
    refresh_statuses(as_of=NOW)
    assert eta(102) == {}, "gone at once"
    refresh(as_of=NOW)
    assert {row["shipment_id"] for row in rows("SELECT shipment_id FROM serving.shipment_eta")} == {101, 103}


def test_exits_seen_and_expected_by_hand(lane: list[float]) -> None:
    run(days(4))
    run(days(4) + timedelta(days=12))
    found = rows(
        "SELECT day, country, region, observed, expected, day_kind FROM serving.step_day "
        "WHERE step LIKE 'import_customs%%' ORDER BY day"
    )
    # They came on Wednesday, 4 March, at 9:00 UTC, 6:00 in Brazil: 37 left by midnight, 50 on each next day.
    assert [(row["day"], row["observed"], row["day_kind"]) for row in found] == [
        (date(2026, 3, 4), 37, 3),
        (date(2026, 3, 5), 50, 4),
        (date(2026, 3, 6), 50, 5),
        (date(2026, 3, 7), 50, 6),
        (date(2026, 3, 8), 13, 7),
    ]
    (curve,) = rows("SELECT hazard FROM serving.dwell WHERE level = 'service' AND step LIKE 'import_customs%%'")
    hazard = [0.0, *curve["hazard"]]
    edges = [0.0, *map(float, life.AGES)]

    def at(age: float) -> float:
        place = max(number for number, edge in enumerate(edges) if edge <= age)
        share = (age - edges[place]) / (edges[place + 1] - edges[place])
        return hazard[place] + share * (hazard[place + 1] - hazard[place])

    by_hand = sum(at(min(stay, 0.75)) for stay in lane)  # until midnight in Brazil, 18 hours later
    assert found[0]["expected"] == pytest.approx(by_hand, rel=1e-6)
    assert sum(row["expected"] for row in found) == pytest.approx(sum(map(at, lane)), rel=1e-6)


def test_the_arrays_of_sql_and_python_are_the_same(warehouse: str) -> None:
    (found,) = rows(
        "SELECT serving.ages() AS ages, serving.landmarks() AS landmarks, serving.remaining_levels() AS levels"
    )
    assert found["ages"] == life.AGES.tolist()
    assert found["landmarks"] == life.LANDMARKS.tolist()
    assert found["levels"] == life.REMAINING_LEVELS.tolist()


def test_an_episode_raises_an_alert_that_its_end_resolves(warehouse: str) -> None:
    def put(step: str, part_of: int | None = None) -> int:
        (found,) = rows(
            "INSERT INTO serving.disruption (cell, country, region, origin_country, destination_country, step, "
            "part_of, started_on, alarmed_at, observed, expected, probability, parcels_caught, reasons, refreshed_at) "
            "VALUES (%s, 'FR', '', '', '', %s, %s, '2026-04-01', %s, 12, 90, 0.9999, 41, %s, %s) "
            "RETURNING disruption_id",
            *("country" if part_of is None else "region", step, part_of, NOW, '{"strike": 30}', NOW),
        )
        return int(found["disruption_id"])

    def alerts() -> list[tuple[Any, ...]]:
        found = rows("SELECT kind, rule, subject, is_open, message FROM mart.quality_alert ORDER BY alert_id")
        return [tuple(row.values()) for row in found]

    whole = put("import_cleared at the destination")
    put("import_cleared at the destination", whole)
    set_now(warehouse, NOW)
    watch("watch-1")
    ((kind, rule, subject, is_open, message),) = alerts()
    assert (kind, rule, is_open) == ("disruption", "step_stands_still", True)
    assert subject == "import_cleared at the destination in FR"
    assert "12 moved on where 90 were expected, 41 are there now" in message
    assert "strike" in message
    execute("UPDATE serving.disruption SET ended_on = '2026-04-20', ended_at = %s WHERE disruption_id = %s", NOW, whole)
    set_now(warehouse, NOW + timedelta(hours=1))
    watch("watch-2")
    assert [row[3] for row in alerts()] == [False]
