"""A table as it is read: named columns, and records that carry the line they came from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from types import TracebackType

from lanecast.files.errors import FileError
from lanecast.files.streams import Source

Record = tuple[int, list[str], str | None]
"""Line (of the record's first line, 1-based; for Parquet the row), its fields as text ("" for none), and a problem.

With a problem the record counts as unreadable. Its fields are empty where it could not be split into columns; else they
are as they stand in the file, and one of them at least is not `clean`: who needs the others alone may take them.
"""

QUOTED_LENGTH = 200
"""How much of an unreadable text is quoted, in characters."""


@dataclass
class Table:
    """An open file of any format. `records` may be run through once; JSON Lines may add columns on the way.

    `missing` lists columns that were expected and not met in the first objects of JSON Lines. `held` is how many rows
    the file itself says that it holds, None where it does not say.
    """

    kind: str
    source: Source
    columns: list[str]
    records: Iterator[Record]
    delimiter: str | None = None
    encoding: str | None = None
    missing: list[str] = field(default_factory=list)
    held: int | None = None

    def __enter__(self) -> Table:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.source.close()


def checked_columns(names: list[str], source: str) -> list[str]:
    """Column names without blanks around them. Raises FileError for a name that occurs twice."""
    columns: list[str] = []
    seen: dict[str, int] = {}
    for position, raw in enumerate(names, start=1):
        name = clean(raw.strip().strip("\ufeff")) or f"column_{position}"
        if name in seen:
            raise FileError(
                f"{source}: the header names column {name!r} twice (columns {seen[name]} and {position}): "
                "rename one of them"
            )
        seen[name] = position
        columns.append(name)
    return columns


def clean(text: str) -> str:
    """`text` as any database takes it: stray bytes, lone surrogates and NULs are shown as escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\x00")


def quoted(text: str) -> str:
    """`text` in quotes for a message, cut to 200 characters."""
    cut = text if len(text) <= QUOTED_LENGTH else text[:QUOTED_LENGTH] + "…"
    return f"'{clean(cut)}'"
