"""A parcel asked of its carrier and of an aggregator: who is asked, and that one scan is one row of the timeline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from load_rows import JANUARY, Loader, event, shipment

from lanecast import pipeline
from lanecast.carriers import registry
from lanecast.carriers.accounts import NoAccountError
from lanecast.follow import due
from lanecast.follow import pull as pulling
from lanecast.follow.sources import sources
from lanecast.local.server import RunningServer
from lanecast.warehouse import connection as connections
from lanecast.warehouse import runs
from sandbox_world import StandIn, database, load_past, one, rows, stand_in

AGGREGATORS = registry.names("aggregator")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[StandIn]:
    with stand_in(per_day=5, history_days=30, dirt=0) as running:
        yield running


@pytest.fixture(scope="module")
def imported(
    server: RunningServer, template: str, sandbox: StandIn, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    with database(server, template) as (name, address):
        load_past(sandbox, tmp_path_factory.mktemp("past"), address)
        yield name


@pytest.fixture
def past(
    server: RunningServer, imported: str, sandbox: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    sandbox.calm()
    monkeypatch.setenv("LANECAST_SANDBOX_URL", sandbox.url)
    monkeypatch.setenv("LANECAST_STATE", str(tmp_path))
    with database(server, imported) as (_, address):
        monkeypatch.setenv("AIRFLOW_CONN_LANECAST_WAREHOUSE", address)
        yield address


def ask(run_id: str, **asked: object) -> Counter[str]:
    """One run; returns the parcels asked for by source."""
    with connections.connect() as link:
        run = runs.open_run(link, run_id, "pull", "tracking_event", "carriers")
    found: Counter[str] = Counter()
    for shard in due.plan(run, **asked):  # type: ignore[arg-type]
        found[shard.source] += shard.parcels
        pulling.pull(shard)
    pipeline.stage(run)
    pipeline.judge(run)
    for result in pipeline.load(run):
        assert result.received == result.loaded + result.duplicate + result.quarantined
    return found


def timeline(address: str) -> dict[tuple[str, datetime], int]:
    """Rows of the timeline by parcel and minute, of parcels that a pull has told of."""
    found = rows(
        address,
        "SELECT tracking_number, date_trunc('minute', occurred_at), count(*) FROM mart.shipment_event "
        "WHERE shipment_id IN (SELECT shipment_id FROM core.tracking_event WHERE raw_answer_id IS NOT NULL) "
        "GROUP BY 1, 2",
    )
    return {(number, at): count for number, at, count in found}


@pytest.mark.parametrize("aggregator", AGGREGATORS)
def test_the_same_scans_of_carrier_and_aggregator_are_one_row_each(past: str, aggregator: str) -> None:
    ask("carriers", force=True)
    before = timeline(past)
    assert len(before) > 100
    told = ask("aggregator", force=True, source=aggregator)
    assert list(told) == [aggregator]
    twice = one(past, "SELECT count(*) FROM core.tracking_event WHERE source = %s", (aggregator,))
    assert twice > 100, "the record has both"
    assert timeline(past) == before, "the timeline has each scan once"
    outcomes = rows(past, "SELECT DISTINCT outcome FROM ops.poll_request WHERE run_id = 'aggregator'")
    assert {("answered",)} <= set(outcomes) <= {("answered",), ("not_found",)}
    again = ask("again", force=True, source=aggregator)
    assert again == told
    assert one(past, "SELECT count(*) FROM core.tracking_event WHERE source = %s", (aggregator,)) == twice


@pytest.mark.parametrize("aggregator", AGGREGATORS)
def test_an_aggregator_alone_tells_the_whole_journey(past: str, sandbox: StandIn, aggregator: str) -> None:
    ask("aggregator", force=True, source=aggregator)
    numbers = rows(past, "SELECT DISTINCT carrier, tracking_number FROM ops.poll_request")
    for carrier, number in numbers:
        found = rows(
            past,
            "SELECT occurred_at FROM mart.shipment_event WHERE carrier = %s AND tracking_number = %s AND source = %s",
            (carrier, number, aggregator),
        )
        true = {moment.replace(tzinfo=UTC) for moment in sandbox.truth(carrier, number).values()}
        assert {moment.replace(second=0) for (moment,) in found} == true


def test_who_is_asked_follows_from_the_accounts_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LANECAST_SANDBOX_URL", raising=False)
    assert sources().by_carrier == {}
    monkeypatch.setenv("LANECAST_SANDBOX_URL", "http://127.0.0.1:1")
    found = sources()
    assert (found.by_carrier["gls"], found.for_others) == ("gls", None)
    monkeypatch.setenv("AIRFLOW_CONN_LANECAST_AFTERSHIP", '{"password": "key-of-mine"}')
    monkeypatch.setenv("AIRFLOW_CONN_LANECAST_GLS", '{"login": "me", "password": "secret-of-mine"}')
    found = sources()
    assert (found.by_carrier["gls"], found.by_carrier["ups"], found.for_others) == ("gls", "aftership", "aftership")
    assert "mine" not in repr(found)


def test_a_number_of_a_carrier_without_adapter_goes_to_the_aggregator(
    past: str, sandbox: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connections.connect() as link:
        run = runs.open_run(link, "by hand", "pull", "tracking_event", "carriers")
    with pytest.raises(ValueError, match="name its carrier"):
        due.plan(run, numbers=["POST0000001"])
    host = f"{sandbox.url}/seventeentrack"
    monkeypatch.setenv(
        "AIRFLOW_CONN_LANECAST_SEVENTEENTRACK", f'{{"password": "sandbox-secret", "host": "{host}", "login": "x"}}'
    )
    (shard,) = due.plan(run, carrier="yun_express", numbers=["POST0000001"])
    assert (shard.source, shard.parcels) == ("seventeentrack", 1)
    monkeypatch.delenv("LANECAST_SANDBOX_URL")
    monkeypatch.delenv("AIRFLOW_CONN_LANECAST_SEVENTEENTRACK")
    with pytest.raises(NoAccountError, match="lanecast_seventeentrack"):
        due.plan(run, source="seventeentrack")


# ----------------------------------------------------------------------------------------------- folding, by rows


@pytest.fixture
def loader(warehouse: str) -> Loader:
    found = Loader(warehouse)
    found.shipments(shipment())
    return found


def shown(loader: Loader) -> list[tuple[str, str]]:
    return loader.asked("SELECT source, milestone FROM mart.shipment_event ORDER BY occurred_at, source, milestone")


def other(at: datetime = JANUARY, milestone: str = "hub_arrived", **changes: object) -> dict[str, object]:
    """A scan as an aggregator tells it: in UTC."""
    utc = {"reported_at": at.replace(tzinfo=None), "utc_offset_minutes": 0, "tz_known": "utc"}
    return event(at=at, milestone=milestone, source="seventeentrack", **(utc | changes))


@pytest.mark.parametrize(
    ("carriers", "aggregators", "expected"),
    [
        ("hub_arrived", "hub_arrived", [("dhl", "hub_arrived")]),
        ("hub_arrived", "in_transit", [("dhl", "hub_arrived")]),
        ("in_transit", "hub_departed", [("dhl", "in_transit")]),
        ("hub_arrived", "destination_country_arrived", [("dhl", "hub_arrived")]),
        ("in_transit", "delivered", [("dhl", "in_transit"), ("seventeentrack", "delivered")]),
        ("customs_hold", "delivered", [("dhl", "customs_hold"), ("seventeentrack", "delivered")]),
    ],
)
def test_one_minute_and_one_meaning_is_one_scan(
    loader: Loader, carriers: str, aggregators: str, expected: list[tuple[str, str]]
) -> None:
    loader.events(event(milestone=carriers), other(milestone=aggregators))
    assert shown(loader) == expected


def test_another_minute_is_another_scan(loader: Loader) -> None:
    loader.events(event(milestone="hub_arrived"), other(JANUARY + timedelta(minutes=1)))
    assert len(shown(loader)) == 2


def test_local_clock_or_utc_it_is_the_same_minute(loader: Loader) -> None:
    """An aggregator that takes the local reading for UTC tells the same minute on the clock."""
    local = event(milestone="hub_arrived")
    misread = other(JANUARY + timedelta(hours=2))
    assert local["reported_at"] == misread["reported_at"]
    loader.events(local, misread)
    assert shown(loader) == [("dhl", "hub_arrived")]


def test_a_guessed_zone_does_not_make_two_scans_of_one(loader: Loader) -> None:
    guessed = event(at=JANUARY - timedelta(hours=3), milestone="info_received", tz_known="assumed")
    loader.events(guessed, other(milestone="info_received"))
    assert shown(loader) == [("dhl", "info_received")]
    loader.events(other(JANUARY + timedelta(minutes=7), milestone="info_received"))
    assert len(shown(loader)) == 2


def test_what_the_carrier_takes_back_leaves_the_timeline_and_stays_in_the_record(loader: Loader) -> None:
    first, second = event(milestone="picked_up"), event(at=JANUARY + timedelta(days=1), milestone="hub_arrived")
    loader.events(first | {"raw_answer_id": 1}, second | {"raw_answer_id": 1}, kind="pull")
    loader.events(first | {"raw_answer_id": 2}, second | {"raw_answer_id": 2, "milestone": "in_transit"}, kind="pull")
    third = event(at=JANUARY + timedelta(days=2), milestone="out_for_delivery")
    loader.events(first | {"raw_answer_id": 3}, third | {"raw_answer_id": 3}, kind="pull")
    assert [milestone for _, milestone in shown(loader)] == ["picked_up", "out_for_delivery"]
    assert loader.asked("SELECT count(*) FROM core.tracking_event WHERE withdrawn_at IS NOT NULL") == [(1,)]


def test_the_order_of_an_answer_does_not_matter(loader: Loader) -> None:
    scans = [event(at=JANUARY + timedelta(hours=hours), milestone="hub_arrived") for hours in range(5)]
    assert loader.events(*scans) == (5, 0, 0)
    assert loader.events(*reversed(scans)) == (0, 5, 0)
    moved = [scan | {"city": "BREMEN, DE", "description": "Arrived at hub"} for scan in scans]
    assert loader.events(*moved[::-1])[0] == 5, "told otherwise, and told anew"
    assert loader.asked("SELECT count(*) FROM core.tracking_event") == [(5,)]


def test_seconds_do_not_make_two_scans_of_one(loader: Loader) -> None:
    told = [JANUARY, JANUARY.replace(second=7), JANUARY.replace(second=7, microsecond=427_000)]
    assert loader.events(*(event(at=at) for at in told)) == (1, 2, 0)
