"""Airflow in a process of its own, a small world behind sandbox carriers, and warehouses that hold its past."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lanecast.local.server import RunningServer
from sandbox_world import StandIn, database, load_past, stand_in

ROOT = Path(__file__).resolve().parents[2]


class Airflow:
    """Runs DAGs of `dags/` by `dag.test()` against the warehouse and the sandbox that a test has set up."""

    def __init__(self, home: Path) -> None:
        self._events = home / "lineage.jsonl"
        self._log = (home / "airflow.log").open("w+")
        kept = {
            key: value for key, value in os.environ.items() if not key.startswith(("AIRFLOW", "PYTEST", "LANECAST"))
        }
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).parent / "airflow_process.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            cwd=home,
            start_new_session=True,
            env=kept
            | {
                "AIRFLOW_HOME": str(home),
                "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
                "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
                "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
                "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
                "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
                "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
                "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps(
                    {"type": "file", "log_file_path": str(self._events), "append": True}
                ),
                "AIRFLOW__OPENLINEAGE__EXECUTE_IN_THREAD": "True",
                "AIRFLOW__OPENLINEAGE__NAMESPACE": "lanecast",
                "PYTHONPATH": str(ROOT / "plugins"),
            },
        )

    def describe(self) -> dict[str, Any]:
        """Every DAG file and every DAG."""
        return self._ask({"do": "describe"})

    def run(self, dag: str, backfill: bool = False, **conf: Any) -> dict[str, Any]:
        """Runs a DAG to its end; `error` where Airflow refused to start it."""
        return self._ask({"do": "run", "dag": dag, "conf": conf, "backfill": backfill} | self._environment())

    def miss_deadline(self, dag: str) -> dict[str, Any]:
        """Runs a DAG, then lets another run of it miss its deadline; what the triggerer made of it."""
        return self._ask({"do": "miss_deadline", "dag": dag} | self._environment())

    @staticmethod
    def _environment() -> dict[str, Any]:
        told = {key: value for key, value in os.environ.items() if key.startswith(("AIRFLOW_CONN", "LANECAST"))}
        return {"environment": told}

    def _ask(self, order: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"Airflow's process ended: {self.log()[-3000:]}"
        told: dict[str, Any] = json.loads(line)
        return told

    def lineage(self, run: dict[str, Any]) -> list[dict[str, Any]]:
        """The OpenLineage events of a run's tasks, in the order in which they were sent."""
        events = [json.loads(line) for line in self._events.read_text().splitlines()]
        return [
            event
            for event in events
            if (told := event["run"]["facets"].get("airflow"))
            and f"{told['dag']['dag_id']}:{told['dagRun']['run_id']}" == run["run_id"]
            and "task" in told
        ]

    def log(self) -> str:
        self._log.flush()
        return Path(self._log.name).read_text()

    def end(self) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)  # what it has forked, too
        self._process.wait(20)
        self._log.close()


@pytest.fixture(scope="session")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Airflow]:
    running = Airflow(tmp_path_factory.mktemp("airflow"))
    yield running
    running.end()


@pytest.fixture(scope="session")
def _stand_in() -> Iterator[StandIn]:
    with stand_in() as running:
        yield running


@pytest.fixture(scope="session")
def _past(
    _stand_in: StandIn, server: RunningServer, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    with database(server, template) as (name, address):
        load_past(_stand_in, tmp_path_factory.mktemp("past"), address)
        yield name


@pytest.fixture
def sandbox(_stand_in: StandIn, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[StandIn]:
    """The sandbox carriers, configured, without faults, their time at the start; the raw store is empty."""
    monkeypatch.setenv("LANECAST_SANDBOX_URL", _stand_in.url)
    monkeypatch.setenv("LANECAST_STATE", str(tmp_path))
    yield _stand_in
    _stand_in.calm()


@pytest.fixture
def past(server: RunningServer, _past: str, sandbox: StandIn, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """DSN of the configured warehouse, which holds the world's past; nothing was asked of a carrier yet."""
    with database(server, _past) as (_, address):
        monkeypatch.setenv("AIRFLOW_CONN_LANECAST_WAREHOUSE", address)
        yield address
