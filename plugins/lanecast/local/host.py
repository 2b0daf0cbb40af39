"""The supervisor's end of the pipe to `airflow_host`: starts Airflow's parts there and hears of their ends."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lanecast.local import files
from lanecast.local.airflow_host import MIGRATE


class HostError(Exception):
    """The process that runs Airflow ended or did not answer; the message ends with the last lines of its log."""


class AirflowHost:
    """One `airflow_host` process. Its methods may be called from any thread."""

    def __init__(self, environment: Mapping[str, str], logs: Path) -> None:
        self.log = logs / "airflow.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "lanecast.local.airflow_host"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=logs,
                env=dict(environment),
                start_new_session=True,
            )
        self._logs = logs
        self._heard = threading.Condition()
        self._ready = False
        self._ended = False
        self._pids: dict[str, list[int]] = {}
        self._codes: dict[int, int] = {}
        threading.Thread(target=self._listen, name="airflow-host", daemon=True).start()

    def alive(self) -> bool:
        """Whether the host still runs."""
        return self.process.poll() is None

    def start(self, name: str, argv: list[str], limit: float = 180) -> int:
        """Fork a part; returns its process id. Waits for the host's import of Airflow. Raises HostError."""
        self._wait(lambda: self._ready, limit, "has not imported Airflow")
        with self._heard:
            before = len(self._pids.get(name, []))
        order = {"start": name, "argv": argv, "log": str(self._logs / f"{name}.log")}
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(order).encode() + b"\n")
            self.process.stdin.flush()
        except OSError as error:
            raise HostError(self._explain(f"does not listen: {error}")) from error
        self._wait(lambda: len(self._pids.get(name, [])) > before, 20, f"has not started {name}")
        return self._pids[name][-1]

    def code(self, pid: int) -> int | None:
        """The exit code of a part that ended, None while it runs."""
        return self._codes.get(pid)

    def migrate(self, limit: float = 300) -> None:
        """Make or migrate Airflow's metadata. Raises HostError."""
        pid = self.start(MIGRATE, [MIGRATE])
        self._wait(lambda: pid in self._codes, limit, "has not migrated the metadata")
        if self._codes[pid] != 0:
            log = self._logs / f"{MIGRATE}.log"
            raise HostError(f"Airflow's metadata could not be migrated. Last lines of {log}:\n{files.tail(log, 30)}")

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            message: dict[str, Any] = json.loads(line)
            with self._heard:
                self._ready = self._ready or bool(message.get("ready"))
                if "started" in message:
                    self._pids.setdefault(message["started"], []).append(message["pid"])
                if "exited" in message:
                    self._codes[message["exited"]] = message["code"]
                self._heard.notify_all()
        with self._heard:
            self._ended = True
            self._heard.notify_all()

    def _wait(self, condition: Any, limit: float, problem: str) -> None:
        until = time.monotonic() + limit
        with self._heard:
            while not condition():
                left = until - time.monotonic()
                if self._ended or left <= 0:
                    raise HostError(self._explain("ended" if self._ended else f"{problem} after {limit:.0f} s"))
                self._heard.wait(left)

    def _explain(self, problem: str) -> str:
        return f"Airflow's host process {problem}. Last lines of {self.log}:\n{files.tail(self.log)}"
