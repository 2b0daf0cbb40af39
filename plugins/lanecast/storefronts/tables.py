"""Rows of files and databases as pages, and pages as staged rows: what shops' own answers are for the others.

A page holds the columns that the mapping uses, and no others, with customers under their keys already: the raw store
holds no address and no name, whatever else lies in the table.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import lru_cache, partial
from itertools import chain
from typing import Any, Protocol, cast

import msgspec

from lanecast.customers import keys
from lanecast.customers.agreement import agreed_secret
from lanecast.files.mapping import DatasetMapping
from lanecast.files.plan import Plan
from lanecast.files.values import Defect, customer, read_as
from lanecast.storefronts import ledger
from lanecast.storefronts.asking import Answer, raw_folder
from lanecast.storefronts.base import SourceAccount, Step, StorefrontError, Stream
from lanecast.storefronts.book import Book
from lanecast.storefronts.config import ConfigError, Source, TableStream
from lanecast.storefronts.ledger import Reading
from lanecast.storefronts.opened import Opened, mapping_of
from lanecast.storefronts.tally import Tally
from lanecast.warehouse.runs import Run

log = logging.getLogger(__name__)

ROWS_A_PAGE = 2_000
_UNREADABLE = "(unreadable)"
Row = tuple[object, ...]


class TablePage(msgspec.Struct):
    """A page: rows of one table, each its line, its fields and a problem; `changed` is the name of the column that says
    when a row was changed."""

    name: str
    kind: str
    columns: list[str]
    missing: list[str]
    rows: list[tuple[int, list[str], str | None]]
    changed: str | None = None


class TableIds(msgspec.Struct):
    ids: list[str]


class Reader(Protocol):
    """What a kind of table source does: see filesets.py and database.py."""

    versions: dict[str, str]

    def tables(self, tally: Tally) -> Iterator[Opened]:
        """The tables of the stream, one after the other, each closed before the next is opened."""
        ...

    def ids(self) -> Iterator[list[str]] | None:
        """Pages of the ids of all products; None where the source does not list them."""
        ...


def pull(run: Run, source: Source, account: SourceAccount, attempt: int, address: str | None) -> dict[str, int]:
    """Reads the streams of a source of files or of a database; returns how many rows came of each."""
    came: dict[str, int] = {}
    failed: StorefrontError | None = None
    if {"orders", "interactions"} & set(source.streams):
        agreed_secret(address)  # pages hold customers' keys: those of another secret must not get there
    for stream, settings in source.streams.items():
        reading = ledger.open_reading(run, source, stream, bool(run.params.get("full")), address)
        if reading.is_complete:
            log.info("%s, %s: was read by an earlier attempt", source.name, stream)
            continue
        tally = Tally()
        try:
            with Book(run.run_id, source.name, stream, attempt, address) as book:
                book.forget()
                reader = _reader(source, account, stream, settings, reading, address)
                came[stream] = _read(run, source, stream, reading, reader, book, tally, address)
        except (StorefrontError, ValueError, OSError) as error:
            ledger.note_problem(run, source.name, stream, tally, None, str(error), address)
            log.error("%s, %s: %s", source.name, stream, error)
            failed = failed or (error if isinstance(error, StorefrontError) else StorefrontError(str(error)))
    if failed is not None:
        raise failed
    return came


def _reader(
    source: Source,
    account: SourceAccount,
    stream: Stream,
    settings: TableStream,
    reading: Reading,
    address: str | None,
) -> Reader:
    if source.kind == "sql":
        from lanecast.storefronts.database import DatabaseReader

        return DatabaseReader(source, stream, settings, reading)
    from lanecast.storefronts.filesets import FilesReader

    known = {} if reading.is_full else ledger.known_versions(source.name, stream, address)
    return FilesReader(account, stream, settings, reading, known)


def _read(
    run: Run,
    source: Source,
    stream: Stream,
    reading: Reading,
    reader: Reader,
    book: Book,
    tally: Tally,
    address: str | None,
) -> int:
    mapping = mapping_of(source.streams[stream], stream)
    told = 0
    for number, opened in enumerate(reader.tables(tally)):
        in_table = 0
        before = book.place, tally.read_to
        for page in _pages(opened, mapping, tally, source.streams[stream].cancelled):
            in_table += len(page.rows)
            tally.pages += 1
            state = {"of": stream, "path": opened.shown, "table": number}
            _enter(book, source, "records", state, msgspec.json.encode(page))
        if not opened.is_whole():
            book.forget(before[0])
            tally.read_to = before[1]
            continue
        held = opened.held if opened.held is not None else opened.table.held
        if held is not None and held != in_table:
            raise StorefrontError(f"{source.name}, {opened.shown}: it holds {held} rows, and {in_table} of them came")
        if source.kind == "sql" and in_table and tally.read_to is None:
            raise StorefrontError(
                f"{source.name}, {stream}: no value of its watermark column {opened.changed} is a time, so that each "
                "run would read everything: let the query give it as a time, or as a text like 2026-05-01T10:00:00Z"
            )
        told += in_table if held is None else held
        tally.rows += in_table
        log.info("%s, %s: %s rows of %s", source.name, stream, in_table, opened.shown)
    listed = False
    if stream == "products" and reading.lists and (pages := reader.ids()) is not None:
        for ids in pages:
            _enter(book, source, "ids", {"of": stream}, msgspec.json.encode(TableIds(ids)))
        listed = True
    book.close()
    ledger.note_told(run, source.name, stream, told, address)
    ledger.note_complete(run, source.name, stream, tally, told, listed, reader.versions, address)
    return tally.fetched


def _enter(book: Book, source: Source, part: Any, state: dict[str, Any], body: bytes) -> None:
    now = datetime.now(UTC)
    answer = Answer(
        carrier=raw_folder(source.name),
        url=str(state.get("path", "")),
        requested_at=now,
        answered_at=now,
        status=200,
        body=body,
    )
    book.enter([(Step(part, state), answer)], None)


def _pages(opened: Opened, mapping: DatasetMapping, tally: Tally, cancelled: str | None) -> Iterator[TablePage]:
    table = opened.table
    # JSON Lines know their columns once they were met: the first record is read before the plan is made.
    first = next(table.records, None)
    records = table.records if first is None else chain([first], table.records)
    plan = Plan(mapping, table, table.columns)
    kept = [name for name in table.columns if name in plan.used or name in (opened.changed, cancelled)]
    at = [table.columns.index(name) for name in kept]
    hide = _hider(mapping, plan, kept)
    moment = kept.index(opened.changed) if opened.changed in kept else None
    rows: list[tuple[int, list[str], str | None]] = []
    for line, fields, problem in records:
        if problem is not None:
            rows.append((line, [], problem))
        else:
            told = [fields[place] if place < len(fields) else "" for place in at]
            if moment is not None:
                tally.note(opened.time(told[moment]))
            rows.append((line, hide(told), None))
        if len(rows) >= ROWS_A_PAGE:
            yield TablePage(table.source.name, table.kind, kept, table.missing, rows, opened.changed)
            rows = []
    yield TablePage(table.source.name, table.kind, kept, table.missing, rows, opened.changed)


def _hider(mapping: DatasetMapping, plan: Plan, kept: list[str]) -> Callable[[list[str]], list[str]]:
    """Puts customers under their keys. A text that can't be read as an id may be anything, and is not kept."""
    spec = plan.sources.get("customer_id")
    if spec is None:
        return lambda fields: fields
    if spec.from_ is None:
        raise ConfigError(f"{mapping.name}, customer_id: name one column that holds the shop's id of the customer")
    place = kept.index(spec.from_)
    sentinels = (*mapping.sentinels, *spec.sentinels)
    read = read_as(customer, spec.values, sentinels, spec.sentinel_patterns, spec.value_patterns)
    key = lru_cache(maxsize=1 << 16)(partial(keys.customer_key, keys.secret()))

    def hidden(fields: list[str]) -> list[str]:
        try:
            told = cast("str | None", read(fields[place]))
            fields[place] = key(told) if told else ""
        except Defect:
            fields[place] = _UNREADABLE
        return fields

    return hidden
