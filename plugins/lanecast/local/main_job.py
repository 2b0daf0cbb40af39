"""The platform's main job, run through Airflow's scheduler, and what came out of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psycopg2

from lanecast.local.api import ENDED, Api, ApiError, seconds_between
from lanecast.warehouse import connection as warehouse
from lanecast.warehouse.connection import NoWarehouse, only_row

DAGS = ("carrier_tracking", "history_import", "delivery_time", "storefront", "recommendations")
HISTORY = ("shipments", "events")
_LIMIT = 900.0

Say = Callable[[str], None]
Answer = TypeVar("Answer")


@dataclass
class Outcome:
    """The runs of the main job, and the seconds of each step."""

    runs: list[tuple[str, str, str]] = field(default_factory=list)
    steps: list[tuple[str, str, float]] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def succeeded(self) -> bool:
        """Whether every run ended well."""
        return bool(self.runs) and all(state == "success" for _, _, state in self.runs)


def fetch_history(sandbox_url: str, folder: Path) -> dict[str, Path]:
    """The sandbox's history export as files by dataset; fetched once for each folder."""
    folder.mkdir(parents=True, exist_ok=True)
    found: dict[str, Path] = {}
    for dataset in HISTORY:
        target = found[dataset] = folder / f"{dataset}.csv.gz"
        if target.exists():
            continue
        part = target.with_suffix(".part")
        with httpx.stream("GET", f"{sandbox_url}/export/{target.name}", timeout=120, trust_env=False) as answer:
            answer.raise_for_status()
            with part.open("wb") as out:
                for chunk in answer.iter_bytes():
                    out.write(chunk)
        part.rename(target)
    return found


def run(
    open_api: Callable[[], Api],
    history: Callable[[], dict[str, Path]] | None,
    say: Say,
    first_ranges: Callable[[], None] = lambda: None,
) -> Outcome:
    """Imports the history of parcels (where there is one), asks carriers and storefronts, makes recommendations, and
    waits until the marts are fresh; calls `first_ranges` as soon as carriers' answers are in them.

    Orders, products and behaviour come from the storefronts alone, their history too: a first read tells all of it.
    """
    began = time.monotonic()
    outcome = Outcome()
    with open_api() as api:
        patiently(lambda: api.wait_for_dags(DAGS), limit=20)
        before = {run["dag_run_id"] for run in patiently(lambda: api.runs("delivery_time"))}
    files = history() if history is not None else {}
    if "shipments" in files:
        say("importing the history of shipments")
        _one(open_api, outcome, "history_import", {"dataset": "shipments", "path": str(files["shipments"])})
    with ThreadPoolExecutor(3) as pool:
        jobs = [pool.submit(_one, open_api, outcome, "carrier_tracking", {})]
        say("asking the carriers for what is under way")
        shops = pool.submit(_shops, open_api, outcome, say)
        if "events" in files:
            say("importing the history of tracking events")
            told = {"dataset": "events", "path": str(files["events"])}
            jobs.append(pool.submit(_one, open_api, outcome, "history_import", told))
        for job in jobs:
            job.result()
        say("waiting for the delivery times")
        _wait_for_marts(open_api, outcome, before)
        first_ranges()
        shops.result()
    _wait_for_marts(open_api, outcome, before)
    outcome.seconds = time.monotonic() - began
    return outcome


def _shops(open_api: Callable[[], Api], outcome: Outcome, say: Say) -> None:
    """What the storefronts tell, and what is recommended from it."""
    say("reading the storefronts")
    # Every hour's first read is the schedule's: a second one behind it would read the same again.
    _one(open_api, outcome, "storefront", {}, joins=True)
    say("making recommendations")
    _one(open_api, outcome, "recommendations", {})


def _one(open_api: Callable[[], Api], outcome: Outcome, dag_id: str, conf: dict[str, Any], joins: bool = False) -> None:
    """Starts a run and waits for it; one that `joins` waits instead for what the schedule has begun, where it has."""
    with open_api() as api:
        begun = patiently(lambda: _under_way(api, dag_id)) if joins else None
        run_id = begun or f"manual__{datetime.now(UTC).isoformat()}"

        def trigger() -> None:
            # Named beforehand: a call whose answer was lost must not start a second run.
            if run_id not in {run["dag_run_id"] for run in api.runs(dag_id)}:
                api.trigger(dag_id, conf, run_id)

        patiently(trigger)
        ended = api.wait_for_run(dag_id, run_id, _LIMIT)
        patiently(lambda: _note(api, outcome, dag_id, run_id, ended["state"]))


def _under_way(api: Api, dag_id: str) -> str | None:
    """The run of a DAG that has not ended, the oldest of several."""
    runs = [run for run in api.runs(dag_id) if run["state"] not in ENDED]
    return str(runs[-1]["dag_run_id"]) if runs else None


def patiently(ask: Callable[[], Answer], limit: float = 120.0) -> Answer:
    """What `ask` returns, asked again while a part is started anew; raises its error after `limit` seconds."""
    until = time.monotonic() + limit
    while True:
        try:
            return ask()
        except (ApiError, NoWarehouse, psycopg2.Error):
            if time.monotonic() > until:
                raise
            time.sleep(0.5)


def _note(api: Api, outcome: Outcome, dag_id: str, run_id: str, state: str) -> None:
    tasks = api.task_instances(dag_id, run_id)
    outcome.runs.append((dag_id, run_id, state))
    for task in tasks:
        seconds = seconds_between(task["start_date"], task["end_date"])
        if seconds is not None and task["state"] != "skipped":
            shown = task["task_id"] if task["map_index"] < 0 else f"{task['task_id']} {task['rendered_map_index']}"
            outcome.steps.append((dag_id, shown, seconds))


def _wait_for_marts(open_api: Callable[[], Api], outcome: Outcome, before: set[str]) -> None:
    """Every refresh that the loads have started, and none under way any more with changes waiting; `before` are those
    that are noted already."""
    until = time.monotonic() + _LIMIT
    with open_api() as api:
        while True:
            fresh = [run for run in patiently(lambda: api.runs("delivery_time")) if run["dag_run_id"] not in before]
            if not patiently(_changes_wait) and all(run["state"] in {"success", "failed"} for run in fresh):
                break
            if time.monotonic() > until or any(run["state"] == "failed" for run in fresh):
                break
            time.sleep(0.3)
        for run in fresh:
            before.add(str(run["dag_run_id"]))
            patiently(partial(_note, api, outcome, "delivery_time", str(run["dag_run_id"]), str(run["state"])))


def _changes_wait() -> bool:
    with warehouse.connect() as link, link.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM ops.shipment_change)")
        return bool(only_row(cursor)[0])
