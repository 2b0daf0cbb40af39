"""Days left to the door, given at random moments of simulated journeys, against what then happened."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import psycopg2
import pytest
from journey_world import Told, description

from lanecast.local.server import RunningServer
from lanecast.sandbox.description import Strike
from lanecast.sandbox.world import World
from lanecast.under_way.refreshing import refresh
from sandbox_world import database

FIRST = date(2026, 6, 1)
MOMENTS = [80 + 3.9 * number for number in range(8)]
"""Days since FIRST: all days of the week and hours of the day."""
ENOUGH = 400
"""Ranges of a milestone from which its coverage is told."""


@dataclass
class Given:
    """A range as given: the true days, and the quantiles at serving.remaining_levels()."""

    milestone: str
    step: str
    days: float
    left: list[float]

    @property
    def is_kept(self) -> bool:
        return self.left[1] <= self.days <= self.left[5]


@pytest.fixture(scope="module")
def given(server: RunningServer, template: str) -> list[Given]:
    start = datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=UTC)
    strike = Strike(name="a strike", country="FR", first=FIRST + timedelta(days=60), days=6, affected=0.9)
    world = World(
        description(100, ("CN", "DE", "US"), ("FR", "GB", "BR", "CA", "AU", "IT", "JP"), [strike]), start, seed=5
    )
    found = []
    with database(server, template) as (_, address):
        told = Told(address, world, FIRST, statuses=True)
        for number in MOMENTS:
            now = start + timedelta(days=number)
            told.until(now)
            refresh(address, now, timedelta(days=14))
            with psycopg2.connect(address) as link, link.cursor() as cursor:
                cursor.execute(
                    "SELECT shipment_id, milestone, step, remaining FROM serving.shipment_eta "
                    "WHERE remaining IS NOT NULL"
                )
                for shipment_id, milestone, step, left in cursor.fetchall():
                    delivered_at = told.shipments[shipment_id].delivered_at
                    if delivered_at is not None:  # a range is of the time to delivery, if there is one
                        found.append(Given(milestone, step, (delivered_at - now.timestamp()) / 86400, left))
    return found


def test_four_in_five_ranges_are_kept_at_every_milestone(given: list[Given]) -> None:
    by_milestone: dict[str, list[Given]] = defaultdict(list)
    for one in given:
        by_milestone[one.milestone].append(one)
    coverage = {name: sum(one.is_kept for one in ones) / len(ones) for name, ones in by_milestone.items()}
    for name, ones in sorted(by_milestone.items(), key=lambda item: -len(item[1])):
        below = sum(one.days < one.left[1] for one in ones) / len(ones)
        above = sum(one.days > one.left[5] for one in ones) / len(ones)
        width = sum(one.left[5] - one.left[1] for one in ones) / len(ones)
        print(
            f"{name}: {len(ones)} ranges, {coverage[name]:.3f} kept, {below:.3f} early, {above:.3f} late, {width:.1f} d"
        )
    overall = sum(one.is_kept for one in given) / len(given)
    print(f"all: {len(given)} ranges, {overall:.3f} kept")
    assert 0.76 <= overall <= 0.84
    told = {name: share for name, share in coverage.items() if len(by_milestone[name]) >= ENOUGH}
    assert len(told) >= 5
    assert {name: share for name, share in told.items() if not 0.76 <= share <= 0.84} == {}


def test_quantiles_are_ordered_and_never_negative(given: list[Given]) -> None:
    assert all(one.left == sorted(one.left) and one.left[0] >= 0 for one in given)
