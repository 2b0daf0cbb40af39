"""A patch file: for each quarantined row the columns to set. CSV (or a relative) or JSON Lines, each also in gzip.

One column is `quarantined_row_id`. In a CSV an empty cell leaves the column as it is, and `\\N` sets it to null; in
JSON Lines what is not there stays, and null is null.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from lanecast.files.delimited import open_delimited
from lanecast.files.errors import FileError
from lanecast.files.sniff import kind_of
from lanecast.files.streams import Source
from lanecast.files.table import clean, quoted
from lanecast.quarantine.errors import QuarantineError

KEY = "quarantined_row_id"
NULL = "\\N"
LONGEST_LINE = 1 << 20
_ID = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)


class Patch(NamedTuple):
    """What is to be set in one row: texts, or JSON's values; None is null."""

    line: int
    quarantined_row_id: int
    values: dict[str, object]


def read_patches(path: str) -> Iterator[Patch]:
    """The rows of a patch file, one by one. Raises QuarantineError naming file and line where one can't be used."""
    seen: dict[int, int] = {}
    try:
        for patch in _read(path):
            if patch.quarantined_row_id in seen:
                raise _wrong(
                    path,
                    patch.line,
                    f"row {patch.quarantined_row_id} is there twice, first in line {seen[patch.quarantined_row_id]}: "
                    "leave one of them",
                )
            seen[patch.quarantined_row_id] = patch.line
            if not patch.values:
                raise _wrong(path, patch.line, f"nothing is set in row {patch.quarantined_row_id}: leave it out")
            yield patch
    except FileError as error:
        raise QuarantineError(f"patch {error}") from None


def _read(path: str) -> Iterator[Patch]:
    source = Source(path)
    try:
        kind = kind_of(source.head, source.name)
        if kind == "json lines":
            yield from _json_lines(path, source)
        elif kind == "parquet":
            raise QuarantineError(f"patch {source.name} is Parquet: give a CSV or JSON Lines file")
        else:
            yield from _delimited(path, source)
    finally:
        source.close()


def _delimited(path: str, source: Source) -> Iterator[Patch]:
    table = open_delimited(source, expected=(KEY,))
    if KEY not in table.columns:
        raise _wrong(path, 1, f"there is no column {KEY}; there are {', '.join(table.columns)}")
    key_at = table.columns.index(KEY)
    for line, fields, problem in table.records:
        if problem is not None:
            raise _wrong(path, line, problem)
        given: dict[str, object] = {
            name: None if text == NULL else text
            for at, (name, text) in enumerate(zip(table.columns, fields, strict=True))
            if at != key_at and text != ""
        }
        yield Patch(line, _id(path, line, fields[key_at].strip()), given)


def _json_lines(path: str, source: Source) -> Iterator[Patch]:
    decode = msgspec.json.Decoder(dict[str, object]).decode
    reader = io.BufferedReader(source)
    number = 0
    while raw := reader.readline(LONGEST_LINE):
        number += 1
        if len(raw) >= LONGEST_LINE:
            raise _wrong(path, number, f"the line is longer than {LONGEST_LINE} bytes")
        line = raw.removeprefix(b"\xef\xbb\xbf").strip() if number == 1 else raw.strip()
        if not line:
            continue
        try:
            given = decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise _wrong(path, number, f"not a JSON object ({error})") from None
        if KEY not in given:
            raise _wrong(path, number, f"there is no {KEY}")
        row_id = given.pop(KEY)
        for name, value in given.items():
            texts = (name, value) if isinstance(value, str) else (name,)
            if any("\0" in text or clean(text) != text for text in texts):
                raise _wrong(path, number, f"{quoted(name)} holds a NUL, or what is no text")
        yield Patch(number, _id(path, number, "" if isinstance(row_id, bool) else str(row_id)), given)
    if source.broken:
        raise _wrong(path, number + 1, source.broken)


def _id(path: str, line: int, text: str) -> int:
    if not _ID.fullmatch(text):
        raise _wrong(path, line, f"{KEY} {quoted(text)} is no row's number")
    return int(text)


def _wrong(path: str, line: int, problem: str) -> QuarantineError:
    return QuarantineError(f"patch {path.rsplit('/', 1)[-1]}, line {line}: {problem}")
