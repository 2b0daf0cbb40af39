"""Installed into an Airflow and a Postgres that were there before, with connections alone: same DAGs, same tables."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

import psutil
import psycopg2
import pytest

from lanecast.local.api import Api, ApiError
from lanecast.local.server import RunningServer
from lanecast.sandbox.access import SANDBOX_SECRET, login_of
from lanecast.sandbox.history import write_history
from sandbox_world import CARRIERS, StandIn, one, rows, stand_in, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(420)]

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("api-server", "scheduler", "dag-processor", "triggerer")


@pytest.fixture(scope="module")
def world() -> Iterator[StandIn]:
    # No sandbox is configured here, so now is now: the world's time is the machine's.
    with stand_in(per_day=4, history_days=40, dirt=0, start=datetime.now(UTC).replace(microsecond=0)) as carriers:
        yield carriers


def create_database(server: RunningServer, name: str, owner: str) -> str:
    link = psycopg2.connect(server.dsn("postgres", "postgres"))
    link.autocommit = True
    with link.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name} OWNER {owner}")
    link.close()
    return server.dsn(owner, name)


@pytest.fixture(scope="module")
def empty(server: RunningServer) -> str:
    """DSN of an empty database that was there before: nothing of Lanecast is in it."""
    return create_database(server, f"shop_{os.getpid()}", "lanecast")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Airflow's folder; OpenLineage's events go to `lineage.jsonl` in it."""
    return tmp_path_factory.mktemp("existing")


@pytest.fixture(scope="module")
def airflow(server: RunningServer, empty: str, world: StandIn, home: Path) -> Iterator[Api]:
    """Airflow with its own settings, which knows of Lanecast two folders and the connections."""
    create_database(server, f"existing_{os.getpid()}", "airflow")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    password = secrets.token_urlsafe(12)
    (home / "passwords.json").write_text(json.dumps({"operator": password}))
    # The only words about carriers: where each is and whose account it is. Limits: the stand-ins bear more.
    limits = "requests_per_second=300&max_concurrency=4"
    carriers = {
        f"AIRFLOW_CONN_LANECAST_{carrier.upper()}": f"http://{login_of(carrier)}:{SANDBOX_SECRET}@"
        f"{world.url.removeprefix('http://')}/{carrier}?{limits}"
        for carrier in CARRIERS
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "LANECAST", "PYTEST"))}
    environment = (
        kept
        | carriers
        | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__FERNET_KEY": "",
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
            "AIRFLOW__CORE__HOSTNAME_CALLABLE": "socket.gethostname",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "operator:admin",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home / "passwords.json"),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": server.dsn(
                "airflow", f"existing_{os.getpid()}", "postgresql+psycopg2"
            ),
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(port),
            "AIRFLOW__API__SECRET_KEY": secrets.token_urlsafe(24),
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_urlsafe(24),
            "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps(
                {"type": "file", "log_file_path": str(home / "lineage.jsonl"), "append": True}
            ),
            "AIRFLOW_CONN_LANECAST_WAREHOUSE": empty,
            "LANECAST_RAW": str(home / "raw"),
        }
    )
    create_metadata = [sys.executable, "-c", "from airflow.utils import db; db.initdb()"]
    subprocess.run(create_metadata, env=environment, cwd=home, check=True, capture_output=True, timeout=180)
    with ExitStack() as stack:
        for part in PARTS:
            stack.enter_context(process(part, environment, home))
        api = stack.enter_context(Api(f"http://127.0.0.1:{port}", "operator", password))
        until(lambda: healthy(api), 120, lambda: told(home))
        api.wait_for_dags(("carrier_tracking", "history_import", "delivery_time", "maintenance"), 90)
        yield api


@contextmanager
def process(part: str, environment: dict[str, str], home: Path) -> Iterator[None]:
    with (home / f"{part}.log").open("wb") as log:
        running = subprocess.Popen(
            [sys.executable, "-m", "airflow", part],
            env=environment,
            cwd=home,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield
    finally:
        everyone = [psutil.Process(running.pid), *psutil.Process(running.pid).children(recursive=True)]
        running.send_signal(signal.SIGTERM)
        for left in psutil.wait_procs(everyone, 10)[1]:
            left.kill()
        running.wait(10)


def healthy(api: Api) -> bool:
    try:
        health = api.health()
    except ApiError:
        return False
    parts = ("metadatabase", "scheduler", "dag_processor")
    return all(health[part]["status"] == "healthy" for part in parts)


def told(home: Path) -> str:
    return "\n".join(f"{path.name}: {path.read_text(errors='replace')[-800:]}" for path in sorted(home.glob("*.log")))


def run(api: Api, dag: str, **conf: str) -> str:
    run_id = api.trigger(dag, conf)
    state = api.wait_for_run(dag, run_id, 180)["state"]
    failed = [task["task_id"] for task in api.task_instances(dag, run_id) if task["state"] == "failed"]
    assert state == "success", "\n".join(api.task_log(dag, run_id, task)[-2000:] for task in failed)
    return f"{dag}:{run_id}"


def task_events(home: Path) -> Counter[tuple[str, str]]:
    """OpenLineage's events of tasks, by job and kind."""
    events = [json.loads(line) for line in (home / "lineage.jsonl").read_text().splitlines()]
    return Counter((one["job"]["name"], one["eventType"]) for one in events if "." in one["job"]["name"])


def test_the_same_dags_fill_the_same_tables(
    airflow: Api, empty: str, world: StandIn, home: Path, tmp_path: Path
) -> None:
    assert airflow.import_errors() == []
    # carrier_tracking stays paused, as Airflow's default has it, until the past is there.
    for dag in ("history_import", "delivery_time"):
        airflow.unpause(dag)
    history = write_history(world.world, tmp_path)
    run(airflow, "history_import", dataset="shipments", path=str(history.shipments_file))
    imported = run(airflow, "history_import", dataset="events", path=str(history.events_file))
    airflow.unpause("carrier_tracking")
    pull = run(airflow, "carrier_tracking")

    received = dict(rows(empty, "SELECT dataset, sum(received) FROM quality.reconciliation GROUP BY 1"))
    assert received["shipment"] >= history.shipments
    assert received["tracking_event"] > history.events
    asked = rows(empty, "SELECT carrier, tracking_number FROM ops.poll_request")
    pulled = rows(
        empty,
        "SELECT number.carrier, number.tracking_number, event.reported_at, event.code "
        "FROM core.tracking_event AS event "
        "JOIN core.shipment_number AS number USING (shipment_id) WHERE event.raw_answer_id IS NOT NULL",
    )
    truth = {event for number in asked for event in world.truth(*number)}
    assert {carrier for carrier, _ in asked} == set(CARRIERS)
    assert {event for event in pulled if event[:2] in set(asked)} == truth
    assert one(empty, "SELECT state FROM ops.run WHERE run_id = %s", (pull,)) == "loaded"

    until(lambda: one(empty, "SELECT count(*) = 0 FROM ops.shipment_change"), 120)
    assert one(empty, "SELECT count(*) FROM mart.shipment_status") == one(empty, "SELECT count(*) FROM core.shipment")
    assert one(empty, "SELECT count(*) FROM mart.delivery_time WHERE p50 IS NOT NULL") > 50

    sent = task_events(home)
    for task in ("stage", "validate", "load"):
        job = f"history_import.{task}"
        assert sent[job, "START"] == sent[job, "COMPLETE"] == 2
    page = f"lanecast/quality/run?{urlencode({'run': imported})}"
    links = {task: airflow.links(*imported.split(":", 1), task) for task in ("stage", "validate", "load")}
    assert links == {"stage": {}, "validate": {"Quality report": page}, "load": {"Quality report": page}}
