"""What every carrier adapter is made of: how to authenticate, how to ask, and how to read one answer.

An answer is read as typed structs at once. Only where that fails is it read again piece by piece, so that one
malformed parcel, event or field costs no more than itself.
"""

from __future__ import annotations

import base64
import re
import types
import typing
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, ClassVar, Literal, NamedTuple, TypeVar
from urllib.parse import quote

import msgspec

from lanecast.carriers.clocks import EARLIEST_YEAR, LATEST_YEAR
from lanecast.tracking import Parcel, TrackingEvent, Unreadable

MOST_SHOWN_BYTES = 80
NOT_ASKED = "not asked: "
"""How the error of an answer begins for which no call was made: its parcels stay due."""
_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")

Parsed = Parcel | Unreadable
Spec = TypeVar("Spec", bound=msgspec.Struct)
Text = str | int | float | None
"""A text that some carriers send as a number."""


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """Where and as whom a carrier is asked. `login` is a client id; `password` a client secret or an API key."""

    carrier: str
    base_url: str
    login: str
    password: str
    is_sandbox: bool = False
    extra: dict[str, Any] = {}

    def __repr__(self) -> str:
        return f"Account(carrier={self.carrier!r}, base_url={self.base_url!r}, is_sandbox={self.is_sandbox})"


def basic_auth(account: Account) -> dict[str, str]:
    """The header of HTTP Basic for an account."""
    return {"Authorization": "Basic " + base64.b64encode(f"{account.login}:{account.password}".encode()).decode()}


class RequestSpec(NamedTuple):
    """One request, relative to the account's base URL. At most one of `json`, `form` and `content` is its body."""

    method: Literal["GET", "POST"]
    path: str
    params: Mapping[str, str] | None = None
    headers: Mapping[str, str] | None = None
    json: Any = None
    form: Mapping[str, str] | None = None
    content: bytes | None = None
    basic: tuple[str, str] | None = None


class Wanted(NamedTuple):
    """A parcel asked for: its number, its carrier (for an aggregator), and when this source last told of it."""

    number: str
    carrier: str | None = None
    since: datetime | None = None


class FollowUp(NamedTuple):
    """A request that an answer calls for, such as its next page, and the parcels that it is about."""

    spec: RequestSpec
    wanted: tuple[Wanted, ...]


class Token(msgspec.Struct, frozen=True):
    """An access token and the seconds that it holds."""

    access_token: str
    expires_in: float = 3600.0


Verdict = Literal["token refused", "answered"]


class Adapter(ABC):
    """One carrier's wire format. Stateless: one instance serves all requests."""

    name: ClassVar[str]
    numbers_per_request: ClassVar[int] = 1
    tells_changes: ClassVar[bool] = False
    """Whether a request may ask for what changed since an earlier one: an answer's silence then means no news."""

    def token_request(self, account: Account) -> RequestSpec | None:
        """The request for an access token, None where the carrier takes none."""
        return None

    def read_token(self, body: bytes, headers: Mapping[str, str]) -> Token:
        """The token in the answer to `token_request`: OAuth2's, by default. MsgspecError if it has none."""
        return msgspec.json.decode(body, type=Token, strict=False)

    def authorization(self, account: Account, token: str | None) -> Mapping[str, str]:
        """The headers that prove who asks; none where the request's body does."""
        return {}

    @abstractmethod
    def build(self, account: Account, wanted: Sequence[Wanted], token: str | None) -> RequestSpec:
        """The request for at most `numbers_per_request` parcels. `token` is for those that want it in the body."""

    def follow_ups(self, account: Account, wanted: Sequence[Wanted], spec: RequestSpec, body: bytes) -> list[FollowUp]:
        """What an answer (status below 300) calls for: its next page, numbers to be registered. Never raises."""
        return []

    def verdict(self, status: int, body: bytes) -> Verdict | None:
        """What a body says against its status (one of http.RETRIED_STATUSES); None lets the status stand. Never raises.

        SOAP services send their own errors as faults with status 500: these are answers, and asking again is in vain.
        """
        return None

    @abstractmethod
    def parse(self, body: bytes, requested: Sequence[str]) -> Iterator[Parsed]:
        """The parcels of one answer; what cannot be read is yielded as Unreadable. Never raises for any bytes."""


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


def in_path(number: str) -> str:
    """A tracking number as one path segment: blanks around it removed, everything else escaped."""
    return quote(number.strip(), safe="")


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


def moment_of(text: str | None) -> datetime | None:
    """A printed time (ISO 8601, with or without offset); None if it cannot be read or lies outside 1970 to 2199."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return moment if EARLIEST_YEAR <= moment.year <= LATEST_YEAR else None


TURNED = frozenset({"returning", "returned"})


def returned_to_sender(events: list[TrackingEvent]) -> list[TrackingEvent]:
    """Events of a parcel on its way back: `delivered` after it turned was to the sender, hence `returned`."""
    turned = min(event.occurred_at for event in events if event.milestone in TURNED)
    return [
        msgspec.structs.replace(event, milestone="returned")
        if event.milestone == "delivered" and event.occurred_at >= turned
        else event
        for event in events
    ]
