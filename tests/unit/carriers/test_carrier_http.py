"""Asking carriers: tokens, retries, pace, limits, bodies, and a carrier that is down."""

from __future__ import annotations

import asyncio
import datetime as dates
import gzip
import inspect
import json
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import carrier_answers as answers
import httpx
import pytest

from certificates import self_signed
from lanecast.carriers.base import NOT_ASKED, Account, Wanted
from lanecast.carriers.http import (
    CIRCUIT_OPEN,
    Answer,
    Budget,
    BudgetLost,
    BudgetSpent,
    Limits,
    OwnPace,
    limits_of,
    pull,
)
from lanecast.carriers.masking import Secrets, is_secret
from lanecast.carriers.registry import adapter
from lanecast.web import retry_after

QUICK = Limits(requests_per_second=1e6, first_backoff=0.5, attempts=3)
Handler = Callable[[httpx.Request], httpx.Response]


def account(carrier: str = "dhl", base_url: str = "https://carrier.test", **extra: Any) -> Account:
    return Account(carrier=carrier, base_url=base_url, login="client", password="hush", extra=extra)


class Body(httpx.AsyncByteStream):
    """A body that is read as it comes, as from a wire."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self.content


class Waits:
    """Takes the place of sleeping, and remembers for how long."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
        await asyncio.sleep(0)


def wanted(batches: Sequence[Sequence[str]]) -> list[list[Wanted]]:
    return [[Wanted(number) for number in batch] for batch in batches]


def ask(
    handler: Handler,
    batches: Sequence[Sequence[str]] = (("1",),),
    *,
    carrier: str = "dhl",
    limits: Limits = QUICK,
    waits: Waits | None = None,
    budget: Budget | None = None,
) -> list[Answer]:
    async def streamed(request: httpx.Request) -> httpx.Response:
        response = handler(request)
        response = await response if inspect.isawaitable(response) else response
        return httpx.Response(response.status_code, headers=response.headers, stream=Body(response.content))

    async def run() -> list[Answer]:
        async with httpx.AsyncClient(transport=httpx.MockTransport(streamed)) as client:
            stream = pull(
                adapter(carrier),
                account(carrier),
                wanted(batches),
                limits=limits,
                client=client,
                budget=budget,
                sleep=waits or Waits(),
            )
            return [answer async for answer in stream]

    return asyncio.run(run())


def test_a_429_is_asked_again_after_the_time_the_carrier_names() -> None:
    responses = [httpx.Response(429, headers={"Retry-After": "7"}), httpx.Response(200, content=answers.dhl())]
    waits = Waits()
    [answer] = ask(lambda request: responses.pop(0), waits=waits)
    assert (answer.status, answer.error, answer.body) == (200, None, answers.dhl())
    assert len(waits.seconds) == 1
    assert 7 <= waits.seconds[0] <= 8


def test_a_date_to_wait_for_is_held_against_the_carrier_s_own_clock() -> None:
    told = {"Retry-After": "Tue, 05 Mar 2024 10:00:09 GMT", "Date": "Tue, 05 Mar 2024 10:00:00 GMT"}
    responses = [httpx.Response(429, headers=told), httpx.Response(200)]
    waits = Waits()
    ask(lambda request: responses.pop(0), waits=waits)
    assert 9 <= waits.seconds[0] <= 10


def test_without_retry_after_the_wait_is_drawn_and_grows() -> None:
    limits = Limits(requests_per_second=1e6, attempts=5, first_backoff=0.5)
    drawn = []
    for _ in range(200):
        waits = Waits()
        ask(lambda request: httpx.Response(429), limits=limits, waits=waits)
        drawn.append(waits.seconds)
    assert all(len(one) == 4 for one in drawn)
    for place, longest in enumerate((1, 2, 4, 8)):
        found = [one[place] for one in drawn]
        assert 0 <= min(found) < longest * 0.1
        assert longest * 0.9 < max(found) <= longest


def test_an_endless_retry_after_is_capped() -> None:
    waits = Waits()
    ask(lambda request: httpx.Response(503, headers={"Retry-After": "86400"}), waits=waits)
    assert max(waits.seconds) <= QUICK.longest_wait + 2


def test_failures_after_all_attempts_are_answers() -> None:
    seen: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.params["trackingNumber"])
        if seen[-1] == "timeout":
            raise httpx.ReadTimeout("too slow", request=request)
        if seen[-1] == "odd":
            raise RuntimeError("a library's mistake")
        return httpx.Response(500 if seen[-1] == "broken" else 200, content=b"body")

    found = {answer.requested[0]: answer for answer in ask(handler, [["timeout"], ["broken"], ["odd"], ["fine"]])}
    assert found["fine"].error is None
    assert "ReadTimeout" in (found["timeout"].error or "")
    assert (found["timeout"].status, found["broken"].status) == (None, 500)
    assert (found["broken"].error, found["broken"].body) == ("HTTP 500 after 3 attempts", b"body")
    assert "RuntimeError" in (found["odd"].error or "")
    assert (seen.count("timeout"), seen.count("broken"), seen.count("fine")) == (3, 3, 1)


@pytest.mark.parametrize("status", [400, 404])
def test_what_the_carrier_means_is_not_asked_again(status: int) -> None:
    seen = []
    [answer] = ask(lambda request: seen.append(1) or httpx.Response(status, content=b"{}"))  # type: ignore[func-returns-value]
    assert (answer.status, answer.error, len(seen)) == (status, None, 1)


def test_refused_credentials_are_an_error_without_the_secret() -> None:
    [answer] = ask(lambda request: httpx.Response(403))
    assert "refused the credentials of lanecast_dhl" in (answer.error or "")
    assert "hush" not in repr(answer)


class Oauth:
    """A carrier with tokens, of which `withdrawn` are refused."""

    def __init__(self, withdrawn: frozenset[str] = frozenset(), token_statuses: Sequence[int] = ()) -> None:
        self.tokens: list[httpx.Request] = []
        self.asked: list[str] = []
        self.withdrawn = withdrawn
        self.token_statuses = list(token_statuses)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/token"):
            self.tokens.append(request)
            if self.token_statuses:
                return httpx.Response(self.token_statuses.pop(0))
            return httpx.Response(200, json={"access_token": f"t{len(self.tokens)}", "expires_in": "3599"})
        token = request.headers["authorization"].removeprefix("Bearer ")
        self.asked.append(token)
        return httpx.Response(401 if token in self.withdrawn else 200, content=b"{}")


@pytest.mark.parametrize(("carrier", "count"), [("ups", 1), ("fedex", 30), ("usps", 1)])
def test_one_token_serves_all_requests(carrier: str, count: int) -> None:
    service = Oauth()
    found = ask(service, [[f"n{i}-{j}" for j in range(count)] for i in range(6)], carrier=carrier)
    assert [answer.error for answer in found] == [None] * 6
    assert len(service.tokens) == 1
    assert set(service.asked) == {"t1"}
    sent = service.tokens[0]
    assert b"client_credentials" in sent.content
    assert sent.headers["authorization"].startswith("Basic ") if carrier == "ups" else b"hush" in sent.content


def test_a_withdrawn_token_is_renewed_once() -> None:
    service = Oauth(frozenset({"t1"}))
    [answer] = ask(service, carrier="ups")
    assert (answer.status, answer.error) == (200, None)
    assert service.asked == ["t1", "t2"]
    service = Oauth(frozenset({"t1", "t2"}))
    [answer] = ask(service, carrier="ups")
    assert answer.status == 401
    assert "refused" in (answer.error or "")
    assert service.asked == ["t1", "t2"]


def test_tokens_refused_for_ever_are_renewed_once_and_soon_not_asked_with() -> None:
    service = Oauth(frozenset(f"t{i}" for i in range(100)))
    limits = Limits(max_concurrency=3, requests_per_second=1e6, failures_until_open=4)
    found = ask(service, [[str(i)] for i in range(30)], carrier="ups", limits=limits)
    assert len(found) == 30
    assert len(service.tokens) == 2
    assert len(service.asked) <= 2 * 3 + 4
    assert {answer.status for answer in found if answer.not_asked is None} == {401}
    assert {answer.error for answer in found if answer.not_asked} == {
        f"{NOT_ASKED}the carrier refused the credentials of lanecast_ups 4 times in a row"
    }


@pytest.mark.parametrize("carrier", ["dhl", "ups"])
def test_an_account_that_is_refused_is_not_asked_with_on_and_on(carrier: str) -> None:
    seen = []
    limits = Limits(max_concurrency=1, requests_per_second=1e6)
    found = ask(
        lambda request: seen.append(1) or httpx.Response(401),  # type: ignore[func-returns-value]
        [[str(i)] for i in range(30)],
        carrier=carrier,
        limits=limits,
    )
    assert len(seen) == limits.failures_until_open
    assert [answer.not_asked for answer in found] == [None] * len(seen) + ["refused"] * (30 - len(seen))


def test_a_parcel_that_is_refused_is_no_refused_account() -> None:
    found = ask(lambda request: httpx.Response(403), [[str(i)] for i in range(30)])
    assert [answer.not_asked for answer in found] == [None] * 30


def test_a_token_that_is_refused_is_told_and_not_asked_for_again() -> None:
    service = Oauth(token_statuses=[401])
    [answer] = ask(service, carrier="usps")
    assert answer.error == "no access token for lanecast_usps: HTTP 401"
    assert len(service.tokens) == 1
    service = Oauth(token_statuses=[503, 503])
    [answer] = ask(service, carrier="usps")
    assert (answer.status, len(service.tokens)) == (200, 3)


def test_where_no_tokens_are_given_out_the_carrier_is_down_and_the_account_is_not_refused() -> None:
    limits = Limits(max_concurrency=1, requests_per_second=1e6, attempts=2, failures_until_open=3)
    batches = [[str(number)] for number in range(6)]
    found = ask(lambda request: httpx.Response(503), batches, carrier="ups", limits=limits)
    assert [answer.not_asked for answer in found] == [None] * 3 + ["down"] * 3

    def unreachable(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("nobody there")

    found = ask(unreachable, batches, carrier="ups", limits=limits)
    assert [answer.not_asked for answer in found] == [None] * 3 + ["down"] * 3


def test_a_login_that_is_refused_by_a_fault_is_tried_once_and_is_no_carrier_that_is_down() -> None:
    detail = "<detail><authenticationFault><errorCode>LOGIN_8</errorCode></authenticationFault></detail>"
    body = f"<e><Body><Fault><faultcode>s:Server</faultcode>{detail}</Fault></Body></e>".encode()
    seen: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.path)
        return httpx.Response(500, content=body)

    limits = Limits(max_concurrency=1, requests_per_second=1e6, failures_until_open=3)
    found = ask(handler, [[str(number)] for number in range(5)], carrier="dpd", limits=limits)
    assert seen == ["/LoginService/V2_1"] * 3
    assert [answer.not_asked for answer in found] == [None] * 3 + ["refused"] * 2
    assert found[0].error == "no access token, for the login was refused for lanecast_dpd: HTTP 500"


def test_a_carrier_that_is_down_is_left_alone() -> None:
    seen = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(1)
        raise httpx.ConnectError("refused", request=request)

    limits = Limits(max_concurrency=1, requests_per_second=1e6, attempts=2, failures_until_open=3)
    found = ask(handler, [[str(i)] for i in range(20)], limits=limits)
    assert len(found) == 20
    assert [answer.error for answer in found[3:]] == [CIRCUIT_OPEN] * 17
    assert len(seen) == 6


class Counted(OwnPace):
    """A budget of so many calls; notes what it is told."""

    def __init__(self, calls: int = 1000, probing: bool = False) -> None:
        super().__init__(1e6)
        self.left, self.given_back, self.noted = calls, 0, list[bool]()
        self.probing = probing

    async def take(self) -> float:
        if not self.left:
            raise BudgetSpent("lanecast_dhl has made its calls")
        self.left -= 1
        return 0.0

    async def give_back(self) -> None:
        self.given_back += 1

    async def note(self, down: bool) -> None:
        self.noted.append(down)
        self.probing = False


def test_no_call_is_made_that_the_budget_does_not_give() -> None:
    seen = []
    budget = Counted(3)
    found = ask(
        lambda request: seen.append(1) or httpx.Response(200),  # type: ignore[func-returns-value]
        [[str(i)] for i in range(10)],
        budget=budget,
    )
    assert len(seen) == 3
    spent = [answer for answer in found if answer.not_asked]
    assert [(one.status, one.error, one.not_asked) for one in spent] == [
        (None, f"{NOT_ASKED}lanecast_dhl has made its calls", "budget")
    ] * 7


def test_a_budget_that_can_not_be_counted_ends_the_pull() -> None:
    class Lost(Counted):
        async def take(self) -> float:
            raise BudgetLost("the warehouse is gone")

    with pytest.raises(BudgetLost):
        ask(lambda request: httpx.Response(200), budget=Lost())


@pytest.mark.parametrize(
    ("error", "given_back"), [(httpx.ConnectError, 3), (httpx.ConnectTimeout, 3), (httpx.ReadError, 0)]
)
def test_a_request_that_did_not_leave_is_no_call(error: type[httpx.TransportError], given_back: int) -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        raise error("", request=request)

    budget = Counted()
    ask(handler, budget=budget)
    assert (1000 - budget.left, budget.given_back) == (3, given_back)


def test_a_carrier_that_was_down_is_probed_by_one_request() -> None:
    under_way = most = 0

    async def handler(request: httpx.Request) -> httpx.Response:
        nonlocal under_way, most
        under_way += 1
        first = not budget.noted
        most = max(most, under_way) if first else most
        await asyncio.sleep(0)
        under_way -= 1
        return httpx.Response(200)

    budget = Counted(probing=True)
    found = ask(handler, [[str(i)] for i in range(9)], budget=budget)  # type: ignore[arg-type]
    assert (len(found), most, budget.noted[0]) == (9, 1, False)
    budget = Counted(probing=True)
    found = ask(lambda request: httpx.Response(503), [[str(i)] for i in range(9)], budget=budget)
    assert (1000 - budget.left, budget.noted) == (1, [True])
    assert [answer.error for answer in found] == ["HTTP 503 after 1 attempt"] + [CIRCUIT_OPEN] * 8


def test_concurrency_and_pace_are_bounded() -> None:
    under_way = most = 0
    release = None

    async def handler(request: httpx.Request) -> httpx.Response:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        for _ in range(5):
            await asyncio.sleep(0)
        under_way -= 1
        return httpx.Response(200, content=b"{}")

    waits = Waits()
    limits = Limits(max_concurrency=3, requests_per_second=2.0)
    found = ask(handler, [[str(i)] for i in range(9)], limits=limits, waits=waits)  # type: ignore[arg-type]
    assert (len(found), most, release) == (9, 3, None)
    assert max(waits.seconds) == pytest.approx(4.0, abs=0.3)


def test_numbers_are_escaped_and_batches_bounded() -> None:
    paths = []
    ask(lambda request: paths.append(request.url.raw_path) or httpx.Response(200), [[" 1Z/9 🙂?x=1 "]], carrier="dhl")  # type: ignore[func-returns-value]
    assert paths == [b"/track/shipments?trackingNumber=1Z%2F9+%F0%9F%99%82%3Fx%3D1&language=en"]
    spec = adapter("ups").build(account("ups"), [Wanted(" 1Z/9 🙂?x=1 ")], None)
    assert spec.path == "/api/track/v1/details/1Z%2F9%20%F0%9F%99%82%3Fx%3D1"
    with pytest.raises(ValueError, match="takes 1 to 1"):
        ask(lambda request: httpx.Response(200), [["1", "2"]])


def test_limits_come_from_the_connection() -> None:
    limits = limits_of(account("usps", requests_per_second="9", max_concurrency=7))
    assert (limits.requests_per_second, limits.max_concurrency) == (9.0, 7)
    with pytest.raises(ValueError, match="lanecast_usps"):
        limits_of(account("usps", requests_per_second="many"))
    for impossible in (0, -1, "nan", "inf"):
        with pytest.raises(ValueError, match="above 0"):
            limits_of(account("usps", requests_per_second=impossible))


def test_retry_after_as_seconds_and_as_date() -> None:
    now = dates.datetime(2024, 3, 5, 10, 0, tzinfo=dates.UTC)
    assert retry_after("12", now) == 12
    assert retry_after("Tue, 05 Mar 2024 10:00:30 GMT", now) == 30
    assert retry_after("Tue, 05 Mar 2024 09:00:00 GMT", now) == 0
    assert retry_after("soon", now) is None
    assert retry_after(None, now) is None


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def served(raw: bytes, *, limits: Limits = QUICK, tls: ssl.SSLContext | None = None) -> tuple[Answer, int]:
    """The answer of a loopback server that always sends the same bytes, and how often it was asked."""
    count = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        await reader.readuntil(b"\r\n\r\n")
        count += 1
        writer.write(raw)
        await writer.drain()
        writer.close()

    @asynccontextmanager
    async def server() -> Any:
        running = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
        try:
            yield running.sockets[0].getsockname()[1]
        finally:
            running.close()

    async def run() -> Answer:
        async with server() as port:
            who = account(base_url=f"{'https' if tls else 'http'}://127.0.0.1:{port}")
            found = [one async for one in pull(adapter("dhl"), who, wanted([["1"]]), limits=limits, sleep=Waits())]
        return found[0]

    return asyncio.run(run()), count


def http(body: bytes, *headers: str, length: int | None = None) -> bytes:
    head = ["HTTP/1.1 200 OK", f"Content-Length: {len(body) if length is None else length}", "Connection: close"]
    return "\r\n".join([*head, *headers, "", ""]).encode() + body


def test_gzip_is_unpacked_and_broken_gzip_kept() -> None:
    packed = gzip.compress(b'{"shipments": []}')
    answer, _ = served(http(packed, "Content-Encoding: gzip"))
    assert (answer.body, answer.error) == (b'{"shipments": []}', None)
    for broken in (packed[:-6], b"\x1f\x8bnonsense"):
        answer, _ = served(http(broken, "Content-Encoding: gzip"))
        assert "gzip is broken" in (answer.error or "")
        assert (answer.status, answer.body) == (200, broken)


def test_a_body_that_breaks_off_is_asked_again_and_kept() -> None:
    answer, count = served(http(b"half of it", length=1000))
    assert "broke off after 10 bytes" in (answer.error or "")
    assert (answer.body, count) == (b"half of it", QUICK.attempts)


def test_a_body_is_kept_up_to_the_limit() -> None:
    limits = Limits(requests_per_second=1e6, max_body_bytes=100_000)
    answer, count = served(http(b"x" * 300_000), limits=limits)
    assert "larger than 100000 bytes" in (answer.error or "")
    assert (len(answer.body), count) == (100_000, 1)
    bomb = gzip.compress(b"\0" * 1_000_000)
    answer, _ = served(http(bomb, "Content-Encoding: gzip"), limits=limits)
    assert "unpacks to more than" in (answer.error or "")
    assert answer.body == bomb


def test_a_large_body_within_the_limit_is_no_error() -> None:
    body = b'{"pad": "' + b"x" * 50_000_000 + b'"}'
    answer, _ = served(http(body))
    assert (answer.error, len(answer.body)) == (None, len(body))


def test_a_certificate_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    answer, count = served(http(b"{}"), tls=self_signed(tmp_path))
    assert (answer.status, count) == (None, 0)
    assert "CERTIFICATE_VERIFY_FAILED" in (answer.error or "")


def test_a_token_outlives_a_pull_and_is_fetched_once_for_all() -> None:
    asked = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        asked.append(head.split(b" ")[1].decode())
        writer.write(http(json.dumps({"access_token": "one-token", "expires_in": 3600}).encode()))
        await writer.drain()
        writer.close()

    async def run() -> None:
        running = await asyncio.start_server(serve, "127.0.0.1", 0)
        who = account("ups", f"http://127.0.0.1:{running.sockets[0].getsockname()[1]}")
        for _ in range(2):
            batches = wanted([[str(i)] for i in range(5)])
            [_ async for _ in pull(adapter("ups"), who, batches, limits=Limits(requests_per_second=1e6))]
        running.close()

    asyncio.run(run())
    assert sum("/oauth/token" in target for target in asked) == 1
    assert len(asked) == 1 + 10


# ------------------------------------------------------------------------------------------------------ masking

SECRET = 'Gr\u00f6\u00dfe/4+5&<"x">\\='


@pytest.mark.parametrize(
    "echoed",
    [
        SECRET,
        "Gr%C3%B6%C3%9Fe%2F4%2B5%26%3C%22x%22%3E%5C%3D",
        "Gr%c3%b6%c3%9fe%2f4%2b5%26%3c%22x%22%3e%5c%3d",
        json.dumps(SECRET),
        json.dumps(SECRET, ensure_ascii=False),
        json.dumps(SECRET).replace("/", "\\/"),
        "Gr\u00f6\u00dfe/4+5&amp;&lt;&quot;x&quot;&gt;\\=",
        repr(SECRET),
        "R3LDtsOfZS80KzUmPCJ4Ij5cPQ==",
    ],
)
def test_a_secret_is_masked_in_every_form(echoed: str) -> None:
    secrets = Secrets(SECRET)
    assert secrets.masked(f"say {echoed}!").strip("=").startswith("say ")
    shown = secrets.masked(f"say {echoed}!")
    assert "***" in shown
    assert not any(part in shown for part in ("4+5", "4%2B5", "4%2b5", "R3LD", "Gr"))
    assert secrets.without(f"say {echoed}!".encode()).decode() == shown


def test_what_holds_no_secret_is_the_same_body_and_a_half_one_at_a_cut_is_masked() -> None:
    secrets = Secrets("a-long-password", "short")
    body = b"x" * 10_000_000 + b"a-long-passwor"
    began = time.monotonic()
    assert secrets.without(body) is body
    assert time.monotonic() - began < 1
    assert secrets.without(body, is_cut=True) == b"x" * 10_000_000 + b"***"
    assert secrets.masked("short") == "short"


@pytest.mark.parametrize("cut", [None, -4, -20])
def test_a_secret_in_a_broken_packed_body_is_found(cut: int | None) -> None:
    secrets = Secrets("a-long-password")
    before, after = (" ".join(str(i * i) for i in range(*span)) for span in ((5000, 7000), (7000, 9000)))
    packed = gzip.compress(f"{before} a-long-password {after}".encode())[:cut]
    assert secrets.are_packed_in(packed, 1_000_000)
    assert not Secrets("another-password").are_packed_in(packed, 1_000_000)
    assert secrets.are_packed_in(packed[: len(packed) // 2 + 200] + b"\xff" * 500, 1_000_000)


def test_what_is_a_secret_by_its_name() -> None:
    for name in ("Authorization", "DHL-API-Key", "as-api-key", "17token", "X-Auth-Token", "client_secret", "key"):
        assert is_secret(name)
    for name in ("Accept", "Content-Type", "transId", "account_number"):
        assert not is_secret(name)


def test_a_fault_is_an_answer_and_one_about_the_login_renews_the_token() -> None:
    """DPD sends all its faults with status 500: they are read, and do not count as a carrier that is down."""
    soap = '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>{}</s:Body></s:Envelope>'
    login = soap.format(
        "<getAuthResponse><return><authToken>{}</authToken>"
        "<authTokenExpires>2099-01-01T00:00:00</authTokenExpires></return></getAuthResponse>"
    )
    refused = soap.format(
        "<s:Fault><faultcode>s:Server</faultcode><detail><authenticationFault><errorCode>LOGIN_5</errorCode>"
        "</authenticationFault></detail></s:Fault>"
    )
    unknown = soap.format(
        "<s:Fault><faultcode>s:Server</faultcode><detail><faults><faultCode>NO_DATA</faultCode>"
        "<message>nothing known</message></faults></detail></s:Fault>"
    )
    logins: list[int] = []
    asked: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        if "Login" in request.url.path:
            logins.append(1)
            return httpx.Response(200, content=login.format(f"token-{len(logins)}").encode())
        asked.append(request.content.decode())
        if "token-1<" in asked[-1]:
            return httpx.Response(500, content=refused.encode())
        return httpx.Response(500, content=unknown.encode())

    found = ask(handler, [[f"0123456789{number:04}"] for number in range(12)], carrier="dpd", limits=QUICK)
    assert len(logins) == 2
    assert [answer.error for answer in found] == [None] * 12
    assert all(answer.body == unknown.encode() for answer in found)
    assert len(asked) <= 12 + QUICK.max_concurrency


@pytest.mark.parametrize(
    ("carrier", "fault", "answered"),
    [
        ("chronopost", "soap:Client", True),
        ("chronopost", "soap:Server", False),
        ("purolator", "s:Client", True),
        ("purolator", "s:Receiver", False),
    ],
)
def test_a_fault_of_the_service_itself_is_none(carrier: str, fault: str, answered: bool) -> None:
    body = f"<e><Body><Fault><faultcode>{fault}</faultcode><faultstring>no</faultstring></Fault></Body></e>".encode()
    count = 0

    def handler(request: httpx.Request) -> httpx.Response:
        nonlocal count
        count += 1
        return httpx.Response(500, content=body)

    [answer] = ask(handler, carrier=carrier)
    assert (answer.error is None, count) == (answered, 1 if answered else QUICK.attempts)
