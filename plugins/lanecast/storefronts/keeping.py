"""Keeps personal data out of the raw store: of an answer, only what is named is kept, whatever else a server sends.

A shape tells what: a dict names the members of an object, a list of one shape those of each item, `Only` picks items by
a member's value, and `KEEP` stands for a plain value (text, number, true, false, null).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from lanecast.storefronts.base import PageBroken

KEEP = True
"""A plain value: an object or a list in its place is dropped."""


class Only(NamedTuple):
    """Of a list, the items whose member `member` has one of these values; their members by `shape`."""

    member: str
    values: frozenset[str]
    shape: Any


def kept(body: bytes, shape: Any) -> bytes:
    """The body with what the shape names, and the very same bytes where it holds nothing else. PageBroken for bytes
    that are no JSON: what they hold can't be told."""
    try:
        told = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise PageBroken("the answer is no JSON") from None
    cut = _cut(told, shape)
    return body if cut == told else msgspec.json.encode(cut)


def _cut(value: Any, shape: Any) -> Any:
    if shape is KEEP:
        return None if isinstance(value, dict | list) else value
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            return _plain(value)
        return {name: _cut(value[name], inner) for name, inner in shape.items() if name in value}
    if not isinstance(value, list):
        return _plain(value)
    if isinstance(shape, Only):
        return [
            _cut(item, shape.shape)
            for item in value
            if isinstance(item, dict) and _is_among(item.get(shape.member), shape.values)
        ]
    return [_cut(item, shape[0]) for item in value]


def _is_among(value: object, values: frozenset[str]) -> bool:
    return isinstance(value, str) and value in values


def _plain(value: Any) -> Any:
    """What stands where an object or a list should: its text may be a person's, so that only its kind is kept."""
    return value if value is None or isinstance(value, bool) else f"({type(value).__name__})"
