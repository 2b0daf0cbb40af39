"""A shop's database, as its connection describes it: SQLAlchemy's engine, and what a database says without its rows."""

from __future__ import annotations

import re
from collections.abc import Mapping

import psycopg2.extensions
import sqlalchemy
from psycopg2 import ProgrammingError
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError

from lanecast.connections import Connection
from lanecast.storefronts.base import StorefrontError

_DRIVERS = {
    "postgres": "postgresql+psycopg2",
    "mysql": "mysql+pymysql",
    "mssql": "mssql+pymssql",
    "sqlite": "sqlite",
    "oracle": "oracle+oracledb",
}
_OF_LIBPQ = frozenset({"postgresql", "postgresql+psycopg2", "postgresql+psycopg"})
_OF_THE_CONNECTION = frozenset({"host", "port", "user", "password", "dbname", "database"})
# What Airflow's own hooks look for in an extra, and what is read here: no word for the database.
_OF_OTHERS = frozenset(
    {
        *("driver", "allow_http", "cursor", "charset_override", "iam", "aws_conn_id", "redshift", "cluster_identifier"),
        *("workgroup_name", "region_name", "sqlalchemy_scheme", "sqlalchemy_query", "enable_log_db_messages"),
    }
)
_MARKS = "\"'`«»„“”‘’"
_QUOTED = re.compile(rf"[{_MARKS}](.*?)[{_MARKS}]")
_ALL_QUOTED = re.compile(rf"[{_MARKS}].*[{_MARKS}]")


def engine(found: Connection) -> sqlalchemy.Engine:
    """The engine of a connection; what its extra says goes along. StorefrontError where it can't be used."""
    driver = str(found.extra.get("driver") or _DRIVERS.get(found.kind) or "")
    if not driver:
        raise StorefrontError(
            f"connection {found.name} is of kind {found.kind!r}: give it one of {', '.join(_DRIVERS)}, or name "
            'SQLAlchemy\'s driver in its extra, such as {"driver": "mysql+mysqlconnector"}'
        )
    query = _query(found, driver in _OF_LIBPQ)
    if driver.startswith("sqlite"):
        database = f"/{found.schema}" if found.schema and not found.schema.startswith("/") else found.schema
        url = URL.create(driver, database=database, query=query)
    else:
        url = URL.create(driver, found.login, found.password, found.host, found.port, found.schema, query)
    try:
        return sqlalchemy.create_engine(url, pool_pre_ping=False, hide_parameters=True)
    except (ImportError, SQLAlchemyError) as error:
        raise StorefrontError(f"connection {found.name}: driver {driver} can't be used: {error}") from None


def _query(found: Connection, is_libpq: bool) -> Mapping[str, str]:
    """What the extra tells the driver. An unknown word is refused rather than left out: it may be what makes the
    connection safe."""
    told: dict[str, str] = {}
    for name, value in found.extra.items():
        where = f"connection {found.name}: its extra has {name!r}"
        if name in _OF_OTHERS or name.startswith("__") or value is None:
            continue
        if not isinstance(value, str | int | float):
            raise StorefrontError(f"{where}, which is no plain value: write a text or a number for each setting")
        if name in _OF_THE_CONNECTION:
            raise StorefrontError(f"{where}, which the connection itself says: leave it out of the extra")
        text = str(value)
        if isinstance(value, bool):
            text = str(int(value)) if is_libpq else str(value).lower()
        if is_libpq:
            try:
                psycopg2.extensions.make_dsn(**{name: text})
            except ProgrammingError:
                raise StorefrontError(f"{where}, which PostgreSQL's client does not know: take it out") from None
        told[name] = text
    return told


def words(error: SQLAlchemyError, query: str) -> str:
    """What the database says, in a line. Text in quotes is masked, for it may be of a row, unless all of it stands in
    the query."""
    behind = getattr(error, "orig", None) or error
    parts = [part.decode("utf-8", "replace") if isinstance(part, bytes) else str(part) for part in behind.args]
    told = " ".join(parts).strip().partition("\n")[0]
    known = query.lower()
    if any(quoted.lower() not in known for quoted in _QUOTED.findall(told)):
        told = _ALL_QUOTED.sub("…", told)
    return f"{type(error).__name__}: {told}"
