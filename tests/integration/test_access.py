"""What lanecast_reader may do: read every view of `mart` and ask for a promise, and nothing else."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

import psycopg2
import psycopg2.errors
import pytest
from delivery_rows import rows
from psycopg2 import sql

from lanecast.local.server import RunningServer

VIEWS = {"carrier_polling", "data_quality", "delivery_time", "shipment_event", "shipment_status", "unmapped_code"}
CLOSED = ("core", "serving", "quality", "ops", "staging")
PROMISE = "SELECT * FROM mart.delivery_promise('CN', 'BR', NULL, NULL, NULL, 0.8)"


@pytest.fixture
def reader(server: RunningServer, warehouse: str) -> Iterator[psycopg2.extensions.cursor]:
    """A cursor of a login that is a member of lanecast_reader and of nothing else."""
    login = f"analyst_{secrets.token_hex(4)}"
    _administer(server, f"CREATE ROLE {login} LOGIN PASSWORD 'test' IN ROLE lanecast_reader")
    place = urlsplit(warehouse)
    link = psycopg2.connect(urlunsplit(place._replace(netloc=f"{login}:test@{place.hostname}:{place.port}")))
    link.autocommit = True
    yield link.cursor()
    link.close()
    _administer(server, f"DROP ROLE {login}")


def _administer(server: RunningServer, statement: str) -> None:
    link = psycopg2.connect(server.dsn("postgres", "postgres"))
    link.autocommit = True
    link.cursor().execute(statement)
    link.close()


def relations(*schemas: str) -> list[tuple[str, str]]:
    found = rows(
        "SELECT relnamespace::regnamespace::text AS schema, relname AS name FROM pg_class "
        "WHERE relkind IN ('r', 'v', 'm', 'p', 'f') AND relnamespace::regnamespace::text = ANY(%s)",
        list(schemas),
    )
    return [(row["schema"], row["name"]) for row in found]


def test_the_reader_reads_every_view_and_asks_for_a_promise(reader: psycopg2.extensions.cursor) -> None:
    views = relations("mart")
    assert {name for _, name in views} >= VIEWS
    for view in views:
        reader.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(*view)))
    reader.execute(PROMISE)
    assert reader.fetchall() == [(None, None, None, 0, "no parcel delivered yet", None)]
    reader.execute("SELECT count(*) FROM mart.recommend('nobody')")
    assert reader.fetchall() == [(0,)]


def test_the_reader_reads_nothing_else(reader: psycopg2.extensions.cursor) -> None:
    closed = relations(*CLOSED)
    assert len(closed) > 20
    for table in closed:
        for question in ("SELECT * FROM {}", "DELETE FROM {}", "TRUNCATE {}"):
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                reader.execute(sql.SQL(question).format(sql.Identifier(*table)))


FORBIDDEN = (
    "CREATE TABLE mart.mine (a integer)",
    "CREATE TABLE public.mine (a integer)",
    "CREATE TABLE core.mine (a integer)",
    "CREATE SCHEMA mine",
    "CREATE VIEW mart.mine AS SELECT 1 AS one",
    "CREATE FUNCTION mart.mine() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    "UPDATE mart.promise_log SET n = 0",
    "DELETE FROM mart.promise_log",
    "SELECT ops.as_of()",
    "SELECT ops.ensure_event_partitions('2026-01-01', '2026-02-01')",
    "SELECT serving.age_bounds('order_to_door')",
    "SET ROLE lanecast_loader",
    "SET ROLE lanecast_owner",
    "COPY mart.delivery_time TO PROGRAM 'cat'",
)


def test_the_reader_changes_nothing(reader: psycopg2.extensions.cursor) -> None:
    for attempt in FORBIDDEN:
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            reader.execute(attempt)


@pytest.mark.usefixtures("warehouse")
def test_functions_that_run_as_their_owner_fix_their_search_path() -> None:
    found = rows(
        "SELECT oid::regprocedure::text AS name, proconfig FROM pg_proc "
        "WHERE prosecdef AND pronamespace::regnamespace::text IN ('mart', 'ops', 'serving', 'core')"
    )
    assert any(row["name"].startswith("mart.delivery_promise") for row in found)
    for row in found:
        assert any(setting.startswith("search_path=pg_catalog") for setting in row["proconfig"] or []), row["name"]


@pytest.mark.usefixtures("warehouse")
def test_every_view_and_column_is_described_and_refreshed() -> None:
    bare = rows(
        "SELECT class.relname, attribute.attname FROM pg_class AS class "
        "INNER JOIN pg_attribute AS attribute ON attribute.attrelid = class.oid AND attribute.attnum > 0 "
        "WHERE class.relnamespace = 'mart'::regnamespace AND class.relkind IN ('v', 'm') "
        "AND coalesce(col_description(class.oid, attribute.attnum), '') = ''"
    )
    assert bare == []
    views = rows(
        "SELECT relname, coalesce(obj_description(oid, 'pg_class'), '') AS told, EXISTS (SELECT FROM pg_attribute "
        "WHERE attrelid = pg_class.oid AND attname = 'refreshed_at') AS is_refreshed FROM pg_class "
        "WHERE relnamespace = 'mart'::regnamespace AND relkind IN ('v', 'm')"
    )
    assert {row["relname"] for row in views} >= VIEWS
    for view in views:
        assert "Grain: one row per" in view["told"], view["relname"]
        assert view["is_refreshed"], view["relname"]
    functions = rows(
        "SELECT oid::regprocedure::text AS name, obj_description(oid, 'pg_proc') AS told FROM pg_proc "
        "WHERE pronamespace = 'mart'::regnamespace"
    )
    assert functions
    assert all(row["told"] for row in functions)
