"""Carriers that misbehave, over real HTTP, through a whole pull: what can be had is loaded, what can't is named, and
every call is in the ledger."""

from __future__ import annotations

import asyncio
import base64
import gzip
import html
import json
import logging
import re
import socket
import ssl
import struct
import threading
import time
import traceback
import zlib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, quote_plus, unquote_plus, urlsplit

import psycopg2
import pytest

from certificates import self_signed
from lanecast import pipeline, raw, web
from lanecast.carriers import http, registry
from lanecast.carriers.accounts import SANDBOX_SECRET
from lanecast.carriers.base import Account, Wanted
from lanecast.carriers.http import Limits
from lanecast.follow import due
from lanecast.follow import pull as pulling
from lanecast.follow.pull import BUDGET_SPENT, CarrierDown
from lanecast.local.server import RunningServer
from lanecast.sandbox.faults import _bomb
from lanecast.warehouse import connection as warehouse_connection
from lanecast.warehouse import runs
from sandbox_world import CARRIERS, StandIn, database, load_past, one, rows, stand_in

pytestmark = pytest.mark.timeout(90)

LIMITS: dict[str, Any] = {
    "requests_per_second": 200,
    "max_concurrency": 4,
    "attempts": 3,
    "first_backoff": 0.01,
    "read_timeout": 20.0,
    "total_timeout": 40.0,
}
# Only where a carrier hangs: a busy machine must not look like one.
IMPATIENT = LIMITS | {"read_timeout": 2.0, "total_timeout": 4.0}


class Asked(NamedTuple):
    """One request as it came."""

    carrier: str
    target: str
    head: bytes
    body: bytes


Fault = Callable[[asyncio.StreamWriter, Asked], Awaitable[None]]


@dataclass
class Front:
    """Stands before the sandbox: counts what is asked, spoils what a test names, and passes on the rest."""

    sandbox: str = ""
    port: int = 0
    asked: list[Asked] = field(default_factory=list)
    opened: int = 0
    spoils: Callable[[Asked], Fault | None] = lambda asked: None
    keeps_open: bool = True

    def calls(self, carrier: str) -> int:
        return sum(one.carrier == carrier for one in self.asked)

    def spoil(self, fault: Fault, part: str, times: int = 1000) -> None:
        """Spoils that many requests with `part` in their target."""
        left = [times]

        def chosen(asked: Asked) -> Fault | None:
            if part not in asked.target or not left[0]:
                return None
            left[0] -= 1
            return fault

        self.spoils = chosen

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"(?i)content-length: (\d+)", head)
                body = await reader.readexactly(int(length[1])) if length else b""
                target = head.split(b" ", 2)[1].decode()
                asked = Asked(target.split("/")[1], target, head, body)
                self.asked.append(asked)
                fault = self.spoils(asked)
                if fault is not None:
                    await fault(writer, asked)
                    break
                await self._pass_on(asked, writer)
                if not self.keeps_open:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _pass_on(self, asked: Asked, writer: asyncio.StreamWriter) -> None:
        address = urlsplit(self.sandbox)
        reader, upstream = await asyncio.open_connection(address.hostname, address.port)
        head = re.sub(rb"(?i)\r\nconnection: [^\r]*", b"", asked.head).replace(b"\r\n", b"\r\nConnection: close\r\n", 1)
        upstream.write(head + asked.body)
        answer = await reader.read(-1)
        upstream.close()
        # Without that header the client believes that the connection stays open.
        writer.write(re.sub(rb"(?i)\r\nconnection: close", b"", answer, count=1))
        await writer.drain()


@contextmanager
def listening(front: Front, tls: ssl.SSLContext | None = None) -> Iterator[Front]:
    """A front on a free loopback port, in a thread of its own."""
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(front.serve, "127.0.0.1", 0, ssl=tls))
    front.port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield front
    finally:
        loop.call_soon_threadsafe(server.close)
        for task in asyncio.all_tasks(loop):
            loop.call_soon_threadsafe(task.cancel)
        loop.call_soon_threadsafe(lambda: loop.call_later(0.05, loop.stop))
        thread.join(10)
        loop.close()


def connect(monkeypatch: pytest.MonkeyPatch, carrier: str, port: int, scheme: str = "http", **changes: Any) -> None:
    """A connection of one's own for a carrier, to a front."""
    told = {
        "conn_type": "http",
        "host": f"{scheme}://127.0.0.1",
        "port": port,
        "schema": carrier,
        "login": f"sandbox-{carrier}",
        "password": SANDBOX_SECRET,
        "extra": LIMITS,
    }
    monkeypatch.setenv(f"AIRFLOW_CONN_LANECAST_{carrier.upper()}", json.dumps(told | changes))


@pytest.fixture(scope="module")
def running() -> Iterator[StandIn]:
    with stand_in(per_day=5, history_days=40, dirt=0.0) as carriers:
        yield carriers


@pytest.fixture(scope="module")
def past_template(
    running: StandIn, server: RunningServer, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    with database(server, template) as (name, address):
        load_past(running, tmp_path_factory.mktemp("past"), address)
        yield name


@pytest.fixture
def past(
    running: StandIn, server: RunningServer, past_template: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[str]:
    """DSN of a warehouse that holds the world's past; nothing was asked of a carrier yet."""
    monkeypatch.setenv("LANECAST_STATE", str(tmp_path))
    with database(server, past_template) as (_, address):
        monkeypatch.setenv("AIRFLOW_CONN_LANECAST_WAREHOUSE", address)
        yield address
    running.calm()


@pytest.fixture
def front(running: StandIn, monkeypatch: pytest.MonkeyPatch) -> Iterator[Front]:
    """All four carriers behind one front, each by a connection of one's own."""
    with listening(Front(running.url)) as opened:
        for carrier in CARRIERS:
            connect(monkeypatch, carrier, opened.port)
        yield opened


@dataclass
class Ran:
    """What became of a run."""

    address: str
    run_id: str
    counts: dict[str, dict[str, int]]
    down: list[str]

    def outcomes(self, carrier: str) -> Counter[str]:
        found = rows(
            self.address,
            "SELECT outcome, count(*)::int FROM ops.poll_request WHERE carrier = %s AND run_id = %s GROUP BY 1",
            (carrier, self.run_id),
        )
        return Counter(dict(found))

    def failed(self, carrier: str) -> dict[str, str]:
        """What is told of each parcel that has no answer."""
        query = (
            "SELECT tracking_number, detail FROM ops.poll_request "
            "WHERE carrier = %s AND run_id = %s AND outcome IN ('failed', 'not_asked')"
        )
        return dict(rows(self.address, query, (carrier, self.run_id)))

    def quarantined(self) -> list[tuple[str, str]]:
        """Number and reason of each quarantined row."""
        return rows(self.address, "SELECT row_data ->> 'tracking_number', reason FROM quality.quarantined_row")

    def loaded(self, carrier: str) -> int:
        query = (
            "SELECT count(DISTINCT shipment_id)::int FROM core.tracking_event "
            "WHERE source = %s AND raw_answer_id IS NOT NULL"
        )
        return int(one(self.address, query, (carrier,)))


def run(address: str, run_id: str = "r1", planned: Callable[[], None] = lambda: None, **asked: Any) -> Ran:
    """Due, pull, stage, judge, load; carriers that are down do not stop it. `planned` comes between due and pull."""
    with warehouse_connection.connect() as link:
        opened = runs.open_run(link, run_id, "pull", "tracking_event", "carriers")
    ran = Ran(address, run_id, {}, [])
    shards = due.plan(opened, **asked)
    planned()
    for shard in shards:
        try:
            ran.counts[shard.source] = pulling.pull(shard)
        except CarrierDown as down:
            ran.down.append(str(down))
    pipeline.stage(opened)
    pipeline.judge(opened)
    pipeline.load(opened)
    return ran


def ledger(address: str) -> dict[str, int]:
    """The calls of each account."""
    query = "SELECT account, sum(calls)::int FROM ops.carrier_budget WHERE period = 'day' GROUP BY 1"
    return dict(rows(address, query))


def others_loaded(ran: Ran, front: Front, faulty: str) -> None:
    """Every other carrier's parcels are answered and loaded, and the ledger has the calls that were counted here."""
    for carrier in CARRIERS:
        if carrier != faulty:
            assert ran.failed(carrier) == {}, carrier
            assert ran.loaded(carrier) > 0
    counted = ledger(ran.address)
    assert {carrier: counted.get(f"lanecast_{carrier}", 0) for carrier in CARRIERS} == {
        carrier: front.calls(carrier) for carrier in CARRIERS
    }


def open_numbers(address: str, carrier: str, count: int) -> list[str]:
    """The first tracking numbers of a carrier that are on their way."""
    found = rows(
        address,
        "SELECT DISTINCT tracking_number FROM core.shipment_number "
        "WHERE carrier = %s AND finished_at IS NULL ORDER BY 1 LIMIT %s",
        (carrier, count),
    )
    assert len(found) == count
    return [number for (number,) in found]


# ------------------------------------------------------------------------------------------------------- faults


def says(status: str, *headers: str, body: bytes = b"{}") -> Fault:
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]).encode()

    async def fault(writer: asyncio.StreamWriter, asked: Asked) -> None:
        writer.write(head + body)
        await writer.drain()

    return fault


async def hangs(writer: asyncio.StreamWriter, asked: Asked) -> None:
    await asyncio.sleep(5)


async def drips(writer: asyncio.StreamWriter, asked: Asked) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(100):
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.1)


async def resets(writer: asyncio.StreamWriter, asked: Asked) -> None:
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def hundred_megabytes(writer: asyncio.StreamWriter, asked: Asked) -> None:
    block = b" " * (1024 * 1024)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (100 * len(block)))
    for _ in range(100):
        writer.write(block)
        await writer.drain()


LATER = "HTTP_DATE"
FAULTS: dict[str, tuple[Fault, str, int]] = {
    # What goes wrong, what the report says of the parcel, and how often the parcel is asked for.
    "hung": (hangs, "ReadTimeout: nothing came for 2 s", 3),
    "dripping": (drips, "the body broke off after .* bytes: TimeoutError: the answer took longer than 4 s", 3),
    "reset": (resets, "ReadError: .*[Cc]onnection reset", 3),
    "redirect": (says("302 Found", "Location: /sandbox/stats"), "HTTP 302: redirects are not followed", 1),
    "html": (says("200 OK", body=b"<html><h1>Maintenance</h1></html>"), "got HTML of 33 bytes", 1),
    "429 for ever": (says("429 Slow down"), "HTTP 429 after 3 attempts", 3),
    "no HTTP at all": (says("nonsense"), "RemoteProtocolError", 3),
    "broken gzip": (says("200 OK", "Content-Encoding: gzip", body=b"\x1f\x8bno"), "content encoding gzip is broken", 1),
}


def test_parcels_that_fail_in_many_ways_cost_no_other(past: str, front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch, "dhl", front.port, extra=IMPATIENT)
    broken = dict(zip(open_numbers(past, "dhl", len(FAULTS)), FAULTS, strict=True))
    front.spoils = lambda asked: next(
        (FAULTS[name][0] for number, name in broken.items() if number in asked.target), None
    )
    ran = run(past)
    assert ran.down == []
    told = ran.failed("dhl")
    assert set(told) == set(broken)
    for number, name in broken.items():
        _, cause, times = FAULTS[name]
        assert re.search(cause, told[number]), f"{name}: {told[number]}"
        assert sum(number in asked.target for asked in front.asked) == times, name
    quarantined = {broken[number]: reason for number, reason in ran.quarantined()}
    assert {"html", "broken gzip"} <= set(quarantined) <= {"html", "broken gzip", "dripping"}
    assert all(re.search(FAULTS[name][1], reason) for name, reason in quarantined.items())
    assert ran.loaded("dhl") >= ran.outcomes("dhl")["answered"] > 10
    others_loaded(ran, front, "dhl")


LARGE_AT_A_TIME = 3


@pytest.mark.parametrize("kind", ["gzip bomb", "100 MB"])
def test_a_body_without_bound_is_cut_and_costs_bounded_memory(
    past: str, front: Front, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    connect(monkeypatch, "dhl", front.port, extra=LIMITS | {"total_timeout": 30})
    numbers = open_numbers(past, "dhl", LARGE_AT_A_TIME)
    fault = says("200 OK", "Content-Encoding: gzip", body=_bomb()) if kind == "gzip bomb" else hundred_megabytes
    front.spoils = lambda asked: fault if any(number in asked.target for number in numbers) else None
    before = resident(reset=True)
    ran = run(past)
    grown = resident() - before
    print(f"{kind}: the process grew by {grown:.0f} MB at most")
    cause = "larger than 67108864 bytes: cut there" if kind == "100 MB" else "unpacks to more than 67108864 bytes"
    assert set(ran.failed("dhl")) == set(numbers) == {number for number, _ in ran.quarantined()}
    for number in numbers:
        assert cause in ran.failed("dhl")[number]
        assert sum(number in one.target for one in front.asked) == 1
        assert len(stored(past, number).body) == (67108864 if kind == "100 MB" else len(_bomb()))
    assert grown < 300, f"{grown:.0f} MB"
    others_loaded(ran, front, "dhl")


def resident(reset: bool = False) -> float:
    """The most memory that this process has held at a time, in MB; `reset` counts anew from here."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    status = Path("/proc/self/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found
    return int(found[1]) / 1024


def stored(address: str, number: str) -> raw.RawAnswer:
    [pointer] = rows(
        address,
        "SELECT file, byte_offset, byte_length FROM ops.raw_answer WHERE tracking_numbers @> ARRAY[%s]",
        (number,),
    )
    return raw.read(*pointer)


@pytest.mark.parametrize("header", ["Retry-After: 1", "", LATER])
def test_a_429_is_asked_again_in_time(past: str, front: Front, header: str) -> None:
    [number] = open_numbers(past, "dhl", 1)
    # The carrier's clock is an hour behind: what counts is how far its date lies from its own time.
    told = ["Date: Tue, 05 Mar 2024 09:00:00 GMT", "Retry-After: Tue, 05 Mar 2024 09:00:01 GMT"]
    front.spoil(says("429 Slow down", *(told if header == LATER else [header] if header else [])), number, times=2)
    began = time.monotonic()
    ran = run(past, carrier="dhl")
    assert (time.monotonic() - began > 2) == bool(header)
    assert (ran.failed("dhl"), ran.down) == ({}, [])
    assert sum(number in one.target for one in front.asked) == 3
    assert ledger(past)["lanecast_dhl"] == front.calls("dhl") == ran.outcomes("dhl")["answered"] + 2


def test_one_bad_parcel_in_a_batch_of_thirty(past: str, front: Front, running: StandIn) -> None:
    known = rows(past, "SELECT DISTINCT tracking_number FROM core.shipment WHERE carrier = 'fedex' LIMIT 30")
    numbers = sorted(number for (number,) in known)
    assert len(numbers) == 30
    running.fault(carrier="fedex", kind="malformed_parcel")
    ran = run(past, carrier="fedex", numbers=numbers)
    assert ran.counts == {"fedex": {"200": 1}}
    assert {number for number, _ in ran.quarantined()} == {numbers[0]}
    assert all("scanEvents" in reason for _, reason in ran.quarantined())
    told = dict(rows(past, "SELECT tracking_number, outcome FROM ops.poll_request"))
    assert sum(outcome in {"answered", "not_found"} for outcome in told.values()) >= 29
    assert ledger(past) == {"lanecast_fedex": 2}
    assert front.calls("fedex") == 2  # a token, and thirty parcels at once


def test_a_401_once_costs_one_new_token(past: str, front: Front) -> None:
    front.spoil(says("401 Unauthorized"), "/api/track/", times=1)
    ran = run(past)
    assert (ran.failed("ups"), ran.down) == ({}, [])
    assert sum("/oauth/token" in one.target and one.carrier == "ups" for one in front.asked) == 2
    others_loaded(ran, front, "")


def test_a_401_for_ever_costs_one_new_token_and_is_not_asked_on_and_on(past: str, front: Front) -> None:
    front.spoil(says("401 Unauthorized"), "/ups/api/track/")
    ran = run(past)
    [down] = ran.down
    assert "ups answered none of" in down
    assert "401" in down
    parcels = sum(ran.outcomes("ups").values())
    assert parcels > 12
    told = Counter(ran.failed("ups").values())
    assert set(told) == {
        "the carrier refused the credentials of lanecast_ups (HTTP 401)",
        "not asked: the carrier refused the credentials of lanecast_ups 8 times in a row",
    }
    assert sum("/ups/security/v1/oauth/token" in one.target for one in front.asked) == 2
    assert front.calls("ups") <= 2 + 8 + 2 * LIMITS["max_concurrency"]
    others_loaded(ran, front, "ups")


def test_a_carrier_that_is_down_is_left_alone_and_the_others_are_not(
    past: str, front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(monkeypatch, "usps", front.port, extra=LIMITS | {"failures_until_open": 3})
    front.spoil(says("503 Out of order"), "/usps/tracking/")
    ran = run(past)
    assert "usps answered none of" in ran.down[0]
    parcels = sum(ran.outcomes("usps").values())
    asked = front.calls("usps")
    assert asked < parcels * LIMITS["attempts"]
    assert "not asked: circuit open" in " ".join(ran.failed("usps").values())
    others_loaded(ran, front, "usps")
    # Another worker does not ask either, until a minute has passed; then one request is enough to know.
    again = run(past, "r2", carrier="usps", force=True)
    assert front.calls("usps") == asked
    assert "counts as down since" in " ".join(again.failed("usps").values())
    rows(past, "UPDATE ops.carrier_account SET down_until = now() WHERE account = 'lanecast_usps'")
    run(past, "r3", carrier="usps", force=True)
    assert front.calls("usps") == asked + 1
    front.spoils = lambda asked: None
    rows(past, "UPDATE ops.carrier_account SET down_until = now() WHERE account = 'lanecast_usps'")
    last = run(past, "r4", carrier="usps", force=True)
    assert (last.failed("usps"), last.down) == ({}, [])
    assert last.outcomes("usps")["answered"] >= parcels
    assert one(past, "SELECT down_since FROM ops.carrier_account WHERE account = 'lanecast_usps'") is None
    assert ledger(past)["lanecast_usps"] == front.calls("usps")


def test_connections_that_the_carrier_closes_between_requests_cost_nothing(past: str, front: Front) -> None:
    front.keeps_open = False
    ran = run(past)
    assert ran.down == []
    for carrier in CARRIERS:
        assert ran.failed(carrier) == {}
        # A request may meet the end of its connection: it is made again, and stays counted, for it may have been read.
        assert 0 <= ledger(past)[f"lanecast_{carrier}"] - front.calls(carrier) <= ran.outcomes(carrier).total() // 2


@pytest.mark.parametrize("extra", [{}, {"verify": False, "ssl_verify": "false", "tls_verify": 0, "insecure": True}])
def test_a_wrong_certificate_is_refused_whatever_is_set(
    past: str, front: Front, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, extra: dict[str, Any]
) -> None:
    for name in ("PYTHONHTTPSVERIFY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_TLS_REJECT_UNAUTHORIZED"):
        monkeypatch.setenv(name, "0" if name != "CURL_CA_BUNDLE" else "")
    with listening(Front(), self_signed(tmp_path)) as impostor:
        connect(monkeypatch, "dhl", impostor.port, "https", extra=LIMITS | extra)
        ran = run(past)
        assert "dhl answered none of" in ran.down[0]
        assert "CERTIFICATE_VERIFY_FAILED" in " ".join(ran.failed("dhl").values())
        assert impostor.asked == []
    # A handshake that failed is no call: nothing was asked.
    assert ledger(past).get("lanecast_dhl", 0) == 0
    others_loaded(ran, front, "dhl")


def test_a_spent_budget_leaves_parcels_due(past: str, front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    limited = LIMITS | {"calls_per_day": 3}
    # The plan knows nothing of the limit: as if others used up the calls meanwhile.
    ran = run(past, planned=lambda: connect(monkeypatch, "dhl", front.port, extra=limited), carrier="dhl")
    assert front.calls("dhl") == ledger(past)["lanecast_dhl"] == 3
    parcels = sum(ran.outcomes("dhl").values())
    assert ran.counts["dhl"] == {"200": 3, BUDGET_SPENT: parcels - 3}
    [told] = set(ran.failed("dhl").values())
    assert told.startswith("not asked: lanecast_dhl has made the 3 calls that it may make in a day")
    assert "calls_per_day" in told
    assert ran.down == []
    waiting = "SELECT count(*)::int FROM ops.poll_plan WHERE carrier = 'dhl' AND next_poll_at <= ops.as_of()"
    assert one(past, waiting) == parcels - 3


# ------------------------------------------------------------------------------------------------------ secrets

PASSWORD = 'p4/w+rd&<"k> é\\9'
TOKEN = "tk-9f8e/7d6c+5b4a=="
KEY = 'key/9+8&<"7>\\6'


def echo(asked: Asked) -> bytes:
    """All that a request tells, in every form in which a carrier may say it again."""
    sent = (asked.head + asked.body).decode("utf-8", "replace")
    plain = sent + unquote_plus(sent)
    for part in re.findall(r"Basic (\S+)", sent):
        plain += base64.b64decode(part).decode()
    forms = [
        plain,
        json.dumps(plain),
        json.dumps(plain, ensure_ascii=False),
        html.escape(plain),
        quote(plain),
        repr(plain),
    ]
    return " ".join([*forms, quote(plain, safe=""), quote_plus(plain), json.dumps(plain).replace("/", "\\/")]).encode()


def hostile(front: Front) -> Callable[[Asked], Fault | None]:
    """Answers every request with what it told, in turn as each kind of answer; tokens are real."""

    def of(asked: Asked) -> Fault:
        if asked.target.endswith("/token"):
            return says("200 OK", body=json.dumps({"access_token": TOKEN, "expires_in": 3600}).encode())
        told = echo(asked)
        header = re.search(rb"(?i)\r\n(?:authorization|dhl-api-key): ([^\r]+)", asked.head)
        line = (header[1] if header else b"").decode("latin-1")
        shown = (
            [f"X-Echo: {line}", f"X-{line.split(' ')[-1].rstrip('=')}: yes"] if "tk-" in line else [f"X-Echo: {line}"]
        )
        shown = [one for one in shown if re.fullmatch(r"[A-Za-z0-9-]+: [^\r\n]*", one)]
        packed = gzip.compress(told)
        kinds = [
            says("200 OK", *shown, body=told),
            says("302 Found", f"Location: https://elsewhere.test/?{line}&{quote(line)}", body=told),
            says("400 Bad request", *shown, body=told),
            says("404 Not found", body=b'{"status": 404, "title": ' + json.dumps(told.decode()).encode() + b"}"),
            says("500 Broken", *shown, body=told),
            says("403 No", *shown, body=told),
            says("200 OK", "Content-Encoding: gzip", body=packed),
            says("200 OK", "Content-Encoding: gzip", body=packed[:-9]),
            says("200 OK", "Content-Encoding: br", body=told),
            says(f"200 OK\r\nbad header {line}"),
            says(f"{line} is no status"),
            says("200 OK", "Transfer-Encoding: chunked", body=told),
        ]
        return kinds[len(front.asked) % len(kinds)]

    return of


def test_secrets_are_nowhere(
    past: str, front: Front, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore", "httpcore.http11", "httpcore.connection", "asyncio"):
        caplog.set_level(logging.DEBUG, name)
    extra = LIMITS | {"failures_until_open": 1000, "attempts": 2}
    for carrier in CARRIERS:
        connect(monkeypatch, carrier, front.port, password=KEY if carrier == "dhl" else PASSWORD, extra=extra)
    front.spoils = hostile(front)
    told: list[str] = []
    for attempt in range(2):
        try:
            run(past, f"r{attempt}", force=True)
        except Exception:  # whatever it is, it must not tell
            told.append(traceback.format_exc())
    assert len(front.asked) > 60
    told.extend(record.getMessage() + str(record.args) for record in caplog.records)
    told.append(caplog.text)
    kept = [file for file in (tmp_path / "raw").rglob("*") if file.is_file()]
    assert kept
    for file in kept:
        for _, answer in raw.scan(str(file.relative_to(tmp_path / "raw"))):
            body = answer.body
            if body[:2] == b"\x1f\x8b":
                body = zlib.decompressobj(31).decompress(body)
            told.append(f"{answer.url} {answer.headers} {answer.error} {body.decode('utf-8', 'replace')}")
    assert sum("***" in text for text in told) > 40
    told.extend(everything(past))
    basics = [base64.b64encode(f"sandbox-{carrier}:{PASSWORD}".encode()).decode() for carrier in CARRIERS]
    for secret in (PASSWORD, TOKEN, KEY, *basics):
        for form in (
            *(secret, quote(secret), quote(secret, safe=""), quote_plus(secret), html.escape(secret)),
            *(json.dumps(secret)[1:-1], repr(secret)[1:-1], secret.rstrip("=")),
        ):
            found = [text for text in told if form in text]
            assert found == [], f"{form} in {found[0][:300]}"


def everything(address: str) -> list[str]:
    """Every row of the schemas that a pull writes to, as text."""
    link = psycopg2.connect(address, options="-c role=lanecast_owner")
    with link, link.cursor() as cursor:
        cursor.execute(
            "SELECT schemaname || '.' || tablename FROM pg_tables "
            "WHERE schemaname IN ('ops', 'core', 'quality', 'serving')"
        )
        tables = [row[0] for row in cursor.fetchall()]
        found = []
        for table in tables:
            cursor.execute(f"SELECT whole::text FROM {table} AS whole")
            found.extend(row[0] for row in cursor.fetchall())
    link.close()
    return found


# ------------------------------------------------------------------------------------------- the sandbox's own faults

SANDBOX_FAULTS: dict[str, tuple[int | None, str]] = {
    "401": (401, "refused the credentials"),
    "429": (429, "HTTP 429 after 1 attempt"),
    "429_without_time": (429, "HTTP 429 after 1 attempt"),
    "429_until_date": (429, "HTTP 429 after 1 attempt"),
    "redirect": (302, "redirects are not followed"),
    "hang": (None, "nothing came for 0.3 s"),
    "drip": (200, "longer than 0.6 s"),
    "gzip_bomb": (200, "unpacks to more than 1000000 bytes"),
    "too_large": (200, "larger than 1000000 bytes"),
}


@pytest.mark.parametrize("kind", SANDBOX_FAULTS)
def test_the_sandbox_can_play_it(running: StandIn, kind: str) -> None:
    status, cause = SANDBOX_FAULTS[kind]
    running.fault(carrier="dhl", kind=kind, seconds=0.1 if kind == "drip" else 2)
    patience = {"read_timeout": 0.3, "total_timeout": 0.6} if kind in {"hang", "drip"} else {}
    limits = Limits(attempts=1, max_body_bytes=1_000_000, **patience)
    account = Account(
        carrier="dhl", base_url=f"{running.url}/dhl", login="sandbox-dhl", password=SANDBOX_SECRET, is_sandbox=True
    )

    async def ask() -> list[http.Answer]:
        batches = [[Wanted("no such parcel")]] * 2
        return [answer async for answer in http.pull(registry.adapter("dhl"), account, batches, limits=limits)]

    spoiled, *_ = sorted(asyncio.run(ask()), key=lambda answer: answer.error is None)
    assert spoiled.status == status
    assert cause in (spoiled.error or "")
    wait = web.retry_after(spoiled.headers.get("retry-after"), datetime.now(UTC))
    if kind in ("429", "429_until_date"):
        assert wait is not None
        assert 1 <= wait <= 3
    else:
        assert wait is None
    running.calm()
