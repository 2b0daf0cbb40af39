"""Starts the parts of a platform in order of need, keeps them alive, and ends them all, whatever signal comes.

with Supervisor(state, home, prepare_warehouse=..., on_clock=...) as platform:
    platform.api().trigger("carrier_tracking")
    platform.wait()          # serves; SIGINT, SIGTERM and SIGHUP raise Stopped here or wherever the block is
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_EXCEPTION, Future, wait
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

import psutil

from lanecast import settings
from lanecast.local import airflow, control, credentials, files, ports, processes, sandbox
from lanecast.local.api import Api
from lanecast.local.host import AirflowHost, HostError
from lanecast.local.parts import DOWN, AirflowPart, CommandPart, Part, PartError, PostgresPart
from lanecast.local.postgres import WAREHOUSE, Postgres, PostgresError

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PREFERRED_PORTS = {"postgres": 25432, "airflow": 8080, "sandbox": 8099}

Progress = Callable[[str], None]


class Stopped(BaseException):
    """A signal asked the platform to end. Not an Exception, so that no handler of errors swallows it."""


class Supervisor:
    """The platform of one state folder. Use it as a context manager, in the main thread."""

    def __init__(
        self,
        state: Path | None = None,
        home: Path | None = None,
        *,
        world: sandbox.World | None = None,
        with_sandbox: bool = True,
        prepare_warehouse: Callable[[str], None] | None = None,
        on_clock: Callable[[datetime, datetime, float], None] | None = None,
        progress: Progress = lambda line: None,
        sandbox_command: Callable[[int, sandbox.World, str], list[str]] = sandbox.command,
        preferred_ports: Mapping[str, int] = PREFERRED_PORTS,
    ) -> None:
        """Nothing is started yet.

        `prepare_warehouse(dsn)` runs as soon as Postgres is ready, beside Airflow's own migration, in a thread.
        `on_clock(start, anchor, speed)` follows once the warehouse is prepared and the sandbox answers.
        """
        self.folders = airflow.Folders((home or settings.home()).resolve(), (state or settings.state()).resolve())
        self.parts: list[Part] = []
        self._world = world or sandbox.World()
        self._with_sandbox = with_sandbox
        self._prepare_warehouse, self._on_clock = prepare_warehouse, on_clock
        self._progress, self._sandbox_command = progress, sandbox_command
        self._preferred = preferred_ports
        self._held = ExitStack()
        self._ports: dict[str, int] = {}
        self._known: dict[str, Any] = {}
        self._host: AirflowHost | None = None
        self._environment: dict[str, str] = {}
        self._client: Api | None = None
        self._health: tuple[float, dict[str, Any]] = (0.0, {})
        self._stopping = threading.Event()
        self._writing = threading.Lock()
        self._guards: list[threading.Thread] = []
        self._signalled = False
        self._ending = False
        self._handlers: dict[signal.Signals, Any] = {}

    # ------------------------------------------------------------------------------------------- for the caller

    @property
    def url(self) -> str:
        """The address of Airflow's pages."""
        return f"http://127.0.0.1:{self._ports['airflow']}"

    @property
    def sandbox_url(self) -> str | None:
        """The address of the sandbox carriers, None without them."""
        return f"http://127.0.0.1:{self._ports['sandbox']}" if "sandbox" in self._ports else None

    @property
    def postgres(self) -> Postgres:
        """The embedded Postgres: `.dsn()` is the warehouse's address as its owner."""
        return Postgres(self.folders.state, self._ports["postgres"])

    @property
    def login(self) -> dict[str, str]:
        """username and password for the pages."""
        return {"username": airflow.USERNAME, "password": credentials.load(self.folders.state)["admin"]}

    def api(self, limit: float = 30) -> Api:
        """A client of Airflow's REST API, logged in; `limit` is each call's, in seconds. Each thread takes its own."""
        login = self.login
        return Api(self.url, login["username"], login["password"], limit)

    def status(self) -> dict[str, Any]:
        """See `control.status`."""
        return control.status(self.folders.state)

    def wait(self) -> None:
        """Serve until a signal comes, then return."""
        with suppress(Stopped):
            while not self._signalled:
                time.sleep(3600)  # a signal's handler ends it

    def __enter__(self) -> Self:
        self._catch_signals()
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # --------------------------------------------------------------------------------------------------- start

    def start(self) -> None:
        """Start every part and wait until each works. Raises AlreadyRunning, PartError, PostgresError, HostError."""
        began = time.monotonic()
        state = self.folders.state
        self._held.callback(os.close, control.lock(state))
        control.wait_for_users(state)
        if left := control.end_leftovers(state):
            self._say(f"ended {left} processes that an earlier run left behind")
        self._known = files.read_json(state / control.FILE)
        self._take_ports()
        self._know(ready=False, pid=os.getpid(), pid_started=psutil.Process().create_time(), parts=[])
        airflow.write_files(self.folders)

        postgres = self.postgres
        self._environment = airflow.environment(self.folders, postgres, self._ports["airflow"], self.sandbox_url)
        self._client = self.api(limit=10)
        self._host = AirflowHost(self._environment, self.folders.logs)
        database = PostgresPart(postgres)
        self.parts = [database]
        database.start()
        postgres.wait_ready(alive=database.alive)
        postgres.prepare()
        database.look()
        self._say(f"postgres ready in {time.monotonic() - began:.1f} s")

        warehouse = _in_background(self._warehouse)
        work = [warehouse, _in_background(partial(self._start_airflow, began))]
        carriers = self._start_sandbox()
        if carriers is not None:
            work.append(_in_background(partial(self._await_sandbox, carriers, warehouse, began)))
        _first_error(work)
        for part in self.parts:
            if isinstance(part, AirflowPart):
                self._wait_healthy(part, 180, began)
        for watch in (self._keep_alive, self._keep_looking):
            guard = threading.Thread(target=watch, name=watch.__name__, daemon=True)
            guard.start()
            self._guards.append(guard)
        self._know(ready=True)
        self._say(f"everything ready in {time.monotonic() - began:.1f} s")

    def _take_ports(self) -> None:
        kept = self._known.get("ports", {})
        for name, preferred in self._preferred.items():
            if name == "sandbox" and not self._with_sandbox:
                continue
            port = self._held.enter_context(ports.reserve(preferred, kept.get(name)))
            self._ports[name] = port
        self._know(ports=self._ports, url=self.url, sandbox_url=self.sandbox_url)

    def _warehouse(self) -> None:
        began = time.monotonic()
        if self._prepare_warehouse is not None:
            self._prepare_warehouse(self.postgres.dsn(WAREHOUSE, WAREHOUSE))
            self._say(f"warehouse prepared in {time.monotonic() - began:.1f} s")
        self.postgres.let_reader_in()

    def _start_sandbox(self) -> Part | None:
        if not self._with_sandbox or self.sandbox_url is None:
            return None
        anchor, fingerprint = sandbox.anchor(self._known.get("world", {}), self._world)
        self._know(world={"anchor": anchor, "fingerprint": fingerprint})
        command = self._sandbox_command(self._ports["sandbox"], self._world, anchor)
        environment = airflow.base_environment(self.folders, self.sandbox_url)
        log = self.folders.logs / "sandbox.log"
        part = CommandPart("sandbox", log, command, environment, f"{self.sandbox_url}/sandbox/clock")
        self.parts.append(part)
        part.start()
        return part

    def _await_sandbox(self, carriers: Part, warehouse: Future[None], began: float) -> None:
        self._wait_healthy(carriers, 180, began)
        warehouse.result()
        if self._on_clock is not None and self.sandbox_url is not None:
            clock = sandbox.clock(self.sandbox_url)
            self._on_clock(clock.start, clock.anchor, clock.speed)

    def _start_airflow(self, began: float) -> None:
        state = airflow.metadata_state(self.postgres)
        if state is None or state != self._known.get("metadata"):
            self._running_host().migrate()
            if self._stopping.is_set():
                return
            self._know(metadata=airflow.metadata_state(self.postgres))
            self._say(f"airflow's database made in {time.monotonic() - began:.1f} s")
        for name in airflow.PARTS:
            log = self.folders.logs / f"{name}.log"
            part = AirflowPart(name, log, self._running_host, self._airflow_health)
            if name == "scheduler":
                part.before = partial(airflow.release_tasks_of_dead_scheduler, self.postgres)
            if name == "api-server":
                part.warm_up = self.api(limit=60).warm_up
            self.parts.append(part)
            part.start()

    def _wait_healthy(self, part: Part, limit: float, began: float) -> None:
        until = time.monotonic() + limit
        while (problem := part.look()) is not None:
            if not part.alive() or time.monotonic() > until:
                reason = "ended while starting" if not part.alive() else f"not ready after {limit:.0f} s: {problem}"
                raise PartError(f"{part.name} {reason}. Last lines of {part.log}:\n{files.tail(part.log)}")
            time.sleep(0.1)
        self._say(f"{part.name} ready in {time.monotonic() - began:.1f} s")

    # --------------------------------------------------------------------------------------------- while it runs

    def _keep_alive(self) -> None:
        """Start again what died, Postgres first: the rest needs it."""
        while not self._stopping.wait(0.2):
            try:
                if self._host is not None and not self._host.alive():
                    self._restart_host()
                for part in self.parts:
                    if not part.alive() and not self._stopping.is_set():
                        self._restart(part)
            except (PostgresError, HostError, PartError, OSError, psutil.Error) as error:
                self._say(f"cannot start again yet: {error}")
            except Exception as error:  # the guard must outlive any error: psycopg2's while Postgres is down, too
                self._say(f"cannot start again yet: {type(error).__name__}: {error}")

    def _restart(self, part: Part) -> None:
        pause = part.pause()
        part.health = DOWN
        part.restarts += 1
        self._say(f"{part.name} ended: starting it again in {pause:.1f} s (log: {part.log})")
        self._write()
        processes.kill(processes.strays(self.folders.state, self._living()))
        if self._stopping.wait(pause):
            return
        part.start()
        if isinstance(part, PostgresPart):
            part.postgres.wait_ready(alive=part.alive)
        self._write()

    def _restart_host(self) -> None:
        self._say("airflow's host process ended: starting it again")
        processes.kill(processes.strays(self.folders.state, self._living()))
        if not self._stopping.is_set():
            self._host = AirflowHost(self._environment, self.folders.logs)

    def _keep_looking(self) -> None:
        while not self._stopping.wait(2):
            before = [part.health for part in self.parts]
            for part in self.parts:
                if not self._stopping.is_set():
                    part.look()
            if [part.health for part in self.parts] != before:
                for part, health in zip(self.parts, before, strict=True):
                    if part.health != health:
                        self._say(f"{part.name} is {part.health}")
                self._write()

    def _living(self) -> list[int]:
        pids = [part.process.pid for part in self.parts if part.process is not None and part.alive()]
        host = self._host
        return [*pids, *([host.process.pid] if host is not None and host.alive() else [])]

    def _airflow_health(self) -> dict[str, Any]:
        asked, answer = self._health
        if time.monotonic() - asked > 0.2:  # four parts ask for the same answer
            assert self._client is not None
            answer = self._client.health()
            self._health = (time.monotonic(), answer)
        return answer

    def _running_host(self) -> AirflowHost:
        if self._host is None:
            raise HostError("Airflow's host process is not started")
        return self._host

    # ---------------------------------------------------------------------------------------------------- stop

    def stop(self) -> None:
        """End every process of the platform, Postgres last; within 15 s. May be called more than once."""
        self._ending = True
        self._stopping.set()
        if not self._ports:  # the state folder was never ours
            self._held.close()
            self._restore_signals()
            return
        state = self.folders.state
        for guard in self._guards:
            guard.join(2)
        by_name = {part.name: part for part in self.parts}
        scheduler = by_name.get("scheduler")
        if scheduler is not None and scheduler.process is not None:
            # At once, with its tasks: a task asked politely would count as failed, a killed one is taken up again.
            processes.kill(processes.tree(scheduler.process.pid), 2)
        polite = [part.process for part in self.parts if part.process and not isinstance(part, PostgresPart)]
        processes.wait(processes.ask(polite), 3)
        processes.kill([one for one in processes.of_platform(state) if not processes.is_postgres(one)], 2)
        control.end_leftovers(state)
        if self._host is not None:
            with suppress(Exception):
                self._host.process.wait(1)
        for part in self.parts:
            part.health = DOWN
        with suppress(OSError):
            self._know(ready=False, parts=[], pid=None)
        self._ports = {}
        if self._client is not None:
            self._client.close()
        self._held.close()
        self._restore_signals()

    # ------------------------------------------------------------------------------------------ signals and notes

    def _catch_signals(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        for number in SIGNALS:
            if number is signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
                continue  # started by nohup
            self._handlers[number] = signal.signal(number, self._on_signal)

    def _restore_signals(self) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._handlers = {}

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._signalled = True  # no lock is taken here: the thread it interrupts may hold it
        if not self._ending:  # a second signal must not break off the ending
            raise Stopped(signal.Signals(number).name)

    def _say(self, line: str) -> None:
        with suppress(OSError):
            self.folders.logs.mkdir(parents=True, exist_ok=True)
            with (self.folders.logs / "supervisor.log").open("a", encoding="utf-8") as log:
                log.write(f"{datetime.now(UTC).isoformat(timespec='milliseconds')} {line}\n")
        with suppress(OSError):  # the terminal may be gone
            self._progress(line)

    def _know(self, **facts: Any) -> None:
        self._known.update(facts)
        self._write()

    def _write(self) -> None:
        with self._writing:
            known = {**self._known, "parts": [part.status() for part in self.parts]}
            files.write_json(self.folders.state / control.FILE, known)


def _in_background(work: Callable[[], None]) -> Future[None]:
    """Run `work` in a thread that does not keep the process alive; its error comes with `result()`."""
    future: Future[None] = Future()

    def run() -> None:
        try:
            work()
            future.set_result(None)
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, name=getattr(work, "__name__", "work"), daemon=True).start()
    return future


def _first_error(work: list[Future[None]]) -> None:
    """Wait for all of it, or raise the first error as soon as there is one."""
    pending: set[Future[None]] = set(work)
    while pending:
        done, pending = wait(pending, timeout=1, return_when=FIRST_EXCEPTION)
        for future in done:
            future.result()
