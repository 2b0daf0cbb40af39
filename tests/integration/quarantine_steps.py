"""A process that carries tasks of runs out, each in a child that may kill itself at a point: JSON lines in and out.

Run by test_kill_between_steps. The children are forked from a process that has imported what is slow to import.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from lanecast import pipeline, raw, tasks
from lanecast.contracts import engine, expectations, gate, routing  # noqa: F401, imported here, not in each child
from lanecast.follow import polling
from lanecast.follow import pull as pulling
from lanecast.report import files as report_files
from lanecast.warehouse import load as loading
from lanecast.warehouse import runs, staging

DAGS = {"pull": "carrier_tracking", "import": "history_import", "quarantine": "quarantine_replay"}
TASKS = {
    "pull": ("find_due", "pull", "stage", "validate", "load"),
    "import": ("open_import", "stage", "validate", "load"),
    "quarantine": ("open_quarantine_replay", "stage", "validate", "load"),
}


def die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def before(where: Any, name: str) -> None:
    setattr(where, name, die)


def after(where: Any, name: str, times: int = 1) -> None:
    work, left = getattr(where, name), iter(range(times - 1))

    def done(*given: Any, **named: Any) -> Any:
        told = work(*given, **named)
        if next(left, None) is None:
            die()
        return told

    setattr(where, name, done)


def at_statement(*wanted: str) -> None:
    statement = loading.statement

    def told(name: str, **tables: str) -> str:
        if name in wanted:
            die()
        return statement(name, **tables)

    loading.statement = told


Point = tuple[str, Callable[[], object]]
_UP_TO_THE_LOAD: dict[str, Point] = {
    "before staging": ("stage", lambda: before(staging, "create")),
    "while staging": ("stage", lambda: before(staging, "seal")),
    "staged": ("stage", lambda: after(pipeline, "stage")),
    "while judging": ("validate", lambda: before(gate, "_record")),
    "judged": ("validate", lambda: after(pipeline, "judge")),
    "before the load": ("load", lambda: before(loading, "load")),
    "in the merge": ("load", lambda: before(loading, "_check")),
    "in the quarantine": ("load", lambda: at_statement("load/quarantine", "load/quarantine_again")),
    "before the commit": ("load", lambda: after(loading, "_record")),
    "loaded": ("load", lambda: after(loading, "load")),
}
_AFTER_THE_LOAD: dict[str, Point] = {
    "before the staging is dropped": ("load", lambda: before(staging, "drop")),
    "before the end is noted": ("load", lambda: before(runs, "finish")),
    "ended": ("load", lambda: before(report_files, "keep")),
    "told": ("load", lambda: after(pipeline, "load")),
}
POINTS: dict[str, dict[str, Point]] = {
    "pull": {
        "before the run is opened": ("find_due", lambda: before(runs, "open_run")),
        "before it is planned": ("find_due", lambda: after(runs, "open_run")),
        "planned": ("find_due", lambda: after(tasks.due, "plan")),
        "while asking": ("pull", lambda: after(pulling._Book, "enter", 4)),
        "an answer is stored": ("pull", lambda: after(raw.RawWriter, "close", 2)),
        "a shard is pulled": ("pull", lambda: after(pulling, "pull")),
        **_UP_TO_THE_LOAD,
        "while planning anew": ("load", lambda: before(polling, "replan_all")),
        "the events are loaded": ("load", lambda: after(loading, "load", 2)),
        **_AFTER_THE_LOAD,
    },
    "import": {
        "before the run is opened": ("open_import", lambda: before(runs, "open_run")),
        "opened": ("open_import", lambda: after(pipeline, "open_import")),
        **_UP_TO_THE_LOAD,
        **_AFTER_THE_LOAD,
    },
    "quarantine": {
        "before the run is opened": ("open_quarantine_replay", lambda: before(runs, "open_run")),
        "opened": ("open_quarantine_replay", lambda: after(runs, "open_run")),
        **_UP_TO_THE_LOAD,
        **_AFTER_THE_LOAD,
    },
}
"""By kind of run: the task that is killed, and how, in the order in which they come."""


def carry_out(order: dict[str, Any]) -> Any:
    """One task, as its DAG does; returns what it hands over."""
    os.environ.update(order["environment"])
    pulling.ANSWERS_PER_FILE = 3
    context = {
        "dag": SimpleNamespace(dag_id=DAGS[order["kind"]]),
        "dag_run": SimpleNamespace(run_type="manual"),
        "run_id": "the-run",
        "params": order["params"],
        "ti": SimpleNamespace(try_number=order["try_number"]),
    }
    if order["point"]:
        POINTS[order["kind"]][order["point"]][1]()
    if order["task"] == "pull":
        return [tasks.pull(shard, context) for shard in order["handed_over"]]
    return getattr(tasks, order["task"])(context)


def main() -> None:
    for line in sys.stdin:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                told = json.dumps(carry_out(json.loads(line)), default=str)
                os.write(writing, told.encode())
                os._exit(0)
            except BaseException as error:
                os.write(writing, json.dumps(f"{type(error).__name__}: {error}").encode())
                os._exit(1)
        os.close(writing)
        with os.fdopen(reading) as pipe:
            told = pipe.read()
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print(json.dumps({"code": code, "told": json.loads(told) if told else None}), flush=True)


if __name__ == "__main__":
    main()
