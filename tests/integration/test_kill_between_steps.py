"""A run killed (SIGKILL) between any two steps and inside them, then resumed: as if nothing had happened."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from quarantine_rows import HEADERS, Quarantine
from quarantine_steps import POINTS, TASKS

from lanecast.local.server import RunningServer
from lanecast.warehouse import clock
from sandbox_world import START, StandIn, content, database, load_past, rows, stand_in

LINES = [
    f"dhl,LC000{number % 5},2026-01-0{day}T10:00:00Z,C{day},On its way,{'ZZ' if day == 3 else 'DE'},,Bremen,"
    for number in range(6)
    for day in range(1, 5)
]
IDENTITY = {"shipment_id", "raw_answer_id", "quarantined_row_id", "run_number", "alert_id", "change_id"}
WALL_TIME = {
    "byte_offset",
    "byte_length",
    "started_at",
    "noted_at",
    "finished_at",
    "requested_at",
    "answered_at",
    "steps",
    "file",
    "sha256",
}
"""When and where something was done: differs from run to run."""
SPENT = {"ops.carrier_budget", "ops.carrier_account"}
"""A call that was made is spent, though its answer was lost with the process."""
pytestmark = pytest.mark.timeout(240)


class Worker:
    """Carries tasks out in children that may be killed; see quarantine_steps."""

    def __init__(self) -> None:
        driver = Path(__file__).parent / "quarantine_steps.py"
        self._process = subprocess.Popen(
            [sys.executable, str(driver)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def carry_out(self, kind: str, params: dict[str, Any], points: list[str]) -> None:
        """A run to its end, killed at each of the points in turn: the task that was killed is tried again."""
        handed_over: Any = None
        for task in TASKS[kind]:
            here = [point for point in points if POINTS[kind][point][0] == task]
            for try_number, point in enumerate([*here, ""], 1):
                kept = {key: os.environ[key] for key in os.environ if key.startswith(("AIRFLOW_CONN", "LANECAST"))}
                answer = self._ask(
                    {
                        **{"kind": kind, "task": task, "params": params, "point": point, "try_number": try_number},
                        **{"handed_over": handed_over, "environment": kept},
                    }
                )
                assert answer["code"] == (-signal.SIGKILL if point else 0), (task, point, answer["told"])
            handed_over = answer["told"]

    def _ask(self, order: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        told: dict[str, Any] = json.loads(self._process.stdout.readline())
        return told

    def end(self) -> None:
        self._process.kill()
        self._process.wait(20)


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    running = Worker()
    yield running
    running.end()


@pytest.fixture(scope="module")
def sandbox() -> Iterator[StandIn]:
    with stand_in(per_day=3, history_days=20, dirt=0.1) as running:
        yield running


def pull(folder: Path, address: str, sandbox: StandIn) -> dict[str, Any]:
    load_past(sandbox, folder, address)
    sandbox.time = START + timedelta(days=1)
    clock.set_clock(sandbox.time, sandbox.time, 0, address)
    return {"carrier": None, "tracking_numbers": None, "force": True, "source": None}


def import_(folder: Path, address: str, sandbox: StandIn) -> dict[str, Any]:
    clock.set_clock(START, START, 0, address)
    path = folder / "events.csv"
    path.write_text("\n".join([HEADERS["events"], *LINES, ""]))
    return {"dataset": "events", "path": str(path), "mapping": None}


def quarantine(folder: Path, address: str, sandbox: StandIn) -> dict[str, Any]:
    """Of five rows one is mended; one moves to another quarantined row, three stay."""
    clock.set_clock(START, START, 0, address)
    held = Quarantine(address, folder)
    held.import_("events", *LINES)
    first, second, *_ = [row[0] for row in held.rows()]
    patch = held.patch({"quarantined_row_id": first, "country": "DE"}, {"quarantined_row_id": second, "country": "YY"})
    asked = {"dataset": None, "rule": "country_unknown", "run": None, "origin": None, "ids": None, "waive": []}
    return {**asked, "patch": patch, "dry_run": False}


PREPARED = {"pull": pull, "import": import_, "quarantine": quarantine}


def tables(address: str) -> dict[str, list[tuple[Any, ...]]]:
    """All that core, quality and ops hold, without what differs from run to run."""
    columns = rows(
        address,
        "SELECT format('%I.%I', space.nspname, class.relname), array_agg(attribute.attname::text ORDER BY attnum) "
        "FROM pg_class AS class JOIN pg_namespace AS space ON class.relnamespace = space.oid "
        "JOIN pg_attribute AS attribute ON attribute.attrelid = class.oid AND attnum > 0 AND NOT attisdropped "
        "WHERE nspname IN ('core', 'quality', 'ops', 'staging') AND relkind IN ('r', 'p') AND NOT relispartition "
        "GROUP BY 1",
    )
    told = {}
    for table, names in columns:
        compared = [f'"{name}"' for name in names if name not in IDENTITY | WALL_TIME]
        if table == "quality.quarantined_row":
            compared.remove('"row_data"')  # it names its answer; the same rows have the same row_hash
            compared.append("row_data - ARRAY['staged_row', 'raw_answer_id'] AS row_data")
            compared[compared.index('"row_hash"')] = "row_hash::text"
            compared[compared.index('"superseded_by"')] = "superseded_by IS NULL"
        if table not in SPENT and table != "ops.schema_state":
            told[table] = sorted(rows(address, f"SELECT {', '.join(compared)} FROM {table}"), key=repr)
    return told


@pytest.mark.parametrize("kind", PREPARED)
def test_killed_anywhere_and_resumed_it_is_as_if_nothing_had_happened(
    server: RunningServer,
    template: str,
    worker: Worker,
    sandbox: StandIn,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
) -> None:
    """One run is killed at every point in turn, and resumed each time where it was; another one never."""
    monkeypatch.setenv("LANECAST_SANDBOX_URL", sandbox.url)
    monkeypatch.setenv("LANECAST_STATE", str(tmp_path))
    sandbox.calm()
    with database(server, template) as (prepared, address):
        monkeypatch.setenv("AIRFLOW_CONN_LANECAST_WAREHOUSE", address)
        params = PREPARED[kind](tmp_path, address, sandbox)
        told: list[tuple[dict[str, Any], dict[str, Any]]] = []
        for points in ([], list(POINTS[kind])):
            with database(server, prepared) as (_, copy):
                monkeypatch.setenv("AIRFLOW_CONN_LANECAST_WAREHOUSE", copy)
                monkeypatch.setenv("LANECAST_STATE", str(tmp_path / f"killed at {len(points)} points"))
                worker.carry_out(kind, params, points)
                told.append((tables(copy), content(copy)))
                numbers = rows(
                    copy,
                    "SELECT received, source_count, loaded, duplicate, quarantined FROM quality.reconciliation "
                    "JOIN ops.run USING (run_id) WHERE state = 'loaded' AND run_id LIKE '%:the-run'",
                )
                assert numbers
                for received, source_count, *parts in numbers:
                    assert received == source_count == sum(parts)
                assert sum(number[2] for number in numbers) > 0
                assert sum(number[4] for number in numbers) > 0
                assert rows(copy, "SELECT FROM pg_tables WHERE schemaname = 'staging'") == []
    (undisturbed, core), (killed, core_of_killed) = told
    assert sum(map(len, undisturbed.values())) > 30
    for table, found in undisturbed.items():
        assert {*map(repr, killed[table])} - {*map(repr, found)} == set(), table
        assert killed[table] == found, table
    assert core_of_killed == core
