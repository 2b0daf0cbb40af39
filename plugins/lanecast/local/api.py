"""A client of Airflow's REST API (version 2). The command line costs 12 s a call, this one milliseconds."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import datetime
from types import TracebackType
from typing import Any, Self

import httpx

ENDED = frozenset({"success", "failed"})


class ApiError(Exception):
    """Airflow refused a call or did not answer it; the message holds its words."""


class Api:
    """Calls as one user. The token is fetched when first needed, and again when it has run out."""

    def __init__(self, url: str, username: str, password: str, limit: float = 30) -> None:
        self._client = httpx.Client(base_url=url, timeout=limit, trust_env=False)
        self._login = {"username": username, "password": password}
        self._token: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def health(self) -> dict[str, dict[str, Any]]:
        """Per component (metadatabase, scheduler, triggerer, dag_processor): its status and its latest heartbeat."""
        return self._answer(self._client_call("GET", "/api/v2/monitor/health"))

    def warm_up(self) -> None:
        """Have Airflow build the API that tasks speak to: its first call takes 4 s, during which it answers nobody."""
        self._answer(self._client_call("GET", "/execution/health"))

    def connections(self) -> set[str]:
        """The ids of the connections that were made in Airflow's pages (not those of the environment)."""
        return {str(row["connection_id"]) for row in self._pages("/api/v2/connections", "connections")}

    def dags(self) -> list[dict[str, Any]]:
        """Every DAG that Airflow has parsed."""
        return self._pages("/api/v2/dags", "dags")

    def import_errors(self) -> list[dict[str, Any]]:
        """DAG files that could not be imported, each with `filename` and `stack_trace`."""
        return self._pages("/api/v2/importErrors", "import_errors")

    def wait_for_dags(self, dag_ids: Iterable[str], limit: float = 60) -> None:
        """Wait until all of these can be triggered. Raises ApiError: import errors, or `limit` seconds passed."""
        wanted, until = set(dag_ids), time.monotonic() + limit
        while missing := wanted - {dag["dag_id"] for dag in self.dags() if not dag.get("is_stale")}:
            if errors := self.import_errors():
                told = "\n".join(f"{error['filename']}:\n{error['stack_trace']}" for error in errors)
                raise ApiError(f"DAG files that cannot be imported:\n{told}")
            if time.monotonic() > until:
                raise ApiError(f"After {limit:.0f} s Airflow has not seen: {', '.join(sorted(missing))}")
            time.sleep(0.2)

    def unpause(self, dag_id: str, paused: bool = False) -> None:
        """Let a DAG be scheduled, or pause it."""
        self._call("PATCH", f"/api/v2/dags/{dag_id}", json={"is_paused": paused})

    def trigger(self, dag_id: str, conf: dict[str, Any] | None = None, run_id: str | None = None) -> str:
        """Start a run by hand, its params in `conf`. Returns the run's id."""
        body: dict[str, Any] = {"logical_date": None, "conf": conf or {}}
        if run_id:
            body["dag_run_id"] = run_id
        return str(self._call("POST", f"/api/v2/dags/{dag_id}/dagRuns", json=body)["dag_run_id"])

    def run(self, dag_id: str, run_id: str) -> dict[str, Any]:
        """One run: `state`, `start_date`, `end_date`, `conf`, ..."""
        return self._call("GET", f"/api/v2/dags/{dag_id}/dagRuns/{run_id}")

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        """Every run of a DAG, the latest first."""
        return self._pages(f"/api/v2/dags/{dag_id}/dagRuns", "dag_runs", order_by="-run_after")

    def wait_for_run(self, dag_id: str, run_id: str, limit: float = 600, step: float = 0.25) -> dict[str, Any]:
        """Wait until a run has ended (success or failed) and return it. Raises ApiError after `limit` seconds.

        Airflow's answer may fail for a while meanwhile (a part restarts): that is waited out too.
        """
        until, problem = time.monotonic() + limit, "no answer yet"
        while time.monotonic() < until:
            try:
                found = self.run(dag_id, run_id)
            except ApiError as error:
                problem = str(error)
            else:
                if found["state"] in ENDED:
                    return found
                problem = f"its state is {found['state']}"
            time.sleep(step)
        raise ApiError(f"Run {run_id} of {dag_id} has not ended after {limit:.0f} s: {problem}")

    def task_instances(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """The tasks of a run: task_id, map_index, state, try_number, `duration` in seconds, start_date, end_date."""
        return self._pages(f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances", "task_instances")

    def task_log(self, dag_id: str, run_id: str, task_id: str, try_number: int = 1, map_index: int = -1) -> str:
        """The log of one try of a task as text, one event a line."""
        path = f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/logs/{try_number}"
        content = self._call("GET", path, params={"map_index": map_index}).get("content", [])
        return "\n".join(str(line.get("event", "")) if isinstance(line, dict) else str(line) for line in content)

    def links(self, dag_id: str, run_id: str, task_id: str) -> dict[str, str | None]:
        """The links that Airflow's page of a task shows, by their names."""
        path = f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/links"
        return dict(self._call("GET", path)["extra_links"])

    def xcom(self, dag_id: str, run_id: str, task_id: str, key: str = "return_value", map_index: int = -1) -> Any:
        """What a task returned."""
        path = f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/xcomEntries/{key}"
        return self._call("GET", path, params={"map_index": map_index, "deserialize": "true"})["value"]

    def _pages(self, path: str, key: str, **query: Any) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        while True:
            page = self._call("GET", path, params={**query, "limit": 100, "offset": len(rows)})
            rows += page[key]
            if not page[key] or len(rows) >= page["total_entries"]:
                return rows

    def _call(self, method: str, path: str, **rest: Any) -> dict[str, Any]:
        for attempt in (1, 2):
            if self._token is None:
                self._token = str(
                    self._answer(self._client_call("POST", "/auth/token", json=self._login))["access_token"]
                )
            answer = self._client_call(method, path, headers={"Authorization": f"Bearer {self._token}"}, **rest)
            if answer.status_code == 401 and attempt == 1:
                self._token = None
                continue
            break
        return self._answer(answer)

    def _client_call(self, method: str, path: str, **rest: Any) -> httpx.Response:
        try:
            return self._client.request(method, path, **rest)
        except httpx.HTTPError as error:
            raise ApiError(f"Airflow at {self._client.base_url} does not answer: {error}") from error

    @staticmethod
    def _answer(answer: httpx.Response) -> dict[str, Any]:
        if answer.is_error:
            words = answer.text[:2000]
            raise ApiError(f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {words}")
        value = answer.json()
        if not isinstance(value, dict):
            raise ApiError(f"{answer.request.method} {answer.request.url.path}: an answer that is no object")
        return value


def seconds_between(start: str | None, end: str | None) -> float | None:
    """Seconds from one ISO 8601 time of an answer to another; None where either is missing."""
    if not start or not end:
        return None
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()
