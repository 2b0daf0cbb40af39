"""What a file is, by its first bytes. Names lie, so they are not asked."""

from __future__ import annotations

import codecs
import re
from typing import Literal

from lanecast.files.errors import FileError

Kind = Literal["delimited", "json lines", "parquet"]

_REFUSED: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "a zip archive or a spreadsheet: unpack it, or save the sheet as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old spreadsheet: save the sheet as CSV"),
    (b"%PDF", "a PDF: export the table as CSV"),
    (b"BZh", "packed with bzip2: unpack it, or pack it with gzip"),
    (b"\xfd7zXZ\x00", "packed with xz: unpack it, or pack it with gzip"),
    (b"\x28\xb5\x2f\xfd", "packed with zstd: unpack it, or pack it with gzip"),
    (b"\x1f\x8b", "packed with gzip twice: unpack it once"),
    (b"SQLite format 3\x00", "a SQLite database: export the table as CSV"),
)
_TEXT_CONTROLS = frozenset(b"\t\n\r\f\x1a")
_MOST_CONTROLS = 0.05


def kind_of(head: bytes, name: str) -> Kind:
    """What the (unpacked) content is that begins with `head`.

    Raises FileError for content that is no table: nothing at all, HTML, an archive, other binary data.
    """
    if head.startswith(b"PAR1"):
        return "parquet"
    for magic, what in _REFUSED:
        if head.startswith(magic):
            raise FileError(f"{name} is {what}")
    if unicode_mark(head) in ("utf-16", "utf-32"):
        return "delimited"
    start = head.removeprefix(codecs.BOM_UTF8).lstrip()
    if not start:
        raise FileError(f"{name} is empty: there is no header and no row in it")
    if start.startswith(b"<"):
        raise FileError(
            f"{name} is a web page or XML, not a table (it begins with {_quoted(start)}): "
            "perhaps a login or error page was saved in its place"
        )
    if start.startswith(b"{"):
        return "json lines"
    if start.startswith(b"["):
        raise FileError(f"{name} holds one JSON array: give JSON Lines, one object a line")
    # A clean header speaks for a table, whatever its rows hold: they are judged one by one.
    if not _clean(re.split(rb"[\r\n]", start, maxsplit=1)[0]) and _controls(head) > _MOST_CONTROLS * len(head):
        raise FileError(f"{name} is binary data, not a table: give CSV, Parquet or JSON Lines (gzip is fine)")
    return "delimited"


def unicode_mark(head: bytes) -> str | None:
    """The encoding that a byte order mark at the beginning names, or None."""
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return None


def _controls(content: bytes) -> int:
    return sum(1 for byte in content if byte < 0x20 and byte not in _TEXT_CONTROLS)


def _clean(line: bytes) -> bool:
    return line.isascii() and _controls(line) == 0


def _quoted(start: bytes) -> str:
    return repr(start[:20].decode("utf-8", "replace"))
