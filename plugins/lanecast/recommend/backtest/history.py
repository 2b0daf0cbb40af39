"""An interactions file as arrays: what was done before a cut, to learn from, and after it, to be held against."""

from __future__ import annotations

import re
from array import array
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from lanecast.files.errors import FileError
from lanecast.files.reader import open_table
from lanecast.files.table import Table, clean, quoted
from lanecast.files.times import timestamp_converter
from lanecast.files.values import Defect
from lanecast.recommend.deeds import Catalogue, Deeds, Ints, Kind

_KINDS = {one.name.lower(): int(one) for one in Kind}
_BLANK = frozenset(
    ["", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA"]
)
_BLANK |= {"NULL", "NaN", "None", "n/a", "nan", "null"}
"""What stands for nothing, as pandas reads it; all else is an id, `none` too."""


_REQUIRED = ("customer_id", "product_id", "occurred_at")
_OPTIONAL = ("kind", "order_id")
_EPOCH, _SECOND = datetime.fromisoformat("1970-01-01"), timedelta(seconds=1)
_PREFIX = re.compile(r"(?:line|row) \d+: ")
_ROWS, _TIMES = "unreadable rows", "unreadable times"


@dataclass(frozen=True)
class History:
    """`deeds` are those before the cut. After it: the `customer` and `product` of each deed of which both were known
    before. Of the rows, `unreadable` ones can't be read; `unusable` ones have no product, or no time that can be read
    (`untimed` of them have a text there); `guests` rows have no customer. `problems` says what could not be read, with
    the first of each."""

    deeds: Deeds
    catalogue: Catalogue
    customer: Ints
    product: Ints
    rows: int
    unreadable: int
    unusable: int
    guests: int
    untimed: int
    problems: list[str]


class _Numbers(dict[str, int]):
    """Numbers texts in the order in which they are first met."""

    def __missing__(self, text: str) -> int:
        self[text] = number = len(self)
        return number


class _Problems:
    """How often there was which problem, and the first of each."""

    def __init__(self, line: str) -> None:
        self._line = line
        self.count: dict[str, int] = {_ROWS: 0, _TIMES: 0}
        self._first: dict[str, str] = {}

    def note(self, what: str, line: int, why: str) -> None:
        self.count[what] += 1
        self._first.setdefault(what, f"the first in {self._line} {line:,}: {why}")

    def told(self) -> list[str]:
        return [f"{what}: {count:,}, {self._first[what]}" for what, count in self.count.items() if count]


class _Rows:
    """Columns of deeds, as they are read: numbers, so that a row costs what its numbers do."""

    def __init__(self) -> None:
        self.numbers = {name: _Numbers() for name in ("customer_id", "product_id", "order_id")}
        self._customer, self._product, self._basket = array("i"), array("i"), array("i")
        self._kind, self._at = array("b"), array("q")

    def add(self, customer: str | None, product: str, at: int, kind: int, order: str | None) -> None:
        """A deed at a time (seconds since 1970 UTC); None is a guest, and no order."""
        self._customer.append(-1 if customer is None else self.numbers["customer_id"][customer])
        self._product.append(self.numbers["product_id"][product])
        self._basket.append(-1 if order is None else self.numbers["order_id"][order])
        self._kind.append(kind)
        self._at.append(at)

    def deeds(self) -> Deeds:
        """All of them, by time."""
        at = np.array(self._at, dtype=np.int64)
        order = np.argsort(at, kind="stable")
        return Deeds(
            np.array(self._customer, dtype=np.int32)[order],
            np.array(self._product, dtype=np.int32)[order],
            np.array(self._kind, dtype=np.int8)[order],
            at[order],
            np.array(self._basket, dtype=np.int32)[order],
            np.full(len(at), -1, dtype=np.int16),
            np.array(list(self.numbers["customer_id"]), dtype=object),
            np.array(list(self.numbers["product_id"]), dtype=object),
            np.zeros(0, dtype=object),
        )


class _Later:
    """What a column of the rows after the cut holds: known or not is told at the end, for rows come in any order."""

    def __init__(self) -> None:
        self._numbers = _Numbers()
        self._told = array("i")

    def add(self, text: str) -> None:
        self._told.append(self._numbers[text])

    def known(self, numbers: _Numbers) -> Ints:
        """The number of each text, -1 where it has none."""
        found = np.array([numbers.get(text, -1) for text in self._numbers], dtype=np.int32)
        return found[np.array(self._told, dtype=np.int32)]


def read(path: str | Path, cut: datetime) -> History:
    """Reads CSV (gzip too), JSON Lines or Parquet; ids stay as they are in the file.

    Rows after the cut are only looked at for what they hold of known customers and products. Raises FileError for a
    file that is no such table, or lacks customer_id, product_id or occurred_at.
    """
    before, customers, products = _Rows(), _Later(), _Later()
    rows = unusable = guests = 0
    timestamp = timestamp_converter(UTC)
    limit = int(cut.timestamp())
    with open_table(str(path), expected=_REQUIRED + _OPTIONAL) as table:
        place = _places(table, Path(path).name)
        problems = _Problems("row" if table.kind == "parquet" else "line")
        for line, fields, problem in table.records:
            rows += 1
            # JSON Lines may leave out the last columns.
            told = [fields[at] if 0 <= at < len(fields) else "" for at in place]
            # What is wrong in a column that is not asked for costs nothing.
            if problem is not None and (not fields or any(clean(text) != text for text in told)):
                problems.note(_ROWS, line, _PREFIX.sub("", problem, count=1).partition(": '")[0])
                continue
            customer, product, occurred, kind, order = told
            try:
                moment = timestamp(occurred)
            except Defect as defect:
                problems.note(_TIMES, line, f"{quoted(occurred)} ({defect})")
                moment = None
            if moment is None:
                unusable += 1
                continue
            at = (datetime.fromisoformat(moment[:19]) - _EPOCH) // _SECOND
            guest, is_later = _is_blank(customer), at >= limit
            if _is_blank(product):
                unusable += 1
                if not guest and not is_later:
                    # Known, though nothing tells of what: that customer gets what is popular.
                    _ = before.numbers["customer_id"][customer]
                continue
            guests += guest
            if not is_later:
                known = _KINDS.get(kind.strip().lower(), int(Kind.PURCHASE))
                before.add(None if guest else customer, product, at, known, None if _is_blank(order) else order)
            elif not guest:
                customers.add(customer)
                products.add(product)
    deeds = before.deeds()
    customer_after, product_after = (
        later.known(before.numbers[name]) for later, name in ((customers, "customer_id"), (products, "product_id"))
    )
    both = (customer_after >= 0) & (product_after >= 0)
    # Nothing tells when a product came: its first deed does.
    catalogue = Catalogue(
        np.ones(len(deeds.products), dtype=bool),
        np.full(len(deeds.products), -1, dtype=np.int32),
        np.full(len(deeds.products), limit, dtype=np.int64),
    )
    after = customer_after[both], product_after[both]
    return History(
        deeds, catalogue, *after, rows, problems.count[_ROWS], unusable, guests, problems.count[_TIMES], problems.told()
    )


def _is_blank(text: str) -> bool:
    return text in _BLANK or text.isspace()


def _places(table: Table, name: str) -> list[int]:
    """Where the columns asked for stand, -1 where there is none: as they are spelled, else by what they mean.

    Raises FileError where one lacks that is required, or two mean the same.
    """
    alike: dict[str, list[int]] = {}
    for at, column in enumerate(table.columns):
        if column not in table.missing:
            alike.setdefault(column.strip().lower().replace(" ", "_"), []).append(at)
    missing = [one for one in _REQUIRED if one not in alike]
    if missing:
        raise FileError(
            f"{name} has no column {' and no column '.join(missing)}: rename its columns to {', '.join(_REQUIRED)} "
            f"(and {', '.join(_OPTIONAL)}, where there are any)"
        )
    places = []
    for one in _REQUIRED + _OPTIONAL:
        # Later objects of JSON Lines may bring what the first ones lack.
        found = alike.get(one) or [table.columns.index(one) if one in table.missing else -1]
        if len(found) > 1:
            exact = [at for at in found if table.columns[at] == one]
            if not exact:
                called = " and ".join(quoted(table.columns[at]) for at in found)
                raise FileError(f"{name} has columns {called}: name the one that is meant {one}")
            found = exact
        places.append(found[0])
    return places
