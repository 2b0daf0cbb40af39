"""Asking one shop, a request at a time: paced, retried, bounded, without secrets in anything that is kept or said."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from datetime import UTC, datetime

import httpx
import msgspec

from lanecast import web
from lanecast.carriers.base import RequestSpec
from lanecast.carriers.bodies import BodyError, decode_body
from lanecast.carriers.masking import Secrets, is_secret
from lanecast.storefronts.base import PageBroken, ShopAdapter, ShopRefused, SourceAccount, Step, StorefrontError
from lanecast.storefronts.keeping import kept
from lanecast.web import BROKE_OFF, REFUSED_STATUSES, RETRIED_STATUSES, Limits, Sleep

MOST_THROTTLED = 60
"""Times in a row that a shop may say that it was asked too often, before it counts as down."""
_KEPT_HEADERS = frozenset({"content-type", "date", "x-wp-total", "x-wp-totalpages"})


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A page as it is stored: see lanecast.raw.Answered. `requested` stays empty: it is for tracking numbers."""

    carrier: str
    url: str
    requested_at: datetime
    answered_at: datetime
    status: int | None = None
    headers: dict[str, str] = {}
    body: bytes = b""
    error: str | None = None
    requested: tuple[str, ...] = ()


class ShopDown(StorefrontError):
    """The shop did not answer, after all attempts."""


def limits_of(account: SourceAccount) -> Limits:
    """The limits for a source: of its connection's extra, or of the sandbox, which bears more."""
    if account.is_sandbox:
        return Limits(requests_per_second=500.0, first_backoff=0.05, longest_wait=5.0)
    told = {name: account.extra[name] for name in Limits.__struct_fields__ if name in account.extra}
    return web.limits_from(Limits, told, account.connection)


def page_size(account: SourceAccount, usual: int, most: int) -> int:
    """Records a page, as the connection's extra says, at most what the shop gives. ValueError, naming the connection,
    for what is no whole number above 0."""
    told = account.extra.get("page_size", usual)
    text = str(told)
    if isinstance(told, bool) or not (text.isascii() and text.isdigit() and int(text) > 0):
        raise ValueError(
            f"connection {account.connection}: its extra has page_size {told!r}: give a whole number above 0"
        )
    return min(int(text), most)


class Line:
    """One account's line to its shop. `ask` raises StorefrontError for whatever the shop does."""

    def __init__(
        self,
        adapter: ShopAdapter,
        account: SourceAccount,
        client: httpx.AsyncClient,
        limits: Limits,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._adapter, self._account, self._client = adapter, account, client
        self._limits, self._sleep = limits, sleep
        basic = base64.b64encode(f"{account.login}:{account.password}".encode("utf-8", "surrogatepass")).decode()
        told = [text for name, text in account.extra.items() if is_secret(name) and isinstance(text, str)]
        self._secrets = Secrets(account.password, basic, *told)
        self._next_start = 0.0

    async def ask(self, step: Step) -> tuple[Step, Answer]:
        """The answer to a step, without personal data, and the step as it was asked in the end: it may be a smaller
        page. An answer 404 to the rest of a record is one: the record is gone."""
        throttled = broken = 0
        while True:
            answer = await self._attempts(step)
            if answer.status != 200:
                return step, msgspec.structs.replace(answer, body=b"")
            trouble = self._adapter.trouble(step, answer.body)
            if trouble is None:
                try:
                    body = kept(answer.body, self._adapter.keep(step))
                except PageBroken as problem:
                    # A page of a proxy, or of a shop that is being mended, may come with status 200.
                    broken += 1
                    if broken >= self._limits.attempts:
                        raise ShopDown(self._said(f"{problem}, {broken} times")) from None
                    await self._sleep(web.wait_before(broken, {}, self._limits))
                    continue
                pause = self._adapter.pause(answer.body)
                if pause > 0:
                    await self._sleep(min(pause, self._limits.longest_wait))
                return step, msgspec.structs.replace(answer, body=body)
            smaller = self._adapter.smaller(step) if trouble.kind == "too much" else None
            if smaller is not None:
                step = smaller
            elif trouble.kind == "throttled" and throttled < MOST_THROTTLED:
                throttled += 1
                await self._sleep(min(max(trouble.wait, 0.05), self._limits.longest_wait))
            else:
                raise ShopDown(self._said(trouble.problem))

    async def _attempts(self, step: Step) -> Answer:
        problem = "not asked"
        status: int | None = None
        headers: dict[str, str] = {}
        for attempt in range(1, self._limits.attempts + 1):
            if attempt > 1:
                await self._sleep(web.wait_before(attempt - 1, headers, self._limits))
            await self._pace()
            try:
                answer = await self._once(step)
            except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError) as failure:
                problem, status, headers = self._told(failure), None, {}
                continue
            status, headers = answer.status, answer.headers
            if status == 200 and answer.error is None:
                return answer
            if status == 404 and step.part == "rest":
                return answer
            if status in REFUSED_STATUSES:
                raise ShopRefused(
                    self._said(f"HTTP {status}: it refused the account; check connection {self._account.connection}")
                )
            if status == 200 or status in RETRIED_STATUSES or (answer.error or "").startswith(BROKE_OFF):
                problem = answer.error or f"HTTP {status}"
                continue
            words = self._words(answer.body)
            if 300 <= (status or 0) < 400:
                words = f": it sends elsewhere; put the shop's own address into connection {self._account.connection}"
            raise StorefrontError(self._said(f"HTTP {status}{words}"))
        attempts = self._limits.attempts
        raise ShopDown(self._said(f"{problem}, after {attempts} attempt{'' if attempts == 1 else 's'}"))

    async def _once(self, step: Step) -> Answer:
        spec = self._adapter.spec(step)
        headers = {**(spec.headers or {}), **self._adapter.authorization(self._account)}
        url = self._account.base_url + spec.path
        requested_at = datetime.now(UTC)
        with web.quiet():
            received = await web.receive(self._client, self._request(spec, url, headers), self._limits, self._told)
        error, limit = received.error, self._limits.max_body_bytes
        is_cut = error is not None
        body = bytes(received.body[:limit])
        if error is None:
            try:
                body = decode_body(body, received.headers.get("content-encoding", ""), limit)
            except BodyError as failure:
                error = str(failure)
        shown = str(httpx.URL(url, params=dict(spec.params))) if spec.params else url
        masked = self._secrets.masked
        return Answer(
            carrier=raw_folder(self._account.source),
            url=masked(shown),
            requested_at=requested_at,
            answered_at=datetime.now(UTC),
            status=received.status,
            headers={
                name.lower(): masked(value)
                for name, value in received.headers.items()
                if name.lower() in _KEPT_HEADERS | {"retry-after"}
            },
            body=self._secrets.without(body, is_cut),
            error=error,
        )

    def _request(self, spec: RequestSpec, url: str, headers: Mapping[str, str]) -> httpx.Request:
        return self._client.build_request(
            spec.method,
            url,
            params=dict(spec.params) if spec.params else None,
            headers={"Accept": "application/json", "Accept-Encoding": "gzip, deflate", **headers},
            json=spec.json,
        )

    async def _pace(self) -> None:
        now = asyncio.get_running_loop().time()
        start = max(now, self._next_start)
        self._next_start = start + 1.0 / self._limits.requests_per_second
        if start > now:
            await self._sleep(start - now)

    def _told(self, error: BaseException) -> str:
        return self._secrets.masked(web.described(error, self._limits))

    def _said(self, problem: str) -> str:
        return self._secrets.masked(f"{self._account.source} at {self._account.base_url}: {problem}")

    def _words(self, body: bytes) -> str:
        """What a shop says of an error, where it says so as WordPress does."""
        try:
            told = msgspec.json.decode(body, type=_Said)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return ""
        return f" ({told.code}: {told.message[:200]})"


class _Said(msgspec.Struct):
    code: str
    message: str


def raw_folder(source: str) -> str:
    """The folder of a source in the raw store: a shop may be called as a carrier is."""
    return f"storefront-{source}"
