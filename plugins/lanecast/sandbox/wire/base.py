"""What every stand-in is made of: its tracking numbers, its codes, and its endpoints over HTTP."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, NamedTuple, Protocol

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from lanecast.sandbox.access import basic_credentials, is_client, login_of
from lanecast.sandbox.journey import Scan
from lanecast.sandbox.shipment import Shipment


class Counter(Protocol):
    """What a stand-in answers from: the world, its clock, its accounts and its dirt (see CarrierEndpoints)."""

    def now(self) -> int:
        """The world's time, in seconds since 1970."""
        ...

    def find(self, number: str, carrier: str | None = None) -> tuple[Shipment, int] | None:
        """The shipment and piece with that number: of one carrier, or (for an aggregator) of any."""
        ...

    def flaw(self, carrier: str, number: str, malformed: bool = False) -> str | None:
        """What is broken in every answer about a number; `malformed` where a fault asks for it."""
        ...

    def lacks_offset(self, number: str) -> bool:
        """Whether answers about a number leave out what tells the offset (for carriers that sometimes do)."""
        ...

    def token(self, carrier: str) -> tuple[str, int]:
        """A new access token, and the seconds that it holds."""
        ...

    def accepts(self, carrier: str, token: str) -> bool:
        """Whether a token is one of the carrier's and still holds."""
        ...


Answer = Callable[[Request, Counter, bool], Awaitable[Response]]
"""Answers a request; the flag asks for the first parcel of it to be malformed."""


class Endpoint(NamedTuple):
    """One endpoint below the carrier's own path. One that `is_open` needs no account and meets no faults: tokens."""

    method: str
    path: str
    answer: Answer
    is_open: bool = False


class StandIn(ABC):
    """A carrier, or an aggregator, as the sandbox plays it. Stateless: one instance serves all requests."""

    name: ClassVar[str]
    numbers_pieces: ClassVar[bool] = False
    """Whether each piece of a shipment has a tracking number of its own."""

    @abstractmethod
    def number(self, ago: int, index: int, piece: int, salt: int, service: str) -> str:
        """The tracking number of a piece, in the carrier's own form.

        Holds `ago` (days since 2020-01-01) and `index`, each 0 to 9999, so that digits_of() finds them again; `salt`
        (0 to 999) makes a number that was never given out unlikely to be found.
        """

    @abstractmethod
    def digits_of(self, number: str) -> str | None:
        """The nine digits (ago 4, index 4, piece 1) in a number of this form; None for any other text."""

    @abstractmethod
    def code_and_text(self, scan: Scan) -> tuple[str, str]:
        """The code of a scan, as the platform's adapter puts it into an event, and the carrier's words."""

    @abstractmethod
    def endpoints(self) -> list[Endpoint]:
        """All endpoints, tokens included."""

    @abstractmethod
    def accepts(self, request: Request, counter: Counter) -> bool:
        """Whether a request proves who asks. Stand-ins whose account is in the body check it in their endpoints."""

    def refusal(self) -> Response:
        """The answer to a request that does not."""
        return json_response({"message": "Unauthorized"}, 401)


def json_response(content: object, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(msgspec.json.encode(content), status, media_type="application/json")


def xml_response(text: str, status: int = 200) -> Response:
    """An XML answer."""
    return Response(text.encode(), status, media_type="text/xml; charset=utf-8")


def json_body(body: bytes) -> Any:
    """A request's JSON; None where it is none."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def has_bearer(request: Request, counter: Counter, carrier: str) -> bool:
    """Whether a request carries a bearer token of the carrier that still holds."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and counter.accepts(carrier, token)


def has_basic(request: Request, carrier: str) -> bool:
    """Whether a request carries the carrier's login and password by HTTP Basic."""
    return is_client(carrier, *basic_credentials(request.headers.get("authorization", "")))


def has_key(request: Request, carrier: str, header: str) -> bool:
    """Whether a header holds the account's key (its password)."""
    return is_client(carrier, login_of(carrier), request.headers.get(header))
