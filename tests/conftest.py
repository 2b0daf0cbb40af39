"""Fixtures shared by all tests: a real Postgres, and fresh warehouses made from a migrated template."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

import customer_keys
from lanecast.local.server import RunningServer, start_server

os.environ.setdefault("TZ", "UTC")
SHARED = Path(__file__).resolve().parents[2] / "shared"
_numbers = itertools.count(1)


class _Scheduling(LoadFileScheduling):
    """Side by side run files, not tests, for they share fixtures; what starts whole platforms does so one by one."""

    def _split_scope(self, nodeid: str) -> str:
        return "platforms" if nodeid.startswith(("tests/dags/", "tests/e2e/")) else str(super()._split_scope(nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> _Scheduling | None:
    return _Scheduling(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.fixture(scope="session", autouse=True)
def _reports_elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Loads write quality reports: of tests, not beside the checkout's own."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("LANECAST_REPORTS", str(tmp_path_factory.mktemp("reports")))
        yield


@pytest.fixture(scope="session", autouse=True)
def _customer_secret() -> Iterator[None]:
    """Customers' keys are made with a secret of the tests', not with the checkout's own: see customer_keys.py."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv(customer_keys.VARIABLE, customer_keys.CONNECTION)
        yield


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A throw-away embedded Postgres; `.dsn("postgres", "postgres")` is its administrator's address."""
    running = start_server(
        tmp_path_factory.mktemp("postgres"), {"fsync": "off", "full_page_writes": "off", "shared_buffers": "64MB"}
    )
    yield running
    running.stop()


def _admin(server: RunningServer) -> str:
    return server.dsn("postgres", "postgres")


def _execute(address: str, statement: str) -> None:
    link = psycopg2.connect(address)
    link.autocommit = True
    with link.cursor() as cursor:
        cursor.execute(statement)
    link.close()


@pytest.fixture(scope="session")
def template(server: RunningServer) -> str:
    """Name of a migrated database that fresh warehouses are copied from."""
    from lanecast.warehouse import migrations

    _execute(_admin(server), "CREATE DATABASE warehouse_template OWNER lanecast")
    migrations.migrate(server.dsn("lanecast", "warehouse_template"))
    return "warehouse_template"


@pytest.fixture
def warehouse(server: RunningServer, template: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """DSN of a fresh, migrated warehouse, which is also the connection `lanecast_warehouse`."""
    name = f"warehouse_{os.getpid()}_{next(_numbers)}"
    _execute(_admin(server), f"CREATE DATABASE {name} TEMPLATE {template} OWNER lanecast")
    address = server.dsn("lanecast", name)
    monkeypatch.setenv("AIRFLOW_CONN_LANECAST_WAREHOUSE", address)
    yield address
    _execute(_admin(server), f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data and carriers' sample answers, where it lies beside the checkout."""
    if not SHARED.is_dir():
        pytest.skip("real data and sample answers (../shared) are not beside this checkout")
    return SHARED
