"""What a state folder says of its platform, from outside the supervisor: is it up, where, how is it, end it."""

from __future__ import annotations

import fcntl
import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from lanecast.local import credentials, files, processes, sandbox
from lanecast.local.airflow import USERNAME

FILE = "platform.json"
LOCK = "supervisor.lock"


class AlreadyRunning(Exception):
    """Another supervisor, or a command that uses its database, holds the state folder."""


def lock(state: Path) -> int:
    """Take the state folder for one supervisor; held until the descriptor is closed or the process ends.

    Raises AlreadyRunning with the address of the one that has it.
    """
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(state / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    until = time.monotonic() + 1
    # Someone who only looks (`supervised`) holds it for a moment: try a second long.
    while not (taken := _try(descriptor, fcntl.LOCK_EX)) and time.monotonic() < until:
        time.sleep(0.02)
    if not taken:
        os.close(descriptor)
        kept = files.read_json(state / FILE)
        where = f" at {kept['url']}" if kept.get("url") else ""
        raise AlreadyRunning(
            f"Lanecast is already running{where} (process {kept.get('pid', 'unknown')}, state in {state}):"
            " end it with `lanecast down`"
        )
    return descriptor


def _try(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def wait_for_users(state: Path, limit: float = 5) -> None:
    """Wait until no command uses the state folder's database any more. Raises AlreadyRunning after `limit` seconds.

    Call it with the state folder's lock held: commands that begin later use the supervisor's own Postgres.
    """
    until = time.monotonic() + limit
    descriptor = os.open(state / ".postgres.use", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                if time.monotonic() > until:
                    raise AlreadyRunning(
                        f"A lanecast command uses the database in {state}: try when it is done"
                    ) from error
                time.sleep(0.05)
            else:
                return
    finally:
        os.close(descriptor)


def supervised(state: Path) -> bool:
    """Whether a supervisor holds the state folder now."""
    if not (state / LOCK).exists():
        return False
    descriptor = os.open(state / LOCK, os.O_RDWR)
    try:
        return not _try(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def supervisor(state: Path) -> psutil.Process | None:
    """The process of the supervisor that holds the state folder, or None."""
    kept = files.read_json(state / FILE)
    if not supervised(state):
        return None
    with suppress(psutil.Error, KeyError, TypeError):
        process = psutil.Process(int(kept["pid"]))
        # The same number may have gone to another program since: compare the start too.
        if abs(process.create_time() - float(kept["pid_started"])) < 1:
            return process
    return None


def status(state: Path) -> dict[str, Any]:
    """Whether the platform is up, and then: url, login, dsn (of lanecast_reader), parts, sandbox with its clock.

    It holds the login and a password: for the eyes of the folder's owner.
    """
    state = state.resolve()
    kept = files.read_json(state / FILE)
    process = supervisor(state)
    if process is None:
        return {"running": False, "state": str(state)}
    words = credentials.load(state)
    told: dict[str, Any] = {
        "running": bool(kept.get("ready")),
        "state": str(state),
        "pid": process.pid,
        "url": kept.get("url"),
        "login": {"username": USERNAME, "password": words["admin"]},
        "dsn": reader_dsn(state, int(kept.get("ports", {}).get("postgres", 0))),
        "parts": kept.get("parts", []),
        "sandbox": None,
    }
    if url := kept.get("sandbox_url"):
        told["sandbox"] = {"url": url, "clock": None}
        with suppress(Exception):  # an unwell sandbox must not hide the rest
            clock = sandbox.clock(url, limit=2)
            told["sandbox"]["clock"] = {
                "start": clock.start.isoformat(),
                "anchor": clock.anchor.isoformat(),
                "speed": clock.speed,
            }
    return told


def reader_dsn(state: Path, port: int) -> str:
    """The address of the warehouse for role lanecast_reader, password included."""
    word = credentials.load(state)["lanecast_reader"]  # URL-safe by its making
    return f"postgresql://lanecast_reader:{word}@127.0.0.1:{port}/lanecast"


def down(state: Path, limit: float = 20) -> bool:
    """End the platform of a state folder, and whatever a killed supervisor left. Returns whether anything ran.

    Raises TimeoutError where it still runs after `limit` seconds.
    """
    state = state.resolve()
    until = time.monotonic() + limit
    process = supervisor(state)
    if process is not None:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGTERM)
        while supervised(state):
            if time.monotonic() > until:
                raise TimeoutError(f"Lanecast (process {process.pid}) has not ended after {limit:.0f} s")
            time.sleep(0.05)
        return True
    if not state.exists() or supervised(state):  # a supervisor that has just begun has not told its number yet
        return False
    return end_leftovers(state) > 0


def end_leftovers(state: Path) -> int:
    """End what a killed supervisor left behind, Postgres by its fast shutdown. Returns the number of processes.

    Call it with the state folder's lock held, or after `supervised` said no. Other state folders are not touched.
    """
    left = processes.of_platform(state)
    databases = [process for process in left if processes.is_postgres(process)]
    processes.kill(process for process in left if process not in databases)
    masters = [process for process in databases if processes.parent_of(process) not in databases]
    processes.ask(masters, signal.SIGINT)
    remaining = processes.wait(databases, 5)
    processes.kill(remaining)
    return len(left)
