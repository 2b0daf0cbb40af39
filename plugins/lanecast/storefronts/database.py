"""A shop's database as a source: a query by watermark, through SQLAlchemy, streamed.

The rows and their number are read in one snapshot, where the database keeps one. Drivers other than PostgreSQL's and
SQLite's are to be installed beside Lanecast.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, cast

import sqlalchemy
from sqlalchemy.exc import SQLAlchemyError

from lanecast import connections
from lanecast.carriers.masking import Secrets, is_secret
from lanecast.files.mapping import PLACEHOLDER, DatasetMapping
from lanecast.files.plan import CONVERTERS
from lanecast.files.streams import Source as FileSource
from lanecast.files.table import Record, Table, checked_columns, clean
from lanecast.files.values import plain, read_as
from lanecast.storefronts.base import StorefrontError, Stream
from lanecast.storefronts.config import Source, TableStream
from lanecast.storefronts.engines import engine, words
from lanecast.storefronts.ledger import Reading
from lanecast.storefronts.opened import Opened, mapping_of
from lanecast.storefronts.tally import Tally

BEGINNING = datetime(1900, 1, 1, tzinfo=UTC)
"""The watermark of a first read."""
_ROWS_AT_ONCE = 2_000


class DatabaseReader:
    """Reads one stream of a database."""

    def __init__(self, source: Source, stream: Stream, settings: TableStream, reading: Reading) -> None:
        found = connections.get(source.connection)
        if found is None:
            raise StorefrontError(f"{source.name}: there is no connection {source.connection}")
        self._source, self._stream, self._settings, self._reading = source, stream, settings, reading
        of_extra = (str(value) for name, value in found.extra.items() if is_secret(name))
        self._secrets = Secrets(found.password or "", *of_extra)
        self._engine = engine(found)
        self.versions: dict[str, str] = {}

    def tables(self, tally: Tally) -> Iterator[Opened]:
        """The rows that the query finds, as one table."""
        query = (self._settings.query or "").strip().rstrip(";")
        try:
            with self._connect() as plain:
                link = self._in_snapshot(plain)
                bound = {"watermark": self._watermark(link)}
                held = int(link.execute(_count(query), bound).scalar_one())
                result = link.execution_options(stream_results=True, yield_per=_ROWS_AT_ONCE).execute(
                    sqlalchemy.text(query), bound
                )
                columns = checked_columns(list(result.keys()), self._source.name)
                if self._settings.watermark not in columns:
                    raise StorefrontError(
                        f"{self._source.name}, {self._stream}: the query has no column {self._settings.watermark}, "
                        "which is its watermark"
                    )
                name = f"{self._source.name}, {self._stream}"
                table = Table("database", cast(FileSource, _Nowhere(name)), columns, _records(result))
                yield Opened(table, self._stream, self._settings.watermark, held)
        except SQLAlchemyError as error:
            raise StorefrontError(self._said(error)) from None
        finally:
            self._engine.dispose()

    def ids(self) -> Iterator[list[str]] | None:
        """The ids of all products, where a query tells them."""
        return self._ids(self._settings.ids) if self._settings.ids else None

    def _ids(self, query: str) -> Iterator[list[str]]:
        try:
            with self._connect() as link:
                options = {"stream_results": True, "yield_per": 10_000}
                result = link.execution_options(**options).execute(sqlalchemy.text(query))
                read = _reader_of_ids(mapping_of(self._settings, self._stream))
                for part in result.partitions():
                    yield [told for row in part if (told := read(_text(row[0])))]
        except SQLAlchemyError as error:
            raise StorefrontError(self._said(error)) from None
        finally:
            self._engine.dispose()

    def _connect(self) -> sqlalchemy.Connection:
        try:
            return self._engine.connect()
        except TypeError as error:  # a setting in the extra that the driver has no name for
            raise StorefrontError(f"connection {self._source.connection} can't be used: {error}") from None

    def _in_snapshot(self, link: sqlalchemy.Connection) -> sqlalchemy.Connection:
        name = link.dialect.name
        if name in ("postgresql", "mysql", "mariadb"):
            link = link.execution_options(isolation_level="REPEATABLE READ")
        if name == "postgresql":
            link.execute(sqlalchemy.text("SET TRANSACTION READ ONLY"))
            link.execute(sqlalchemy.text("SET LOCAL timezone TO 'UTC'"))
        elif name == "sqlite":
            link.exec_driver_sql("BEGIN")
        return link

    def _watermark(self, link: sqlalchemy.Connection) -> datetime | str:
        since = (self._reading.since or BEGINNING).astimezone(UTC)
        if link.dialect.name == "postgresql":
            return since
        if link.dialect.name == "sqlite":
            return since.strftime("%Y-%m-%d %H:%M:%S")  # it has no times: texts are compared
        return since.replace(tzinfo=None)

    def _said(self, error: SQLAlchemyError) -> str:
        """What the database says, in a line, without values of rows and secrets."""
        asked = f"{self._settings.query} {self._settings.ids}"
        return self._secrets.masked(f"{self._source.name}, {self._stream}: {words(error, asked)}")


class _Nowhere(io.RawIOBase):
    """What a table of a file has besides: a name, for messages."""

    def __init__(self, name: str) -> None:
        self.name = name


def _reader_of_ids(mapping: DatasetMapping) -> Callable[[str], str | None]:
    """Reads an id as a product's own is read; a template of one column is filled with it."""
    spec = mapping.columns["product_id"]
    sentinels = (*mapping.sentinels, *spec.sentinels)
    convert = CONVERTERS.get("product_id", plain)
    read = read_as(convert, spec.values, sentinels, spec.sentinel_patterns, spec.value_patterns)
    template = spec.template if len(spec.names()) == 1 else None

    def told(text: str) -> str | None:
        filled = text if template is None else PLACEHOLDER.sub(lambda _: text.strip(), template)
        return cast("str | None", read(filled if text.strip() else ""))

    return told


def _count(query: str) -> sqlalchemy.Select[Any]:
    """The number of rows that a query finds, in the words of whichever database. The query may end with a comment."""
    told = sqlalchemy.text(f"{query}\n").columns().subquery("counted")
    return sqlalchemy.select(sqlalchemy.func.count()).select_from(told)


def _records(result: sqlalchemy.CursorResult[Any]) -> Iterator[Record]:
    for line, row in enumerate(result, start=1):
        yield line, [_text(value) for value in row], None


def _text(value: object) -> str:
    """A value as a file would write it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, bytes | bytearray | memoryview):
        return clean(bytes(value).decode("utf-8", "backslashreplace"))
    return clean(str(value))
