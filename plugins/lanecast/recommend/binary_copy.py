"""Rows of Postgres' binary COPY as numpy arrays, both ways, without a loop over rows.

Rows of one length are one structured array: https://www.postgresql.org/docs/current/sql-copy.html (file formats) and
the send and receive functions of each type. Numbers are big-endian.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import psycopg2
from numpy.typing import NDArray
from psycopg2.extensions import cursor as Cursor

_HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_TRAILER = b"\xff\xff"
_TYPES: Mapping[str, tuple[str, int]] = {
    "int2": (">i2", 21),
    "int4": (">i4", 23),
    "int8": (">i8", 20),
    "float4": (">f4", 700),
}
"""What each type looks like in a row, and its number (oid) in arrays."""
_CHUNK = 1 << 23


@dataclass(frozen=True)
class Field:
    """A column to be written, of n rows: `type` is int2, int4, int8, float4, text (values S<bytes>, each of the full
    length) or one of the first four with `[]` (values n x count). Without values all rows are NULL."""

    type: str
    values: NDArray[Any] | None = None


def packed(fields: Sequence[Field], rows: int) -> bytes:
    """The rows as COPY reads them, without header and trailer."""
    layout: list[Any] = [("fields", ">i2")]
    for place, field in enumerate(fields):
        layout += _layout(place, field)
    table = np.zeros(rows, dtype=layout)
    table["fields"] = len(fields)
    for place, field in enumerate(fields):
        _fill(table, place, field)
    return table.tobytes()


def _layout(place: int, field: Field) -> list[Any]:
    length = [(f"length{place}", ">i4")]
    if field.values is None:
        return length
    if field.type == "text":
        return [*length, (f"value{place}", field.values.dtype)]
    if not field.type.endswith("[]"):
        return [*length, (f"value{place}", _TYPES[field.type][0])]
    elements = [("length", ">i4"), ("value", _TYPES[field.type[:-2]][0])]
    return [*length, (f"array{place}", ">i4", (5,)), (f"value{place}", elements, (field.values.shape[1],))]


def _fill(table: NDArray[Any], place: int, field: Field) -> None:
    if field.values is None:
        table[f"length{place}"] = -1
        return
    value = table[f"value{place}"]
    if not field.type.endswith("[]"):
        table[f"length{place}"] = value.dtype.itemsize
        table[f"value{place}"] = field.values
        return
    count = field.values.shape[1]
    element = value.dtype["value"].itemsize
    table[f"length{place}"] = 20 + count * (4 + element)
    # dimensions, whether there are NULLs, type of the elements, their number, the first one's place
    table[f"array{place}"] = (1, 0, _TYPES[field.type[:-2]][1], count, 1)
    value["length"] = element
    value["value"] = field.values


def write(cursor: Cursor, table: str, columns: Sequence[str], chunks: Iterable[bytes]) -> None:
    """Copies packed rows into the table. What goes wrong while chunks are made is raised as it is."""
    source = _Source(_framed(chunks))
    try:
        # the names are the package's own
        cursor.copy_expert(f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT binary)", source, size=1 << 18)
    except psycopg2.Error:
        if source.failed is not None:
            raise source.failed from None
        raise


def _framed(chunks: Iterable[bytes]) -> Iterator[bytes]:
    yield _HEADER
    yield from chunks
    yield _TRAILER


class _Source:
    """Chunks as a file that is read; the driver asks for readline and does not use it."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._left = memoryview(b"")
        self.failed: BaseException | None = None

    def read(self, size: int = -1, /) -> bytes:
        while not self._left:
            try:
                found = next(self._chunks, None)
            except BaseException as error:
                self.failed = error  # the driver makes one of its own of it
                raise
            if found is None:
                return b""
            self._left = memoryview(found)
        told = self._left if size < 0 else self._left[:size]
        self._left = self._left[len(told) :]
        return bytes(told)

    def readline(self, size: int = -1, /) -> bytes:
        raise NotImplementedError("rows are not lines")


def read(
    cursor: Cursor, query: bytes, columns: Mapping[str, str], take: Callable[[NDArray[Any]], None], chunk: int = _CHUNK
) -> None:
    """Gives the rows of a query, which holds no NULL, to `take` in structured arrays of about `chunk` bytes. `columns`
    are its columns with their types, which the query must have exactly. Raises ValueError where it has others."""
    layout: list[Any] = [("fields", ">i2")]
    for name, type_ in columns.items():
        layout += [(f"length of {name}", ">i4"), (name, _TYPES[type_][0])]
    sink = _Sink(np.dtype(layout), take, chunk)
    cursor.copy_expert(b"COPY (" + query + b") TO STDOUT (FORMAT binary)", sink)
    sink.end()


class _Sink:
    """A file that is written, and handed on in whole rows."""

    def __init__(self, row: np.dtype[Any], take: Callable[[NDArray[Any]], None], chunk: int) -> None:
        self._row, self._take, self._chunk = row, take, chunk
        self._held = bytearray()
        self._began = False

    def write(self, data: bytes) -> int:
        self._held += data
        if len(self._held) >= self._chunk:
            self._hand_on()
        return len(data)

    def end(self) -> None:
        self._hand_on()
        if bytes(self._held) != _TRAILER:
            raise ValueError(
                "the rows are not of the length that their columns' types say: one is NULL, or of another type"
            )

    def _hand_on(self) -> None:
        if not self._began:
            del self._held[: len(_HEADER)]
            self._began = True
        rows = len(self._held) // self._row.itemsize
        if not rows:
            return
        size = rows * self._row.itemsize
        table = np.frombuffer(bytes(self._held[:size]), dtype=self._row)
        del self._held[:size]
        names = [name for name in self._row.names or () if name.startswith("length of ")]
        width = len(names)
        if not (table["fields"] == width).all() or any(
            (table[name] != self._row[name.removeprefix("length of ")].itemsize).any() for name in names
        ):
            raise ValueError("a row is not as its columns' types say: one is NULL, or of another type")
        self._take(table)
