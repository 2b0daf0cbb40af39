"""Processes of one platform: found by a mark in their environment, or by Postgres' data folder, and ended."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path

import psutil

from lanecast.local.airflow import MARKER


def of_platform(state: Path) -> list[psutil.Process]:
    """Every process that a platform in state folder `state` started, at any depth; never ourselves or our parents.

    Airflow's tasks lead groups of their own, so neither parenthood nor the process group finds them all.
    Postgres' processes write their title over their environment: they are known by the folder they work in.
    """
    state = state.resolve()
    data = str(state / "postgres")
    spared = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    found = []
    for process in psutil.process_iter():
        if process.pid in spared:
            continue
        with contextlib.suppress(psutil.Error, OSError):
            if process.status() == psutil.STATUS_ZOMBIE:
                continue
            if process.name().startswith("postgres"):
                if process.cwd() == data:
                    found.append(process)
            elif process.environ().get(MARKER) == str(state):
                found.append(process)
    return found


def is_postgres(process: psutil.Process) -> bool:
    """Whether it is one of Postgres' processes; False once it has ended."""
    with contextlib.suppress(psutil.Error):
        return bool(process.name().startswith("postgres"))
    return False


def parent_of(process: psutil.Process) -> psutil.Process | None:
    """The parent, None once the process has ended."""
    with contextlib.suppress(psutil.Error):
        return process.parent()
    return None


def strays(state: Path, living: Iterable[int]) -> list[psutil.Process]:
    """The platform's processes that descend from none of `living`: left behind by a part that died."""
    roots = set(living)
    left = []
    for process in of_platform(state):
        with contextlib.suppress(psutil.Error):
            if process.pid not in roots and not roots & {parent.pid for parent in process.parents()}:
                left.append(process)
    return left


def tree(pid: int) -> list[psutil.Process]:
    """A process and all its descendants, the process first; empty where it is gone."""
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except psutil.Error:
        return []


def kill(processes: Iterable[psutil.Process], limit: float = 5) -> list[psutil.Process]:
    """End processes at once, and wait for it. They are halted first, so that none reports the death of another.

    Returns those that live on after `limit` seconds.
    """
    victims = list(processes)
    for step in (signal.SIGSTOP, signal.SIGKILL):
        for process in victims:
            with contextlib.suppress(psutil.Error):
                process.send_signal(step)
    return wait(victims, limit)


def ask(processes: Iterable[psutil.Process], kind: signal.Signals = signal.SIGTERM) -> list[psutil.Process]:
    """Send a signal to each process that still runs; returns them."""
    asked = []
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.send_signal(kind)
            asked.append(process)
    return asked


def wait(processes: Iterable[psutil.Process], limit: float) -> list[psutil.Process]:
    """Wait until the processes have ended (a zombie has); returns those that still run after `limit` seconds."""
    left, until = list(processes), time.monotonic() + limit
    while (left := [process for process in left if runs(process)]) and time.monotonic() < until:
        time.sleep(0.02)
    return left


def runs(process: psutil.Process) -> bool:
    """Whether the process is still the one it was, and no zombie."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False
