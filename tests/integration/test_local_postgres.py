from __future__ import annotations

import os
import signal
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from lanecast.local import control, credentials, processes
from lanecast.local.server import RunningServer, running, start_server

QUICK = {"fsync": "off", "shared_buffers": "64MB"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[RunningServer]:
    with running(folder, QUICK) as started:
        yield started


def ask(dsn: str, query: str) -> str:
    connection = psycopg2.connect(dsn)
    try:
        with connection.cursor() as cursor:
            cursor.execute(query)
            row = cursor.fetchone()
    finally:
        connection.close()
    return str(row[0]) if row else ""


def test_both_databases_take_their_users_by_scram_on_loopback_alone(server: RunningServer) -> None:
    assert ask(server.dsn(), "SELECT current_user") == "lanecast"
    assert ask(server.dsn("airflow", "airflow"), "SELECT current_user") == "airflow"
    superuser = server.dsn("postgres", "postgres")
    assert ask(superuser, "SHOW listen_addresses") == "127.0.0.1"
    assert ask(superuser, "SHOW unix_socket_directories") == ""
    assert ask(superuser, "SHOW jit") == "off"
    assert ask(superuser, "SHOW timezone") == "UTC"
    assert ask(superuser, "SHOW fsync") == "off"
    methods = "SELECT string_agg(DISTINCT auth_method, ',') FROM pg_hba_file_rules"
    assert ask(superuser, methods) == "scram-sha-256"


def test_a_wrong_password_is_refused(server: RunningServer) -> None:
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        psycopg2.connect(f"postgresql://lanecast:guess@127.0.0.1:{server.port}/lanecast")


def test_the_owner_may_make_roles_but_is_no_superuser(server: RunningServer) -> None:
    query = "SELECT rolcreaterole::text || rolsuper::text FROM pg_roles WHERE rolname = current_user"
    assert ask(server.dsn(), query) == "truefalse"


def test_passwords_lie_in_private_files_alone(server: RunningServer, folder: Path) -> None:
    words = [word.encode() for word in credentials.load(folder).values()]
    holders = [path for path in folder.rglob("*") if path.is_file() and _holds(path, words)]
    assert holders == [folder / credentials.FILE]
    assert stat.S_IMODE(holders[0].stat().st_mode) == 0o600
    process = server.postgres.server()
    assert process is not None
    assert not any(word.decode() in " ".join(process.cmdline()) for word in words)


def _holds(path: Path, words: list[bytes]) -> bool:
    content = path.read_bytes()
    return any(word in content for word in words)


def test_the_reader_logs_in_once_its_role_exists(server: RunningServer, folder: Path) -> None:
    assert server.postgres.let_reader_in() is False
    connection = psycopg2.connect(server.dsn())
    connection.autocommit = True
    connection.cursor().execute("CREATE ROLE lanecast_reader")
    connection.close()
    assert server.postgres.let_reader_in() is True
    assert ask(control.reader_dsn(folder, server.port), "SELECT current_user") == "lanecast_reader"


def test_a_second_user_shares_the_server_and_the_last_one_stops_it(tmp_path: Path) -> None:
    first = start_server(tmp_path, QUICK)
    second = start_server(tmp_path, QUICK)
    assert second.port == first.port
    first.stop()
    assert ask(second.dsn(), "SELECT 1") == "1"
    second.stop()
    assert processes.of_platform(tmp_path) == []
    second.stop()  # again does no harm


def test_a_killed_server_starts_again_with_its_data(tmp_path: Path) -> None:
    server = start_server(tmp_path, {"shared_buffers": "64MB"})
    connection = psycopg2.connect(server.dsn())
    connection.autocommit = True
    connection.cursor().execute("CREATE TABLE kept AS SELECT 41 + 1 AS answer")
    connection.close()
    process = server.postgres.server()
    assert process is not None
    process.send_signal(signal.SIGKILL)
    assert processes.wait([process], 10) == []
    assert (tmp_path / "postgres" / "postmaster.pid").exists()
    server.stop()
    with running(tmp_path) as again:
        assert ask(again.dsn(), "SELECT answer FROM kept") == "42"


def test_a_stale_lock_with_the_number_of_another_program_is_no_obstacle(tmp_path: Path) -> None:
    start_server(tmp_path, QUICK).stop()
    lines = [str(os.getpid()), str(tmp_path / "postgres"), "1", "25432", "", "127.0.0.1", "1 1", "ready"]
    (tmp_path / "postgres" / "postmaster.pid").write_text("\n".join(lines) + "\n")
    with running(tmp_path, QUICK) as server:
        assert ask(server.dsn(), "SELECT 1") == "1"


def test_a_half_made_data_folder_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "postgres.new" / "base").mkdir(parents=True)
    with running(tmp_path, QUICK) as server:
        assert ask(server.dsn(), "SELECT 1") == "1"


def test_a_busy_port_is_stepped_over(server: RunningServer, tmp_path: Path) -> None:
    with running(tmp_path, QUICK) as other, socket.create_connection(("127.0.0.1", other.port), 5):
        assert other.port != server.port


def test_a_server_that_cannot_start_shows_its_log(tmp_path: Path) -> None:
    from lanecast.local.postgres import PostgresError

    with pytest.raises(PostgresError, match=r"(?s)ended while starting.*postgres\.log.*no_such_setting"):
        start_server(tmp_path, {"no_such_setting": "1"})
    assert processes.of_platform(tmp_path) == []
