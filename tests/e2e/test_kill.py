"""Supervisor, Postgres and scheduler killed in mid-run: the run completes, and the tables are an undisturbed run's."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg2
import pytest
import yaml

from lanecast.local import control, files
from lanecast.local.api import Api, ApiError
from lanecast.local.postgres import Postgres
from lanecast.local.server import running
from sandbox_world import content, one, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

ROOT = Path(__file__).resolve().parents[2]
# Of both platforms, so that their customers have the same keys.
SECRET = {"AIRFLOW_CONN_LANECAST_PRIVACY": '{"conn_type": "generic", "password": "the same secret for both"}'}


class Platform:
    """`lanecast up` in a state folder of its own."""

    def __init__(self, state: Path, world: Path) -> None:
        self.state = state
        self.world = world
        self.output = state.with_suffix(".out")
        self.process: subprocess.Popen[bytes] | None = None

    def up(self, *options: str) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("LANECAST", "AIRFLOW"))}
        command = [str(Path(sys.executable).with_name("lanecast")), "up", "--world", str(self.world), *options]
        with self.output.open("ab") as out:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=kept | SECRET | {"LANECAST_STATE": str(self.state)}, stdout=out, stderr=out
            )

    def said(self) -> str:
        return self.output.read_text(errors="replace") if self.output.exists() else ""

    def status(self) -> dict[str, Any]:
        return control.status(self.state)

    def part(self, name: str) -> dict[str, Any]:
        return next((part for part in self.status().get("parts", []) if part["name"] == name), {})

    def address(self) -> str:
        """DSN of the warehouse's owner, while Postgres runs."""
        lines = (self.state / "postgres" / "postmaster.pid").read_text().splitlines()
        return Postgres(self.state, int(lines[3])).dsn()

    def value(self, query: str) -> Any:
        """What a query finds, None while there is no database to ask."""
        try:
            return one(self.address(), query)
        except (psycopg2.Error, OSError, IndexError, ValueError):
            return None

    def wait(self, met: Callable[[], Any], limit: float) -> Any:
        def checked() -> Any:
            assert self.process is not None
            assert self.process.poll() is None, f"`lanecast up` ended: {self.said()[-3000:]}"
            return met()

        return until(checked, limit, self.said)

    def kill(self, name: str) -> None:
        """SIGKILL for one part; returns once the supervisor has started another."""
        before = self.part(name)
        psutil.Process(before["pid"]).kill()
        self.wait(lambda: self.part(name).get("restarts", 0) > before["restarts"], 120)


@pytest.fixture
def world(tmp_path: Path) -> Path:
    """A small world that stands still. Nothing is lost or sent back, and no row of the history is broken, which a
    storefront would make good: such shipments come from a file and from the carriers, in whatever order, and the test
    compares all that is told of an event."""
    told = yaml.safe_load((ROOT / "include" / "reference" / "world.yaml").read_text())
    told["clock"] = {"start": "2026-05-20T12:00:00Z", "speed": 0}
    told["history_days"] = 60
    told["orders"]["per_day"] = 10
    told["outcomes"] |= {"lost": 0, "refused": 0, "undeliverable": 0}
    told["dirt"] = {"answers": 0, "history": 0}
    path = tmp_path / "world.yaml"
    path.write_text(yaml.safe_dump(told))
    return path


@pytest.fixture
def platforms(tmp_path: Path, world: Path) -> Iterator[tuple[Platform, Platform]]:
    pair = Platform(tmp_path / "undisturbed", world), Platform(tmp_path / "disturbed", world)
    yield pair
    for platform in pair:
        if platform.process is not None and platform.process.poll() is None:
            platform.process.kill()
            platform.process.wait(10)
        control.end_leftovers(platform.state)


def pull_by_hand(platform: Platform) -> str:
    """A run that asks slow carriers for everything, so that it is under way for a while; its id."""
    sandbox = f"http://127.0.0.1:{files.read_json(platform.state / control.FILE)['ports']['sandbox']}"
    for carrier in ("ups", "fedex", "dhl", "usps"):
        order = {"carrier": carrier, "kind": "slow", "share": 1, "seconds": 0.3}
        httpx.post(f"{sandbox}/sandbox/faults", json=order, trust_env=False).raise_for_status()
    with api(platform) as airflow:
        return airflow.trigger("carrier_tracking", {"force": True})


def api(platform: Platform) -> Api:
    status = platform.status()
    return Api(status["url"], **status["login"])


def run_state(platform: Platform, run_id: str) -> str | None:
    try:
        with api(platform) as airflow:
            return str(airflow.run("carrier_tracking", run_id)["state"])
    except (ApiError, KeyError):
        return None


RUNNING_PULL = (
    "SELECT count(*) FROM ops.run JOIN ops.poll_request USING (run_id) WHERE state = 'running' AND outcome IS NULL"
)


def test_whatever_is_killed_the_run_completes_and_the_tables_are_the_same(
    platforms: tuple[Platform, Platform], capsys: pytest.CaptureFixture[str]
) -> None:
    undisturbed, disturbed = platforms
    began = time.monotonic()
    undisturbed.up("--once")
    assert undisturbed.process is not None
    assert undisturbed.process.wait(240) == 0, undisturbed.said()[-3000:]
    with running(undisturbed.state) as server:
        expected = content(server.dsn())
    assert len(expected["tracking_event"]) > 3000

    # The supervisor, while the first pull has asked for parcels and loaded nothing yet.
    disturbed.up()
    disturbed.wait(lambda: disturbed.value(RUNNING_PULL), 180)
    assert disturbed.process is not None
    disturbed.process.send_signal(signal.SIGKILL)
    disturbed.process.wait(10)
    cut_off = one_running(disturbed)

    # `up` again takes up what was cut off, and then does its own main job.
    disturbed.up()
    disturbed.wait(lambda: disturbed.said().count("serving until Ctrl-C") == 1, 240)
    for run_id in cut_off:
        disturbed.wait(lambda run_id=run_id: disturbed.value(ENDED.format(run_id)) == "loaded", 120)

    # Postgres, then the scheduler, each while a pull brings back what the warehouse was made to forget.
    for part in ("postgres", "scheduler"):
        assert one(disturbed.address(), FORGET) > 500
        run_id = pull_by_hand(disturbed)
        disturbed.wait(lambda run_id=run_id: disturbed.value(UNDER_WAY.format(run_id)), 60)
        disturbed.kill(part)
        disturbed.wait(lambda run_id=run_id: run_state(disturbed, run_id) in {"success", "failed"}, 180)
        assert run_state(disturbed, run_id) == "success", part
    disturbed.wait(lambda: disturbed.value("SELECT count(*) = 0 FROM ops.shipment_change"), 60)
    found = content(disturbed.address())
    assert control.down(disturbed.state) is True
    for name in expected:
        assert found[name] == expected[name], name
    with capsys.disabled():
        print(f"\nkilled three times and completed in {time.monotonic() - began:.0f} s")


UNDER_WAY = (
    "SELECT count(*) FROM ops.poll_request WHERE run_id = 'carrier_tracking:{}' AND outcome IS NULL "
    "AND NOT EXISTS (SELECT FROM quality.reconciliation AS done WHERE done.run_id = poll_request.run_id)"
)
FORGET = (
    "WITH forgotten AS (DELETE FROM core.tracking_event WHERE shipment_id IN "
    "(SELECT shipment_id FROM core.shipment_number WHERE finished_at IS NULL) RETURNING 1) "
    "SELECT count(*) FROM forgotten"
)
ENDED = "SELECT state FROM ops.run WHERE run_id = '{}'"


def one_running(platform: Platform) -> list[str]:
    """The runs that were under way, read from the database that the killed platform left."""
    with running(platform.state) as server:
        found = one(server.dsn(), "SELECT array_agg(run_id) FROM ops.run WHERE state = 'running'")
    assert found
    return list(found)
