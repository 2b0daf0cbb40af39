"""Asking carriers over HTTP: bounded, paced, retried, and never raising for what a carrier does.

Every batch of parcels ends as one Answer, and one more for each request that an answer calls for (a next page, numbers
to be registered). A failure after all retries is an Answer with an error; after several in a row the carrier counts as
down, and the batches left are answered as failed without asking. Every call, tokens and retries included, is first
taken from the account's budget.
"""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Protocol
from urllib.parse import quote, urlsplit

import httpx
import msgspec

from lanecast.carriers.base import Account, Adapter, FollowUp, RequestSpec, Wanted
from lanecast.carriers.bodies import BodyError, decode_body
from lanecast.carriers.registry import row
from lanecast.connections import is_loopback

RETRIED_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
REFUSED_STATUSES = frozenset({401, 403})
CIRCUIT_OPEN = "circuit open: the carrier did not answer several requests in a row, so it was not asked"
BROKE_OFF = "the body broke off"

MOST_FOLLOW_UPS = 200
SHORTEST_SECRET = 6
MASK = b"***"

Sleep = Callable[[float], Awaitable[None]]
_random = secrets.SystemRandom()


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How hard a carrier is asked. Times in seconds, sizes in bytes."""

    max_concurrency: int = 4
    requests_per_second: float = 5.0
    attempts: int = 5
    first_backoff: float = 0.5
    longest_wait: float = 60.0
    connect_timeout: float = 10.0
    read_timeout: float = 30.0
    total_timeout: float = 120.0
    max_body_bytes: int = 64 * 1024 * 1024
    failures_until_open: int = 8
    calls_per_day: int | None = None
    calls_per_month: int | None = None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came back for one batch of numbers. `status` is None where nothing came; times are the wall clock's."""

    carrier: str
    requested: tuple[str, ...]
    url: str
    requested_at: datetime
    answered_at: datetime
    status: int | None = None
    headers: dict[str, str] = {}
    body: bytes = b""
    error: str | None = None


class BudgetSpent(Exception):
    """No call may be made now: the day's or the month's calls are used up, or the carrier counts as down."""


class Budget(Protocol):
    """The calls that an account may make: see lanecast.follow.budget for the one that all workers share."""

    async def take(self) -> float:
        """Takes one call; returns the seconds to wait before making it. BudgetSpent where none may be made."""
        ...

    async def note(self, down: bool) -> None:
        """Notes that the carrier counts as down, or answers again, for the other workers."""
        ...


class OwnPace:
    """A budget of one process: requests start at least 1 / requests_per_second apart, without end."""

    def __init__(self, requests_per_second: float) -> None:
        self._apart = 1.0 / requests_per_second
        self._next_start = 0.0

    async def take(self) -> float:
        """Takes one call."""
        now = asyncio.get_running_loop().time()
        start = max(now, self._next_start)
        self._next_start = start + self._apart
        return start - now

    async def note(self, down: bool) -> None:
        """Nobody else asks."""


def limits_of(account: Account) -> Limits:
    """The limits for an account: of the registry, of the connection's extra, or of the sandbox, which bears more."""
    if account.is_sandbox:
        return Limits(max_concurrency=6, requests_per_second=300.0, first_backoff=0.05, longest_wait=5.0)
    known = row(account.carrier)
    told = {name: account.extra[name] for name in Limits.__struct_fields__ if name in account.extra}
    chosen = {
        "max_concurrency": known.max_concurrency,
        "requests_per_second": known.requests_per_second,
        "calls_per_day": known.calls_per_day,
        "calls_per_month": known.calls_per_month,
        **told,
    }
    try:
        limits = msgspec.convert(chosen, Limits, strict=False)
        if any((getattr(limits, name) or 1) <= 0 or getattr(limits, name) == 0 for name in Limits.__struct_fields__):
            raise msgspec.ValidationError("limits are above 0")
        return limits
    except msgspec.ValidationError as error:
        raise ValueError(f"connection lanecast_{account.carrier}: its extra has an unreadable limit: {error}") from None


async def pull(
    adapter: Adapter,
    account: Account,
    batches: Iterable[Sequence[Wanted]],
    *,
    limits: Limits | None = None,
    client: httpx.AsyncClient | None = None,
    budget: Budget | None = None,
    sleep: Sleep = asyncio.sleep,
) -> AsyncIterator[Answer]:
    """The answers to each batch, as batches complete; at most `max_concurrency` batches are under way.

    Never raises for what a carrier does. ValueError for a batch that is larger than the carrier takes, or empty.
    """
    limits = limits or limits_of(account)
    asking = iter(batches)
    under_way: set[asyncio.Task[list[Answer]]] = set()
    async with _client(account, limits, client) as connected:
        line = _Line(adapter, account, connected, limits, budget or OwnPace(limits.requests_per_second), sleep)
        try:
            while True:
                for batch in _next(asking, limits.max_concurrency - len(under_way), adapter.numbers_per_request):
                    under_way.add(asyncio.create_task(line.ask(batch)))
                if not under_way:
                    return
                done, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    for answer in task.result():
                        yield answer
        finally:
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)


def _next(batches: Iterator[Sequence[Wanted]], count: int, largest: int) -> Iterator[tuple[Wanted, ...]]:
    for _ in range(count):
        batch = next(batches, None)
        if batch is None:
            return
        if not 0 < len(batch) <= largest:
            raise ValueError(f"a batch of {len(batch)} numbers: the carrier takes 1 to {largest} a request")
        yield tuple(batch)


@asynccontextmanager
async def _client(
    account: Account, limits: Limits, given: httpx.AsyncClient | None
) -> AsyncIterator[httpx.AsyncClient]:
    if given is not None:
        yield given
        return
    # A proxy from the environment must not come between this machine and its own sandbox.
    local = account.is_sandbox or is_loopback(urlsplit(account.base_url).hostname or "")
    async with httpx.AsyncClient(
        verify=True,
        trust_env=not local,
        timeout=httpx.Timeout(limits.read_timeout, connect=limits.connect_timeout),
        limits=httpx.Limits(
            max_connections=limits.max_concurrency + 1, max_keepalive_connections=limits.max_concurrency + 1
        ),
        follow_redirects=False,
    ) as client:
        yield client


@dataclass
class _Line:
    """One account's line to its carrier: its token, its budget, and whether it is down."""

    adapter: Adapter
    account: Account
    client: httpx.AsyncClient
    limits: Limits
    budget: Budget
    sleep: Sleep
    failures: int = 0
    token: str | None = None
    token_expires: float = 0.0
    token_lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def ask(self, batch: tuple[Wanted, ...]) -> list[Answer]:
        """The answers to one batch: the first, and those to the requests that it calls for."""
        first, spec = await self._ask(batch, None)
        answers = [first]
        waiting = self._follow_ups(batch, spec, first)
        while waiting:
            if len(answers) > MOST_FOLLOW_UPS:
                error = f"more than {MOST_FOLLOW_UPS} further requests for one batch: not followed to the end"
                answers.append(self._failed(batch, first.url, datetime.now(UTC), error))
                break
            following = waiting.pop(0)
            answer, spec = await self._ask(following.wanted, following.spec)
            answers.append(answer)
            waiting.extend(self._follow_ups(following.wanted, spec, answer))
        return answers

    def _follow_ups(self, wanted: tuple[Wanted, ...], spec: RequestSpec | None, answer: Answer) -> list[FollowUp]:
        if spec is None or answer.error is not None or answer.status is None or answer.status >= 300:
            return []
        return self.adapter.follow_ups(self.account, wanted, spec, answer.body)

    async def _ask(self, batch: tuple[Wanted, ...], spec: RequestSpec | None) -> tuple[Answer, RequestSpec | None]:
        """The answer to one request, after as many attempts as the limits allow, and the request that was made."""
        requested_at = datetime.now(UTC)
        url = self.account.base_url
        if self.failures >= self.limits.failures_until_open:
            return self._failed(batch, url, requested_at, CIRCUIT_OPEN), None
        try:
            answer, spec = await self._attempts(batch, spec)
        except BudgetSpent as spent:
            return self._failed(batch, url, requested_at, str(spent)), None
        except Exception as error:  # whatever a carrier or a library does, the other batches go on
            answer = self._failed(batch, url, requested_at, self._told(error))
        down = answer.error is not None and (answer.status is None or answer.status in RETRIED_STATUSES)
        was_down = self.failures >= self.limits.failures_until_open
        self.failures = self.failures + 1 if down else 0
        told_down = self.failures >= self.limits.failures_until_open
        if told_down != was_down:
            await self.budget.note(told_down)
        return answer, spec

    async def _attempts(
        self, batch: tuple[Wanted, ...], given: RequestSpec | None
    ) -> tuple[Answer, RequestSpec | None]:
        renewed = False
        url = self.account.base_url
        answer = self._failed(batch, url, datetime.now(UTC), "not asked")
        spec = given
        attempt = 0
        while attempt < self.limits.attempts:
            if attempt and self.failures >= self.limits.failures_until_open:
                break
            attempt += 1
            try:
                token = await self._token()
            except _AskError as error:
                answer = self._failed(batch, url, datetime.now(UTC), str(error), error.status)
                if not error.retry or attempt == self.limits.attempts:
                    return answer, spec
                await self._wait(attempt, error.headers)
                continue
            spec = given or self.adapter.build(self.account, batch, token)
            url = str(httpx.URL(self.account.base_url + spec.path, params=dict(spec.params or {})))
            answer = await self._once(batch, spec, url, token)
            if answer.status == 401 and token is not None and not renewed:
                # A token may be withdrawn before its time: one new one, then the answer stands.
                renewed = True
                attempt -= 1
                self._forget(token)
                continue
            broken = answer.error is not None and answer.error.startswith(BROKE_OFF)
            if answer.status is not None and answer.status not in RETRIED_STATUSES and not broken:
                return answer, spec
            if attempt < self.limits.attempts:
                await self._wait(attempt, answer.headers)
        return answer, spec

    async def _once(self, batch: tuple[Wanted, ...], spec: RequestSpec, url: str, token: str | None) -> Answer:
        await self._pace()
        requested_at = datetime.now(UTC)
        headers = {**(spec.headers or {}), **self.adapter.authorization(self.account, token)}
        try:
            status, told, body, error = await self._exchange(spec, headers)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError) as failure:
            return self._failed(batch, url, requested_at, self._told(failure))
        if status in REFUSED_STATUSES:
            error = f"the carrier refused the credentials of lanecast_{self.account.carrier} (HTTP {status})"
        elif status in RETRIED_STATUSES:
            error = f"HTTP {status} after {self.limits.attempts} attempts"
        elif 300 <= status < 400:
            error = f"HTTP {status}: redirects are not followed"
        return Answer(
            carrier=self.account.carrier,
            requested=tuple(one.number for one in batch),
            url=self._masked(url),
            requested_at=requested_at,
            answered_at=datetime.now(UTC),
            status=status,
            headers={name: self._masked(value) for name, value in told.items()},
            body=self._without_secrets(body),
            error=error,
        )

    async def _exchange(
        self, spec: RequestSpec, headers: Mapping[str, str]
    ) -> tuple[int, dict[str, str], bytes, str | None]:
        """(status, headers, body, what is wrong with the body). The body is kept as far as it came."""
        request = self.client.build_request(
            spec.method,
            self.account.base_url + spec.path,
            params=dict(spec.params) if spec.params else None,
            headers={"Accept": "application/json", "Accept-Encoding": "gzip, deflate", **headers},
            json=spec.json,
            data=dict(spec.form) if spec.form else None,
            content=spec.content,
        )
        auth = httpx.BasicAuth(*spec.basic) if spec.basic else None
        async with asyncio.timeout(self.limits.total_timeout):
            response = await self.client.send(request, stream=True, auth=auth)
            error: str | None = None
            received = bytearray()
            try:
                async for chunk in response.aiter_raw():
                    received += chunk
                    if len(received) > self.limits.max_body_bytes:
                        error = f"the body is larger than {self.limits.max_body_bytes} bytes: cut there"
                        break
            except (httpx.HTTPError, OSError) as failure:
                error = f"{BROKE_OFF} after {len(received)} bytes: {self._told(failure)}"
            finally:
                await response.aclose()
        body = bytes(received[: self.limits.max_body_bytes])
        told = dict(response.headers)
        if error is None:
            try:
                body = decode_body(body, told.get("content-encoding", ""), self.limits.max_body_bytes)
            except BodyError as failure:
                error = str(failure)
        return response.status_code, told, body, error

    async def _token(self) -> str | None:
        """The account's access token, fetched once and shared; None where the carrier takes none."""
        spec = self.adapter.token_request(self.account)
        if spec is None:
            return None
        async with self.token_lock:
            now = asyncio.get_running_loop().time()
            if self.token is not None and now < self.token_expires:
                return self.token
            await self._pace()
            try:
                status, headers, body, _ = await self._exchange(spec, {})
            except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError) as failure:
                raise _AskError(f"no access token: {self._told(failure)}", None, True) from None
            if status != 200:
                retry = status in RETRIED_STATUSES
                raise _AskError(
                    f"no access token for lanecast_{self.account.carrier}: HTTP {status}", status, retry, headers
                )
            try:
                told = self.adapter.read_token(body, headers)
            except (msgspec.MsgspecError, UnicodeDecodeError):
                raise _AskError("no access token: the answer holds none where it should", status, True) from None
            # A minute of grace, so that no request starts with a token about to end.
            self.token, self.token_expires = told.access_token, now + max(told.expires_in - 60.0, 1.0)
            return self.token

    def _forget(self, token: str) -> None:
        if self.token == token:
            self.token = None

    async def _pace(self) -> None:
        """Takes a call from the account's budget, and waits for its turn."""
        seconds = await self.budget.take()
        if seconds > 0:
            await self.sleep(seconds)

    async def _wait(self, attempt: int, headers: Mapping[str, str]) -> None:
        """Before another attempt: full jitter, or as long as the carrier asks for."""
        longest = self.limits.longest_wait
        jitter = _random.uniform(0, min(longest, self.limits.first_backoff * 2**attempt))
        asked = retry_after(headers.get("retry-after"), datetime.now(UTC))
        await self.sleep(jitter if asked is None else min(asked, longest) + jitter)

    def _failed(
        self, batch: tuple[Wanted, ...], url: str, requested_at: datetime, error: str, status: int | None = None
    ) -> Answer:
        return Answer(
            carrier=self.account.carrier,
            requested=tuple(one.number for one in batch),
            url=self._masked(url),
            requested_at=requested_at,
            answered_at=datetime.now(UTC),
            status=status,
            error=self._masked(error),
        )

    def _told(self, error: BaseException) -> str:
        """An error as one line, without secrets."""
        return self._masked(f"{type(error).__name__}: {error}".rstrip(": "))

    def _secrets(self) -> list[str]:
        """What must not be kept: password and token, also as they stand in a URL or in HTTP Basic."""
        account = self.account
        basic = base64.b64encode(f"{account.login}:{account.password}".encode()).decode()
        plain = [account.password, self.token or "", basic]
        return [text for one in plain if len(one) >= SHORTEST_SECRET for text in {one, quote(one, safe="")}]

    def _masked(self, text: str) -> str:
        for secret in self._secrets():
            text = text.replace(secret, MASK.decode())
        return text

    def _without_secrets(self, body: bytes) -> bytes:
        """A body as it came, but for secrets that the carrier echoes."""
        for secret in self._secrets():
            body = body.replace(secret.encode(), MASK)
        return body


class _AskError(Exception):
    """No token could be had; `retry` tells whether another attempt may help."""

    def __init__(self, problem: str, status: int | None, retry: bool, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(problem)
        self.status = status
        self.retry = retry
        self.headers = headers or {}


def retry_after(text: str | None, now: datetime) -> float | None:
    """Seconds to wait from a Retry-After header, be it seconds or an HTTP date; None if there is none to read."""
    if not text:
        return None
    text = text.strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())
