"""A Postgres server for the length of a block: for commands while the platform is down, and for tests."""

from __future__ import annotations

import atexit
import fcntl
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from lanecast.local import control, files, ports, processes
from lanecast.local.postgres import WAREHOUSE, Postgres

PREFERRED_PORT = 25432


@dataclass
class RunningServer:
    """A server in use. `stop()` may be called more than once, and is called at exit in any case.

    The last user of a state folder's server stops it, unless a supervisor keeps it.
    """

    postgres: Postgres
    held: ExitStack
    use: int  # a shared lock: as long as one is held, no other user stops the server

    @property
    def port(self) -> int:
        return self.postgres.port

    def dsn(self, user: str = WAREHOUSE, database: str = WAREHOUSE, driver: str = "postgresql") -> str:
        """See `Postgres.dsn`; users: lanecast (owner of the warehouse), postgres (superuser), airflow."""
        return self.postgres.dsn(user, database, driver)

    def stop(self, limit: float = 20) -> None:
        """Fast shutdown; after `limit` seconds the server is killed (it recovers at its next start)."""
        atexit.unregister(self.stop)
        if self.use < 0:
            return
        folder = self.postgres.state
        with files.exclusive(folder / ".postgres.lock"):
            try:
                fcntl.flock(self.use, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pass  # another user goes on with it
            else:
                server = self.postgres.server()
                if server is not None and not control.supervised(folder):
                    everyone = [server, *server.children(recursive=True)]
                    processes.ask([server], signal.SIGINT)
                    processes.kill(processes.wait(everyone, limit))
        os.close(self.use)
        self.use = -1
        self.held.close()


def start_server(folder: Path, settings: Mapping[str, str] | None = None) -> RunningServer:
    """Start the Postgres of state folder `folder` (made if absent), with its databases and users.

    A server already at work there is used. `settings` are added to the server's own; for throw-away data
    `{"fsync": "off", "shared_buffers": "128MB"}` is faster. Raises PostgresError.
    """
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    held = ExitStack()
    with files.exclusive(folder / ".postgres.lock"):
        use = os.open(folder / ".postgres.use", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(use, fcntl.LOCK_SH)
            found = Postgres(folder, 0).server()
            if found is None:
                server = RunningServer(_start(folder, settings or {}, held), held, use)
            else:
                server = RunningServer(Postgres(folder, _port_of(found, folder)), held, use)
                server.postgres.wait_ready()
        except BaseException:
            os.close(use)
            held.close()
            raise
    atexit.register(server.stop)
    return server


def _start(folder: Path, settings: Mapping[str, str], held: ExitStack) -> Postgres:
    postgres = Postgres(folder, held.enter_context(ports.reserve(PREFERRED_PORT)), settings)
    postgres.initialise()
    process = postgres.spawn()
    held.callback(process.poll)  # keeps hold of it, and reaps it at the end
    try:
        postgres.wait_ready(alive=lambda: process.poll() is None)
        postgres.prepare()
    except BaseException:
        process.send_signal(signal.SIGINT)
        process.wait(20)
        raise
    return postgres


@contextmanager
def running(folder: Path, settings: Mapping[str, str] | None = None) -> Iterator[RunningServer]:
    """`start_server` for a block, and `stop` at its end."""
    server = start_server(folder, settings)
    try:
        yield server
    finally:
        server.stop()


def _port_of(process: psutil.Process, folder: Path) -> int:
    lines = (folder / "postgres" / "postmaster.pid").read_text().splitlines()
    if len(lines) < 4:  # the fourth line is the port; written a moment after the first
        raise TimeoutError(f"Postgres process {process.pid} in {folder} is still starting: try again")
    return int(lines[3])
