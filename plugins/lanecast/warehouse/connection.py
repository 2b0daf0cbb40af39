"""Connections to the warehouse: the Airflow connection `lanecast_warehouse`, and the role that each use needs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Literal
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import psycopg2
import psycopg2.extensions

from lanecast import connections

CONNECTION_NAME = "lanecast_warehouse"
Role = Literal["owner", "loader"]
Connection = psycopg2.extensions.connection


class NoWarehouse(RuntimeError):
    """No warehouse is configured, or it can't be reached."""


def dsn() -> str:
    """The warehouse's address as a `postgresql://` URI. Raises NoWarehouse where no connection is configured."""
    found = connections.get(CONNECTION_NAME)
    if found is None:
        raise NoWarehouse(
            f"no warehouse is configured: give the Airflow connection `{CONNECTION_NAME}` "
            f"(or AIRFLOW_CONN_{CONNECTION_NAME.upper()}=postgresql://user:password@host:port/database), "
            "or start the local platform with `lanecast up`"
        )
    user = quote(found.login or "", safe="")
    password = f":{quote(found.password, safe='')}" if found.password else ""
    host = found.host or "127.0.0.1"
    if ":" in host and not host.startswith("["):
        host = f"[{host}]"
    at = f"{user}{password}@" if user else ""
    options = {k: v for k, v in (found.extra or {}).items() if k in {"sslmode", "sslrootcert", "target_session_attrs"}}
    query = f"?{urlencode(options)}" if options else ""
    return f"postgresql://{at}{host}:{found.port or 5432}/{quote(found.schema or '', safe='')}{query}"


def sqlalchemy_url(address: str, role: Role = "loader") -> str:
    """`address` for SQLAlchemy, with psycopg2 named (a bare `postgresql://` means psycopg 3 there) and the role set."""
    parts = urlsplit(address)
    query = [*parse_qsl(parts.query), ("options", f"-c role=lanecast_{role}")]
    return urlunsplit(("postgresql+psycopg2", parts.netloc, parts.path, urlencode(query, quote_via=quote), ""))


@contextmanager
def connect(
    role: Role | None = "loader", as_of: datetime | None = None, address: str | None = None
) -> Iterator[Connection]:
    """A connection in one transaction: committed at the end of the block, rolled back on an error, then closed.

    `role` None keeps the connection's own user. `as_of` fixes `ops.as_of()` for the session.
    """
    settings = ["-c timezone=UTC", "-c application_name=lanecast"]
    if role is not None:
        settings.append(f"-c role=lanecast_{role}")
    if as_of is not None:
        settings.append(f"-c lanecast.as_of={as_of.isoformat()}")
    try:
        connection = psycopg2.connect(address or dsn(), options=" ".join(settings), connect_timeout=10)
    except psycopg2.OperationalError as error:
        raise NoWarehouse(f"the warehouse can't be reached: {str(error).strip()}") from None
    try:
        with connection:
            yield connection
    finally:
        connection.close()


def only_row(cursor: psycopg2.extensions.cursor) -> tuple[Any, ...]:
    """The one row of a query that always has one. Raises LookupError where it has none."""
    row = cursor.fetchone()
    if row is None:
        raise LookupError("the query returned no row")
    return row
