"""Faults on demand: what goes wrong with the next answers of a carrier."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import cache
from typing import Annotated, Literal

import msgspec
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

Kind = Literal[
    "401",
    "429",
    "429_without_time",
    "429_until_date",
    "500",
    "503",
    "redirect",
    "slow",
    "hang",
    "drip",
    "disconnect",
    "truncated",
    "html",
    "empty",
    "gzip_broken",
    "gzip_bomb",
    "huge",
    "too_large",
    "malformed_parcel",
]
HUGE_BYTES = 50 * 1024 * 1024
TOO_LARGE_BYTES = 100 * 1024 * 1024
BOMB_BYTES = 512 * 1024 * 1024


class Fault(msgspec.Struct, forbid_unknown_fields=True):
    """An order for trouble.

    `carrier` is a carrier, a storefront (shopify, woocommerce) or `*`. Either the next `count` answers, or a `share` of
    all answers until faults are cleared; neither means the next one. `seconds` is how long a slow answer takes, the
    Retry-After of a 429 or 503 (a date of that distance for `429_until_date`, none for `429_without_time`), or the time
    between two bytes that drip. What hangs or drips does so until the client hangs up.
    """

    carrier: str
    kind: Kind
    count: Annotated[int, msgspec.Meta(ge=1)] | None = None
    share: Annotated[float, msgspec.Meta(gt=0, le=1)] | None = None
    seconds: Annotated[float, msgspec.Meta(ge=0, le=600)] = 1.0


class Faults:
    """The orders in force. A share is dealt out evenly, not by chance, so that a run can be repeated."""

    def __init__(self) -> None:
        """Nothing goes wrong yet."""
        self._orders: list[Fault] = []
        self._owed: dict[int, float] = {}

    def add(self, fault: Fault) -> None:
        """Put an order in force."""
        if fault.count is None and fault.share is None:
            fault.count = 1
        self._orders.append(fault)

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        self._orders.clear()
        self._owed.clear()

    def in_force(self) -> list[Fault]:
        """The orders in force, `count` being what is left."""
        return list(self._orders)

    def next(self, carrier: str) -> Fault | None:
        """The fault of the answer that a carrier gives now, or None."""
        for fault in self._orders:
            if fault.carrier in (carrier, "*") and self._strikes(fault):
                return fault
        return None

    def _strikes(self, fault: Fault) -> bool:
        if fault.share is not None:
            owed = self._owed.get(id(fault), 0.0) + fault.share
            self._owed[id(fault)] = owed - 1 if owed >= 1 - 1e-9 else owed
            if owed < 1 - 1e-9:
                return False
        if fault.count is not None:
            fault.count -= 1
            if fault.count == 0:
                self._orders.remove(fault)
        return True


class Disconnect(Response):
    """Promises a body and closes the connection in the middle of it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the head, a few bytes, and no more: the server then closes the connection."""
        head = [(b"content-type", b"application/json"), (b"content-length", b"4096")]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": b'{"', "more_body": True})


class Drip(Response):
    """Sends a body byte by byte without end, or nothing at all: until the client hangs up."""

    def __init__(self, seconds: float | None) -> None:
        """`seconds` between two bytes; None sends not even a head."""
        super().__init__()
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send for as long as somebody listens."""
        sending = asyncio.create_task(self._send(self._seconds, send))
        while (await receive())["type"] != "http.disconnect":
            pass
        sending.cancel()

    @staticmethod
    async def _send(seconds: float | None, send: Send) -> None:
        if seconds is None:
            return
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        while True:
            await send({"type": "http.response.body", "body": b" ", "more_body": True})
            await asyncio.sleep(seconds)


async def spoil(fault: Fault, answer: Callable[[bool], Awaitable[Response]]) -> Response:
    """The answer as the fault leaves it. `answer` makes a good one; True makes its first parcel malformed."""
    if fault.kind == "malformed_parcel":
        return await answer(True)
    if fault.kind == "slow":
        await asyncio.sleep(fault.seconds)
        return await answer(False)
    if fault.kind == "truncated":
        whole = await answer(False)
        body = bytes(whole.body)
        return Response(body[: max(1, len(body) * 2 // 3)], media_type="application/json")
    return _without_answer(fault)


def _without_answer(fault: Fault) -> Response:
    if fault.kind == "401":
        return Response(b'{"message":"unauthorized"}', 401, media_type="application/json")
    if fault.kind == "500":
        return Response(b'{"message":"internal error"}', 500, media_type="application/json")
    if fault.kind.startswith("429") or fault.kind == "503":
        return Response(b'{"message":"try again later"}', int(fault.kind[:3]), _retry(fault), "application/json")
    if fault.kind == "redirect":
        return Response(b"", 302, {"Location": "/sandbox/stats"})
    if fault.kind == "html":
        return Response(
            "<!DOCTYPE html><html><body><h1>Scheduled maintenance</h1></body></html>", media_type="text/html"
        )
    if fault.kind == "gzip_broken":
        broken = gzip.compress(b'{"shipments": [' + b"1234567890" * 400 + b"]}")[:-60] + b"\x00" * 40
        return Response(broken, headers={"Content-Encoding": "gzip"}, media_type="application/json")
    if fault.kind == "gzip_bomb":
        return Response(_bomb(), headers={"Content-Encoding": "gzip"}, media_type="application/json")
    if fault.kind in ("huge", "too_large"):
        size = HUGE_BYTES if fault.kind == "huge" else TOO_LARGE_BYTES
        return StreamingResponse(_blanks(size), media_type="application/json")
    if fault.kind in ("hang", "drip"):
        return Drip(fault.seconds if fault.kind == "drip" else None)
    if fault.kind == "disconnect":
        return Disconnect()
    return Response(b"", media_type="application/json")


def _retry(fault: Fault) -> dict[str, str]:
    if fault.kind == "429_without_time":
        return {}
    if fault.kind == "429_until_date":
        # Dates have whole seconds: the next one, so that no less time is told.
        until = datetime.now(UTC) + timedelta(seconds=fault.seconds + 1)
        return {"Retry-After": format_datetime(until, usegmt=True)}
    return {"Retry-After": f"{fault.seconds:g}" if fault.seconds < 1 else str(round(fault.seconds))}


async def _blanks(size: int) -> AsyncIterator[bytes]:
    """That many bytes of valid JSON that says nothing."""
    block = b" " * (1024 * 1024)
    yield b'{"padding": "'
    for _ in range(size // len(block)):
        yield block
    yield b'"}'


@cache
def _bomb() -> bytes:
    """Half a megabyte of gzip that unpacks to BOMB_BYTES."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = b" " * (1024 * 1024)
    return b"".join([*(packer.compress(block) for _ in range(BOMB_BYTES // len(block))), packer.flush()])
