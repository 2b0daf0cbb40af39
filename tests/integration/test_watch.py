"""The watch in a world of 40 steady days, and what it says when a carrier changes."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pytest
import scipy.special
import scipy.stats
from watch_world import START, FeedWorld, deliveries, rows, set_now

from lanecast.warehouse import connection

pytestmark = pytest.mark.timeout(240)
CHANGED = START + timedelta(days=40)
LANE = ("CN", "BR", "ups")


@pytest.fixture
def world(warehouse: str) -> FeedWorld:
    made = FeedWorld(warehouse)
    made.follow()
    made.hours(START, CHANGED)
    return made


def watch_every(world: FeedWorld, start: datetime, end: datetime, every: timedelta) -> None:
    at = start
    while at < end:
        world.watch(at)
        at += every


def test_a_steady_world_raises_nothing(world: FeedWorld) -> None:
    watch_every(world, START + timedelta(hours=5), CHANGED, timedelta(hours=19))
    assert world.alerts() == []
    judged = rows(
        world.address, "SELECT DISTINCT rows_checked FROM quality.validation_result WHERE run_id = 'watch-50'"
    )
    assert (4,) in judged
    ((known,),) = rows(world.address, "SELECT count(*) FROM mart.carrier_feed WHERE deviations_24h IS NOT NULL")
    assert known == 4


@pytest.mark.parametrize(
    ("rule", "change", "unknown"),
    [
        ("feed_silent", 0.0, 0.002),
        ("volume_fallen", 0.5, 0.002),
        ("volume_risen", 2.6, 0.002),
        ("unmapped_share_jumped", 1.0, 0.12),
    ],
)
def test_a_change_raises_its_alert_once_and_resolves(
    world: FeedWorld, rule: str, change: float, unknown: float
) -> None:
    until = CHANGED + timedelta(days=2)
    again = until + timedelta(days=3)

    def changed(source: str, at: datetime) -> bool:
        return source == "dhl" and CHANGED <= at < until

    world.hours(
        CHANGED,
        again,
        lambda source, at: change if changed(source, at) else 1.0,
        lambda source, at: unknown if changed(source, at) else 0.002,
    )
    watch_every(world, CHANGED, until, timedelta(hours=5))
    assert world.alerts() == [(rule, "dhl", True)]
    watch_every(world, until, again, timedelta(hours=5))
    assert world.alerts() == [(rule, "dhl", False)]


def test_a_young_world_raises_nothing_whatever_happens(warehouse: str) -> None:
    world = FeedWorld(warehouse)
    world.follow()
    world.hours(START, START + timedelta(days=4))
    week = START + timedelta(days=7)
    world.hours(START + timedelta(days=4), week, lambda source, at: 0.0 if source == "ups" else 4.0)
    watch_every(world, START + timedelta(hours=3), week, timedelta(hours=13))
    assert world.alerts() == []


def test_what_nobody_is_asked_about_may_be_silent(world: FeedWorld) -> None:
    with connection.connect(address=world.address) as link, link.cursor() as cursor:
        cursor.execute("UPDATE ops.poll_plan SET next_poll_at = NULL WHERE source = 'dhl'")
    world.hours(CHANGED, CHANGED + timedelta(days=3), lambda source, at: float(source != "dhl"))
    world.watch(CHANGED + timedelta(days=3))
    assert world.alerts() == []


def test_a_platform_that_stood_still_blames_no_carrier_for_small_volumes(world: FeedWorld) -> None:
    back = CHANGED + timedelta(days=2)
    world.hours(back, back + timedelta(days=3))  # nobody was asked in between
    watch_every(world, back + timedelta(hours=2), back + timedelta(days=3), timedelta(hours=7))
    assert world.alerts() == []


def test_pulls_that_stand_still_are_told_as_silence(world: FeedWorld) -> None:
    world.watch(CHANGED + timedelta(days=1))
    assert {(rule, is_open) for rule, _, is_open in world.alerts()} == {("feed_silent", True)}
    assert {source for _, source, _ in world.alerts()} >= {"ups", "dhl", "usps"}


def test_numbers_of_a_feed_worked_by_hand(warehouse: str) -> None:
    """Four weeks of some 100 events at noon, 40 on Sundays, of 50 parcels; then a Monday of 60, of 40 parcels."""
    now = START + timedelta(days=28, hours=13)
    with connection.connect(address=warehouse) as link, link.cursor() as cursor:
        for day in range(29):
            for hour in range(24):
                loaded = 0 if hour != 12 else 60 if day == 28 else 40 if day % 7 == 6 else 100 + 2 * (day // 7)
                at = START + timedelta(days=day, hours=hour)
                cursor.execute(
                    "INSERT INTO quality.feed_hour VALUES ('ups', %s, %s, %s, %s, %s)",
                    (at, loaded * 3, loaded, loaded // 20, 40 if day == 28 else 50),
                )
                if at + timedelta(hours=1) > now:
                    break
        cursor.execute(
            "INSERT INTO ops.poll_plan (shipment_id, carrier, source, next_poll_at, reason) "
            "SELECT number, 'ups', 'ups', %s, 'test' FROM generate_series(1, 40) AS number",
            (now,),
        )
    set_now(warehouse, now + timedelta(hours=2))
    names = (
        "last_loaded_at, hours_silent, usual_gap_hours, usual_meanwhile, parcels_followed, received_24h, loaded_24h, "
        "expected_24h, deviations_24h, unmapped_24h, unmapped_share_24h, unmapped_share_before, history_days"
    )
    ((last, *told),) = rows(warehouse, f"SELECT {names} FROM mart.carrier_feed")
    assert last == START + timedelta(days=28, hours=12)
    # The window is from 13:00 on Sunday to 13:00 on Monday; 11 of its hours follow 50 parcels. Mondays before told 100,
    # 102, 104, 106 by noon: a median of 103 for 50 parcels. The first has no day before it, so it teaches nothing: 104.
    followed = (11 * 50 + 13 * 40) / 24
    expected = 104 / 50 * followed
    # Chance: the square root of what is expected, for days differ from their median by less.
    deviations = (60 - expected) / expected**0.5
    before = sum((100 + 2 * (day // 7)) // 20 if day % 7 != 6 else 2 for day in range(28))
    loaded_before = sum(100 + 2 * (day // 7) if day % 7 != 6 else 40 for day in range(28))
    assert [float(value) for value in told] == pytest.approx(
        [
            3,
            24,
            0,
            40,
            180,
            60,
            round(expected, 1),
            round(deviations, 1),
            3,
            0.05,
            round(before / loaded_before, 4),
            28.6,
        ],
        abs=0.051,
    )


def test_numbers_of_a_drift_against_scipy(warehouse: str) -> None:
    draw = np.random.default_rng(3)
    before, recent = draw.gamma(9, 1.5, 600), draw.gamma(9, 1.5, 80) + 1.2
    new = deliveries(warehouse, LANE, CHANGED - timedelta(days=90), before, timedelta(hours=3))
    new = deliveries(warehouse, LANE, CHANGED - timedelta(days=13), recent, timedelta(hours=3), new)
    new = deliveries(warehouse, ("CN", "US", "ups"), CHANGED - timedelta(days=90), before, timedelta(hours=3), new)
    deliveries(warehouse, ("CN", "US", "ups"), CHANGED - timedelta(days=13), recent[:29], timedelta(hours=3), new)
    set_now(warehouse, CHANGED)
    ((*lane, n_recent, n_before, median_recent, median_before, shift, distance, p_value, lanes),) = rows(
        warehouse,
        "SELECT origin_country, destination_country, carrier, n_recent, n_before, median_recent, median_before, "
        "shift_days, distance, p_value, lanes_compared FROM mart.transit_time_drift",
    )
    assert tuple(lane) == LANE  # the other lane has too few
    # The lane has only begun: what was delivered within two median times of its first handover is left out.
    begun = min(number * 0.125 - took for number, took in enumerate(before))
    settled = begun + 2 * float(np.median([*before, *recent]))
    kept = [took for number, took in enumerate(before) if number * 0.125 >= settled]
    assert (n_recent, n_before, lanes) == (80, len(kept), 1)
    assert 500 < len(kept) < 600
    assert float(median_recent) == pytest.approx(np.median(recent), abs=0.006)
    assert float(median_before) == pytest.approx(np.median(kept), abs=0.006)
    assert float(shift) == pytest.approx(np.median(recent) - np.median(kept), abs=0.006)
    told = scipy.stats.ks_2samp(recent, kept)
    assert float(distance) == pytest.approx(told.statistic, abs=6e-5)
    scaled = told.statistic * (80 * len(kept) / (80 + len(kept))) ** 0.5
    assert p_value == pytest.approx(scipy.special.kolmogorov(scaled), rel=1e-6)
    assert p_value == pytest.approx(told.pvalue, rel=0.5)  # the exact one: the limit is a little too large


def test_a_lane_that_becomes_slower_raises_one_alert_and_resolves_when_it_is_usual(warehouse: str) -> None:
    draw = np.random.default_rng(5)
    world = FeedWorld(warehouse)
    lanes = [("CN", country, carrier) for country in ("BR", "US", "DE") for carrier in ("ups", "dhl")]
    new = 1
    for lane in lanes:
        slower = 2.0 if lane == LANE else 0.0
        usual = draw.gamma(9, 1.5, 1400)
        later = draw.gamma(9, 1.5, 3800) + slower
        new = deliveries(warehouse, lane, START, usual, timedelta(days=40) / 1400, new)
        new = deliveries(warehouse, lane, CHANGED, later, timedelta(days=110) / 3800, new)
    watch_every(world, START, CHANGED, timedelta(hours=73))
    assert world.alerts() == []
    watch_every(world, CHANGED, CHANGED + timedelta(days=14), timedelta(hours=29))
    assert world.alerts() == [("transit_time_drifted", "CN → BR, ups", True)]
    watch_every(world, CHANGED + timedelta(days=14), CHANGED + timedelta(days=110), timedelta(hours=97))
    assert world.alerts() == [("transit_time_drifted", "CN → BR, ups", False)]
