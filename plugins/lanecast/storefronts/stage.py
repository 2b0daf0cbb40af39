"""Parses a run's stored pages into staging: of each record the last state that came, and products that are gone.

Only streams that were read whole are staged. Memory holds one page with what belongs to it, and where each record was
told last: about 200 bytes a record.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from functools import lru_cache, partial
from itertools import chain

from lanecast import raw
from lanecast.customers import keys
from lanecast.customers.keys import bare_gid
from lanecast.storefronts import book, config, rows
from lanecast.storefronts.base import Page, Stream
from lanecast.storefronts.book import Stored, groups
from lanecast.storefronts.config import Source
from lanecast.storefronts.listing import is_believed
from lanecast.storefronts.registry import adapter_of
from lanecast.storefronts.rows import Row
from lanecast.storefronts.streams import DATASETS, datasets
from lanecast.warehouse import connection as warehouse
from lanecast.warehouse import staging
from lanecast.warehouse.connection import Connection
from lanecast.warehouse.runs import Run
from lanecast.warehouse.staging import Batch
from lanecast.warehouse.statements import statement

Places = dict[int, tuple[int, int]]
"""By a record's hash, where it was last told: the page, and the place on it."""


def batches(run: Run) -> tuple[Batch, ...]:
    """The run's batches in the order in which they are loaded."""
    return tuple(Batch(run.run_id, dataset) for dataset in datasets(run))


def stage(run: Run, address: str | None = None) -> dict[str, int]:
    """Parses every page of the streams that were read whole into fresh staging tables; returns rows per dataset.

    One transaction: staged whole, or not at all. What can't be read is staged as an unreadable row.
    """
    source = config.source(str(run.source))
    received: dict[str, int] = {}
    with warehouse.connect(as_of=run.as_of, address=address) as link, raw.RawReader() as reader:
        # Asked beforehand: while rows are copied, the connection answers nothing.
        pages = {stream: book.stored(link, run.run_id, source.name, stream) for stream in _complete(link, run)}
        latest = {stream: _latest(source, pages[stream], reader) for stream in pages}
        listed = "products" in pages and _lists(link, run, source, pages["products"], reader)
        listed = listed and is_believed(link, run, source)
        gone = _gone_and_back(link, source) if listed else []
        for batch in batches(run):
            staging.create(link, batch)
            counted = Counted()
            told = _rows(source, batch.dataset, pages, latest, reader, counted)
            if batch.dataset == "product":
                told = chain(told, counted.counting(gone_row(run, *one) for one in gone))
            received[batch.dataset] = staging.copy_rows(link, batch, counted.numbered(told))
            if batch.dataset == "order_line" and len(counted.tables) > 1:
                _number_lines(link, batch, counted.tables)
            staging.seal(link, batch, received[batch.dataset], counted.held)
        if "products" in pages:
            _note_products(link, run, source, listed)
    return received


def gone_row(run: Run, product_id: str, is_gone: bool) -> Row:
    """The row of a product that its shop has no more, or again."""
    return rows.gone_row(product_id, run.as_of) if is_gone else rows.back_row(product_id)


class Counted:
    """Counts what pages hold where they are parsed, apart from the rows that are copied."""

    def __init__(self) -> None:
        self.held = 0
        self.tables: list[int] = []
        """The number of each table's first row, where rows are of tables."""
        self._rows = 0

    def numbered(self, told: Iterator[Row]) -> Iterator[Row]:
        """The rows with their numbers."""
        for row in told:
            self._rows += 1
            yield (self._rows, *row)

    def begin_table(self) -> None:
        """Notes that the next row is the first one of a table."""
        self.tables.append(self._rows + 1)

    def counting(self, told: Iterable[Row]) -> Iterator[Row]:
        """Rows that are made here and read from no page."""
        for row in told:
            self.held += 1
            yield row


def _number_lines(link: Connection, batch: Batch, tables: list[int]) -> None:
    """Whole orders that several files tell are the same lines told again, as they would be in a run for each file."""
    with link.cursor() as cursor:
        cursor.execute(statement("storefront/number_lines", staged=batch.staged), {"tables": tables})


def _complete(link: Connection, run: Run) -> set[Stream]:
    with link.cursor() as cursor:
        cursor.execute(
            "SELECT stream FROM ops.storefront_read WHERE run_id = %s AND complete_at IS NOT NULL", (run.run_id,)
        )
        return {row[0] for row in cursor.fetchall()}


def _rows(
    source: Source,
    dataset: str,
    pages: dict[Stream, list[Stored]],
    latest: dict[Stream, Places],
    reader: raw.RawReader,
    counted: Counted,
) -> Iterator[Row]:
    for stream in source.streams:
        if dataset not in DATASETS[stream] or stream not in pages:
            continue
        if source.kind in ("sql", "files"):
            from lanecast.storefronts import table_rows  # it brings file readers along

            if dataset == DATASETS[stream][0]:
                yield from table_rows.rows(source, stream, pages[stream], reader, counted)
        elif dataset == "product":
            yield from _products(source, pages[stream], latest[stream], reader, counted)
        else:
            yield from _orders(source, dataset, pages[stream], latest[stream], reader, counted)


def _latest(source: Source, pages: list[Stored], reader: raw.RawReader) -> Places:
    """Where each record of a shop was last told; rows of tables are told once."""
    found: Places = {}
    if source.kind in ("sql", "files"):
        return found
    adapter = adapter_of(source.kind)
    for page in pages:
        if page.step.part == "records":
            for place, one in enumerate(adapter.facts(page.read(reader)).seen):
                found[_hashed(one.record_id)] = (page.place, place)
    return found


def _hashed(record_id: str) -> int:
    return int.from_bytes(hashlib.blake2b(record_id.encode("utf-8", "replace"), digest_size=8).digest(), "big")


def _orders(
    source: Source, dataset: str, pages: list[Stored], latest: Places, reader: raw.RawReader, counted: Counted
) -> Iterator[Row]:
    adapter = adapter_of(source.kind)
    key = lru_cache(maxsize=1 << 16)(partial(keys.customer_key, keys.secret()))
    for head, *rest in groups(pages):
        page = head.read(reader)
        told = adapter.orders(page, [one.read(reader) for one in rest])
        for place, (one, order) in enumerate(zip(adapter.facts(page).seen, told, strict=True)):
            if latest[_hashed(one.record_id)] != (head.place, place) or order.is_test:
                continue
            if dataset == "shipment":
                counted.held += len(order.parcels)
                yield from rows.parcel_rows(order, source.origin)
            else:
                counted.held += len(order.lines) or 1
                yield from rows.order_rows(order, key)


def _products(
    source: Source, pages: list[Stored], latest: Places, reader: raw.RawReader, counted: Counted
) -> Iterator[Row]:
    adapter = adapter_of(source.kind)
    for page in pages:
        if page.step.part != "records":
            continue
        read = page.read(reader)
        for place, (one, product) in enumerate(zip(adapter.facts(read).seen, adapter.products(read), strict=True)):
            if latest[_hashed(one.record_id)] == (page.place, place):
                counted.held += 1
                yield rows.product_row(product, source.currency)


def _lists(link: Connection, run: Run, source: Source, pages: list[Stored], reader: raw.RawReader) -> bool:
    """Gathers the ids of all products that the source has, where it was asked for them; returns whether it was."""
    with link.cursor() as cursor:
        cursor.execute(
            "SELECT listed, since IS NULL FROM ops.storefront_read WHERE run_id = %s AND stream = 'products'",
            (run.run_id,),
        )
        listed, is_full = warehouse.only_row(cursor)
        if not listed:
            return False
        cursor.execute(statement("storefront/listed"))
    # What was read from the beginning is all that there is, where a shop tells of products and not of changes.
    part = "ids" if source.kind == "sql" or not is_full else "records"
    told = ((one,) for page in pages if page.step.part == part for one in _ids(source, page.read(reader)))
    staging.copy_into(link, "listed", ("product_id",), told)
    return True


def _ids(source: Source, page: Page) -> list[str]:
    if source.kind == "sql":
        from lanecast.storefronts import table_rows

        return table_rows.ids(page)
    return [bare_gid(one.record_id) for one in adapter_of(source.kind).facts(page).seen]


def _gone_and_back(link: Connection, source: Source) -> list[tuple[str, bool]]:
    """Products that the source has no more (True), and those that it has again (False)."""
    with link.cursor() as cursor:
        cursor.execute(statement("storefront/gone_and_back"), {"source": source.name})
        return cursor.fetchall()


def _note_products(link: Connection, run: Run, source: Source, listed: bool) -> None:
    """Notes which products the source has, and which not: what was read, whether it is loaded or not."""
    values = {"source": source.name, "run_id": run.run_id, "as_of": run.as_of}
    with link.cursor() as cursor:
        cursor.execute(statement("storefront/note_products", staged=Batch(run.run_id, "product").staged), values)
        if listed:
            cursor.execute(statement("storefront/note_gone"), values)
