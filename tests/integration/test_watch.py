"""The watch in a world of 40 steady days, and what it says when a carrier changes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import psycopg2.extras
import pytest
import scipy.special
import scipy.stats
from watch_world import START, FeedWorld, Parcels, handovers, rows, set_now, write_hours

from lanecast.warehouse import connection, staging
from lanecast.warehouse import runs as ledger
from lanecast.warehouse.staging import Batch
from lanecast.warehouse.statements import statement

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
    watch_every(world, CHANGED, until, timedelta(hours=7))
    assert world.alerts() == [(rule, "dhl", True)]
    watch_every(world, until, again, timedelta(hours=9))
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


def test_pulls_that_stand_still_are_one_alert_and_no_carriers_silence(world: FeedWorld) -> None:
    quarter = timedelta(minutes=15)
    watch_every(world, CHANGED, CHANGED + timedelta(hours=1, minutes=45), quarter)
    assert world.alerts() == []
    watch_every(world, CHANGED + timedelta(hours=2), CHANGED + timedelta(hours=5), quarter)
    assert world.alerts() == [("pulls_stand_still", "all carriers", True)]
    world.hours(CHANGED + timedelta(hours=5), CHANGED + timedelta(hours=6))
    world.watch(CHANGED + timedelta(hours=6))
    assert world.alerts() == [("pulls_stand_still", "all carriers", False)]


def test_after_a_stop_of_all_the_watch_waits_for_the_first_pull(world: FeedWorld) -> None:
    back = CHANGED + timedelta(hours=14)
    watch_every(world, CHANGED - timedelta(minutes=45), CHANGED + timedelta(minutes=15), timedelta(minutes=15))
    watch_every(world, back, back + timedelta(hours=1), timedelta(minutes=15))
    world.hours(back + timedelta(hours=1), back + timedelta(hours=3))
    watch_every(world, back + timedelta(hours=2), back + timedelta(hours=4), timedelta(minutes=15))
    assert world.alerts() == []


def test_numbers_of_a_feed_worked_by_hand(warehouse: str) -> None:
    """Four weeks of some 100 scans at noon, 40 on Sundays, of 50 parcels; then a Monday of 60, of 40 parcels.

    Ten parcels are in their first day, and have two scans in five.
    """
    now = START + timedelta(days=28, hours=13)
    hours: list[tuple[Any, ...]] = []
    for number in range(28 * 24 + 13):
        day, hour = divmod(number, 24)
        loaded = 0 if hour != 12 else 60 if day == 28 else 40 if day % 7 == 6 else 100 + 5 * (day // 7)
        young = loaded * 2 // 5
        parcels = 40 if day == 28 else 50
        at = START + timedelta(hours=number)
        scans, exposure = [young, loaded - young], [10.0, parcels - 10.0]
        hours.append(("ups", at, loaded * 3, loaded, loaded // 20, parcels, scans, exposure))
    write_hours(warehouse, hours)
    with connection.connect(address=warehouse) as link, link.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ops.poll_plan (shipment_id, carrier, source, next_poll_at, reason) "
            "SELECT number, 'ups', 'ups', %s, 'test' FROM generate_series(1, 40) AS number",
            (now,),
        )
    set_now(warehouse, now + timedelta(hours=2))
    names = (
        "last_loaded_at, hours_silent, usual_gap_hours, usual_meanwhile, parcels_followed, received_24h, loaded_24h, "
        "scans_24h, expected_24h, deviations_24h, unmapped_24h, unmapped_share_24h, unmapped_share_before, "
        "history_days, hours_since_pull"
    )
    ((last, *told),) = rows(warehouse, f"SELECT {names} FROM mart.carrier_feed")
    assert last == START + timedelta(days=28, hours=12)
    # The window is from 13:00 on Sunday to 13:00 on Monday; 11 of its hours follow 50 parcels. Noons before it: four
    # weeks of six days with 100, 105, 110, 115 and a Sunday with 40; the oldest window has but 13 hours.
    total = sum(6 * (100 + 5 * week) + 40 for week in range(4))
    asked_hours = 27 * 24 + 13
    pace_young, pace_old = total * 2 / 5 / (10 * asked_hours), total * 3 / 5 / (40 * asked_hours)
    paced_before = 24 * (10 * pace_young + 40 * pace_old)
    paced = 24 * 10 * pace_young + (11 * 40 + 13 * 30) * pace_old
    # Mondays before told 100, 105, 110, 115 by noon. The first has no day before it, so it teaches nothing: 110.
    expected = 110 / paced_before * paced
    # Chance: the square root of what is expected, for days differ from their median by less.
    deviations = (60 - expected) / expected**0.5
    before = sum((100 + 5 * (day // 7)) // 20 if day % 7 != 6 else 2 for day in range(28))
    assert [float(value) for value in told] == pytest.approx(
        [
            *(3, 24, 0, 40, 180, 60, 60, round(expected, 1), round(deviations, 1)),
            *(3, 0.05, round(before / total, 4), 28.6, 2.1),
        ],
        abs=0.051,
    )


def test_a_pull_counts_scans_and_hours_by_age_worked_by_hand(warehouse: str) -> None:
    """Three parcels that answered before, one that answers for the first time, one that has only its label."""
    run_at = START + timedelta(hours=40)
    batch = Batch("pull-1", "tracking_event")

    def scan(parcel: int, hour: float, milestone: str = "in_transit") -> tuple[Any, ...]:
        at = START + timedelta(hours=hour)
        return f"T{parcel}", at.replace(tzinfo=None), parcel * 1000 + int(hour * 10) + 500, at, milestone

    known = [
        *(scan(1, 9, "registered"), scan(1, 10, "picked_up")),
        *(scan(2, 30, "info_received"), scan(3, 0, "picked_up"), scan(5, 9, "registered")),
    ]
    told = [
        *(scan(1, 35), scan(1, 12), scan(1, 11)),  # the second a little late, the third before all that counts
        *(scan(2, 35, "picked_up"), scan(2, 36.5)),  # its first scan is no volume, what follows is
        *(scan(3, 33), scan(3, 37, "delivered")),
        *(scan(4, hour) for hour in (1, 20, 39)),  # its past
    ]
    with connection.connect(address=warehouse, role="owner") as link, link.cursor() as cursor:
        run = ledger.open_run(link, "pull-1", "pull", "tracking_event", "carriers", as_of=run_at)
        staging.create(link, batch)
        cursor.execute("SELECT ops.ensure_event_partitions(%s::timestamp, %s::timestamp)", (START, run_at))
        psycopg2.extras.execute_values(
            cursor,
            "INSERT INTO core.shipment_number (carrier, tracking_number, epoch, opened_at, first_event_at, "
            "finished_at) VALUES %s",
            [
                ("ups", f"T{parcel}", 1, START, START, START + timedelta(hours=37) if parcel == 3 else None)
                for parcel in range(1, 6)
            ],
        )
        for number, events in ((0, known), (run.number, told)):
            psycopg2.extras.execute_values(
                cursor,
                "INSERT INTO core.tracking_event (shipment_id, reported_at, event_hash, source, code, occurred_at, "
                "utc_offset_minutes, tz_known, milestone, run_number, ingested_at) SELECT number.shipment_id, "
                "told.reported_at, told.event_hash, 'ups', 'c', told.occurred_at, 0, 'offset', told.milestone, "
                f"{number}, told.occurred_at FROM (VALUES %s) AS told (tracking_number, reported_at, event_hash, "
                "occurred_at, milestone) INNER JOIN core.shipment_number AS number USING (tracking_number)",
                events,
            )
        psycopg2.extras.execute_values(
            cursor,
            f"INSERT INTO {batch.staged} (staged_row, carrier, source, is_mapped, tracking_number, reported_at, "
            "event_hash, occurred_at, milestone) VALUES %s",
            [(number, "ups", "ups", number > 0, *event) for number, event in enumerate([*told, *known])],
        )
        cursor.execute(
            "INSERT INTO ops.poll_plan (shipment_id, carrier, source, next_poll_at, reason, answered_at) "
            "SELECT shipment_id, 'ups', 'ups', %s, 'test', CASE WHEN tracking_number <> 'T4' THEN %s END "
            "FROM core.shipment_number",
            (run_at, START + timedelta(hours=35.5)),
        )
        cursor.execute(
            "INSERT INTO ops.poll_request (run_id, shipment_id, carrier, source, shard, tracking_number, reason, "
            "outcome) SELECT 'pull-1', shipment_id, 'ups', 'ups', 0, tracking_number, 'test', 'answered' "
            "FROM core.shipment_number"
        )
        count = statement("watch/feed_hour", staged=batch.staged)
        values = {"run_id": run.run_id, "run_number": run.number, "as_of": run.as_of}
        cursor.execute(count, values)
        cursor.execute("SELECT received, loaded, unmapped, followed, scans, exposure_hours FROM quality.feed_hour")
        # T1, 25 to 30 hours old, counts from 35.5 to 40, T3 on its second day until its delivery at 37, and T2 from its
        # first scan at 35, so from the answer at 35.5, on its first day.
        scans, hours = [2, 3, 0, 0, 0, 0, 0, 0], [4.5, 6.0, 0, 0, 0, 0, 0, 0]
        assert cursor.fetchall() == [(15, 10, 1, 5, scans, hours)]
        cursor.execute(count, values)  # another pull of the same hour adds its own
        cursor.execute("SELECT loaded, scans, exposure_hours FROM quality.feed_hour")
        assert cursor.fetchall() == [(20, [4, 6, 0, 0, 0, 0, 0, 0], [9.0, 12.0, 0, 0, 0, 0, 0, 0])]


def orders(draw: np.random.Generator, kind: str) -> Parcels:
    """Forty days of a shop, and ten days in which it changes as its kind says."""
    made = Parcels()
    for day in range(50):
        at = START + timedelta(days=day)
        many = {"growth": 12 * 2 ** (day / 14), "black_friday": 160 if 40 <= day < 44 else 40}.get(kind, 40)
        made.handed_over(draw, at, round(many), told=lambda at: 0.5 if kind == "halved" and at >= CHANGED else 1.0)
        if kind == "sale" and day == 40:
            made.handed_over(draw, at, 1000, waits_hours=60)
    if kind == "history":  # parcels under way are only now followed
        begun = len(made.scans)
        made.handed_over(draw, CHANGED - timedelta(days=9), 1000)
        made.followed_from[begun:] = [CHANGED + timedelta(hours=6)] * 1000
    return made


@pytest.mark.parametrize("kind", ["steady", "history", "sale", "black_friday", "growth"])
def test_what_a_shop_does_is_no_change_of_a_carriers_volume(warehouse: str, kind: str) -> None:
    world = FeedWorld(warehouse)
    orders(np.random.default_rng(11), kind).write(warehouse, CHANGED + timedelta(days=9))
    watch_every(world, START + timedelta(hours=7), CHANGED - timedelta(days=1), timedelta(hours=97))
    watch_every(world, CHANGED - timedelta(days=1), CHANGED + timedelta(days=9), timedelta(hours=11))
    assert world.alerts() == []
    ((deviations,),) = rows(warehouse, "SELECT deviations_24h FROM mart.carrier_feed")
    assert deviations is not None


def test_a_carrier_that_tells_half_its_scans_is_found_within_a_day_and_a_half(warehouse: str) -> None:
    world = FeedWorld(warehouse)
    orders(np.random.default_rng(11), "halved").write(warehouse, CHANGED + timedelta(days=9))
    watch_every(world, CHANGED - timedelta(days=1), CHANGED + timedelta(hours=36), timedelta(hours=3))
    assert world.alerts() == [("volume_fallen", "ups", True)]


def test_numbers_of_a_drift_against_scipy(warehouse: str) -> None:
    draw = np.random.default_rng(3)
    since = CHANGED - timedelta(days=150)
    at = [since + timedelta(hours=3 * number) for number in range(8 * 150)]
    changes = CHANGED - timedelta(days=28)
    days = draw.gamma(9, 1.5, len(at)) + np.array([1.2 if one >= changes else 0.0 for one in at])
    new = handovers(warehouse, LANE, at, days)
    handovers(warehouse, ("CN", "US", "ups"), at[::4], days[::4], new)  # fewer than 30 in 14 days
    set_now(warehouse, CHANGED)
    ((*lane, horizon, n_recent, n_before, median_recent, median_before, shift, distance, p_value, lanes),) = rows(
        warehouse,
        "SELECT origin_country, destination_country, carrier, horizon_days, n_recent, n_before, median_recent, "
        "median_before, shift_days, distance, p_value, lanes_compared FROM mart.transit_time_drift",
    )
    assert tuple(lane) == LANE
    ago = np.array([(CHANGED - one) / timedelta(days=1) for one in at])
    told_horizon = np.percentile(days[days <= ago], 80)
    assert float(horizon) == pytest.approx(told_horizon, abs=0.006)
    watched = np.minimum(days, told_horizon)
    recent = watched[(ago >= told_horizon) & (ago < told_horizon + 14)]
    before = watched[(ago >= told_horizon + 14) & (ago < told_horizon + 104)]
    assert (n_recent, n_before, lanes) == (len(recent), len(before), 1)
    assert (len(recent), len(before)) == (112, 720)
    assert float(median_recent) == pytest.approx(np.median(recent), abs=0.006)
    assert float(median_before) == pytest.approx(np.median(before), abs=0.006)
    assert float(shift) == pytest.approx(np.median(recent) - np.median(before), abs=0.006)
    told = scipy.stats.ks_2samp(recent, before)
    assert float(distance) == pytest.approx(told.statistic, abs=6e-5)
    scaled = told.statistic * (len(recent) * len(before) / (len(recent) + len(before))) ** 0.5
    assert p_value == pytest.approx(scipy.special.kolmogorov(scaled), rel=1e-6)
    assert p_value == pytest.approx(told.pvalue, rel=0.5)  # the exact one: the limit is a little too large


def test_a_lane_that_becomes_slower_raises_one_alert_and_resolves_when_it_is_usual(warehouse: str) -> None:
    """Two days slower, of 13 and of 15: found once most parcels of two weeks have had their time, within 31 days."""
    draw = np.random.default_rng(5)
    world = FeedWorld(warehouse)
    lanes = [("CN", country, carrier) for country in ("BR", "US", "DE") for carrier in ("ups", "dhl")]
    slower = {LANE: "CN → BR, ups", ("CN", "US", "dhl"): "CN → US, dhl"}
    changes = START + timedelta(days=70)
    new = 1
    for lane in lanes:
        at = [START + timedelta(minutes=45 * number) for number in range(32 * 230)]
        days = draw.normal(15, 0.5, len(at)) if lane[1] == "US" else draw.gamma(9, 1.5, len(at))
        days += np.array([2.0 if lane in slower and one >= changes else 0.0 for one in at])
        new = handovers(warehouse, lane, at, days, new)
    watch_every(world, START, changes, timedelta(hours=121))
    assert world.alerts() == []
    watch_every(world, changes, changes + timedelta(days=31), timedelta(hours=49))
    told = {("transit_time_drifted", subject, True) for subject in slower.values()}
    assert (set(world.alerts()), len(world.alerts())) == (told, 2)
    watch_every(world, changes + timedelta(days=31), changes + timedelta(days=150), timedelta(hours=193))
    assert (set(world.alerts()), len(world.alerts())) == ({(*one[:2], False) for one in told}, 2)


@pytest.mark.parametrize("kind", ["pause", "growth"])
def test_a_pause_in_shipping_or_growth_is_no_drift(warehouse: str, kind: str) -> None:
    draw = np.random.default_rng(3)
    at = [
        START + timedelta(days=day, hours=float(draw.uniform(0, 24)))
        for day in range(170)
        for _ in range(20 if kind == "pause" else round(3 * 2 ** (day / 14)) if day < 110 else 0)
        if kind == "growth" or not 100 <= day < 121
    ]
    handovers(warehouse, LANE, at, draw.lognormal(np.log(15), 0.25, len(at)))
    world = FeedWorld(warehouse)
    compared = 0
    for day in range(30, 170 if kind == "pause" else 110, 3):
        world.watch(START + timedelta(days=day))
        compared += len(rows(warehouse, "SELECT FROM mart.transit_time_drift"))
    assert world.alerts() == []
    assert compared > 15


def test_the_watch_reads_the_parcels_of_the_last_months_alone(warehouse: str) -> None:
    with connection.connect(address=warehouse, role="owner") as link, link.cursor() as cursor:
        cursor.execute(
            "INSERT INTO serving.shipment_status (shipment_id, origin_country, destination_country, carrier, "
            "shipped_at, delivered_at, epoch, milestone, refreshed_at) SELECT number, 'CN', 'BR', 'ups', at, "
            "at + interval '12 days', 1, 'delivered', at FROM generate_series(1, 50000) AS number, "
            "LATERAL (SELECT %s - number * interval '1 hour' AS at) AS hour",
            (CHANGED,),
        )
        cursor.execute("ANALYZE serving.shipment_status")
    set_now(warehouse, CHANGED)
    plan = "\n".join(line for (line,) in rows(warehouse, "EXPLAIN SELECT * FROM mart.transit_time_drift"))
    assert "shipment_status_handover" in plan, plan
    assert "Seq Scan on shipment_status" not in plan


def recommended(address: str, version: str, trained: datetime, lost: str = "{}", status: str = "serving") -> None:
    rows(
        address,
        "UPDATE serving.recommendation_run SET status = 'replaced' RETURNING 1",
    )
    rows(
        address,
        "INSERT INTO serving.recommendation_run (version, trained_at, recorded_at, status, reason, models, chosen, "
        f"reasons, lost, deeds, customers, products, loads, erasures, seconds) VALUES ('{version}', '{trained}', "
        f"'{trained}', '{status}', 'why it is so', '{{}}', '{{}}', '{{}}', '{lost}', 1, 1, 1, 1, 0, 1) RETURNING 1",
    )


def test_recommendations_that_fall_back_or_grow_old_are_told_and_end(world: FeedWorld) -> None:
    def told() -> list[tuple[Any, ...]]:
        return rows(
            world.address,
            "SELECT rule, subject, resolved_at IS NULL, message FROM quality.alert "
            "WHERE dataset = 'recommendation_run' ORDER BY opened_at",
        )

    recommended(world.address, "1", CHANGED)
    world.watch(CHANGED)
    assert told() == []
    recommended(world.address, "2", CHANGED, lost="{discover}")
    world.watch(CHANGED + timedelta(hours=1))
    ((rule, subject, is_open, message),) = told()
    assert (rule, subject, is_open) == ("popularity_took_over", "recommendations", True)
    assert "Run 2 recommends by popularity alone in discover" in message
    assert "why it is so" in message
    recommended(world.address, "3", CHANGED)
    world.watch(CHANGED + timedelta(hours=2))
    assert [row[2] for row in told()] == [False]
    world.watch(CHANGED + timedelta(days=9))
    assert [row[::2] for row in told()] == [("popularity_took_over", False), ("recommendations_are_old", True)]
    recommended(world.address, "4", CHANGED + timedelta(days=9))
    world.watch(CHANGED + timedelta(days=9, hours=1))
    assert [row[2] for row in told()] == [False, False]
