"""Which clocks and legs a shipment has: when they began, from when on they were watched, how and when they ended."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from delivery_rows import START, days, execute, mark_changed, put_events, put_shipments, rows

from lanecast.delivery.promise import promise
from lanecast.delivery.refresh import refresh

pytestmark = pytest.mark.usefixtures("warehouse")

CN_BR = {"origin_country": "CN", "destination_country": "BR", "carrier": "ups"}
DE_FR = {"origin_country": "DE", "destination_country": "FR", "carrier": "dhl"}
DE_DE = {"origin_country": "DE", "destination_country": "DE", "carrier": "dhl"}
NOW = 60.0
Told = dict[str, tuple[float, float | None, str]]

WHOLE_WAY = [
    ("info_received", 0.5, "CN"),
    ("picked_up", 1, "CN"),
    ("export_customs_started", 3, "CN"),
    ("export_cleared", 4, "CN"),
    ("destination_country_arrived", 9, "BR"),
    ("import_customs_started", 9.5, "BR"),
    ("import_cleared", 12, "BR"),
    ("out_for_delivery", 13, "BR"),
    ("delivered", 14, "BR"),
]
LEGS_OF_ALL: Told = {
    "order_to_door": (0, 14, "delivered"),
    "handover_to_door": (1, 14, "delivered"),
    "to_export": (1, 3, "delivered"),
    "export_customs": (3, 4, "delivered"),
    "line_haul": (4, 9, "delivered"),
    "import_customs": (9, 12, "delivered"),
    "last_mile": (12, 14, "delivered"),
}


def without(*milestones: str) -> list[tuple[str, float, str | None]]:
    return [event for event in WHOLE_WAY if event[0] not in milestones]


def until(day: float, *more: tuple[str, float, str]) -> list[tuple[str, float, str | None]]:
    return [*(event for event in WHOLE_WAY if event[1] <= day), *more]


def but(told: Told, **changed: Any) -> Told:
    return {measure: span for measure, span in (told | changed).items() if span is not None}


CASES: tuple[tuple[str, dict[str, Any], list[tuple[str, float, str | None]], Told], ...] = (
    ("the whole way", {"ordered_at": 0, **CN_BR}, without(), LEGS_OF_ALL),
    (
        "under way: a leg is open, those to come are not there",
        {"ordered_at": 0, **CN_BR},
        until(10),
        {
            **{name: LEGS_OF_ALL[name] for name in ("to_export", "export_customs", "line_haul")},
            "order_to_door": (0, None, "open"),
            "handover_to_door": (1, None, "open"),
            "import_customs": (9, None, "open"),
        },
    ),
    (
        "a step that nobody told: the legs that it parts are left out, not open",
        {"ordered_at": 0, **CN_BR},
        without("export_cleared", "import_cleared"),
        but(LEGS_OF_ALL, export_customs=None, line_haul=None, import_customs=None, last_mile=None),
    ),
    (
        "no word from export: the first scan abroad ends the way to it",
        {"ordered_at": 0, **CN_BR},
        without("export_customs_started", "export_cleared"),
        but(LEGS_OF_ALL, to_export=(1, 9, "delivered"), export_customs=None, line_haul=None),
    ),
    (
        "within a customs union: hauled from the handover, no customs",
        {"ordered_at": 0, **DE_FR},
        [("picked_up", 1, "DE"), ("hub_arrived", 3, "FR"), ("delivered", 5, "FR")],
        {
            "order_to_door": (0, 5, "delivered"),
            "handover_to_door": (1, 5, "delivered"),
            "line_haul": (1, 3, "delivered"),
            "last_mile": (3, 5, "delivered"),
        },
    ),
    (
        "within a country: clocks alone",
        {"ordered_at": 0, **DE_DE},
        [("picked_up", 1, "DE"), ("delivered", 2, "DE")],
        {"order_to_door": (0, 2, "delivered"), "handover_to_door": (1, 2, "delivered")},
    ),
    (
        "lost under way: the leg that it was in ends, too",
        {"ordered_at": 0, **CN_BR},
        until(4, ("lost", 20, "CN")),
        {
            "order_to_door": (0, 20, "lost"),
            "handover_to_door": (1, 20, "lost"),
            "to_export": (1, 3, "delivered"),
            "export_customs": (3, 4, "delivered"),
            "line_haul": (4, 20, "lost"),
        },
    ),
    (
        "back to the sender: it ended when it turned back",
        {"ordered_at": 0, **CN_BR},
        until(13, ("returning", 15, "BR"), ("returned", 40, "CN")),
        but(LEGS_OF_ALL, order_to_door=(0, 15, "lost"), handover_to_door=(1, 15, "lost"), last_mile=(12, 15, "lost")),
    ),
    (
        "waiting at a pickup point: the last mile is over, the clocks run",
        {"ordered_at": 0, **CN_BR},
        until(13, ("available_for_pickup", 14, "BR")),
        but(LEGS_OF_ALL, order_to_door=(0, None, "open"), handover_to_door=(1, None, "open")),
    ),
    (
        "out of sight is neither",
        {"ordered_at": 0, **CN_BR},
        until(1, ("tracking_expired", 30, "CN")),
        {
            "order_to_door": (0, 30, "expired"),
            "handover_to_door": (1, 30, "expired"),
            "to_export": (1, 30, "expired"),
        },
    ),
    ("cancelled", {"ordered_at": 0, "milestone": "cancelled", **CN_BR}, [("info_received", 1, "CN")], {}),
    (
        "first seen at the last mile: nobody knows when it was handed over",
        {"ordered_at": 0, **CN_BR},
        [("out_for_delivery", 13, "BR"), ("delivered", 14, "BR")],
        {"order_to_door": (0, 14, "delivered")},
    ),
    (
        "first seen abroad: the same, but what follows is known",
        {"ordered_at": 0, **CN_BR},
        [("hub_arrived", 9, "BR"), ("import_cleared", 12, "BR"), ("delivered", 14, "BR")],
        {
            "order_to_door": (0, 14, "delivered"),
            "import_customs": (9, 12, "delivered"),
            "last_mile": (12, 14, "delivered"),
        },
    ),
    (
        "the shop knows when it was handed over",
        {"ordered_at": 0, "shipped_at": 2, **CN_BR},
        [("out_for_delivery", 13, "BR"), ("delivered", 14, "BR")],
        {"order_to_door": (0, 14, "delivered"), "handover_to_door": (2, 14, "delivered")},
    ),
    ("a clock that runs backwards", {"ordered_at": 10, "delivered_at": 5, **CN_BR}, [], {}),
    (
        "steps in the wrong order",
        {"ordered_at": 0, **CN_BR},
        [*without("export_cleared"), ("export_cleared", 2, "CN")],
        but(LEGS_OF_ALL, to_export=(1, 2, "delivered"), export_customs=None, line_haul=(2, 9, "delivered")),
    ),
    (
        "lost, and only the shop says so: at its last sign of life",
        {"ordered_at": 0, "shipped_at": 1, "milestone": "lost", **CN_BR},
        [],
        {"order_to_door": (0, 1, "lost"), "handover_to_door": (1, 1, "lost")},
    ),
    (
        "a clock that jumps ahead: what is said to have happened later than now has not happened yet",
        {"ordered_at": 0, **DE_DE},
        [("picked_up", 1, "DE"), ("delivered", NOW + 2, "DE")],
        {"order_to_door": (0, None, "open"), "handover_to_door": (1, None, "open")},
    ),
    (
        "an order of tomorrow counts nowhere yet",
        {"ordered_at": NOW + 1, **DE_DE},
        [],
        {"order_to_door": (NOW + 1, None, "ahead")},
    ),
    ("nothing known", {**CN_BR}, [], {}),
)


def as_day(moment: datetime | None) -> float | None:
    return None if moment is None else (moment - START) / timedelta(days=1)


def spans() -> dict[int, Told]:
    found: dict[int, Told] = {}
    for row in rows(
        "SELECT span.*, leaf.measure FROM serving.journey_span AS span JOIN serving.leaf_lane AS leaf USING (leaf_id)"
    ):
        started = as_day(row["started_at"])
        assert started is not None
        found.setdefault(row["shipment_id"], {})[row["measure"]] = (started, as_day(row["ended_at"]), row["outcome"])
    return found


def put_cases() -> None:
    put_shipments(
        {
            "shipment_id": number,
            **{key: days(value) if isinstance(value, int | float) else value for key, value in told.items()},
        }
        for number, (_, told, _, _) in enumerate(CASES)
    )
    for number, (_, _, events, _) in enumerate(CASES):
        if events:
            put_events(number, *({"milestone": name, "at": days(day), "country": at} for name, day, at in events))


def test_what_is_measured_of_a_journey() -> None:
    put_cases()
    refresh(as_of=days(NOW))
    found = spans()
    for number, (case, _, _, expected) in enumerate(CASES):
        assert found.get(number, {}) == expected, case


def test_what_lay_ahead_is_counted_once_its_time_has_come() -> None:
    put_cases()
    refresh(as_of=days(NOW))
    put_shipments([{"shipment_id": 1000, "ordered_at": days(0)}])
    refresh(as_of=days(NOW + 3))
    found = {CASES[number][0]: told for number, told in spans().items() if number < len(CASES)}
    assert found["an order of tomorrow counts nowhere yet"] == {"order_to_door": (NOW + 1, None, "open")}
    (jumped,) = (told for case, told in found.items() if case.startswith("a clock that jumps"))
    assert jumped == {"order_to_door": (0, NOW + 2, "delivered"), "handover_to_door": (1, NOW + 2, "delivered")}
    assert rows("SELECT 1 FROM serving.journey_span WHERE due_at IS NOT NULL") == []


def test_tracking_that_starts_in_the_midst_of_a_journey_enters_late() -> None:
    put_shipments(
        {"shipment_id": number, "ordered_at": days(0), "delivered_at": delivered, "destination_country": "BR"}
        for number, delivered in ((1, days(20)), (2, None), (3, days(4)), (4, days(15)))
    )
    for number, registered in ((1, 10), (2, 10), (3, 10), (4, 0)):
        execute(
            "INSERT INTO core.shipment_number (carrier, tracking_number, epoch, shipment_id, opened_at) "
            "OVERRIDING SYSTEM VALUE VALUES ('ups', %s, 1, %s, %s)",
            *(str(number), number, days(registered)),
        )
    refresh(as_of=days(30))
    entered = {row["shipment_id"]: as_day(row["entered_at"]) for row in rows("SELECT * FROM serving.journey_span")}
    assert entered == {1: 10, 2: 10, 3: 10, 4: 0}
    # At risk: until day 9 the fourth alone; within (9, 10] half of the two that enter there; then three. The third had
    # arrived before anyone looked: it counts among the delivered, and tells nothing of how long it takes.
    (world,) = rows("SELECT * FROM serving.delivery_time WHERE specificity = 1")
    assert (world["n"], world["n_delivered"], float(world["mean_days"])) == (4, 3, 13)
    bounds = rows("SELECT serving.age_bounds('order_to_door') AS bounds")[0]["bounds"]
    share = dict(zip(bounds, world["curve"], strict=False))
    assert (share[14], share[19]) == (0, pytest.approx((1 / 3) / (1 / 3 + 2 / 3 * 1 / 2)))
    assert share[20] == 1


def test_one_parcel_and_one_that_never_arrives_and_a_country_never_seen() -> None:
    put_shipments([{"shipment_id": 1, "ordered_at": days(0), "delivered_at": days(7.5), **CN_BR}])
    put_shipments([{"shipment_id": 2, "ordered_at": days(0), "destination_country": "PT"}])
    refresh(as_of=days(400))
    times = {
        row["destination_country"]: row
        for row in rows("SELECT * FROM mart.delivery_time WHERE level IN ('world', 'destination_country')")
    }
    assert float(times["BR"]["p50"]) == pytest.approx(7.5)  # the middle of (7, 8]
    assert (times["BR"]["n_delivered"], times["PT"]["n_delivered"], times["PT"]["n_in_transit"]) == (1, 0, 1)
    assert float(times["PT"]["p50"]) == pytest.approx(7.5), "with nothing of its own delivered, it leans on the world"
    assert times["PT"]["p_never_delivered"] == 0, "and nobody has said that it is lost"
    assert "leans on the world" in times["PT"]["basis"]
    elsewhere = promise("CN", "ZZ", starts_at=days(400))
    assert elsewhere["likely"] == days(407.5).date()


def test_a_warehouse_with_nothing_delivered_has_counts_and_no_curve() -> None:
    put_shipments([{"shipment_id": 1, "ordered_at": days(0), **CN_BR}])
    refresh(as_of=days(3))
    found = rows("SELECT * FROM mart.delivery_time")
    assert {(row["n"], row["n_delivered"], row["n_in_transit"]) for row in found} == {(1, 0, 1)}
    for row in found:
        nothing = [row[name] for name in ("p05", "p50", "p95", "mean_days", "sd_days", "p_never_delivered")]
        assert nothing == [None] * 6
        assert row["effective_n"] == 0
    execute("DELETE FROM core.shipment")
    mark_changed([1])
    refresh(as_of=days(4))
    assert rows("SELECT * FROM mart.delivery_time") == []
    assert rows("SELECT * FROM serving.journey_span") == rows("SELECT * FROM serving.life_table") == []


def test_the_horizon_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    put_shipments(
        {"shipment_id": number, "ordered_at": days(0), "delivered_at": days(took)}
        for number, took in enumerate((10, 30, 150, 300))
    )
    refresh(as_of=days(400))
    (world,) = rows("SELECT * FROM serving.delivery_time")
    assert (len(world["curve"]), world["curve"][10], world["n_delivered"]) == (59, 0, 4)
    assert world["curve"][11] == pytest.approx(0.5)  # by day 10, of the two that arrive within 120 days
    monkeypatch.setenv("LANECAST_HORIZON_DAYS", "365")
    mark_changed([1])
    refresh(as_of=days(400))
    (world,) = rows("SELECT * FROM serving.delivery_time")
    assert world["curve"][11] == pytest.approx(0.25)
    assert world["curve"][-1] == 1
