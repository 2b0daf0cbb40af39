"""delivery_model by `dag.test()`, on a warehouse of made-up parcels."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from conftest import ROOT, Airflow
from lanecast.warehouse import clock
from sandbox_world import rows

sys.path.append(str(ROOT / "tests" / "integration"))
from model_world import NOW, fill

pytestmark = pytest.mark.timeout(240)
CURVES = "SELECT DISTINCT model_version FROM serving.learned_curve"
VERSIONS = "SELECT version, status FROM serving.delivery_model ORDER BY version"


def states(run: dict[str, Any]) -> dict[str, str]:
    return {task["id"]: task["state"] for task in run["tasks"]}


def test_a_night_trains_and_publishes_and_the_next_without_news_is_skipped(
    airflow: Airflow, warehouse: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANECAST_STATE", str(tmp_path))
    clock.set_clock(NOW, NOW, 0)
    fill(12, handover=False)
    run = airflow.run("delivery_model")
    assert run["state"] == "success", airflow.log()[-3000:]
    assert rows(warehouse, VERSIONS) == [("2026-06-14.1", "serving")]
    assert rows(warehouse, CURVES) == [("2026-06-14.1",)]

    again = airflow.run("delivery_model")
    assert (again["state"], states(again)) == ("success", {"train": "skipped", "publish": "skipped"})
    assert len(rows(warehouse, VERSIONS)) == 1

    restored = airflow.run("delivery_model", restore="2026-06-14.1")
    assert restored["state"] == "success", airflow.log()[-3000:]
    assert rows(warehouse, CURVES) == [("2026-06-14.1",)]


def test_a_version_that_is_not_kept_is_refused_without_retry(airflow: Airflow, warehouse: str) -> None:
    run = airflow.run("delivery_model", restore="2020-01-01.1")
    assert run["state"] == "failed"
    assert [(task["id"], task["tries"]) for task in run["tasks"] if task["state"] == "failed"] == [("publish", 1)]
    assert [found["error"] for found in run["raised"]] == ["RunRefused"]
    assert "those that are: none" in run["raised"][0]["message"]


def test_with_too_little_to_learn_from_the_run_succeeds(airflow: Airflow, warehouse: str) -> None:
    run = airflow.run("delivery_model", force=True)
    assert run["state"] == "success", airflow.log()[-3000:]
    assert rows(warehouse, "SELECT status, reason LIKE 'too few%%' FROM serving.delivery_model") == [("none", True)]
