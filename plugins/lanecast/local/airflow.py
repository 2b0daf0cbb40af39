"""Airflow's environment on one machine, its parts' command lines, and the state of its metadata database."""

from __future__ import annotations

import importlib.metadata
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg2

from lanecast.customers import keys
from lanecast.local import credentials, files
from lanecast.local.postgres import METADATA, WAREHOUSE, Postgres

MARKER = "LANECAST_PLATFORM"
USERNAME = "admin"

# Each part's command line. Logs are read from their files, so no part serves them on a port of its own.
PARTS: dict[str, list[str]] = {
    "api-server": ["api-server"],
    "scheduler": ["scheduler", "--skip-serve-logs"],
    "dag-processor": ["dag-processor"],
    "triggerer": ["triggerer", "--skip-serve-logs"],
}


@dataclass(frozen=True)
class Folders:
    """Where a platform reads its DAGs and plugins, and where it keeps its state."""

    home: Path
    state: Path

    @property
    def airflow(self) -> Path:
        return self.state / "airflow"

    @property
    def logs(self) -> Path:
        return self.state / "logs"


def shared_settings(path: Path) -> dict[str, str]:
    """The NAME=value lines of an env file (`include/airflow.env`, the one that docker-compose reads too).

    Raises ValueError naming the line that is none.
    """
    settings: dict[str, str] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        name, sign, value = text.partition("=")
        if not sign or not name.replace("_", "").isalnum():
            raise ValueError(f"{path}, line {number}: {text.split('=')[0]!r} is no NAME=value")
        settings[name] = value
    return settings


def environment(folders: Folders, postgres: Postgres, port: int, sandbox_url: str | None) -> dict[str, str]:
    """The whole environment of Airflow's parts and the tasks they run. It holds secrets: never print it.

    The caller's own AIRFLOW__* settings stay outside (another Airflow's would break this one); connections and
    variables (AIRFLOW_CONN_*, AIRFLOW_VAR_*) pass. Settings in `<state>/airflow.env` override the shared ones.
    """
    words = credentials.load(folders.state)
    url = f"http://127.0.0.1:{port}"
    env = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW__")}
    env.pop("AIRFLOW_CONFIG", None)
    package = Path(__file__).resolve().parents[2]
    own = folders.home / "include" / "airflow.env"
    env |= shared_settings(own if own.exists() else package.parent / "include" / "airflow.env")
    overrides = folders.state / "airflow.env"
    env |= shared_settings(overrides) if overrides.exists() else {}
    env |= {
        "AIRFLOW_HOME": str(folders.airflow),
        "AIRFLOW__CORE__DAGS_FOLDER": str(folders.home / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(folders.home / "plugins"),
        "AIRFLOW__CORE__FERNET_KEY": words["fernet_key"],
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USERNAME}:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(folders.airflow / "passwords.json"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": postgres.dsn(METADATA, METADATA, "postgresql+psycopg2"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": postgres.dsn(METADATA, METADATA, "postgresql+asyncpg"),
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__API__SECRET_KEY": words["api_secret_key"],
        "AIRFLOW__API_AUTH__JWT_SECRET": words["jwt_secret"],
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(folders.logs / "tasks"),
        "AIRFLOW__LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY": str(folders.logs / "dag_processor"),
        "AIRFLOW_CONN_LANECAST_WAREHOUSE": postgres.dsn(WAREHOUSE, WAREHOUSE),
    }
    privacy = f"AIRFLOW_CONN_{keys.CONNECTION_NAME.upper()}"
    if not env.get(privacy):  # a secret of one's own passes, as other connections do
        env[privacy] = json.dumps({"conn_type": "generic", "password": words[keys.CREDENTIAL]})
    return base_environment(folders, sandbox_url, env)


def base_environment(
    folders: Folders, sandbox_url: str | None, caller: Mapping[str, str] | None = None
) -> dict[str, str]:
    """What every part but Postgres gets: the folders, the sandbox's address and the mark it is found by."""
    env = dict(os.environ if caller is None else caller)
    package = str(Path(__file__).resolve().parents[2])
    paths = [package, *(path for path in env.get("PYTHONPATH", "").split(os.pathsep) if path and path != package)]
    env |= {
        MARKER: str(folders.state),
        "LANECAST_HOME": str(folders.home),
        "LANECAST_STATE": str(folders.state),
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONUNBUFFERED": "1",
        "SPT_NOENV": "1",  # a process that renames itself must not wipe the mark from its environment
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), env.get("PATH", os.defpath)]),
    }
    env.pop("LANECAST_SANDBOX_URL", None)
    return env | ({"LANECAST_SANDBOX_URL": sandbox_url} if sandbox_url else {})


def write_files(folders: Folders) -> None:
    """The files Airflow wants in its folder: an empty configuration (it would write one with keys) and the login."""
    folders.airflow.mkdir(parents=True, exist_ok=True)
    folders.logs.mkdir(parents=True, exist_ok=True)
    files.write(folders.airflow / "airflow.cfg", "# Settings come from the environment: see include/airflow.env.\n")
    files.write_json(folders.airflow / "passwords.json", {USERNAME: credentials.load(folders.state)["admin"]})


def metadata_state(postgres: Postgres) -> str | None:
    """The revision of Airflow's metadata and the installed version, as one text; None where there is no metadata.

    Equal to what was kept after the last migration, it says that there is nothing to migrate.
    """
    connection = psycopg2.connect(postgres.dsn(METADATA, METADATA))
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass('public.alembic_version') IS NOT NULL")
            row = cursor.fetchone()
            if row is None or not row[0]:
                return None
            cursor.execute("SELECT version_num FROM alembic_version")
            row = cursor.fetchone()
    finally:
        connection.close()
    return f"{importlib.metadata.version('apache-airflow-core')} {row[0]}" if row else None


def release_tasks_of_dead_scheduler(postgres: Postgres) -> int:
    """Say in the metadata that earlier schedulers ended; the next one then takes their tasks up at once.

    Call it only when no scheduler of this metadata runs. Without it, the tasks wait until the dead scheduler's
    heartbeat is too old. Returns the number of schedulers. The tasks lose no retry by it.
    """
    connection = psycopg2.connect(postgres.dsn(METADATA, METADATA))
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(
                "UPDATE job SET state = 'failed', end_date = clock_timestamp()"
                " WHERE job_type = 'SchedulerJob' AND state = 'running'"
            )
            return cursor.rowcount
    finally:
        connection.close()
