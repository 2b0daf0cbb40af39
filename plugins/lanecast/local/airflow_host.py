"""One process that imports Airflow once and forks Airflow's parts from it: `python -m lanecast.local.airflow_host`.

Four parts started apart import Airflow four times, 4 s of one core each. Forked, they share the import and its memory.

Speaks JSON lines. In: `{"start": NAME, "argv": ["scheduler", ...], "log": PATH}`. Out: `{"ready": true}` after the
import, `{"started": NAME, "pid": N}`, `{"exited": N, "code": C}`. Each part leads a session of its own. When its
input ends (the supervisor ended or was killed), the host ends its parts and itself.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

MIGRATE = "migrate"


def main() -> None:
    """Serve commands from standard input until it ends."""
    commands, answers = os.dup(0), os.dup(1)
    _redirect(0, Path(os.devnull), os.O_RDONLY)
    os.dup2(2, 1)  # whatever Airflow prints goes to the log, not among the answers
    _preload()
    gc.freeze()  # keeps the garbage collector from touching, and so copying, the shared memory
    _tell(answers, {"ready": True})
    _serve(commands, answers)


def _serve(commands: int, answers: int) -> None:
    parts: set[int] = set()
    buffer = b""
    while True:
        readable, _, _ = select.select([commands], [], [], 0.2)
        if readable:
            chunk = os.read(commands, 65_536)
            if not chunk:
                break
            *lines, buffer = (buffer + chunk).split(b"\n")
            for line in filter(None, lines):
                order = json.loads(line)
                if order["start"] == "scheduler":
                    _preload_for_tasks()
                pid = _fork(order, (commands, answers))
                parts.add(pid)
                _tell(answers, {"started": order["start"], "pid": pid})
                if order["argv"] == [MIGRATE]:
                    _preload_for_tasks()  # while the metadata is made, nothing else is asked of this process
        for pid, code in _ended():
            parts.discard(pid)
            _tell(answers, {"exited": pid, "code": code})
    _end(parts)


def _preload() -> None:
    """Import what every part needs. No thread is started and no connection opened by these imports."""
    import airflow.__main__
    import airflow.api_fastapi.app
    import airflow.cli.commands.api_server_command
    import airflow.cli.commands.dag_processor_command
    import airflow.cli.commands.scheduler_command
    import airflow.cli.commands.triggerer_command
    import airflow.providers_manager
    import airflow.utils.db

    airflow.providers_manager.ProvidersManager().initialize_providers_configuration()


def _preload_for_tasks() -> None:
    """Import what a task that holds rows against their contract needs: 5 s of one core, paid once, not by each task.

    Tasks are forked from the scheduler, which is forked from here. Libraries alone: our own code may be edited while
    the platform runs, and each task reads it anew.
    """
    importlib.import_module("great_expectations")
    gc.freeze()


def _fork(order: dict[str, Any], private: tuple[int, ...]) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        os.setsid()
        for descriptor in private:
            os.close(descriptor)
        for descriptor in (1, 2):
            _redirect(descriptor, Path(order["log"]), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.environ["LANECAST_PART"] = order["start"]
        code = _run(order["start"], order["argv"])
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _run(name: str, argv: list[str]) -> int:
    from setproctitle import setproctitle

    setproctitle(f"airflow {name}")
    work: Callable[[], None] = _migrate
    if argv != [MIGRATE]:
        import airflow.__main__

        sys.argv = ["airflow", *argv]
        work = airflow.__main__.main
    try:
        work()
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    return 0


def _migrate() -> None:
    from airflow.utils import db

    db.initdb()  # an empty database is made from the models in a second; an older one is migrated


def _ended() -> list[tuple[int, int]]:
    ended: list[tuple[int, int]] = []
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended
        if pid == 0:
            return ended
        ended.append((pid, os.waitstatus_to_exitcode(status)))


def _end(parts: set[int]) -> None:
    for kind, limit in ((signal.SIGTERM, 3.0), (signal.SIGKILL, 1.0)):
        for pid in parts:
            with contextlib.suppress(OSError):
                os.killpg(pid, kind)
        until = time.monotonic() + limit
        while parts and time.monotonic() < until:
            parts -= {pid for pid, _ in _ended()}
            time.sleep(0.05)


def _tell(answers: int, message: dict[str, Any]) -> None:
    with contextlib.suppress(BrokenPipeError):  # the supervisor is gone: the end of the input follows
        os.write(answers, json.dumps(message).encode() + b"\n")


def _redirect(descriptor: int, path: Path, flags: int) -> None:
    opened = os.open(path, flags, 0o600)
    os.dup2(opened, descriptor)
    os.close(opened)


if __name__ == "__main__":
    main()
