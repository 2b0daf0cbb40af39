"""The main job against a stand-in of Airflow's API: what it starts, in which order, and what it waits for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from lanecast.local import main_job
from lanecast.local.api import Api
from sandbox_world import serving

POLLS = 2
"""How often a run is asked for before it has ended."""


class Airflow:
    """Runs that end after they were asked for POLLS times, and the order in which runs were begun and ended."""

    def __init__(self) -> None:
        self.runs: dict[str, dict[str, int]] = {dag: {} for dag in main_job.DAGS}
        self.told: list[str] = []
        self.failing: set[str] = set()

    def app(self) -> Starlette:
        runs = "/api/v2/dags/{dag}/dagRuns"
        return Starlette(
            routes=[
                Route("/auth/token", lambda _: JSONResponse({"access_token": "t"}), methods=["POST"]),
                Route("/api/v2/dags", self._dags),
                Route(runs, self._runs, methods=["GET", "POST"]),
                Route(runs + "/{run}", self._run),
                Route(runs + "/{run}/taskInstances", lambda _: _page("task_instances", [])),
            ]
        )

    def _dags(self, _: Request) -> Response:
        return _page("dags", [{"dag_id": dag, "is_stale": False} for dag in self.runs])

    async def _runs(self, request: Request) -> Response:
        dag = request.path_params["dag"]
        if request.method == "POST":
            body = await request.json()
            self.runs[dag][body["dag_run_id"]] = 0
            self.told.append(f"begin {body['conf'].get('dataset') or dag}")
            return JSONResponse({"dag_run_id": body["dag_run_id"]})
        return _page("dag_runs", [self._state(dag, run) for run in reversed(self.runs[dag])])

    def _run(self, request: Request) -> Response:
        dag, run = request.path_params["dag"], request.path_params["run"]
        self.runs[dag][run] += 1
        if self.runs[dag][run] == POLLS:
            self.told.append(f"end {dag}")
        return JSONResponse(self._state(dag, run))

    def _state(self, dag: str, run: str) -> dict[str, Any]:
        ended = "failed" if dag in self.failing else "success"
        return {"dag_run_id": run, "state": ended if self.runs[dag][run] >= POLLS else "running"}


def _page(key: str, rows: list[dict[str, Any]]) -> Response:
    return JSONResponse({key: rows, "total_entries": len(rows)})


@pytest.fixture
def airflow() -> Iterator[tuple[Airflow, str]]:
    standing = Airflow()
    with serving(standing.app()) as url:
        yield standing, url


def run(url: str, history: dict[str, Any] | None = None) -> main_job.Outcome:
    return main_job.run(lambda: Api(url, "admin", "secret"), (lambda: history) if history else None, lambda _: None)


def test_shipments_come_first_and_recommendations_after_the_storefronts(
    warehouse: str, airflow: tuple[Airflow, str]
) -> None:
    standing, url = airflow
    outcome = run(url, {"shipments": "s.csv.gz", "events": "e.csv.gz"})
    assert outcome.succeeded
    told = standing.told
    assert told[:2] == ["begin shipments", "end history_import"]
    assert {"begin events", "begin carrier_tracking", "begin storefront"} < set(told[2:])
    assert told.index("end storefront") < told.index("begin recommendations")
    assert sorted(dag for dag, _, _ in outcome.runs) == sorted(
        ["history_import", "history_import", "carrier_tracking", "storefront", "recommendations"]
    )


def test_a_read_of_the_storefronts_that_the_schedule_began_is_waited_for(
    warehouse: str, airflow: tuple[Airflow, str]
) -> None:
    standing, url = airflow
    standing.runs["storefront"] = {"scheduled__0": POLLS, "scheduled__1": 0}
    outcome = run(url)
    assert outcome.succeeded
    assert "begin storefront" not in standing.told
    assert [run for dag, run, _ in outcome.runs if dag == "storefront"] == ["scheduled__1"]
    assert standing.told.index("end storefront") < standing.told.index("begin recommendations")


def test_a_run_that_fails_fails_the_job(warehouse: str, airflow: tuple[Airflow, str]) -> None:
    standing, url = airflow
    standing.failing = {"storefront"}
    outcome = run(url)
    assert not outcome.succeeded
    assert ("recommendations", "success") in [(dag, state) for dag, _, state in outcome.runs]
