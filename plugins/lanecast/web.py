"""What asking anyone over HTTP takes: requests, limits, bodies within bounds, waits that are asked for, quiet logs.

Certificates are always verified, and no setting turns that off.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import math
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal, NamedTuple, Protocol, TypeVar
from urllib.parse import urlsplit

import httpx
import msgspec

from lanecast.connections import is_loopback

RETRIED_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
REFUSED_STATUSES = frozenset({401, 403})
BROKE_OFF = "the body broke off"
LARGE_BYTES = 4 * 1024 * 1024
"""Bodies above this are received one at a time where a caller says so: a task's memory then holds one of them."""

Sleep = Callable[[float], Awaitable[None]]
_random = secrets.SystemRandom()
_asking: ContextVar[bool] = ContextVar("somebody is being asked", default=False)
_LOGGERS = ("httpx", *(f"httpcore.{part}" for part in ("connection", "http11", "http2", "proxy", "socks")))


def _is_harmless(record: logging.LogRecord) -> bool:
    """Whether a record of the HTTP libraries is about someone else's requests: ours show URLs and headers."""
    return not _asking.get()


for _name in _LOGGERS:
    logging.getLogger(_name).addFilter(_is_harmless)


@contextmanager
def quiet() -> Iterator[None]:
    """Within the block, what the HTTP libraries log of this task's requests is dropped: it shows URLs and headers."""
    asking = _asking.set(True)
    try:
        yield
    finally:
        _asking.reset(asking)


class HasLogin(Protocol):
    """Anything that is asked with a login and a password."""

    @property
    def login(self) -> str: ...

    @property
    def password(self) -> str: ...


def basic_auth(account: HasLogin) -> dict[str, str]:
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


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How hard somebody is asked. Times in seconds, sizes in bytes."""

    requests_per_second: float = 5.0
    attempts: int = 5
    first_backoff: float = 0.5
    longest_wait: float = 60.0
    connect_timeout: float = 10.0
    read_timeout: float = 30.0
    total_timeout: float = 120.0
    max_body_bytes: int = 64 * 1024 * 1024


_Kind = TypeVar("_Kind", bound=Limits)


def limits_from(kind: type[_Kind], told: Mapping[str, object], connection: str) -> _Kind:
    """Limits as configured. ValueError, naming the connection, for one that is no number above 0."""
    try:
        limits = msgspec.convert(dict(told), kind, strict=False)
        numbers = [number for name in kind.__struct_fields__ if (number := getattr(limits, name)) is not None]
        if any(not math.isfinite(number) or number <= 0 for number in numbers):
            raise msgspec.ValidationError("limits are above 0")
        return limits
    except msgspec.ValidationError as error:
        raise ValueError(f"connection {connection}: its extra has an unreadable limit: {error}") from None


@asynccontextmanager
async def client(base_url: str, limits: Limits, connections: int, is_sandbox: bool) -> AsyncIterator[httpx.AsyncClient]:
    """A client that verifies certificates, follows no redirects, and has no proxy between this machine and itself."""
    # A proxy from the environment must not come between this machine and its own sandbox.
    local = is_sandbox or is_loopback(urlsplit(base_url).hostname or "")
    async with httpx.AsyncClient(
        verify=True,
        trust_env=not local,
        timeout=httpx.Timeout(limits.read_timeout, connect=limits.connect_timeout),
        limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
        follow_redirects=False,
    ) as opened:
        yield opened


class Received(NamedTuple):
    """What came: the body still packed, as far as it came, and what is wrong with it."""

    status: int
    headers: dict[str, str]
    body: bytearray
    error: str | None


async def receive(
    asked: httpx.AsyncClient,
    request: httpx.Request,
    limits: Limits,
    told: Callable[[BaseException], str],
    auth: httpx.Auth | None = None,
    before_large: Callable[[], Awaitable[None]] | None = None,
) -> Received:
    """Sends a request and receives its body, at most `max_body_bytes` of it, within `total_timeout`.

    Raises what httpx raises where no answer began; one that breaks off is kept as far as it came. `told` makes an error
    one line without secrets; `before_large` is awaited where a body is large.
    """
    response: httpx.Response | None = None
    error: str | None = None
    received = bytearray()
    try:
        async with asyncio.timeout(limits.total_timeout):
            response = await asked.send(request, stream=True, auth=auth)
            async for chunk in response.aiter_raw():
                received += chunk
                if len(received) > limits.max_body_bytes:
                    error = f"the body is larger than {limits.max_body_bytes} bytes: cut there"
                    break
                if len(received) > LARGE_BYTES and before_large is not None:
                    await before_large()
    except (httpx.HTTPError, TimeoutError, OSError) as failure:
        if response is None:
            raise
        error = f"{BROKE_OFF} after {len(received)} bytes: {told(failure)}"
    finally:
        if response is not None:
            await response.aclose()
    return Received(response.status_code, dict(response.headers), received, error)


def wait_before(attempt: int, headers: Mapping[str, str], limits: Limits) -> float:
    """Seconds to wait before another attempt: full jitter, or as long as the other side asks for."""
    jitter = _random.uniform(0, min(limits.longest_wait, limits.first_backoff * 2**attempt))
    # A date is held against the other side's own clock, where it tells that: ours may be wrong.
    asked = retry_after(headers.get("retry-after"), told_time(headers.get("date")) or datetime.now(UTC))
    return jitter if asked is None else min(asked, limits.longest_wait) + jitter


def described(error: BaseException, limits: Limits) -> str:
    """An error as one line: the libraries' own words, else what lies behind them. Secrets are the caller's to mask."""
    words = str(error)
    if isinstance(error, httpx.ConnectTimeout):
        words = f"no connection within {limits.connect_timeout:g} s"
    elif isinstance(error, httpx.ReadTimeout):
        words = f"nothing came for {limits.read_timeout:g} s"
    elif isinstance(error, TimeoutError):
        words = f"the answer took longer than {limits.total_timeout:g} s"
    behind: BaseException | None = error
    while not words and behind is not None:
        behind = behind.__cause__ or behind.__context__
        words = str(behind) if isinstance(behind, OSError) else ""
    return " ".join(f"{type(error).__name__}: {words}".rstrip(": ").split())


def retry_after(text: str | None, now: datetime) -> float | None:
    """Seconds to wait from a Retry-After header, be it seconds or an HTTP date; None if there is none to read."""
    if not text:
        return None
    text = text.strip()
    if text.isascii() and text.isdigit():
        return float(text)
    moment = told_time(text)
    return None if moment is None else max(0.0, (moment - now).total_seconds())


def told_time(text: str | None) -> datetime | None:
    """An HTTP date; None if there is none to read."""
    try:
        moment = parsedate_to_datetime(text or "")
    except (ValueError, TypeError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
