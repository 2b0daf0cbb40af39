"""history_import, delivery_time and maintenance by `dag.test()`, on a real warehouse."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from conftest import Airflow
from lanecast.sandbox.history import History, write_history
from lanecast.warehouse import clock, connection, runs, staging
from lanecast.warehouse.staging import Batch
from sandbox_world import START, StandIn, one, rows

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def history(sandbox: StandIn, tmp_path: Path) -> History:
    return write_history(sandbox.world, tmp_path)


def test_the_past_is_imported_and_the_marts_follow(
    airflow: Airflow, warehouse: str, sandbox: StandIn, history: History
) -> None:
    clock.set_clock(START, START, 0)
    for dataset, file in (("shipments", history.shipments_file), ("events", history.events_file)):
        run = airflow.run("history_import", dataset=dataset, path=str(file))
        assert run["state"] == "success", airflow.log()[-3000:]
        assert run["queued"] == ["delivery_time"]
    added_up = {
        row[0]: row[1:]
        for row in rows(
            warehouse, "SELECT dataset, received, loaded, duplicate, quarantined FROM quality.reconciliation"
        )
    }
    assert added_up["shipment"][0] == history.shipments
    assert added_up["tracking_event"][0] == history.events
    for received, loaded, duplicate, quarantined in added_up.values():
        assert received == loaded + duplicate + quarantined
        assert loaded > 100
        assert quarantined > 0

    assert rows(warehouse, "SELECT * FROM mart.shipment_status") == []
    run = airflow.run("delivery_time")
    assert run["state"] == "success", airflow.log()[-3000:]
    # Events alone make a shipment too: one whose row in the shipments file was quarantined.
    shipments = one(warehouse, "SELECT count(*) FROM core.shipment")
    assert one(warehouse, "SELECT count(*) FROM mart.shipment_status") == shipments
    world = "SELECT n, n_delivered, p50 FROM mart.delivery_time WHERE level = 'world' AND measure = 'order_to_door'"
    ((n, delivered, half),) = rows(warehouse, world)
    truths = [sandbox.world.truth(shipment) for shipment in sandbox.world.history()]
    really = sum(told.delivered_at is not None and told.delivered_at <= START for told in truths)
    assert n <= len(truths)
    assert really - added_up["shipment"][3] <= delivered <= really
    assert 1 < half < 30
    assert one(warehouse, "SELECT latest FROM mart.delivery_promise('CN', 'US', NULL, NULL, ops.as_of(), 0.8)")

    again = airflow.run("history_import", dataset="events", path=str(history.events_file))
    assert again["state"] == "success"
    loaded = "SELECT loaded FROM quality.reconciliation WHERE run_id = %s"
    assert rows(warehouse, loaded, (again["run_id"],)) == [(0,)]
    assert rows(warehouse, "SELECT * FROM ops.shipment_change") == []


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "(?i)no such file|does not exist|there is no"),
        (b"", "is empty"),
        (b"tracking_number,carrier\n1Z1,ups\n", "has no column 'destination_country'"),
        (b"order_id,order_id,carrier\n1,2,ups\n", "names column 'order_id' twice"),
    ],
    ids=["absent", "empty", "without a column", "the same column twice"],
)
def test_a_file_that_is_none_is_refused_without_retry(
    airflow: Airflow, warehouse: str, sandbox: StandIn, tmp_path: Path, content: bytes | None, told: str
) -> None:
    path = tmp_path / "shipments.csv"
    if content is not None:
        path.write_bytes(content)
    run = airflow.run("history_import", dataset="shipments", path=str(path))
    assert run["state"] == "failed"
    assert refused(run) == [("stage", 1, "RunRefused")]
    message = run["raised"][0]["message"]
    assert path.name in message
    assert re.search(told, message), message
    assert rows(warehouse, "SELECT * FROM ops.run") == []


def refused(run: dict[str, Any]) -> list[tuple[str, int, str]]:
    """Task, tries, exception of what failed."""
    failed = [found for found in run["tasks"] if found["state"] == "failed"]
    return [(found["id"], found["tries"], raised["error"]) for found, raised in zip(failed, run["raised"], strict=True)]


def test_a_stopped_batch_is_quarantined_and_not_tried_again(
    airflow: Airflow, warehouse: str, sandbox: StandIn, tmp_path: Path
) -> None:
    path = tmp_path / "events.csv"
    lines = [f"ups,1Z{number:016d},never,OR,{number},US,US-NY,New York" for number in range(1200)]
    path.write_text("carrier,tracking_number,occurred_at,code,description,country,region,city\n" + "\n".join(lines))
    run = airflow.run("history_import", dataset="events", path=str(path))
    assert run["state"] == "failed"
    assert refused(run) == [("load", 1, "BatchStopped")]
    assert "mostly_bad" in run["raised"][0]["message"]
    assert rows(warehouse, "SELECT received, loaded, quarantined FROM quality.reconciliation") == [(1200, 0, 1200)]
    assert one(warehouse, "SELECT state FROM ops.run") == "stopped"
    assert one(warehouse, "SELECT count(*) FROM core.tracking_event") == 0


def test_maintenance_drops_what_an_ended_run_left(airflow: Airflow, past: str) -> None:
    run = begin_and_leave()
    assert len(rows(past, "SELECT tablename FROM pg_tables WHERE schemaname = 'staging'")) == 2
    assert airflow.run("maintenance")["state"] == "success", airflow.log()[-3000:]
    assert len(rows(past, "SELECT tablename FROM pg_tables WHERE schemaname = 'staging'")) == 2  # it may go on
    with connection.connect() as link:
        runs.finish(link, run.run_id, "failed")
    assert airflow.run("maintenance")["state"] == "success"
    assert rows(past, "SELECT tablename FROM pg_tables WHERE schemaname = 'staging'") == []


def begin_and_leave() -> runs.Run:
    """A run that is cut off after it has made its staging tables."""
    with connection.connect() as link:
        run = runs.open_run(link, "left", "import", "shipment", "x.csv")
        staging.create(link, Batch("left", "shipment"))
    return run
