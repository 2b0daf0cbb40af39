"""recommendations by `dag.test()`, on a made-up shop."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from conftest import ROOT, Airflow
from lanecast.warehouse import clock
from sandbox_world import rows

sys.path.append(str(ROOT / "tests" / "integration"))
from recommend_world import NOW, shop

pytestmark = pytest.mark.timeout(240)
RUNS = "SELECT version, status FROM mart.recommendation_run ORDER BY version"
IN_USE = "SELECT DISTINCT version FROM mart.customer_recommendation"


def states(run: dict[str, Any]) -> dict[str, str]:
    return {task["id"]: task["state"] for task in run["tasks"]}


def test_nights_that_publish_are_skipped_without_news_and_put_back(
    airflow: Airflow, warehouse: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANECAST_STATE", str(tmp_path))
    clock.set_clock(NOW, NOW, 0)
    empty = airflow.run("recommendations")
    assert (empty["state"], states(empty)) == ("success", {"train": "skipped", "publish": "skipped"})

    shop(people=20, weeks=20)
    run = airflow.run("recommendations")
    assert run["state"] == "success", airflow.log()[-3000:]
    assert rows(warehouse, RUNS) == [("2026-06-14.1", "serving")]
    assert rows(warehouse, IN_USE) == [("2026-06-14.1",)]

    again = airflow.run("recommendations")
    assert (again["state"], states(again)) == ("success", {"train": "skipped", "publish": "skipped"})

    forced = airflow.run("recommendations", force=True)
    assert forced["state"] == "success", airflow.log()[-3000:]
    assert rows(warehouse, RUNS) == [("2026-06-14.1", "previous"), ("2026-06-14.2", "serving")]

    for asked in ("previous", "2026-06-14.1"):  # the second finds it in use
        restored = airflow.run("recommendations", restore=asked)
        assert restored["state"] == "success", airflow.log()[-3000:]
        assert rows(warehouse, RUNS) == [("2026-06-14.1", "serving"), ("2026-06-14.2", "previous")]
        assert rows(warehouse, IN_USE) == [("2026-06-14.1",)]


def test_a_run_that_is_not_kept_is_refused_without_retry(airflow: Airflow, warehouse: str) -> None:
    run = airflow.run("recommendations", restore="2020-01-01.1")
    assert run["state"] == "failed"
    failed = [(task["id"], task["tries"]) for task in run["tasks"] if task["state"] == "failed"]
    assert failed == [("train", 1)]
    assert [found["error"] for found in run["raised"]] == ["RunRefused"]
    assert "no lists of run '2020-01-01.1' are kept; those of these runs are: none" in run["raised"][0]["message"]
