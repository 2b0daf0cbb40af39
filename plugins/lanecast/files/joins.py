"""Joined files, held as one compact row per key; the main file is streamed past them.

Memory is per key of the joined file, not per row of it: about 250 to 600 bytes, by the number of columns taken. Beyond
MOST_KEYS keys the import stops and asks for a file that is joined already.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sized
from itertools import islice
from typing import Any, TypeVar

from lanecast.files.errors import FileError
from lanecast.files.mapping import Join
from lanecast.files.table import Record, Table

MOST_KEYS = 500_000
MOST_PROBLEMS = 10_000
# No field of a readable row holds a NUL.
_BETWEEN = "\0"
OpenTable = Callable[[str | None, tuple[str, ...]], Table]
"""Opens a file of the mapping by its name (None: the main file), with the columns that are expected there."""
Joins = dict[str, tuple[Join, Any]]


class Lookup:
    """What a joined file says about each key. `problems` are its rows that could not be read."""

    def __init__(self, alias: str, join: Join, inner: Joins, open_file: OpenTable) -> None:
        self.alias = alias
        self.match = join.match
        self.columns = _columns(alias, join)
        self.problems: list[str] = []
        self.rows: dict[str, str] = {}
        """By key the columns' texts, as one text: which takes half the memory."""
        needed = {join.key, *join.take, *join.total.values(), *join.distinct.values()}
        needed |= {name for name in (join.lowest, join.highest) if name}
        with open_file(join.file, tuple(needed)) as table:
            columns, records, problems = joined_records(table, inner, open_file)
            for name in sorted(needed):
                if name not in columns:
                    raise FileError(missing_column(table.source.name, name, table.columns, f"joined.{alias}"))
            self._fill(join, columns, self._readable(records, table.source.name))
            self.problems += problems
        if join.file is None:
            # The main file's own rows: they are told where that is streamed.
            self.problems = problems

    def _readable(self, records: Iterable[Record], name: str) -> Iterator[list[str]]:
        for _, fields, problem in records:
            if problem is None:
                yield fields
            else:
                self.problems.append(f"{name}, {problem}")
                if len(self.problems) > MOST_PROBLEMS:
                    raise FileError(f"{name} has more than {MOST_PROBLEMS} unreadable rows: check its delimiter")

    def _fill(self, join: Join, columns: list[str], rows: Iterable[list[str]]) -> None:
        key_at = columns.index(join.key)
        take_at = [columns.index(name) for name in join.take]
        if not (join.lowest or join.highest or join.total or join.distinct or join.count):
            for fields in rows:
                key = fields[key_at].strip()
                if key and key not in self.rows:
                    self._check_size(self.rows)
                    self.rows[key] = _BETWEEN.join([fields[at] for at in take_at])
            return
        total_at = [columns.index(name) for name in join.total.values()]
        distinct_at = [columns.index(name) for name in join.distinct.values()]
        order = join.lowest or join.highest
        order_at = columns.index(order) if order else None
        groups: dict[str, _Group] = {}
        for fields in rows:
            key = fields[key_at].strip()
            if not key:
                continue
            group = groups.get(key)
            if group is None:
                self._check_size(groups)
                group = groups[key] = _Group(len(total_at), len(distinct_at))
            if group.leads(fields[order_at] if order_at is not None else None, bool(join.highest)):
                group.taken = _BETWEEN.join([fields[at] for at in take_at])
            group.add([fields[at] for at in total_at], [fields[at] for at in distinct_at])
        counted = join.count is not None
        while groups:
            key, group = groups.popitem()
            self.rows[key] = group.result(bool(take_at), counted)

    def _check_size(self, held: Sized) -> None:
        if len(held) >= MOST_KEYS:
            raise FileError(f"joined.{self.alias}: more than {MOST_KEYS} keys: join the files beforehand")


class _Group:
    """The rows of one key, summed up."""

    __slots__ = ("distinct", "rank", "rows", "taken", "totals")

    def __init__(self, totals: int, distinct: int) -> None:
        self.rank: float | str | None = None
        self.taken: str | None = None
        self.totals: list[float | None] = [None] * totals
        self.distinct: list[str | set[str] | None] = [None] * distinct
        self.rows = 0

    def leads(self, order: str | None, highest: bool) -> bool:
        """Whether a row of this order is the one to take columns from: the first one, of equal ones."""
        rank = None if order is None else _number(order, order)
        if self.taken is not None:
            if rank is None or self.rank is None:
                return False
            # Numbers by value, below texts by alphabet.
            mine, other = (isinstance(rank, str), rank), (isinstance(self.rank, str), self.rank)
            if not (mine > other if highest else mine < other):
                return False
        self.rank = rank
        return True

    def add(self, numbers: list[str], texts: list[str]) -> None:
        """Counts a row in; texts that are no numbers don't add to a total."""
        self.rows += 1
        for position, text in enumerate(numbers):
            number = _number(text, None)
            if number is not None:
                self.totals[position] = (self.totals[position] or 0.0) + number
        for position, text in enumerate(texts):
            known = self.distinct[position]
            if known is None:
                self.distinct[position] = text
            elif isinstance(known, set):
                known.add(text)
            elif known != text:
                self.distinct[position] = {known, text}

    def result(self, taken: bool, counted: bool) -> str:
        totals = ["" if total is None else repr(round(total, 6)) for total in self.totals]
        counts = [str(len(texts)) if isinstance(texts, set) else "1" for texts in self.distinct]
        parts = [*([self.taken or ""] if taken else []), *totals, *counts, *([str(self.rows)] if counted else [])]
        return _BETWEEN.join(parts)


_Otherwise = TypeVar("_Otherwise")


def _number(text: str, otherwise: _Otherwise) -> float | _Otherwise:
    try:
        number = float(text)
    except ValueError:
        return otherwise
    return number if math.isfinite(number) else otherwise


def joined_records(table: Table, joins: Joins, open_file: OpenTable) -> tuple[list[str], Iterator[Record], list[str]]:
    """The table's columns and records, extended by those of its joined files; and those files' unreadable rows."""
    columns, records, problems = table.columns, table.records, []
    if joins and table.kind == "json lines":
        raise FileError(f"{table.source.name}: joined files need a CSV or Parquet file as the main one")
    for alias, (join, inner) in joins.items():
        try:
            lookup = Lookup(alias, join, inner, open_file)
        except MissingFile:
            if not join.optional:
                raise
            names = _columns(alias, join)
            records, columns = _blank(records, len(names)), [*columns, *names]
            continue
        if join.match not in columns:
            raise FileError(missing_column(table.source.name, join.match, table.columns, f"joined.{alias}.match"))
        problems += lookup.problems
        records = _extended(records, columns.index(join.match), lookup)
        columns = [*columns, *lookup.columns]
    return columns, records, problems


class MissingFile(FileError):
    """A file that the mapping names is not beside the others."""


def _columns(alias: str, join: Join) -> list[str]:
    names = (*join.take, *join.total, *join.distinct, *([join.count] if join.count else []))
    return [f"{alias}.{name}" for name in names]


def _blank(records: Iterable[Record], columns: int) -> Iterator[Record]:
    for record in records:
        if record[2] is None:
            record[1].extend([""] * columns)
        yield record


def _extended(records: Iterable[Record], at: int, lookup: Lookup) -> Iterator[Record]:
    rows, blank = lookup.rows, _BETWEEN * (len(lookup.columns) - 1)
    for record in records:
        if record[2] is None:
            record[1].extend(rows.get(record[1][at].strip(), blank).split(_BETWEEN))
        yield record


def missing_column(file: str, name: str, columns: list[str], asked_by: str | None = None) -> str:
    """The message for a column that is not there."""
    there = ", ".join(islice(columns, 60)) + (", …" if len(columns) > 60 else "")
    by = f" (asked for by {asked_by})" if asked_by else ""
    remedy = "correct the mapping" if asked_by else "rename it, or give a mapping (--mapping) that names its column"
    return f"{file} has no column {name!r}{by}: it has {there}; {remedy}"
