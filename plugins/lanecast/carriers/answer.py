"""How one answer of a carrier is read.

It is read as typed structs at once. Only where that fails is it read again piece by piece, so that one malformed
parcel, event or field costs no more than itself.
"""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

import msgspec

from lanecast.carriers.clocks import EARLIEST_YEAR, LATEST_YEAR
from lanecast.tracking import Parcel, TrackingEvent, Unreadable

MOST_SHOWN_BYTES = 80
_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")

Spec = TypeVar("Spec", bound=msgspec.Struct)
Text = str | int | float | None
"""A text that some carriers send as a number."""


class Drop(NamedTuple):
    """A piece of an answer that could not be read: where it stands, and why."""

    where: str
    problem: str


class Wire(msgspec.Struct, gc=False, kw_only=True):
    """A part of an answer, as the carrier names its fields. Outside the garbage collector: it holds no cycles."""


class Salvageable(Wire, kw_only=True):
    """A parcel of an answer; `drops` are its pieces that could not be read (no field of the wire)."""

    drops: list[Drop] = msgspec.field(default_factory=list, name="(drops)")


def same_number(number: str) -> str:
    """A tracking number without spaces and case, for comparing."""
    return "".join(number.split()).upper()


def text_of(value: Text) -> str | None:
    """A text without blanks around it; None for none, for an empty one and for a JSON null written as text."""
    if value is None:
        return None
    text = value.strip() if type(value) is str else str(value)
    return text if text and text != "null" else None


@lru_cache(maxsize=65536)
def line_of(text: str) -> str | None:
    """A description as one line."""
    return " ".join(text.split()) or None


def describe(body: bytes) -> str:
    """What was got, for an error message: length and first bytes."""
    if not body:
        return "an empty body"
    first = body[:MOST_SHOWN_BYTES].decode("utf-8", "replace")
    kind = "HTML" if first.lstrip("\ufeff \r\n\t")[:1] == "<" else "a body"
    return f"{kind} of {len(body)} bytes starting {first!r}"


def not_found(number: str) -> Parcel:
    """A parcel that the carrier does not know (yet), under the number that was asked for."""
    return Parcel(tracking_number=number, requested_number=number, found=False)


def asked_as(number: str, requested: Sequence[str]) -> str:
    """A number as it was asked for; itself where it was not."""
    return next((one for one in requested if same_number(one) == same_number(number)), number)


def legible(events: Iterable[TrackingEvent | str], number: str) -> Generator[Unreadable, None, list[TrackingEvent]]:
    """Returns a parcel's events; yields why the others, told as texts, could not be read."""
    found: list[TrackingEvent] = []
    for event in events:
        if isinstance(event, str):
            yield Unreadable(problem=event, tracking_number=number)
        else:
            found.append(event)
    return found


def unreadable(body: bytes, why: str, requested: Sequence[str]) -> Iterator[Unreadable]:
    """One Unreadable per requested number; one without number where it is not known what was asked."""
    problem = f"{why}: got {describe(body)}"
    for number in requested or (None,):
        yield Unreadable(problem=problem, tracking_number=number)


def unmentioned(requested: Sequence[str], mentioned: set[str]) -> Iterator[Unreadable]:
    """An Unreadable for every requested number that the answer is silent about. `mentioned` holds same_number()s."""
    for number in requested:
        if same_number(number) not in mentioned:
            yield Unreadable(problem="the answer does not mention it", tracking_number=number)


def read(body: bytes, decoder: msgspec.json.Decoder[Spec], kind: type[Spec]) -> tuple[Spec, list[Drop]]:
    """An answer as typed structs, and the pieces that had to be left out; DecodeError if it is no JSON object."""
    body = body.removeprefix(b"\xef\xbb\xbf")
    if b"\\" in body and b"\\u0000" in body:  # no text of Postgres can hold it
        body = _NUL.sub(rb"\1", body)
    try:
        return decoder.decode(body), []
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        drops: list[Drop] = []
        return salvage(body, kind, "", drops), drops


def salvage(raw: bytes | msgspec.Raw, kind: type[Spec], where: str, drops: list[Drop]) -> Spec:
    """A struct from JSON, field by field: what does not fit is None, list items that do not fit are added to `drops`.

    A struct with a field `drops` keeps its own. msgspec.DecodeError if it is no JSON object.
    """
    own: list[Drop] = []
    if "drops" in kind.__struct_fields__:
        drops = own
    try:
        members = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    except (UnicodeDecodeError, RecursionError) as error:
        raise msgspec.DecodeError(str(error)) from None
    values: dict[str, Any] = {}
    for field in msgspec.structs.fields(kind):
        member = members.get(field.encode_name)
        if member is None:
            continue
        try:
            values[field.name] = msgspec.json.decode(member, type=field.type)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            value = _salvage_field(member, field.type, f"{where}.{field.encode_name}".lstrip("."), drops)
            if value is not None:
                values[field.name] = value
    if own:
        values["drops"] = own
    return kind(**values)


def _salvage_field(raw: msgspec.Raw, kind: Any, where: str, drops: list[Drop]) -> Any:
    options = typing.get_args(kind) if typing.get_origin(kind) in {types.UnionType, typing.Union} else (kind,)
    for option in options:
        if isinstance(option, type) and issubclass(option, msgspec.Struct):
            try:
                return salvage(raw, option, where, drops)
            except msgspec.MsgspecError:
                return None
        if typing.get_origin(option) is list:
            return _salvage_list(raw, typing.get_args(option)[0], where, drops)
    return None


def _salvage_list(raw: msgspec.Raw, kind: Any, where: str, drops: list[Drop]) -> list[Any] | None:
    try:
        items = msgspec.json.decode(raw, type=list[msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        if bytes(raw) not in {b"null", b'""', b"{}"}:
            drops.append(Drop(where, f"not a list: {describe(bytes(raw))}"))
        return None
    values = []
    for number, item in enumerate(items):
        try:
            values.append(msgspec.json.decode(item, type=kind))
            continue
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            problem = str(error)
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            try:
                values.append(salvage(item, kind, f"{where}[{number}]", drops))
                continue
            except msgspec.MsgspecError as error:
                problem = str(error)
        drops.append(Drop(f"{where}[{number}]", f"{problem}: {describe(bytes(item))}"))
    return values


def dropped(drops: Sequence[Drop], number: str | None) -> Iterator[Unreadable]:
    """The pieces that were left out, as Unreadables of a parcel."""
    for drop in drops:
        yield Unreadable(problem=f"{drop.where}: {drop.problem}", tracking_number=number)


Reader = Callable[[bytes, msgspec.json.Decoder[Spec], type[Spec]], tuple[Spec, list[Drop]]]
"""read(), or what reads another format like it."""


def opened(
    body: bytes,
    requested: Sequence[str],
    decoder: msgspec.json.Decoder[Spec],
    kind: type[Spec],
    reader: Reader[Spec] = read,
) -> Generator[Unreadable, None, Spec | None]:
    """Returns an answer as typed structs, None for one that can't be read; yields what had to be left out of it."""
    try:
        answer, drops = reader(body, decoder, kind)
    except msgspec.MsgspecError as error:
        yield from unreadable(body, str(error), requested)
        return None
    yield from dropped(drops, requested[0] if len(requested) == 1 else None)
    return answer


def moment_of(text: str | None) -> datetime | None:
    """A printed time (ISO 8601, with or without offset); None if it cannot be read or lies outside 1970 to 2199."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return moment if EARLIEST_YEAR <= moment.year <= LATEST_YEAR else None
