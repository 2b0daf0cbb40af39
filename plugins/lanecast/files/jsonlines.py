"""JSON Lines: one object a line. Values become text; an object inside an object stays JSON."""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Collection, Iterator

import msgspec

from lanecast.files.streams import Source
from lanecast.files.table import Record, Table, clean

LONGEST_LINE = 1 << 24
"""A line beyond this many bytes is unreadable."""
MOST_COLUMNS = 1000
"""Objects with more distinct names than this, over the whole file, are unreadable."""
_PEEKED = 100
_BUFFER = 1 << 18


def text_of(value: object) -> str:
    """A JSON or Parquet value as the text that a CSV would hold; "" for none."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        if value != value:
            return ""
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, (dict, list)):
        return msgspec.json.encode(value).decode()
    return str(value)


def open_json_lines(source: Source, expected: Collection[str] = ()) -> Table:
    """The file as a table; its columns are the names met so far and the `expected` ones, which `missing` then lists.

    More may come with later objects: the list of columns grows while records are read.
    """
    columns: list[str] = []
    positions: dict[str, int] = {}
    records = _records(source, columns, positions)
    peeked: deque[Record] = deque()
    for record in records:
        peeked.append(record)
        if len(peeked) >= _PEEKED:
            break
    missing = [name for name in dict.fromkeys(expected) if name not in positions]
    for name in missing:
        positions[name] = len(columns)
        columns.append(name)
    return Table("json lines", source, columns, _chained(peeked, records, columns), encoding="utf-8", missing=missing)


def _chained(peeked: deque[Record], records: Iterator[Record], columns: list[str]) -> Iterator[Record]:
    while peeked:
        line, fields, problem = peeked.popleft()
        if problem is None:
            fields.extend([""] * (len(columns) - len(fields)))
        yield line, fields, problem
    yield from records


def _records(source: Source, columns: list[str], positions: dict[str, int]) -> Iterator[Record]:
    """Of a line that can't be read, its number and why: its text may be anybody's name and address."""
    reader = io.BufferedReader(source, _BUFFER)
    decode = msgspec.json.Decoder(dict[str, object]).decode
    number = 0
    while raw := reader.readline(LONGEST_LINE):
        number += 1
        if not raw.endswith(b"\n"):
            if len(raw) >= LONGEST_LINE:
                while (more := reader.readline(LONGEST_LINE)) and not more.endswith(b"\n"):
                    pass
                yield number, [], f"line {number}: the line is longer than {LONGEST_LINE} bytes"
                continue
            if source.broken:
                number -= 1
                break
        line = raw.strip()
        if number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")
        if not line:
            continue
        try:
            given = decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            yield number, [], f"line {number}: not a JSON object ({error})"
            continue
        fields = [""] * len(columns)
        problem = None
        for name, value in given.items():
            position = positions.get(name)
            text = text_of(value)
            if position is None:
                if len(columns) >= MOST_COLUMNS or clean(name) != name:
                    fields, problem = [], "a name is one too many, or no text"
                    break
                position = positions[name] = len(columns)
                columns.append(name)
                fields.append("")
            if problem is None and "\0" in text:
                problem = f"{name} holds a NUL"
            fields[position] = text
        if problem:
            yield number, fields, f"line {number}: {problem}"
        else:
            yield number, fields, None
    if source.broken:
        yield number + 1, [], f"{source.broken} at line {number + 1}"
