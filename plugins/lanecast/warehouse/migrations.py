"""Brings the warehouse's schema up to date: roles, versioned tables (Alembic), then all that is re-applied.

Views, functions, comments and grants are not versioned: they are defined once, in include/sql/{ops,mart,access} and,
for datasets of `core` and `mart`, in their contracts, and applied anew whenever one of these files changed.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from lanecast import settings
from lanecast.warehouse import connection as warehouse
from lanecast.warehouse import reference
from lanecast.warehouse.connection import only_row
from lanecast.warehouse.statements import statement

REAPPLIED = ("ops", "mart")
_LOCK = 0x1A9E_CA57


def fingerprint() -> str:
    """A hash of every file that the schema is made from."""
    digest = hashlib.sha256()
    root = settings.include()
    made_from = [*(root / "sql").rglob("*.sql"), *(root / "contracts").glob("*.yaml"), *reference.files()]
    for path in sorted(made_from):
        digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def is_current(address: str | None = None) -> bool:
    """Whether the warehouse was last migrated from just these files."""
    with warehouse.connect(role=None, address=address) as link, link.cursor() as cursor:
        cursor.execute("SELECT to_regclass('ops.schema_state') IS NOT NULL")
        if not only_row(cursor)[0]:
            return False
        cursor.execute("SELECT fingerprint FROM ops.schema_state")
        row = cursor.fetchone()
        return row is not None and row[0] == fingerprint()


def migrate(address: str | None = None) -> bool:
    """Migrates the warehouse to this version; returns False where nothing was to do. Safe to run at the same time.

    Raises ContractError where a table, view or function of `core` or `mart` has no contract, or differs from it.
    """
    from lanecast.contracts import catalogue

    if is_current(address):
        return False
    address = address or warehouse.dsn()
    with warehouse.connect(role=None, address=address) as lock, lock.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        if is_current(address):
            return False
        with warehouse.connect(role=None, address=address) as link, link.cursor() as own:
            own.execute(statement("access/roles"))
        _alembic("upgrade", "head", address)
        with warehouse.connect(role="owner", address=address) as link, link.cursor() as own:
            for name in definitions():
                own.execute(statement(name))
            reference.refresh(link)
            own.execute(statement("access/grants"))
            catalogue.apply(link)
            own.execute(
                "CREATE TABLE IF NOT EXISTS ops.schema_state "
                "(fingerprint text NOT NULL, migrated_at timestamptz NOT NULL)"
            )
            own.execute("DELETE FROM ops.schema_state")
            own.execute("INSERT INTO ops.schema_state VALUES (%s, now())", (fingerprint(),))
    return True


def downgrade(target: str, address: str | None = None) -> None:
    """Takes the tables back to revision `target` (`base` for an empty database)."""
    address = address or warehouse.dsn()
    with warehouse.connect(role="owner", address=address) as link, link.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS ops.schema_state")
    _alembic("downgrade", target, address)


def definitions() -> list[str]:
    """The names of the re-applied SQL files, in the order in which they are applied."""
    root = settings.include() / "sql"
    return [
        str(path.relative_to(root).with_suffix(""))
        for area in REAPPLIED
        for path in sorted((root / area).glob("*.sql"))
    ]


def alembic_config() -> Any:
    """Alembic's configuration for the versions beside this module."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "alembic"))
    return config


def _alembic(direction: str, target: str, address: str) -> None:
    from alembic import command
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    config = alembic_config()
    engine = create_engine(warehouse.sqlalchemy_url(address, role="owner"), poolclass=NullPool)
    with engine.begin() as bind:
        config.attributes["connection"] = bind
        getattr(command, direction)(config, target)
