"""Stored pages of files and databases as staged rows: each table's rows are told as one file's are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, cast

import msgspec

from lanecast import raw
from lanecast.files.datasets import staged_rows
from lanecast.files.mapping import DatasetMapping
from lanecast.files.plan import Plan
from lanecast.files.streams import Source as FileSource
from lanecast.files.table import Record, Table
from lanecast.storefronts.base import Page, PageBroken, Stream
from lanecast.storefronts.book import Stored
from lanecast.storefronts.config import Source, TableStream
from lanecast.storefronts.tables import Row, TableIds, TablePage, mapping_of
from lanecast.storefronts.texts import changed


def rows(source: Source, stream: Stream, pages: list[Stored], reader: raw.RawReader, counted: Any) -> Iterator[Row]:
    """The staged rows of a stream's pages, each without its number. Each table's rows are told as one file's are."""
    settings = source.streams[stream]
    mapping = mapping_of(settings, stream)
    records = [page for page in pages if page.step.part == "records"]
    at = 0
    while at < len(records):
        path = records[at].step.state["path"]
        run = [page for page in records[at:] if page.step.state["path"] == path]
        yield from _of_table(mapping, settings, stream, run, reader, counted)
        at += len(run)


def _of_table(
    mapping: DatasetMapping,
    settings: TableStream,
    stream: Stream,
    pages: list[Stored],
    reader: raw.RawReader,
    counted: Any,
) -> Iterator[Row]:
    head = decoded(pages[0].read(reader))
    moments: list[tuple[str | None, str | None]] = [(None, None)]

    def records() -> Iterator[Record]:
        for page in pages:
            told = decoded(page.read(reader))
            moment = told.columns.index(told.changed) if told.changed in told.columns else None
            ended = told.columns.index(settings.cancelled) if settings.cancelled in told.columns else None
            for line, fields, problem in told.rows:
                counted.held += 1
                moments[0] = (None, None) if problem else (_at(fields, moment), _at(fields, ended))
                yield line, fields, problem

    table = Table(head.kind, cast(FileSource, _Named(head.name)), list(head.columns), records(), missing=head.missing)
    plan = Plan(_keyed(mapping), table, table.columns)
    for row in staged_rows(mapping.target.staged, plan, table.records):  # without key: customers have theirs already
        bare = row[1:]
        if stream == "orders":
            changed_at, cancelled_at = moments[0]
            # order_line ends with cancelled_at, changed_in_shop_at, is_whole_order, source_line, unreadable
            bare = (*bare[:-5], cancelled_at, changed_at, settings.whole_orders or None, *bare[-2:])
        yield bare


def _keyed(mapping: DatasetMapping) -> DatasetMapping:
    """The mapping for pages: a customer's key is read as it is."""
    spec = mapping.columns.get("customer_id")
    if spec is None:
        return mapping
    plain = msgspec.structs.replace(spec, values={}, value_patterns={}, sentinels=(), sentinel_patterns=())
    return replace(mapping, columns={**mapping.columns, "customer_id": plain})


def _at(fields: list[str], place: int | None) -> str | None:
    if place is None or place >= len(fields):
        return None
    moment = changed(fields[place])
    return None if moment is None else moment.isoformat()


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
