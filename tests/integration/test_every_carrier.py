"""Every carrier that has an adapter, asked over real HTTP by a real pull: what really happened is in the warehouse."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, timedelta
from pathlib import Path

import pytest

from carrier_world import START, describe
from lanecast import pipeline
from lanecast.carriers import registry
from lanecast.follow import due
from lanecast.follow import pull as pulling
from lanecast.local.server import RunningServer
from lanecast.sandbox.clock import WorldClock
from lanecast.sandbox.server import Sandbox
from lanecast.sandbox.world import World
from lanecast.warehouse import clock, runs
from lanecast.warehouse import connection as connections
from sandbox_world import StandIn, database, load_past, one, rows, serving

CARRIERS = registry.names("carrier")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[StandIn]:
    world = World(describe(CARRIERS, per_day=0.8), START, seed=3)
    running = StandIn(world, None, START)  # type: ignore[arg-type]
    running.sandbox = Sandbox(world, WorldClock(START, START, 1.0, lambda: running.time))
    with serving(running.sandbox.app()) as url:
        running.url = url
        yield running


@pytest.fixture
def past(
    server: RunningServer, template: str, sandbox: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    monkeypatch.setenv("LANECAST_SANDBOX_URL", sandbox.url)
    monkeypatch.setenv("LANECAST_STATE", str(tmp_path))
    with database(server, template) as (_, address):
        load_past(sandbox, tmp_path / "past", address)
        clock.set_clock(START, START, 0, address)
        monkeypatch.setenv("AIRFLOW_CONN_LANECAST_WAREHOUSE", address)
        yield address


def pull(run_id: str) -> dict[str, int]:
    """One run over all that is due; returns the parcels asked for by source."""
    with connections.connect() as link:
        run = runs.open_run(link, run_id, "pull", "tracking_event", "carriers")
    asked: dict[str, int] = {}
    for shard in due.plan(run):
        asked[shard.source] = asked.get(shard.source, 0) + shard.parcels
        pulling.pull(shard)
    pipeline.stage(run)
    pipeline.judge(run)
    for result in pipeline.load(run):
        assert result.received == result.loaded + result.duplicate + result.quarantined
        assert result.quarantined == 0, rows(connections.dsn(), "SELECT reason FROM quality.quarantined_row LIMIT 5")
    return asked


def test_all_that_happened_is_loaded_from_every_carrier(past: str, sandbox: StandIn) -> None:
    asked = pull("r1")
    assert set(asked) == set(CARRIERS)
    assert rows(past, "SELECT code FROM quality.unmapped_code") == []
    outcomes = dict(rows(past, "SELECT outcome, count(*) FROM ops.poll_request GROUP BY 1"))
    assert set(outcomes) <= {"answered", "not_found"}
    for carrier, number in rows(past, "SELECT carrier, tracking_number FROM ops.poll_request"):
        # By UTC: the minute on the carrier's own clock is in UTC where a carrier tells UTC.
        true = {(moment.replace(tzinfo=UTC), key[3]) for key, moment in sandbox.truth(carrier, number).items()}
        told = rows(
            past,
            "SELECT date_trunc('minute', occurred_at), code "
            "FROM core.tracking_event JOIN core.shipment USING (shipment_id) "
            "WHERE carrier = %s AND tracking_number = %s AND source = carrier AND tz_known <> 'assumed'",
            (carrier, number),
        )
        guessed = one(
            past,
            "SELECT count(*) FROM core.tracking_event JOIN core.shipment USING (shipment_id) "
            "WHERE carrier = %s AND tracking_number = %s AND source = carrier AND tz_known = 'assumed'",
            (carrier, number),
        )
        assert set(told) <= true, carrier
        assert len(told) + guessed == len(true), carrier

    # What the history told of before and the carrier tells again is the same event: the code and the minute are one.
    events = one(past, "SELECT count(*) FROM core.tracking_event")
    sandbox.move_on(timedelta(hours=1))
    with connections.connect() as link, link.cursor() as cursor:
        cursor.execute("UPDATE ops.poll_plan SET next_poll_at = %s WHERE next_poll_at IS NOT NULL", (START,))
    pull("r2")
    new = one(past, "SELECT count(*) FROM core.tracking_event WHERE ingested_at > %s", (START,))
    assert one(past, "SELECT count(*) FROM core.tracking_event") == events + new
    made = one(past, "SELECT count(*) FROM ops.carrier_budget WHERE period = 'day' AND calls > 0")
    assert made == len(CARRIERS), "every account's calls are in the ledger"
    sandbox.calm()
