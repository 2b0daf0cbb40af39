"""Stored pages of files and databases as staged rows: each table's rows are told as one file's are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, cast

import msgspec

from lanecast import raw
from lanecast.files.datasets import staged_rows
from lanecast.files.mapping import DatasetMapping
from lanecast.files.plan import Plan
from lanecast.files.streams import Source as FileSource
from lanecast.files.table import Record, Table
from lanecast.files.times import timestamp_converter
from lanecast.storefronts.base import Page, PageBroken, Stream
from lanecast.storefronts.book import Stored
from lanecast.storefronts.config import Source, TableStream
from lanecast.storefronts.opened import mapping_of
from lanecast.storefronts.tables import Row, TableIds, TablePage
from lanecast.storefronts.texts import Notes


def rows(source: Source, stream: Stream, pages: list[Stored], reader: raw.RawReader, counted: Any) -> Iterator[Row]:
    """The staged rows of a stream's pages, each without its number. Each table's rows are told as one file's are."""
    settings = source.streams[stream]
    mapping = mapping_of(settings, stream)
    records = (page for page in pages if page.step.part == "records")
    for _, table in groupby(records, lambda page: (page.step.state["path"], page.step.state.get("table"))):
        counted.begin_table()
        yield from _of_table(mapping, settings, stream, list(table), reader, counted)


def _of_table(
    mapping: DatasetMapping,
    settings: TableStream,
    stream: Stream,
    pages: list[Stored],
    reader: raw.RawReader,
    counted: Any,
) -> Iterator[Row]:
    head = decoded(pages[0].read(reader))
    path = pages[0].step.state["path"]  # a quarantined row names its source alone
    read = timestamp_converter(mapping.zone)
    # Where no column is named, a page's watermark is when orders were placed, which says nothing of a change.
    changed = head.changed if settings.watermark is not None else None
    moments: list[tuple[str | None, str | None, str | None]] = [(None, None, None)]

    def records() -> Iterator[Record]:
        for page in pages:
            told = decoded(page.read(reader))
            for line, fields, problem in told.rows:
                counted.held += 1
                notes = Notes()
                changed_at = Notes().read("", read, _of(told, fields, changed))  # a row stands without it
                cancelled_at = notes.read("cancelled_at", read, _of(told, fields, settings.cancelled))
                moments[0] = changed_at, cancelled_at, notes.text
                yield line, fields, problem and f"{path}, {problem}"

    table = Table(head.kind, cast(FileSource, _Named(head.name)), list(head.columns), records(), missing=head.missing)
    plan = Plan(_keyed(mapping), table, table.columns)
    for row in staged_rows(mapping.target.staged, plan, table.records):  # without key: customers have theirs already
        bare = row[1:]
        if stream == "orders":
            changed_at, cancelled_at, problem = moments[0]
            unreadable = "; ".join(str(one) for one in (bare[-1], problem) if one) or None
            # It ends with cancelled_at, changed_in_shop_at, is_whole_order, line_number, source_line, unreadable.
            place = None if settings.whole_orders else bare[-3]  # lines of a whole order go by their order
            whole = settings.whole_orders or None
            bare = (*bare[:-6], cancelled_at, changed_at, whole, place, bare[-2], unreadable)
        yield bare


def _keyed(mapping: DatasetMapping) -> DatasetMapping:
    """The mapping for pages: a customer's key is read as it is."""
    spec = mapping.columns.get("customer_id")
    if spec is None:
        return mapping
    plain = msgspec.structs.replace(spec, values={}, value_patterns={}, sentinels=(), sentinel_patterns=())
    return replace(mapping, columns={**mapping.columns, "customer_id": plain})


def _of(page: TablePage, fields: list[str], column: str | None) -> str | None:
    """A row's value in a column, None where it has none."""
    place = page.columns.index(column) if column in page.columns else None
    return None if place is None or place >= len(fields) else fields[place]


@dataclass(frozen=True)
class _Named:
    """What a plan needs of a file: its name, for messages."""

    name: str


def decoded(page: Page) -> TablePage:
    """A page of rows. PageBroken where it is none."""
    try:
        return msgspec.json.decode(page.body, type=TablePage)
    except msgspec.MsgspecError as error:
        raise PageBroken(f"a stored page can't be read: {error}") from None


def ids(page: Page) -> list[str]:
    """The ids of a page of ids."""
    return msgspec.json.decode(page.body, type=TableIds).ids
