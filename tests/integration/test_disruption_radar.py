"""The disruption radar in a simulated world with strikes and customs jams, run once a day on what was known by then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg2
import psycopg2.extras
import pytest
from journey_world import Told, description

from lanecast.local.server import RunningServer
from lanecast.sandbox.description import Jam, Strike
from lanecast.sandbox.world import World
from lanecast.under_way import radar
from lanecast.under_way.refreshing import refresh
from lanecast.warehouse import connection as warehouse
from sandbox_world import database

FIRST = date(2026, 2, 2)
WATCHED_FROM, WATCHED_UNTIL = 49, 99
"""Days of the world between which the radar is on. Easter is on days 60 to 63, the first of May on day 88."""
LEARNED_EVERY = 17
"""Days; the tables are made anew more seldom here than they are in earnest, for the test's sake."""
HOUR = 5
"""Of the day (UTC), at which the radar runs."""
ORIGINS, DESTINATIONS = ("CN", "DE", "US"), ("FR", "GB", "BR", "CA", "AU", "IT")


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


STRIKES = [
    Strike(name="parcel workers", country="FR", first=day(56), days=8, affected=0.9, backlog_days=3),
    Strike(name="sorting centres", country="CA", region="ON", first=day(73), days=7, affected=0.9, backlog_days=3),
]
JAMS = [
    Jam(name="new import system", country="BR", first=day(59), days=11, slower=5),
    Jam(name="inspections", country="GB", first=day(80), days=8, slower=6),
]


@dataclass
class Watched:
    """A world, and what the radar told of it."""

    world: World
    address: str
    episodes: list[dict[str, Any]]

    def of(self, step: str, **where: str) -> list[dict[str, Any]]:
        """Episodes of a step in a cell."""
        return [one for one in self.episodes if one["step"] == step and where.items() <= one.items()]


@pytest.fixture(scope="module")
def watched(server: RunningServer, template: str) -> Iterator[Watched]:
    start = datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=UTC)
    world = World(description(90, ORIGINS, DESTINATIONS, STRIKES, JAMS), start, seed=3)
    with database(server, template) as (_, address):
        told = Told(address, world, FIRST, statuses=True)
        for number in range(WATCHED_FROM, WATCHED_UNTIL + 1):
            now = start + timedelta(days=number, hours=HOUR)
            told.until(now)
            if (number - WATCHED_FROM) % LEARNED_EVERY == 0:
                refresh(address, now, timedelta(0))
            else:
                with warehouse.connect(address=address, as_of=now) as link, link.cursor() as cursor:
                    radar.look(cursor, now)
        yield Watched(world, address, _rows(address, "SELECT * FROM mart.disruption ORDER BY disruption_id"))


def _rows(address: str, query: str, *values: object) -> list[dict[str, Any]]:
    with psycopg2.connect(address, cursor_factory=psycopg2.extras.RealDictCursor) as link, link.cursor() as cursor:
        cursor.execute(query, values)
        return [dict(row) for row in cursor.fetchall()]


@pytest.mark.parametrize(
    ("disruption", "cell", "step"),
    [
        (STRIKES[0], {"country": "FR", "cell": "country"}, "import_cleared at the destination"),
        (STRIKES[1], {"region": "CA-ON", "cell": "region"}, "import_cleared at the destination"),
        (JAMS[0], {"country": "BR", "cell": "country"}, "import_customs_started at the destination"),
        (JAMS[1], {"country": "GB", "cell": "country"}, "import_customs_started at the destination"),
    ],
    ids=lambda value: value.name.replace(" ", "-") if isinstance(value, Strike | Jam) else None,
)
def test_strikes_and_jams_are_told_before_the_first_parcel_overstays(
    disruption: Strike | Jam, cell: dict[str, str], step: str, watched: Watched
) -> None:
    told = watched.of(step, **cell)
    assert disruption.first is not None
    assert len(told) == 1, "one episode of it, told once"
    (episode,) = told
    first_late = _first_beyond_p90(watched, disruption, step)
    delay = (episode["alarmed_at"] - _midnight(disruption.first)) / timedelta(days=1)
    print(
        f"{disruption.name}: alarmed {delay:.1f} days after its start, {(first_late - episode['alarmed_at'])} before "
        f"the first parcel passed its p90; dated {episode['started_on'] - disruption.first} off, "
        f"ended {episode['ended_on'] - disruption.first - timedelta(days=disruption.days)} after its end"
    )
    assert episode["alarmed_at"] < first_late
    assert abs(episode["started_on"] - disruption.first) <= timedelta(days=1)
    last = disruption.first + timedelta(days=disruption.days)
    assert last <= episode["ended_on"] <= last + timedelta(days=9)
    if isinstance(disruption, Strike):
        assert max(episode["reasons"], key=episode["reasons"].get) == "strike"


def test_false_alarms_are_few(watched: Watched) -> None:
    false = [one for one in watched.episodes if not _is_true(watched.world, one)]
    for one in false:
        print("false:", one["place"], one["step"], one["started_on"], one["observed"], one["expected"])
    lanes = sum(origin != destination for origin in ORIGINS for destination in DESTINATIONS)
    months = lanes * (WATCHED_UNTIL - WATCHED_FROM) / 30.4
    print(f"{len(false)} false alarms of {len(watched.episodes)} in {months:.0f} lane-months")
    assert len(watched.episodes) >= 4
    assert len(false) <= 0.1 * months


def test_parts_of_a_country_s_episode_are_marked_as_such(watched: Watched) -> None:
    (country,) = watched.of("import_cleared at the destination", country="FR", cell="country")
    parts = [one for one in watched.episodes if one["parent_disruption_id"] == country["disruption_id"]]
    assert {one["place"] for one in parts} >= {"in FR-IDF", "from CN to FR"}


def _midnight(on: date) -> datetime:
    return datetime(on.year, on.month, on.day, tzinfo=UTC)


def _first_beyond_p90(watched: Watched, disruption: Strike | Jam, step: str) -> datetime:
    """When the first parcel that came to the step after the start passed its lane's p90, as learned at the end."""
    region = getattr(disruption, "region", None)
    (found,) = _rows(
        watched.address,
        """
        WITH entered AS (
            SELECT
                event.shipment_id,
                min(event.occurred_at) AS entered_at
            FROM core.tracking_event AS event
            WHERE event.milestone = split_part(%s, ' ', 1) AND event.country = %s
            GROUP BY event.shipment_id
        )

        SELECT min(entered.entered_at + make_interval(secs => kind.p90 * 86400)) AS first_late
        FROM entered
        INNER JOIN core.shipment ON entered.shipment_id = shipment.shipment_id
        CROSS JOIN LATERAL (
            SELECT dwell.p90
            FROM serving.dwell
            WHERE
                dwell.step = %s
                AND dwell.lane = serving.lane(origin_country, NULL, destination_country, NULL, NULL, NULL)
        ) AS kind
        WHERE
            entered.entered_at >= (%s::date)::timestamp AT TIME ZONE (SELECT zone FROM core.country WHERE country = %s)
            AND shipment.destination_country = %s
            AND (%s::text IS NULL OR shipment.destination_region = %s)
        """,
        *(step, disruption.country, step, disruption.first, disruption.country, disruption.country),
        *(region and f"{disruption.country}-{region}", region and f"{disruption.country}-{region}"),
    )
    first: datetime = found["first_late"]
    return first


def _is_true(world: World, episode: dict[str, Any]) -> bool:
    """Whether a strike, its backlog, a customs jam or a storm was at the place of an episode when it began."""
    country = episode["country"] or episode["destination_country"]
    if not episode["step"].endswith("at the destination"):
        return False
    begun, alarmed = episode["started_on"], episode["alarmed_at"].date() - timedelta(days=1)
    for one in (*STRIKES, *JAMS):
        assert one.first is not None
        last = one.first + timedelta(days=one.days + round(getattr(one, "backlog_days", 0)))
        if one.country == country and begun <= last and alarmed >= one.first:
            return True
    days = range((begun - date(1970, 1, 1)).days, (alarmed - date(1970, 1, 1)).days + 1)
    return any(world._disruption.stormy(country, number) for number in days)
