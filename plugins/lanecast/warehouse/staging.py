"""Per-run staging: an UNLOGGED table for each run and dataset, filled by COPY, and the gate's verdict beside it."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TextIO, cast

from psycopg2 import sql

from lanecast.warehouse.connection import Connection, only_row
from lanecast.warehouse.statements import statement

COLUMNS: dict[str, tuple[str, ...]] = {
    "tracking_event": (
        *("staged_row", "carrier", "tracking_number", "source", "code", "description", "reported_at", "occurred_at"),
        *("utc_offset_minutes", "tz_known", "milestone", "reason", "country", "region", "city", "event_hash"),
        *("is_mapped", "clock_disagrees", "raw_answer_id", "source_line", "unreadable"),
    ),
    "shipment": (
        *("staged_row", "order_id", "carrier", "tracking_number", "service", "origin_country", "origin_region"),
        *("destination_country", "destination_region", "ordered_at", "shipped_at", "delivered_at", "promised_at"),
        *("milestone", "attributes", "source_line", "unreadable"),
    ),
    "order_line": (
        *("staged_row", "order_id", "customer_id", "ordered_at", "status", "currency", "product_id", "quantity"),
        *("unit_price", "country", "region", "occurred_at", "cancelled_at", "changed_in_shop_at", "is_whole_order"),
        *("line_number", "source_line", "unreadable"),
    ),
    "interaction": (
        *("staged_row", "customer_id", "product_id", "kind", "occurred_at", "quantity", "value", "order_id"),
        *("interaction_hash", "country", "source_line", "unreadable"),
    ),
    "product": (
        *("staged_row", "product_id", "title", "category", "unit_price", "currency", "is_available", "stock_quantity"),
        *("published_at", "changed_in_shop_at", "withdrawn_at", "source_line", "unreadable"),
    ),
}
"""The columns of each dataset's staging table, in the order in which rows are given to `copy_rows`."""

NAMES_CUSTOMERS = frozenset(dataset for dataset, columns in COLUMNS.items() if "customer_id" in columns)
"""The datasets whose rows name customers, by their keys."""

JUDGED_COLUMNS: dict[str, tuple[str, ...]] = {
    "tracking_event": (
        *("is_registered", "used_from", "is_placed", "placed_at", "placed_in", "least_km"),
        *("delivered_before", "returning_before", "under_way_before", "arrived_before", "at_the_door_before"),
    ),
    "shipment": ("order_is_known", "known_shop", "telling_shop"),
    "order_line": ("customers_differ", "known_product_id", "has_no_lines", "known_shop", "telling_shop"),
    "interaction": ("order_is_known",),
    "product": (),
}
"""What the gate's rules may name besides: columns of the view beside each staging table (staging/*_judged.sql)."""

_CHUNK = 1 << 20


class StagingLost(RuntimeError):
    """The staged rows are not there any more, and have to be staged again."""


@dataclass(frozen=True)
class Batch:
    """One run's staged rows of one dataset."""

    run_id: str
    dataset: str

    def __post_init__(self) -> None:
        if self.dataset not in COLUMNS:
            raise ValueError(f"unknown dataset {self.dataset!r}: known are {', '.join(COLUMNS)}")

    @property
    def staged(self) -> str:
        """The staging table, named so that a retry of the same run finds its own."""
        return f"staging.{self.dataset}_{hashlib.sha256(self.run_id.encode()).hexdigest()[:16]}"

    @property
    def judged(self) -> str:
        """The view that the gate's rules judge: the staged rows, and what is known around each."""
        return f"{self.staged}_judged"

    @property
    def rejected(self) -> str:
        """The gate's verdict on the staged rows."""
        return f"{self.staged}_rejected"


def create(link: Connection, batch: Batch) -> None:
    """Makes the batch's two tables, empty, and their view; leftovers of an attempt that was cut off are dropped."""
    drop(link, batch)
    with link.cursor() as cursor:
        cursor.execute(statement(f"staging/{batch.dataset}", staged=batch.staged))
        judged = statement(f"staging/{batch.dataset}_judged", judged=batch.judged, staged=batch.staged)
        cursor.execute(judged, {"run_id": batch.run_id})
        cursor.execute(statement("staging/rejected", rejected=batch.rejected))


def drop(link: Connection, batch: Batch) -> None:
    """Drops the batch's two tables, and their view."""
    with link.cursor() as cursor:
        cursor.execute(sql.SQL("DROP VIEW IF EXISTS {}").format(sql.Identifier(*batch.judged.split("."))))
        for table in (batch.rejected, batch.staged):
            cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(*table.split("."))))


def copy_rows(link: Connection, batch: Batch, rows: Iterable[Sequence[object]]) -> int:
    """Streams rows (in the order of COLUMNS, staged_row included) into the batch's table; returns their number.

    Memory is bounded by one buffer of about 1 MiB, however many rows come.
    """
    return copy_into(link, batch.staged, COLUMNS[batch.dataset], rows)


def copy_into(link: Connection, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
    """Streams rows, in the order of `columns`, into a table; returns their number. Memory as of `copy_rows`."""
    counted = _Counted(rows)
    named = sql.SQL(", ").join(map(sql.Identifier, columns))
    command = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(*table.split(".")), named)
    with link.cursor() as cursor:
        cursor.copy_expert(command, cast(TextIO, counted), size=_CHUNK)
    return counted.rows


def seal(link: Connection, batch: Batch, received: int, source_count: int | None = None) -> None:
    """Notes how many rows were staged, and gathers statistics: from here on the batch is whole, or it is lost.

    `source_count` is what the source held, counted where it was read; the load holds the staged rows against it. None
    is for rows that are made here and were never read.
    """
    with link.cursor() as cursor:
        cursor.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(*batch.staged.split("."))))
        cursor.execute(
            "UPDATE ops.run SET staged = staged || jsonb_build_object(%(dataset)s, %(received)s::bigint), "
            "source_counts = source_counts || jsonb_build_object(%(dataset)s, %(source_count)s::bigint) "
            "WHERE run_id = %(run_id)s",
            {
                "dataset": batch.dataset,
                "received": received,
                "source_count": received if source_count is None else source_count,
                "run_id": batch.run_id,
            },
        )


def staged_rows(link: Connection, batch: Batch) -> int:
    """The number of rows staged. Raises StagingLost where they are not all there any more, or were staged by an older
    version, which made no view for the gate, or fewer columns."""
    with link.cursor() as cursor:
        cursor.execute("SELECT (staged ->> %s)::bigint FROM ops.run WHERE run_id = %s", (batch.dataset, batch.run_id))
        row = cursor.fetchone()
        made = [batch.staged, batch.rejected, batch.judged]
        cursor.execute("SELECT bool_and(to_regclass(name) IS NOT NULL) FROM unnest(%s) AS made (name)", (made,))
        if row is None or row[0] is None or not only_row(cursor)[0]:
            raise StagingLost(f"{batch.staged} was not staged, or it or its view is gone")
        needed = [(batch.staged, name) for name in COLUMNS[batch.dataset]]
        needed += [(batch.judged, name) for name in JUDGED_COLUMNS[batch.dataset]]
        cursor.execute(
            "SELECT relation.name, attribute.attname::text FROM unnest(%s) AS relation (name) "
            "JOIN pg_attribute AS attribute ON attribute.attrelid = to_regclass(relation.name)",
            ([batch.staged, batch.judged],),
        )
        if not set(needed) <= set(cursor.fetchall()):
            raise StagingLost(f"{batch.staged} was staged by an earlier version, which knew fewer columns")
        cursor.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(*batch.staged.split("."))))
        count: int = only_row(cursor)[0]
    if count != row[0]:
        raise StagingLost(f"{batch.staged} holds {count} rows of the {row[0]} staged: the server was restarted since")
    return count


def source_count(link: Connection, batch: Batch) -> int:
    """What the source held, as noted when the batch was staged. Raises StagingLost where nothing was noted: a version
    that did not count yet staged it."""
    with link.cursor() as cursor:
        cursor.execute(
            "SELECT (source_counts ->> %s)::bigint FROM ops.run WHERE run_id = %s", (batch.dataset, batch.run_id)
        )
        row = cursor.fetchone()
    if row is None or row[0] is None:
        raise StagingLost(f"{batch.staged} was staged without counting what its source held")
    return int(row[0])


def rejected_rows(link: Connection, batch: Batch) -> int:
    """The number of staged rows that a rule rejects."""
    with link.cursor() as cursor:
        cursor.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(*batch.rejected.split("."))))
        return int(only_row(cursor)[0])


_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": None})
_MOST_REMEMBERED = 1 << 16
_LONGEST_REMEMBERED = 200


class _Texts(dict[str, str]):
    """Texts in COPY's text format. They come again and again in a batch (codes, places, words), and are remembered."""

    def __missing__(self, value: str) -> str:
        told = value.translate(_ESCAPES).encode("utf-8", "replace").decode("utf-8")
        if len(value) <= _LONGEST_REMEMBERED:
            if len(self) >= _MOST_REMEMBERED:
                self.clear()
            self[value] = told
        return told


class _Counted(io.TextIOBase):
    """Rows as a file in COPY's text format, read in chunks."""

    def __init__(self, rows: Iterable[Sequence[object]]) -> None:
        self.rows = 0
        self._lines = self._format(iter(rows))
        self._rest = ""

    def _format(self, rows: Iterator[Sequence[object]]) -> Iterator[str]:
        texts = _Texts()
        for row in rows:
            self.rows += 1
            fields = []
            for value in row:
                if value is None:
                    fields.append("\\N")
                elif type(value) is str:
                    fields.append(texts[value])
                elif type(value) is int or type(value) is datetime:
                    fields.append(str(value))  # nothing in it to escape
                else:
                    fields.append(str(value).translate(_ESCAPES))
            yield "\t".join(fields) + "\n"

    def read(self, size: int | None = -1) -> str:
        wanted = size if size is not None and size > 0 else _CHUNK
        parts, length = [self._rest], len(self._rest)
        for line in self._lines:
            parts.append(line)
            length += len(line)
            if length >= wanted:
                break
        text = "".join(parts)
        self._rest = text[wanted:]
        return text[:wanted]
