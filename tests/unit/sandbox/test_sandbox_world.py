"""The simulated world: deterministic, big enough, and lawful."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from statistics import median

import pytest
from msgspec.structs import replace

from lanecast.sandbox.description import Description, Jam, read_description
from lanecast.sandbox.disruption import Disruption
from lanecast.sandbox.journey import MILESTONE_OF
from lanecast.sandbox.workdays import Workdays, Zone
from lanecast.sandbox.world import World
from lanecast.tracking import FINAL_MILESTONES, MILESTONES

START = datetime(2026, 5, 20, 12, tzinfo=UTC)
DAY = date(2026, 4, 14)


def scans_of(world: World, day: date) -> list[list[tuple[int, str, str]]]:
    return [
        [(scan.instant, scan.kind, scan.place.city) for scan in one.scans] for one in world.shipments_ordered_on(day)
    ]


def test_the_same_seed_makes_the_same_world_in_any_order(description: Description) -> None:
    one, other = World(description, START), World(description, START)
    other.shipments_ordered_on(DAY + timedelta(days=90))
    assert scans_of(one, DAY) == scans_of(other, DAY)
    assert [shipment.number for shipment in one.shipments_ordered_on(DAY)] == [
        shipment.number for shipment in other.shipments_ordered_on(DAY)
    ]


def test_another_seed_makes_another_world(description: Description, world: World) -> None:
    assert scans_of(World(description, START, seed=2), DAY) != scans_of(world, DAY)


def test_the_default_world_is_big_enough(world: World) -> None:
    start = int(world.start.timestamp())
    finished, events, under_way = 0, 0, 0
    outcomes: Counter[str] = Counter()
    for shipment in world.history():
        if shipment.finished_at <= start:
            finished += 1
            events += len(shipment.scans)
            outcomes[world.truth(shipment).outcome] += 1
        else:
            under_way += 1
    assert finished >= 20_000
    assert under_way >= 4_000
    assert events >= 100_000
    assert 8 <= events / finished <= 11
    assert outcomes["lost"] > 50
    assert outcomes["returned"] > 50


def test_orders_go_on_after_the_start(world: World) -> None:
    later = world.shipments_ordered_on(world.start.date() + timedelta(days=400))
    assert len(later) > 100
    assert all(shipment.ordered_at > world.start.timestamp() for shipment in later)


def test_a_journey_is_in_order_and_ends_with_an_end(world: World) -> None:
    assert set(MILESTONE_OF.values()) <= set(MILESTONES)
    for offset in range(0, 120, 17):
        for shipment in world.shipments_ordered_on(DAY + timedelta(days=offset)):
            assert shipment.scans[0].instant >= shipment.ordered_at
            assert all(before.instant < after.instant for before, after in pairwise(shipment.scans))
            minutes = [(scan.instant + scan.place.zone.offset(scan.instant)) // 60 for scan in shipment.scans]
            assert len(set(minutes)) == len(minutes), "two scans in one minute of the carrier's clock"
            assert MILESTONE_OF[shipment.scans[-1].kind] in FINAL_MILESTONES
            assert all(MILESTONE_OF[scan.kind] not in FINAL_MILESTONES for scan in shipment.scans[:-1])
            assert shipment.origin.country != shipment.destination.country


def test_customs_only_where_there_is_a_border(world: World) -> None:
    union = {"DE", "FR", "IT", "ES", "PL", "NL", "SE"}
    seen = Counter[bool]()
    for shipment in world.shipments_ordered_on(DAY):
        kinds = {scan.kind for scan in shipment.scans}
        inside = shipment.origin.country in union and shipment.destination.country in union
        seen[inside] += 1
        if inside:
            assert not kinds & {"import_started", "customs_hold", "import_cleared", "export_cleared"}
    assert min(seen[True], seen[False]) > 0


def test_a_strike_stops_the_last_mile(description: Description, world: World) -> None:
    strike = next(strike for strike in description.strikes if strike.country == "FR")
    assert strike.days_before_start is not None
    first = world.start.date() - timedelta(days=strike.days_before_start)
    middle = (first + timedelta(days=1), first + timedelta(days=strike.days - 1))
    delivered: Counter[bool] = Counter()
    delayed = 0
    for shipment in world.history():
        if shipment.destination.country != "FR":
            continue
        delayed += any(scan.kind == "delayed" and scan.reason == "strike" for scan in shipment.scans)
        if shipment.delivered_at is not None:
            on = datetime.fromtimestamp(shipment.delivered_at, UTC).date()
            delivered[middle[0] <= on <= middle[1]] += 1
    usual = delivered[False] / (180 - strike.days)
    assert delayed > 20
    assert delivered[True] / (strike.days - 1) < usual / 2


def test_a_jam_slows_customs_while_it_lasts_and_draws_nothing(description: Description, world: World) -> None:
    first = date(2026, 3, 2)
    jam = Jam(name="new import system", country="BR", first=first, days=20, slower=4)
    jammed = World(replace(description, jams=[jam]), START)
    days: dict[bool, list[float]] = {True: [], False: []}
    for number in range(20):
        on = first - timedelta(days=10) + timedelta(days=number)
        for usual, slow in zip(world.shipments_ordered_on(on), jammed.shipments_ordered_on(on), strict=True):
            instants = {scan.kind: scan.instant for scan in slow.scans}
            if slow.destination.country != "BR":
                assert [scan[:2] for scan in slow.scans] == [scan[:2] for scan in usual.scans]
                continue
            if {"import_started", "import_cleared"} <= set(instants):
                began = datetime.fromtimestamp(instants["import_started"], UTC).date()
                if began < first + timedelta(days=8):
                    days[began >= first].append((instants["import_cleared"] - instants["import_started"]) / 86400)
    assert median(days[True]) > 2 * median(day for day in days[False] if day)


@pytest.mark.parametrize(
    ("begin", "seconds", "lasts"),
    [
        (-9, 5, 5),  # over before it begins
        (-2, 4, 2 + 2 * 4),  # two days of work are left when it begins
        (1, 2, 2 * 4),  # within
        (6, 5, 4 + (5 - 1)),  # a day of work is done in its last four days
        (10, 5, 5),  # after
    ],
)
def test_work_in_customs_goes_on_at_the_pace_of_the_day(
    description: Description, begin: int, seconds: int, lasts: int
) -> None:
    jam = Jam(name="new import system", country="BR", first=date(1970, 4, 11), days=10, slower=4)
    disruption = Disruption(replace(description, jams=[jam]), 1, START)
    day = 86400
    assert disruption.customs_last("BR", (100 + begin) * day, seconds * day, 0) == lasts * day
    assert disruption.customs_last("FR", (100 + begin) * day, seconds * day, 0) == seconds * day


def test_every_number_leads_back_to_its_shipment(world: World) -> None:
    for shipment in world.shipments_ordered_on(DAY):
        found = world.find(shipment.carrier, shipment.number)
        assert found is not None
        assert (found[0].order_id, found[1]) == (shipment.order_id, 0)
        if shipment.pieces > 1 and shipment.carrier in ("ups", "fedex"):
            found = world.find(shipment.carrier, shipment.piece_number(1))
            assert found is not None
            assert (found[0].order_id, found[1]) == (shipment.order_id, 1)
            assert world.find(shipment.carrier, shipment.piece_number(shipment.pieces)) is None


def test_numbers_that_were_never_given_out_are_not_found(world: World) -> None:
    for carrier in ("ups", "fedex", "dhl", "usps"):
        for number in ("", "1Z", "😀" * 18, "9" * 12, "9" * 10, "LZ" + "9" * 9 + "US", "1ZLC" + "9" * 14, "٣" * 12):
            assert world.find(carrier, number) is None


def test_workdays_know_weekends_and_holidays() -> None:
    germany = Workdays("DE", (5, 6))
    day = (date(2026, 5, 1) - date(1970, 1, 1)).days
    assert not germany.works(day), "1 May"
    assert not germany.works(day + 1), "a Saturday"
    assert germany.works(day + 3), "a Monday"
    berlin = Zone("Europe/Berlin")
    resumed = germany.resume(int(datetime(2026, 4, 30, 20, tzinfo=UTC).timestamp()), berlin, 9 * 3600, 17 * 3600)
    assert datetime.fromtimestamp(resumed, UTC) == datetime(2026, 5, 4, 7, tzinfo=UTC)


def test_zones_change_at_the_right_second() -> None:
    change = int(datetime(2026, 3, 29, 1, tzinfo=UTC).timestamp())
    berlin = Zone("Europe/Berlin")
    assert (berlin.offset(change - 1), berlin.offset(change)) == (3600, 7200)


def test_a_seed_in_the_file_is_the_default() -> None:
    assert World(read_description(), START).seed == read_description().seed
