"""SQL files: read by name, with table names put in from checked identifiers."""

from __future__ import annotations

import re
from functools import cache

from lanecast import settings

_IDENTIFIER = re.compile(r"^[a-z_][a-z0-9_]{0,62}(\.[a-z_][a-z0-9_]{0,62})?$")


@cache
def _read(name: str) -> str:
    return (settings.include() / "sql" / f"{name}.sql").read_text(encoding="utf-8")


def statement(name: str, **tables: str) -> str:
    """The text of include/sql/<name>.sql; `{key}` in it stands for the table name given under that key.

    Raises ValueError for a name that is not a plain identifier, optionally with a schema.
    """
    text = _read(name)
    for key, table in tables.items():
        if not _IDENTIFIER.match(table):
            raise ValueError(f"{table!r} is not a table name")
        text = text.replace("{" + key + "}", table)
    return text
