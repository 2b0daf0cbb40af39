"""How promises were kept: golden numbers by hand, what matures when, settling anew, coverage, and the levels' moves."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Any

import pytest
from delivery_rows import days, execute, rows
from promise_rows import CN_BR, even, put_lane, put_statuses

from lanecast.delivery import promises
from lanecast.delivery.log_odds import expit, logit
from lanecast.delivery.promise import Question, issue
from lanecast.warehouse import connection

# days(0) is Monday, 2 March 2026, 09:00 UTC, which is 06:00 in Sao Paulo.
WEEK = date(2026, 3, 2)
ACCURACY = "SELECT * FROM mart.promise_accuracy ORDER BY scope, level, origin_country, destination_country, measure"
STORED = (
    "SELECT scope, level, origin_country, destination_country, measure, confidence, issued_week, n, n_early, n_late, "
    "n_on_dates, n_undelivered, n_unobserved, n_timed, mean_width_days, mean_days_late, pinball_lower, pinball_likely, "
    "pinball_upper, fresh_n, fresh_early, fresh_late, fresh_lower_level, fresh_upper_level, matured_at "
    "FROM serving.promise_accuracy ORDER BY 1, 2, 3, 4, 5, 6, 7"
)


@pytest.fixture(autouse=True)
def lanes(warehouse: str) -> None:
    put_lane(even(20))  # 80 %: 2 to 18 days, likely 10
    put_lane(even(10), CN_BR)  # 80 %: 1 to 9 days, likely 5


def issued(at: float, asked: Question, **reference: str | None) -> None:
    with connection.connect(as_of=days(at)) as link:
        issue(link, asked, **reference)


def issued_together(at: float, questions: list[dict[str, Any]]) -> None:
    """Issues many promises at one moment."""
    rows("SELECT * FROM mart.issue_promises(%s)", json.dumps(questions, default=str), as_of=days(at))


def order(number: int, took: float | None = None, **more: Any) -> dict[str, Any]:
    """An order of CN to BR on the first day, delivered after so many days."""
    arrived = {} if took is None else {"delivered_at": days(took), "milestone_at": days(took)}
    return {"shipment_id": number, "order_id": f"A-{number}", **CN_BR, **arrived, **more}


@pytest.fixture
def ten_orders(lanes: None) -> None:
    """Ten orders promised on the first day on CN to BR: 1 to 9 days, shown as 3 to 11 March."""
    for number in range(1, 11):
        issued(0, Question("CN", "BR"), order_id=f"A-{number}")
    put_statuses(
        order(1, 0.5),  # early, on the day before the first
        order(2, 0.85),  # early by the moment, and on the first date: 02:24 of 3 March in Sao Paulo
        order(3, 5),  # kept
        order(4, 8.9),  # kept, near the last moment
        order(5, 9.5),  # late by half a day, and on the last date
        order(6, 12),  # late by three days
        order(7),  # still open
        order(8, milestone="lost", milestone_at=days(6)),
        order(9, milestone="cancelled", milestone_at=days(1)),
        order(10, milestone="tracking_expired", milestone_at=days(4)),
    )


def settled(at: float) -> list[dict[str, Any]]:
    promises.settle(as_of=days(at), at_once=True)
    return rows(ACCURACY)


@pytest.mark.usefixtures("ten_orders")
def test_accuracy_by_hand() -> None:
    # The promises mature at the end of 11 March in Sao Paulo, 9.75 days after the start; by day 20, order 6 is in.
    every, destination, lane, level = settled(20)
    assert [row["scope"] for row in (every, destination, lane, level)] == [
        "all",
        "destination_country",
        "lane_country",
        "level",
    ]
    assert (lane["origin_country"], lane["destination_country"], lane["level"]) == ("CN", "BR", None)
    assert (level["level"], level["destination_country"]) == ("lane_country", None)
    assert destination["destination_country"] == "BR"
    for row in (every, destination, lane, level):
        assert (row["measure"], float(row["confidence"]), row["issued_week"]) == ("order_to_door", 0.8, WEEK)
        assert row["matured_at"] == datetime(2026, 3, 12, 3, tzinfo=UTC)
        # Of ten, the cancelled one and the one out of sight can't be judged.
        assert (row["n"], row["n_unobserved"], row["n_undelivered"], row["n_timed"]) == (8, 2, 2, 7)
        assert float(row["early_share"]) == 2 / 8
        assert float(row["late_share"]) == 4 / 8
        assert float(row["coverage"]) == 2 / 8
        assert float(row["date_coverage"]) == 4 / 8  # orders 2 to 5
        assert float(row["mean_width_days"]) == pytest.approx(8)
        # Late by 0.5, 3, and, still open on day 20, by 11 so far; the lost one has no number.
        assert float(row["mean_days_late"]) == pytest.approx((0.5 + 3 + 11) / 3)
        # Days are 0.5, 0.85, 5, 8.9, 9.5, 12 and 20.
        lower = [0.9 * 0.5, 0.9 * 0.15, 0.1 * 4, 0.1 * 7.9, 0.1 * 8.5, 0.1 * 11, 0.1 * 19]
        likely = [4.5, 4.15, 0, 3.9, 4.5, 7, 15]
        upper = [0.1 * 8.5, 0.1 * 8.15, 0.1 * 4, 0.1 * 0.1, 0.9 * 0.5, 0.9 * 3, 0.9 * 11]
        assert float(row["pinball_lower"]) == pytest.approx(sum(lower) / 7)
        assert float(row["pinball_likely"]) == pytest.approx(sum(likely) / 2 / 7)
        assert float(row["pinball_upper"]) == pytest.approx(sum(upper) / 7)
        assert float(row["pinball_sum"]) == pytest.approx((sum(lower) + sum(likely) / 2 + sum(upper)) / 7)


@pytest.mark.usefixtures("ten_orders")
def test_a_week_is_told_once_all_of_it_has_matured() -> None:
    assert settled(9.5) == []
    assert [row["n"] for row in settled(9.8)] == [8] * 4
    execute("DELETE FROM serving.promise_settlement")
    issued(6, Question(None, "JP"), order_id="B-1")  # Sunday of the same week, on the world's lane: until day 24
    late = {row["scope"] for row in settled(12)}
    assert late == {"lane_country", "level", "destination_country"}  # "all" waits for it; others are told without it
    put_statuses({"shipment_id": 20, "order_id": "B-1", "ordered_at": days(6), "delivered_at": days(16)})
    by_scope = {(row["scope"], row["level"], row["destination_country"]): row["n"] for row in settled(30)}
    assert by_scope == {
        ("all", None, None): 9,
        ("destination_country", None, "BR"): 8,
        ("destination_country", None, "JP"): 1,
        ("lane_country", None, "BR"): 8,
        ("level", "lane_country", None): 8,
        ("level", "world", None): 1,
    }


def test_the_week_itself_must_be_over() -> None:
    put_lane([1.0], CN_BR)
    issued(0, Question("CN", "BR"), order_id="A-1")
    put_statuses(order(1, 0.2))
    assert settled(3) == []
    assert len(settled(7)) == 4


@pytest.mark.usefixtures("ten_orders")
def test_late_corrections_count_for_eight_weeks_and_then_no_more() -> None:
    assert float(settled(20)[0]["late_share"]) == 4 / 8
    put_statuses(order(7, 8))  # told late: it had arrived in time
    assert float(settled(21)[0]["coverage"]) == 3 / 8
    put_statuses(order(7, 40))
    assert float(settled(50)[0]["mean_days_late"]) == pytest.approx((0.5 + 3 + 31) / 3)
    final = settled(66)  # 9.75 + 56 days
    assert rows("SELECT is_final FROM serving.promise_settlement") == [{"is_final": True}]
    put_statuses(order(7, 8))
    assert settled(67) == final


def test_settling_every_day_says_the_same_as_settling_once() -> None:
    draw = random.Random(6)
    parcels = []
    asked: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for number in range(1, 401):
        start = draw.randrange(40)
        origin, destination = draw.choice([("CN", "BR"), ("CN", "BR"), ("US", "BR"), (None, None)])
        asked[start + draw.choice([0, 0, 3])].append(
            {
                "origin": origin,
                "destination": destination,
                "starts_at": days(start),
                "confidence": draw.choice([0.8, 0.8, 0.5]),
                "clock": draw.choice(["order", "handover"]),
                "order_id": f"A-{number}",
            }
        )
        end = start + draw.expovariate(1 / 9)
        parcel = {
            "shipment_id": number,
            "order_id": f"A-{number}",
            "ordered_at": days(start),
            "shipped_at": days(start),
        }
        how = draw.choice(["delivered"] * 8 + ["lost", "cancelled", "tracking_expired", "in_transit"])
        parcels.append(
            parcel
            | {"milestone": how, "milestone_at": days(end)}
            | ({"delivered_at": days(end)} if how == "delivered" else {})
        )
    put_statuses(*parcels)
    for day, questions in asked.items():
        issued_together(day, questions)
    for day in range(1, 150, 5):
        promises.settle(as_of=days(day))
    daily = rows(STORED)
    assert len({row["issued_week"] for row in daily}) == 7
    assert sum(row["n"] for row in daily if row["scope"] == "all") > 250
    assert rows("SELECT bool_and(is_final) AS final FROM serving.promise_settlement") == [{"final": True}]
    promises.settle(as_of=days(150), at_once=True)
    assert rows(STORED) == daily
    execute("DELETE FROM serving.promise_settlement")
    execute("DELETE FROM serving.promise_accuracy")
    promises.settle(as_of=days(150))
    again = rows(STORED)
    for row, was in zip(again, daily, strict=True):
        for column, value in row.items():
            assert value == (pytest.approx(was[column], abs=1e-9) if isinstance(value, float) else was[column]), column


def test_settling_waits_some_hours_unless_told_to() -> None:
    issued(0, Question("CN", "BR"), order_id="A-1")
    put_statuses(order(1, 5))
    assert promises.settle(as_of=days(20)) == 1
    assert promises.settle(as_of=days(20.1)) == 0
    assert promises.settle(as_of=days(20.1), at_once=True) == 1
    assert promises.settle(as_of=days(20.5)) == 1
    assert promises.settle(as_of=days(19)) == 1  # a clock that was set back


def test_an_order_has_arrived_with_the_last_of_its_parcels_and_a_number_may_have_been_another_parcel_s() -> None:
    issued(0, Question("CN", "BR"), order_id="A-1")
    issued(0, Question("CN", "BR", "ups"), tracking_number="N-1")
    issued(0, Question("CN", "BR"), order_id="nobody knows")
    put_statuses(
        order(1, 5),
        order(2, 12, order_id="A-1"),
        order(3, order_id="A-1", milestone="cancelled", milestone_at=days(2)),
        order(4, 6, order_id=None, tracking_number="N-1", carrier="ups", epoch=2),
        order(5, -300, order_id=None, tracking_number="N-1", carrier="ups", epoch=1),
        order(6, order_id=None, tracking_number="N-1", carrier="dhl"),
    )
    told = settled(20)[0]
    assert (told["n"], told["n_unobserved"], float(told["late_share"])) == (2, 1, 0.5)
    assert float(told["mean_days_late"]) == pytest.approx(3)


def test_promises_to_parcels_under_way_count_and_do_not_teach() -> None:
    put_statuses(*(order(number) for number in range(1, 41)))
    assert promises.issue(as_of=days(4)) == 40
    put_statuses(*(order(number, 5) for number in range(1, 41)))
    told = settled(20)[0]
    assert (told["n"], float(told["coverage"])) == (40, 1)
    assert rows(STORED)[0]["fresh_n"] == 0
    assert promises.calibrate(as_of=days(20)) == 0


def test_coverage_is_of_ninety_days_and_needs_thirty() -> None:
    parcels = []
    for number in range(1, 41):
        start = 0 if number <= 29 else 28
        issued(start, Question("CN", "BR", starts_at=days(start)), order_id=f"A-{number}")
        took = 5 if number % 2 else 9.5
        parcels.append(order(number, start + took, ordered_at=days(start)))
    put_statuses(*parcels)
    coverage = "SELECT scope, n, coverage::float FROM serving.promise_coverage ORDER BY scope"
    promises.settle(as_of=days(20))
    assert rows(coverage) == []  # 29 of the first week
    promises.settle(as_of=days(50))
    told = [{"scope": scope, "n": 40, "coverage": 0.5} for scope in ("all", "lane CN → BR", "level lane_country")]
    assert rows(coverage) == told
    promises.settle(as_of=days(101), at_once=True)
    assert rows(coverage) == []  # the first week matured more than 90 days ago


def test_levels_move_by_matured_cohorts_and_the_moves_are_kept() -> None:
    """Parcels take three days more than the curve says."""
    draw = random.Random(3)
    parcels, read = [], []
    for week in range(14):
        start = 7 * week
        promises.keep(as_of=days(start), at_once=True)
        read += rows("SELECT * FROM serving.answer('CN', 'BR', NULL, NULL, NULL, 0.8, 'order', false)")
        numbers = range(80 * week + 1, 80 * week + 81)
        issued_together(
            start,
            [{"origin": "CN", "destination": "BR", "starts_at": days(start), "order_id": f"A-{n}"} for n in numbers],
        )
        parcels += [order(n, start + 3 + draw.uniform(0, 10), ordered_at=days(start)) for n in numbers]
        put_statuses(*parcels[-80:])
    # Days are even from 3 to 13 where the curve says 0 to 10: the levels to read are 0.4 and 1.2, more than there is.
    lower = [row["lower_level"] for row in read]
    upper = [row["upper_level"] for row in read]
    assert (lower[0], upper[0]) == pytest.approx((0.1, 0.9))
    assert lower[1] == pytest.approx(0.1)  # none has matured within a week
    assert lower[-1] > 0.2
    assert upper[-1] > 0.93
    assert lower == sorted(lower)
    assert upper == sorted(upper)
    moves = rows("SELECT * FROM mart.promise_calibration WHERE destination_country IS NULL ORDER BY moved_at")
    assert len(moves) > 5
    for before, after in pairwise(moves):
        assert before["until_at"] == after["moved_at"]
        assert (after["first_week"], after["n"]) == (WEEK, 80 * after["cohorts"])
    assert moves[-1]["until_at"] is None
    countries = rows("SELECT * FROM mart.promise_calibration WHERE destination_country = 'BR' ORDER BY moved_at")
    assert countries[0]["n"] >= promises.LEAST
    # The line in log-odds goes through both levels.
    last = rows("SELECT shift, spread FROM serving.promise_level WHERE scope = ''")[0]
    assert expit(last["shift"] - last["spread"] * logit(0.9)) == pytest.approx(float(moves[-1]["lower_level"]))
    assert promises.calibrate(as_of=days(7 * 13)) == 0  # nothing new: nothing moves
    assert len(rows("SELECT FROM serving.promise_level_move")) == len(moves) + len(countries)
