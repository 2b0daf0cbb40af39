"""quarantine_replay by `dag.test()`: rows through the gate again, dry runs, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from conftest import Airflow
from lanecast import pipeline
from sandbox_world import rows

pytestmark = [pytest.mark.timeout(240), pytest.mark.usefixtures("sandbox")]
HELD = "SELECT quarantined_row_id, rule, status, replays FROM quality.quarantined_row ORDER BY 1"


@pytest.fixture
def held(warehouse: str, tmp_path: Path) -> str:
    """Two events whose country there is not: the rows 1 and 2."""
    path = tmp_path / "events.csv"
    path.write_text(
        "carrier,tracking_number,occurred_at,code,description,country,region,city\n"
        "dhl,LC0001,2026-01-02T10:00:00Z,X1,On its way,ZZ,,Bremen\n"
        "dhl,LC0002,2026-01-02T10:00:00Z,X1,On its way,ZZ,,Bremen\n"
    )
    run = pipeline.open_import("an-import", "events", str(path))
    pipeline.stage(run)
    pipeline.judge(run)
    pipeline.load(run)
    assert rows(warehouse, HELD) == [(1, "country_unknown", "open", 0), (2, "country_unknown", "open", 0)]
    return warehouse


def patch(folder: Path, **columns: Any) -> str:
    path = folder / "patch.jsonl"
    path.write_text(json.dumps({"quarantined_row_id": 1} | columns) + "\n")
    return str(path)


def test_chosen_rows_go_through_the_gate_again(airflow: Airflow, held: str, tmp_path: Path) -> None:
    run = airflow.run("quarantine_replay", rule="country_unknown", patch=patch(tmp_path, country="DE"))
    assert run["state"] == "success", airflow.log()[-3000:]
    assert rows(held, HELD) == [(1, "country_unknown", "replayed", 1), (2, "country_unknown", "open", 1)]
    numbers = (
        "SELECT source_count, received, loaded, duplicate, quarantined FROM quality.reconciliation WHERE run_id = %s"
    )
    assert rows(held, numbers, (run["run_id"],)) == [(2, 2, 1, 0, 1)]
    assert rows(held, "SELECT kind, state FROM ops.run WHERE run_id = %s", (run["run_id"],)) == [
        ("quarantine", "loaded")
    ]
    assert rows(held, "SELECT country, city FROM core.tracking_event") == [("DE", "Bremen")]
    assert rows(held, "SELECT FROM pg_tables WHERE schemaname = 'staging'") == []
    assert run["queued"] == ["delivery_time"]


def test_a_dry_run_changes_nothing(airflow: Airflow, held: str, tmp_path: Path) -> None:
    before = rows(held, HELD)
    run = airflow.run("quarantine_replay", patch=patch(tmp_path, country="DE"), dry_run=True)
    assert run["state"] == "success", airflow.log()[-3000:]
    assert rows(held, HELD) == before
    assert rows(held, "SELECT FROM core.tracking_event") == []
    for table in ("ops.run", "quality.replayed_row", "quality.validation_result"):
        assert rows(held, f"SELECT FROM {table} WHERE run_id = %s", (run["run_id"],)) == [], table
    assert rows(held, "SELECT FROM pg_tables WHERE schemaname = 'staging'") == []


@pytest.mark.parametrize(
    ("chosen", "columns", "told"),
    [
        ({}, None, "choose rows"),
        ({"ids": [99]}, None, "no quarantined row has the number 99"),
        ({"rule": "never_heard_of"}, None, "no open row fits"),
        ({"rule": "country_unknown", "waive": ["country_unknown"]}, None, "country_unknown can't be waived"),
        ({}, {"colour": "red"}, "no column 'colour' to set"),
        ({"patch": "/no/such/patch.csv"}, None, "patch.csv"),
    ],
)
def test_what_can_not_be_replayed_is_refused_without_retry(
    airflow: Airflow, held: str, tmp_path: Path, chosen: dict[str, Any], columns: dict[str, Any] | None, told: str
) -> None:
    chosen = chosen | ({"patch": patch(tmp_path, **columns)} if columns else {})
    run = airflow.run("quarantine_replay", **chosen)
    assert run["state"] == "failed"
    assert [(task["id"], task["tries"]) for task in run["tasks"] if task["state"] == "failed"] == [("stage", 1)]
    assert run["raised"][0]["error"] == "RunRefused"
    assert told in run["raised"][0]["message"]
    assert rows(held, "SELECT FROM ops.run WHERE kind = 'quarantine'") == []
