"""The way into the warehouse of what is shown to people: one read-only snapshot, bounded in time, and what is wrong
with it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
import psycopg2.errors
from psycopg2.extensions import cursor as Cursor

from lanecast.connections import ConnectionUnreadableError
from lanecast.warehouse import connection as warehouse
from lanecast.warehouse.statements import statement

log = logging.getLogger(__name__)

SECONDS = 10
_SCHEMA = (
    psycopg2.errors.UndefinedTable,
    psycopg2.errors.UndefinedColumn,
    psycopg2.errors.UndefinedFunction,
    psycopg2.errors.UndefinedObject,
    psycopg2.errors.InvalidSchemaName,
    psycopg2.errors.InsufficientPrivilege,
)


class Unavailable(Exception):
    """The warehouse can't be read. Neither text ever holds an address or a password."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy


@contextmanager
def reading(address: Callable[[], str]) -> Iterator[warehouse.Connection]:
    """A connection whose one transaction reads a single snapshot, and changes nothing.

    As writing().
    """
    with writing(address) as link:
        with link.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield link


@contextmanager
def writing(address: Callable[[], str]) -> Iterator[warehouse.Connection]:
    """A connection with one transaction, of which no statement may take longer than SECONDS.

    `address` gives the warehouse's address, or raises NoWarehouse where none is configured. Unavailable if there is
    none, it does not answer, or it has no schema of this version.
    """
    try:
        found = address()
    except (warehouse.NoWarehouse, ConnectionUnreadableError) as error:
        log.warning("the desk has no warehouse: %s", error)
        raise Unavailable(
            "No warehouse is configured that can be used here.",
            f"Give Airflow the connection {warehouse.CONNECTION_NAME}, or set AIRFLOW_CONN_LANECAST_WAREHOUSE for its "
            "api-server (postgresql://user:password@host:port/database, special characters percent-encoded).",
        ) from None
    try:
        with warehouse.connect(address=found) as link:
            with link.cursor() as cursor:
                cursor.execute("SET LOCAL statement_timeout = %s", (f"{SECONDS}s",))  # no SELECT: it fixes the snapshot
            yield link
    except warehouse.NoWarehouse as error:
        log.warning("the desk can't reach the warehouse: %s", error)
        raise _told(error) from None
    except psycopg2.Error as error:
        # The message may quote the address: its kind says enough.
        log.warning("the desk can't read the warehouse: %s %s", type(error).__name__, error.pgcode or "")
        raise _told(error) from None


def rows(cursor: Cursor, name: str, **values: Any) -> list[dict[str, Any]]:
    """The rows that include/sql/<name>.sql finds with these values bound, by column."""
    cursor.execute(statement(name), values)
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _told(error: Exception) -> Unavailable:
    if isinstance(error, psycopg2.errors.QueryCanceled):
        return Unavailable(
            f"The warehouse did not answer within {SECONDS} seconds.",
            "It is busy, or a lock is in the way. Reload; if it stays so, look for long queries in pg_stat_activity.",
        )
    if isinstance(error, _SCHEMA) or 'role "lanecast_' in str(error):
        return Unavailable(
            "The warehouse's schema is not that of this version.",
            "Run `lanecast migrate` with the warehouse's owner as user, and reload.",
        )
    return Unavailable(
        "The warehouse does not answer.",
        "See that its Postgres is up: `lanecast status` on one machine, `docker compose ps postgres` on a server. Then "
        f"see that host, port, user and password of the connection {warehouse.CONNECTION_NAME} are right. "
        "The log of Airflow's api-server has the reason.",
    )
