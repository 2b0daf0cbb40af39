"""Records of a shop's JSON as they came, and what of one that can't be read can still be told."""

from __future__ import annotations

from zlib import crc32

import msgspec

from lanecast.customers.keys import bare_gid

Raw = msgspec.Raw
Value = str | int | float | bool | None
"""A member of which the type is left open, for shops' extensions write what they like."""
BAD = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoding raises, whatever the bytes."""


class Identified(msgspec.Struct):
    """The id of a record, whatever else it says."""

    id: str | int


def identity(record: Raw) -> str:
    """The id of a record; one that has none is known by its bytes."""
    try:
        return str(msgspec.json.decode(record, type=Identified).id)
    except BAD:
        return f"(unreadable {crc32(bytes(record)):x})"


def member(record: Raw, name: str) -> str:
    """The text of one member of a record, empty where even that can't be read."""
    try:
        return str(msgspec.json.decode(msgspec.json.decode(record, type=dict[str, Raw])[name]))
    except (*BAD, KeyError):
        return ""


def place(record_id: str) -> tuple[int, str]:
    """By what records stand in the shop's own order: the number in their id."""
    number = bare_gid(record_id)
    return (int(number) if number.isascii() and number.isdigit() else 0, record_id)
