"""A process that carries a run out and kills itself at a point: `RUN POINT`. See test_kill_between_steps."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from lanecast import pipeline
from lanecast.warehouse import load as loading
from lanecast.warehouse import staging


def die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def before(module: Any, name: str) -> None:
    setattr(module, name, die)


def after(module: Any, name: str) -> None:
    work = getattr(module, name)

    def done(*given: Any, **named: Any) -> Any:
        work(*given, **named)
        die()

    setattr(module, name, done)


def at_statement(wanted: str) -> None:
    statement = loading.statement

    def told(name: str, **tables: str) -> str:
        if name == wanted:
            die()
        return statement(name, **tables)

    loading.statement = told


POINTS = {
    "before staging": lambda: before(staging, "create"),
    "while staging": lambda: before(staging, "seal"),
    "staged": lambda: after(pipeline, "stage"),
    "judged": lambda: after(pipeline, "judge"),
    "in the merge": lambda: before(loading, "_check"),
    "in the quarantine": lambda: (at_statement("load/quarantine"), at_statement("load/quarantine_again")),
    "before the commit": lambda: after(loading, "_record"),
    "loaded": lambda: after(loading, "load"),
    "before the end is noted": lambda: before(pipeline.runs, "finish"),
    "nowhere": lambda: None,
}

if __name__ == "__main__":
    POINTS[sys.argv[2]]()
    run = pipeline.find_run(sys.argv[1])
    pipeline.stage(run)
    pipeline.judge(run)
    pipeline.load(run)
