"""Rows as a compressed CSV file, piece by piece."""

from __future__ import annotations

import csv
import io
import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TypeVar

_BATCH = 500
_COMPRESSION = 2
Row = tuple[str, ...]
Thing = TypeVar("Thing")


def csv_gz(columns: Row, things: Iterable[Thing], rows: Callable[[Thing], Iterable[Row]]) -> Iterator[bytes]:
    """A gzip file of a header and the rows of each thing, in pieces; memory stays that of some hundred things."""
    squeeze = zlib.compressobj(_COMPRESSION, zlib.DEFLATED, 31)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    todo = iter(things)
    while batch := list(islice(todo, _BATCH)):
        for thing in batch:
            writer.writerows(rows(thing))
        yield squeeze.compress(text.getvalue().encode())
        text.seek(0)
        text.truncate()
    yield squeeze.compress(text.getvalue().encode()) + squeeze.flush()
