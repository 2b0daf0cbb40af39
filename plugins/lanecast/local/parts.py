"""The parts of a platform: how each one starts, whether it lives, and whether it does its work."""

from __future__ import annotations

import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psutil

from lanecast.local import airflow, processes
from lanecast.local.host import AirflowHost
from lanecast.local.postgres import Postgres

STARTING, HEALTHY, DOWN = "starting", "healthy", "down"

# Seconds before a part that died is started again: doubled at each death in a row, up to the last.
FIRST_PAUSE, LONGEST_PAUSE, STEADY_AFTER = 0.2, 30.0, 60.0


class PartError(Exception):
    """A part could not be started; the message holds the last lines of its log and where the log lies."""


class Part(ABC):
    """One process (with its descendants) that the supervisor keeps alive."""

    def __init__(self, name: str, log: Path) -> None:
        self.name = name
        self.log = log
        self.process: psutil.Process | None = None
        self.started_at: datetime | None = None
        self.restarts = 0
        self.health = DOWN
        self._deaths_in_a_row = 0
        self._steady = time.monotonic()

    @abstractmethod
    def launch(self) -> int:
        """Start the process; returns its id."""

    @abstractmethod
    def problem(self) -> str | None:
        """Why the part does not do its work now; None where it does."""

    def start(self) -> None:
        """Start the part. It is healthy only once `look` says so."""
        self.health = STARTING
        self.started_at = datetime.now(UTC)
        self._steady = time.monotonic()
        pid = self.launch()
        try:
            self.process = psutil.Process(pid)
        except psutil.NoSuchProcess:
            self.process = None  # it has ended already: `alive` says so

    def alive(self) -> bool:
        """Whether the process runs."""
        return self.process is not None and processes.runs(self.process)

    def look(self) -> str | None:
        """Ask for the part's health, and keep the answer."""
        problem = self.problem() if self.alive() else "not running"
        if problem is None:
            self.health = HEALTHY
        elif self.health != STARTING:
            self.health = f"unhealthy: {problem}" if self.alive() else DOWN
        return problem

    def pause(self) -> float:
        """Seconds to wait before the next start after a death."""
        if time.monotonic() - self._steady > STEADY_AFTER:
            self._deaths_in_a_row = 0
        self._deaths_in_a_row += 1
        return float(min(FIRST_PAUSE * 2 ** (self._deaths_in_a_row - 1), LONGEST_PAUSE))

    def status(self) -> dict[str, Any]:
        """What `lanecast status` says of the part."""
        return {
            "name": self.name,
            "pid": self.process.pid if self.process else None,
            "health": self.health,
            "restarts": self.restarts,
            "started_at": self.started_at.isoformat() if self.started_at else None,
            "log": str(self.log),
        }


class PostgresPart(Part):
    """The embedded Postgres."""

    def __init__(self, postgres: Postgres) -> None:
        super().__init__("postgres", postgres.log)
        self.postgres = postgres
        self._child: subprocess.Popen[bytes] | None = None

    def launch(self) -> int:
        self.postgres.initialise()
        self._child = self.postgres.spawn({airflow.MARKER: str(self.postgres.state)})
        return self._child.pid

    def alive(self) -> bool:
        return self._child is not None and self._child.poll() is None

    def problem(self) -> str | None:
        return self.postgres.problem()


class CommandPart(Part):
    """A program of our own with an address that answers once it works: the sandbox carriers."""

    def __init__(self, name: str, log: Path, command: list[str], environment: Mapping[str, str], address: str) -> None:
        super().__init__(name, log)
        self._command, self._environment, self._address = command, environment, address
        self._child: subprocess.Popen[bytes] | None = None

    def launch(self) -> int:
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.log.parent,
                env=dict(self._environment),
                start_new_session=True,
            )
        return self._child.pid

    def alive(self) -> bool:
        return self._child is not None and self._child.poll() is None

    def problem(self) -> str | None:
        try:
            answer = httpx.get(self._address, timeout=5, trust_env=False)
        except httpx.HTTPError as error:
            return f"{self._address} does not answer ({error})"
        return None if answer.is_success else f"{self._address} answers {answer.status_code}"


class AirflowPart(Part):
    """One of Airflow's parts, forked by the host process."""

    def __init__(
        self,
        name: str,
        log: Path,
        host: Callable[[], AirflowHost],
        health: Callable[[], dict[str, Any]],
    ) -> None:
        """`health` gives the answer of Airflow's health address."""
        super().__init__(name, log)
        self._host, self._health = host, health
        self.before: Callable[[], object] | None = None  # runs ahead of each start
        self.warm_up: Callable[[], object] | None = None  # runs once after each start, when the API answers
        self._warm = False

    def launch(self) -> int:
        self._warm = False
        if self.before is not None:
            self.before()
        return self._host().start(self.name, airflow.PARTS[self.name])

    def problem(self) -> str | None:
        try:
            health = self._health()
            if self.warm_up is not None and not self._warm:
                self.warm_up()
                self._warm = True
        except Exception as error:
            return f"Airflow's API does not answer ({error})"
        if self.name == "api-server":
            return None
        name = self.name.replace("-", "_")
        told = health.get(name) or {}
        beat = told.get(f"latest_{name}_heartbeat")
        # A heartbeat from before the start is the predecessor's.
        if not beat or (self.started_at and datetime.fromisoformat(beat) < self.started_at):
            return "no heartbeat yet"
        return None if told.get("status") == "healthy" else f"no heartbeat since {beat}"
