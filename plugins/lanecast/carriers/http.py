"""Asking carriers over HTTP: bounded, paced, retried, and never raising for what a carrier does.

Every batch of parcels ends as one Answer, and one more for each request that an answer calls for (a next page, numbers
to be registered). A failure after all retries is an Answer with an error; after several in a row the carrier counts as
down, and the batches left are answered as failed without asking. Every call, tokens and retries included, is first
taken from the account's budget. Certificates are always verified, and no setting turns that off.
"""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, NamedTuple, Protocol

import httpx
import msgspec

from lanecast import web
from lanecast.carriers.base import NOT_ASKED, Account, Adapter, FollowUp, Wanted
from lanecast.carriers.bodies import BodyError, decode_body
from lanecast.carriers.masking import Secrets, is_secret
from lanecast.carriers.registry import row
from lanecast.web import BROKE_OFF, REFUSED_STATUSES, RETRIED_STATUSES, RequestSpec, Sleep, limits_from

CIRCUIT_OPEN = f"{NOT_ASKED}circuit open, for the carrier did not answer several requests in a row"
NO_TOKEN = "no access token"  # noqa: S105 - words, no secret
LOGIN_REFUSED = f"{NO_TOKEN}, for the login was refused"
TOKEN_REFUSED = "the carrier refused the access token"  # noqa: S105 - words, no secret

MOST_FOLLOW_UPS = 200
NotAsked = Literal["budget", "down", "refused"]
"""Why no call was made: the account's calls are used up, its carrier counts as down, or it refuses the account."""


class Limits(web.Limits, frozen=True, kw_only=True):
    """How hard a carrier is asked. Times in seconds, sizes in bytes."""

    max_concurrency: int = 4
    failures_until_open: int = 8
    down_seconds: float = 60.0
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
    not_asked: NotAsked | None = None
    ends_batch: bool = False
    """Whether no more answers to the same batch follow."""


class BudgetSpent(Exception):
    """No call may be made now: `why` tells whether the calls are used up, or the carrier counts as down."""

    def __init__(self, problem: str, why: NotAsked = "budget") -> None:
        super().__init__(problem)
        self.why = why


class BudgetLost(RuntimeError):
    """The calls can't be counted, so that none may be made."""


class Budget(Protocol):
    """The calls that an account may make: see lanecast.follow.budget for the one that all workers share."""

    @property
    def probing(self) -> bool:
        """Whether the carrier counted as down and has not answered since: one request at a time, with one attempt."""
        ...

    async def take(self) -> float:
        """Takes one call; returns the seconds to wait before making it. BudgetSpent where none may be made."""
        ...

    async def give_back(self) -> None:
        """Returns one call that was taken and did not leave this machine."""
        ...

    async def note(self, down: bool) -> None:
        """Notes after each request whether the carrier counts as down, for the other workers."""
        ...


class OwnPace:
    """A budget of one process: requests start at least 1 / requests_per_second apart, without end."""

    probing = False

    def __init__(self, requests_per_second: float) -> None:
        self._apart = 1.0 / requests_per_second
        self._next_start = 0.0

    async def take(self) -> float:
        """Takes one call."""
        now = asyncio.get_running_loop().time()
        start = max(now, self._next_start)
        self._next_start = start + self._apart
        return start - now

    async def give_back(self) -> None:
        """Nothing counts it."""

    async def note(self, down: bool) -> None:
        """Nobody else asks."""


def limits_of(account: Account) -> Limits:
    """The limits for an account: of the registry, of the connection's extra, or of the sandbox, which bears more."""
    if account.is_sandbox:
        return Limits(
            max_concurrency=6, requests_per_second=500.0, first_backoff=0.05, longest_wait=5.0, down_seconds=0.0
        )
    known = row(account.carrier)
    told = {name: account.extra[name] for name in Limits.__struct_fields__ if name in account.extra}
    chosen = {
        "max_concurrency": known.max_concurrency,
        "requests_per_second": known.requests_per_second,
        "calls_per_day": known.calls_per_day,
        "calls_per_month": known.calls_per_month,
        **told,
    }
    return limits_from(Limits, chosen, f"lanecast_{account.carrier}")


async def pull(
    adapter: Adapter,
    account: Account,
    batches: Iterable[Sequence[Wanted]],
    *,
    limits: Limits | None = None,
    client: httpx.AsyncClient | None = None,
    budget: Budget | None = None,
    sleep: Sleep = asyncio.sleep,
) -> AsyncGenerator[Answer, None]:
    """The answers to each batch, as batches complete; at most `max_concurrency` batches are under way.

    Never raises for what a carrier does. ValueError for a batch that is larger than the carrier takes, or empty;
    BudgetLost where calls can't be counted.
    """
    limits = limits or limits_of(account)
    asking = iter(batches)
    under_way: set[asyncio.Task[list[Answer]]] = set()
    async with _client(account, limits, client) as connected:
        budget = budget or OwnPace(limits.requests_per_second)
        # A client that is given leads elsewhere: its tokens are its own.
        tokens = _TOKENS if client is None else {}
        line = _Line(adapter, account, connected, limits, budget, sleep, tokens)
        try:
            while True:
                most = 1 if budget.probing else limits.max_concurrency
                for batch in _next(asking, most - len(under_way), adapter.numbers_per_request):
                    under_way.add(asyncio.create_task(line.ask(batch)))
                if not under_way:
                    return
                done, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    answers = task.result()
                    while answers:  # a body that was handed on is kept no longer
                        answer = answers.pop(0)
                        yield answer if answers else msgspec.structs.replace(answer, ends_batch=True)
                    line.handed_on(task)
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
    async with web.client(account.base_url, limits, limits.max_concurrency + 1, account.is_sandbox) as client:
        yield client


class _Held(NamedTuple):
    """An access token, and until when it is used (time.monotonic())."""

    text: str
    until: float

    def __repr__(self) -> str:
        return "_Held(***)"


_TOKENS: dict[tuple[str, str, str, str], _Held] = {}
"""The access tokens of this process, by account."""


@dataclass(repr=False)
class _Line:
    """One account's line to its carrier: its token, its budget, and whether it is down."""

    adapter: Adapter
    account: Account
    client: httpx.AsyncClient
    limits: Limits
    budget: Budget
    sleep: Sleep
    tokens: dict[tuple[str, str, str, str], _Held]
    failures: int = 0
    refusals: int = 0
    renewals: int = 0
    token_lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    large: asyncio.Lock = field(default_factory=asyncio.Lock)
    large_of: asyncio.Task[object] | None = None

    def __post_init__(self) -> None:
        account = self.account
        basic = base64.b64encode(f"{account.login}:{account.password}".encode("utf-8", "surrogatepass")).decode()
        told = [text for name, text in account.extra.items() if is_secret(name) and isinstance(text, str)]
        self.secrets = Secrets(account.password, basic, *told)
        self.key = (account.carrier, account.base_url, account.login, account.password)

    async def ask(self, batch: tuple[Wanted, ...]) -> list[Answer]:
        """The answers to one batch: the first, and those to the requests that it calls for."""
        first, spec = await self._ask(batch, None)
        answers = [first]
        size = len(first.body)
        waiting = self._follow_ups(batch, spec, first)
        while waiting:
            error = None
            if len(answers) > MOST_FOLLOW_UPS:
                error = f"more than {MOST_FOLLOW_UPS} further requests for one batch: not followed to the end"
            elif size > self.limits.max_body_bytes:
                error = f"one batch's answers hold more than {self.limits.max_body_bytes} bytes: not followed further"
            if error:
                answers.append(self._failed(batch, first.url, datetime.now(UTC), error))
                break
            following = waiting.pop(0)
            answer, spec = await self._ask(following.wanted, following.spec)
            answers.append(answer)
            size += len(answer.body)
            waiting.extend(self._follow_ups(following.wanted, spec, answer))
        return answers

    def handed_on(self, task: asyncio.Task[list[Answer]]) -> None:
        """A batch's answers are stored: if one was large, the next large one may come."""
        if self.large_of is task:
            self.large_of = None
            self.large.release()

    def _follow_ups(self, wanted: tuple[Wanted, ...], spec: RequestSpec | None, answer: Answer) -> list[FollowUp]:
        if spec is None or answer.error is not None or answer.status is None or answer.status >= 300:
            return []
        return self.adapter.follow_ups(self.account, wanted, spec, answer.body)

    async def _ask(self, batch: tuple[Wanted, ...], spec: RequestSpec | None) -> tuple[Answer, RequestSpec | None]:
        """The answer to one request, after as many attempts as the limits allow, and the request that was made."""
        requested_at = datetime.now(UTC)
        url = self.account.base_url
        until_open = self.limits.failures_until_open
        if self.failures >= until_open:
            return self._failed(batch, url, requested_at, CIRCUIT_OPEN, not_asked="down"), None
        if self.refusals >= until_open:
            error = f"{NOT_ASKED}the carrier refused the credentials of {self._name} {until_open} times in a row"
            return self._failed(batch, url, requested_at, error, not_asked="refused"), None
        try:
            answer, spec = await self._attempts(batch, spec)
        except BudgetSpent as spent:
            return self._failed(batch, url, requested_at, f"{NOT_ASKED}{spent}", not_asked=spent.why), None
        except BudgetLost:
            raise
        except Exception as error:  # whatever a carrier or a library does, the other batches go on
            answer = self._failed(batch, url, requested_at, self._told(error))
        failed = answer.error is not None and (answer.status is None or answer.status in RETRIED_STATUSES)
        down = failed and not self._is_refusal(answer)
        if not down:
            self.failures = 0
            self.refusals = self.refusals + 1 if self._is_refusal(answer) else 0
        else:
            self.failures = until_open if self.budget.probing else self.failures + 1
        if not down or self.failures >= until_open:
            await self.budget.note(down)
        return answer, spec

    @property
    def _name(self) -> str:
        return f"lanecast_{self.account.carrier}"

    def _is_refusal(self, answer: Answer) -> bool:
        """Whether the account itself is refused; a 403 may be about one parcel."""
        error = answer.error or ""
        if answer.status == 401 or error.startswith((LOGIN_REFUSED, TOKEN_REFUSED)):
            return True
        # Where tokens come from may be out of order, too: that says nothing about the account.
        return error.startswith(NO_TOKEN) and answer.status is not None and answer.status not in RETRIED_STATUSES

    async def _attempts(
        self, batch: tuple[Wanted, ...], given: RequestSpec | None
    ) -> tuple[Answer, RequestSpec | None]:
        renewed = False
        url = self.account.base_url
        answer = self._failed(batch, url, datetime.now(UTC), "not asked")
        spec = given
        attempt = 0
        while attempt < self.limits.attempts:
            if attempt and (self.budget.probing or self.failures >= self.limits.failures_until_open):
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
            answer = await self._once(batch, spec, url, token, attempt)
            is_refused = answer.status == 401 or (answer.error or "").startswith(TOKEN_REFUSED)
            if is_refused and token is not None and not renewed and self._renew(token):
                # A token may be withdrawn before its time: one new one, then the answer stands.
                renewed = True
                attempt -= 1
                continue
            if answer.status is not None and not is_refused:
                self.renewals = 0
            broken = answer.error is not None and answer.error.startswith(BROKE_OFF)
            stands = is_refused or answer.error is None or answer.status not in RETRIED_STATUSES
            if answer.status is not None and stands and not broken:
                return answer, spec
            if attempt < self.limits.attempts and not self.budget.probing:
                await self._wait(attempt, answer.headers)
        return answer, spec

    async def _once(
        self, batch: tuple[Wanted, ...], spec: RequestSpec, url: str, token: str | None, attempt: int
    ) -> Answer:
        headers = {**(spec.headers or {}), **self.adapter.authorization(self.account, token)}
        await self._pace()
        requested_at = datetime.now(UTC)
        try:
            status, told, body, error = await self._exchange(spec, headers)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError) as failure:
            return self._failed(batch, url, requested_at, self._told(failure))
        if status in REFUSED_STATUSES:
            error = f"the carrier refused the credentials of {self._name} (HTTP {status})"
        elif status in RETRIED_STATUSES and (verdict := self.adapter.verdict(status, body)):
            error = f"{TOKEN_REFUSED} of {self._name} (HTTP {status})" if verdict == "token refused" else error
        elif status in RETRIED_STATUSES:
            error = f"HTTP {status} after {attempt} attempt{'s' if attempt > 1 else ''}"
        elif 300 <= status < 400:
            error = f"HTTP {status}: redirects are not followed"
        masked = self.secrets.masked
        return Answer(
            carrier=self.account.carrier,
            requested=tuple(one.number for one in batch),
            url=masked(url),
            requested_at=requested_at,
            answered_at=datetime.now(UTC),
            status=status,
            headers={masked(name): masked(value) for name, value in told.items()},
            body=body,
            error=error,
        )

    async def _exchange(
        self, spec: RequestSpec, headers: Mapping[str, str], *, masking: bool = True
    ) -> tuple[int, dict[str, str], bytes, str | None]:
        """(status, headers, body without secrets, what is wrong with the body). The body is kept as far as it came."""
        basic = base64.b64encode(":".join(spec.basic).encode("utf-8", "surrogatepass")).decode() if spec.basic else None
        self.secrets.learn(basic)
        for name, value in headers.items():
            if is_secret(name):
                self.secrets.learn(value.rpartition(" ")[2])
        try:
            with web.quiet():
                status, told, received, error = await self._receive(spec, headers)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
            await self.budget.give_back()  # nothing was sent
            raise
        limit = self.limits.max_body_bytes
        is_cut = error is not None
        del received[limit:]
        body = bytes(received)
        del received
        encoding = told.get("content-encoding", "")
        if error is None:
            try:
                body = decode_body(body, encoding, limit)
            except BodyError as failure:
                error = str(failure)
        if masking:
            body = self.secrets.without(body, is_cut)
            if error is not None and encoding and self.secrets.are_packed_in(body, limit):
                body = b"(not kept: a broken packed body with a secret in it)"
        return status, told, body, error

    async def _receive(self, spec: RequestSpec, headers: Mapping[str, str]) -> web.Received:
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
        return await web.receive(self.client, request, self.limits, self._told, auth, self._alone)

    async def _alone(self) -> None:
        """Waits until no other batch of this line holds a large body."""
        task = asyncio.current_task()
        if self.large_of is not task:
            await self.large.acquire()
            self.large_of = task

    async def _token(self) -> str | None:
        """The account's access token, fetched once and shared; None where the carrier takes none."""
        spec = self.adapter.token_request(self.account)
        if spec is None:
            return None
        async with self.token_lock:
            held = self.tokens.get(self.key)
            if held is not None and time.monotonic() < held.until:
                self.secrets.learn(held.text)
                return held.text
            await self._pace()
            asked_at = time.monotonic()
            try:
                status, headers, body, _ = await self._exchange(spec, {}, masking=False)
            except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError) as failure:
                raise _AskError(f"{NO_TOKEN}: {self._told(failure)}", None, True) from None
            if status != 200:
                retry = status in RETRIED_STATUSES
                if retry and self.adapter.verdict(status, body) == "token refused":
                    raise _AskError(f"{LOGIN_REFUSED} for {self._name}: HTTP {status}", status, False)
                raise _AskError(f"{NO_TOKEN} for {self._name}: HTTP {status}", status, retry, headers)
            try:
                told = self.adapter.read_token(body, headers)
            except (msgspec.MsgspecError, UnicodeDecodeError):
                raise _AskError(f"{NO_TOKEN}: the answer holds none where it should", status, True) from None
            # A minute of grace, so that no request starts with a token about to end.
            self.tokens[self.key] = _Held(told.access_token, asked_at + max(told.expires_in - 60.0, 1.0))
            self.secrets.learn(told.access_token)
            return told.access_token

    def _renew(self, token: str) -> bool:
        """Drops a token that was refused; False where it is itself a renewed one that was never accepted."""
        held = self.tokens.get(self.key)
        if held is None or held.text != token:
            return True  # another request has dropped it
        if self.renewals:
            return False
        self.renewals += 1
        del self.tokens[self.key]
        return True

    async def _pace(self) -> None:
        """Takes a call from the account's budget, and waits for its turn."""
        seconds = await self.budget.take()
        if seconds > 0:
            await self.sleep(seconds)

    async def _wait(self, attempt: int, headers: Mapping[str, str]) -> None:
        """Before another attempt: full jitter, or as long as the carrier asks for."""
        await self.sleep(web.wait_before(attempt, headers, self.limits))

    def _failed(
        self,
        batch: tuple[Wanted, ...],
        url: str,
        requested_at: datetime,
        error: str,
        status: int | None = None,
        not_asked: NotAsked | None = None,
    ) -> Answer:
        return Answer(
            carrier=self.account.carrier,
            requested=tuple(one.number for one in batch),
            url=self.secrets.masked(url),
            requested_at=requested_at,
            answered_at=datetime.now(UTC),
            status=status,
            error=self.secrets.masked(error),
            not_asked=not_asked,
        )

    def _told(self, error: BaseException) -> str:
        """An error as one line, without secrets: the libraries' own words, else what lies behind them."""
        return self.secrets.masked(web.described(error, self.limits))


class _AskError(Exception):
    """No token could be had; `retry` tells whether another attempt may help. `status` is that of the token's answer."""

    def __init__(self, problem: str, status: int | None, retry: bool, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(problem)
        self.status = status
        self.retry = retry
        self.headers = headers or {}
