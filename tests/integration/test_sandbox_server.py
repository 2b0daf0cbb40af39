"""The sandbox carriers over HTTP: accounts, limits, answers, faults, exports."""

from __future__ import annotations

import csv
import gzip
import io
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import uvicorn

from lanecast import settings
from lanecast.sandbox.access import SANDBOX_SECRET, Bucket, login_of
from lanecast.sandbox.clock import WorldClock
from lanecast.sandbox.description import Orders, read_description
from lanecast.sandbox.faults import HUGE_BYTES
from lanecast.sandbox.server import Sandbox
from lanecast.sandbox.shipment import Shipment
from lanecast.sandbox.world import World

START = datetime(2026, 5, 20, 12, tzinfo=UTC)
KEY = {"DHL-API-Key": SANDBOX_SECRET}
Forms = dict[str, str]


class Wall:
    """A wall clock that tests set."""

    def __init__(self) -> None:
        self.time = START

    def __call__(self) -> datetime:
        return self.time


class Running:
    """A sandbox that answers, its world, and the wall clock behind it."""

    def __init__(self, sandbox: Sandbox, wall: Wall, client: httpx.Client) -> None:
        self.sandbox = sandbox
        self.wall = wall
        self.client = client

    @property
    def world(self) -> World:
        return self.sandbox.world

    def under_way(self, carrier: str, back: int = 6, pieces: int = 1) -> Shipment:
        """A shipment of a carrier that has at least three scans at the start and more to come."""
        start = int(START.timestamp())
        for days in range(back, back + 40):
            for shipment in self.world.shipments_ordered_on(START.date() - timedelta(days=days)):
                told = len(shipment.scans_until(start))
                known = shipment.carrier == carrier and 3 <= told < len(shipment.scans)
                if known and shipment.pieces >= pieces and not self.flawed(shipment):
                    return shipment
        raise AssertionError(f"nothing under way with {carrier}")

    def flawed(self, shipment: Shipment) -> bool:
        dirt = self.sandbox.carriers._dirt
        return bool(dirt.in_answer(shipment.carrier, shipment.number)) or dirt.lacks_offset(
            shipment.carrier, shipment.number
        )

    def dhl(self, number: str) -> httpx.Response:
        return self.client.get("/dhl/track/shipments", params={"trackingNumber": number}, headers=KEY)

    def ups_headers(self) -> Forms:
        answer = self.client.post(
            "/ups/security/v1/oauth/token",
            data={"grant_type": "client_credentials"},
            auth=(login_of("ups"), SANDBOX_SECRET),
        )
        token = answer.raise_for_status().json()["access_token"]
        return {"Authorization": f"Bearer {token}", "transId": "t-1", "transactionSrc": "test"}

    def fedex_headers(self) -> Forms:
        told = {"grant_type": "client_credentials", "client_id": "sandbox-fedex", "client_secret": SANDBOX_SECRET}
        answer = self.client.post("/fedex/oauth/token", data=told)
        return {"Authorization": f"Bearer {answer.raise_for_status().json()['access_token']}"}

    def usps_headers(self) -> Forms:
        told = {"grant_type": "client_credentials", "client_id": "sandbox-usps", "client_secret": SANDBOX_SECRET}
        answer = self.client.post("/usps/oauth2/v3/token", json=told)
        return {"Authorization": f"Bearer {answer.raise_for_status().json()['access_token']}"}

    def fedex(self, numbers: list[str], headers: Forms) -> httpx.Response:
        told = {
            "includeDetailedScans": True,
            "trackingInfo": [{"trackingNumberInfo": {"trackingNumber": one}} for one in numbers],
        }
        return self.client.post("/fedex/track/v1/trackingnumbers", json=told, headers=headers)

    def fault(self, **order: Any) -> None:
        self.client.post("/sandbox/faults", json=order).raise_for_status()


def until(condition: Any, seconds: float = 20) -> None:
    """Wait for a condition, with a limit."""
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "waited too long"
        threading.Event().wait(0.02)


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    described = read_description()
    orders = Orders(per_day=60, weekdays=[1.0] * 7, multi_piece=0.2)
    description = msgspec.structs.replace(described, orders=orders, history_days=60)
    world, wall = World(description, START), Wall()
    sandbox = Sandbox(world, WorldClock(START, START, 1.0, wall))
    config = uvicorn.Config(sandbox.app(), port=0, log_level="critical", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
        yield Running(sandbox, wall, client)
    server.should_exit = True
    thread.join(20)


@pytest.fixture
def sandbox(running: Running) -> Iterator[Running]:
    """The sandbox without faults, its clock at the start."""
    running.wall.time = START
    yield running
    running.client.delete("/sandbox/faults").raise_for_status()


def test_health_and_clock(sandbox: Running) -> None:
    assert sandbox.client.get("/health").json()["status"] == "ok"
    assert sandbox.client.get("/sandbox/clock").json()["now"] == "2026-05-20T12:00:00Z"


def test_tokens_are_given_to_the_account_only(sandbox: Running) -> None:
    client = sandbox.client
    form = {"grant_type": "client_credentials"}
    assert client.post("/ups/security/v1/oauth/token", data=form, auth=("sandbox-ups", "wrong")).status_code == 401
    assert client.post("/ups/security/v1/oauth/token", data=form).status_code == 401
    assert client.post("/ups/security/v1/oauth/token", auth=("sandbox-ups", SANDBOX_SECRET)).status_code == 400
    wrong = {"client_id": "sandbox-ups", "client_secret": SANDBOX_SECRET}
    assert client.post("/fedex/oauth/token", data=form | wrong).status_code == 401
    assert client.post("/usps/oauth2/v3/token", json=form | wrong).status_code == 401
    assert client.post("/usps/oauth2/v3/token", content=b"{").status_code == 400


def test_nobody_tracks_without_a_token(sandbox: Running) -> None:
    client = sandbox.client
    ups, fedex = sandbox.ups_headers(), sandbox.fedex_headers()
    assert client.get("/ups/api/track/v1/details/1Z").status_code == 401
    other = ups | {"Authorization": fedex["Authorization"]}
    assert client.get("/ups/api/track/v1/details/1Z", headers=other).status_code == 401, "another carrier's token"
    forged = {"Authorization": ups["Authorization"][:-1] + "!"}
    assert client.get("/ups/api/track/v1/details/1Z", headers=ups | forged).status_code == 401
    assert sandbox.fedex(["1"], {}).status_code == 401
    assert client.get("/usps/tracking/v3/tracking/1").status_code == 401
    assert client.get("/dhl/track/shipments?trackingNumber=1").status_code == 401


def test_tokens_expire() -> None:
    world = World(read_description(), START)
    access = Sandbox(world, WorldClock(START, START, 0), token_seconds=-1).carriers._access
    assert not access.accepts("ups", access.token("ups")[0])
    access = Sandbox(world, WorldClock(START, START, 0), token_seconds=60).carriers._access
    assert access.accepts("ups", access.token("ups")[0])


def test_ups_wants_its_headers_and_names_what_it_does_not_know(sandbox: Running) -> None:
    headers = sandbox.ups_headers()
    number = sandbox.under_way("ups").number
    address = f"/ups/api/track/v1/details/{number}"
    assert sandbox.client.get(address, headers=headers).status_code == 200
    assert sandbox.client.get(address, headers={"Authorization": headers["Authorization"]}).status_code == 400
    missing = sandbox.client.get("/ups/api/track/v1/details/1Z999AA10123456784", headers=headers)
    assert missing.status_code == 404
    assert missing.json()["response"]["errors"][0]["code"] == "TV1002"


def test_ups_tells_all_packages_of_a_shipment(sandbox: Running) -> None:
    shipment = sandbox.under_way("ups", pieces=2)
    answer = sandbox.client.get(f"/ups/api/track/v1/details/{shipment.number}", headers=sandbox.ups_headers()).json()
    packages = answer["trackResponse"]["shipment"][0]["package"]
    assert [package["trackingNumber"] for package in packages] == [
        shipment.piece_number(piece) for piece in range(shipment.pieces)
    ]
    one = sandbox.client.get(
        f"/ups/api/track/v1/details/{shipment.piece_number(1)}", headers=sandbox.ups_headers()
    ).json()
    assert [package["trackingNumber"] for package in one["trackResponse"]["shipment"][0]["package"]] == [
        shipment.piece_number(1)
    ]


def test_fedex_takes_30_numbers_and_no_more(sandbox: Running) -> None:
    headers = sandbox.fedex_headers()
    known = sandbox.under_way("fedex")
    numbers = [known.number, *(f"{number:012d}" for number in range(29))]
    results = sandbox.fedex(numbers, headers).json()["output"]["completeTrackResults"]
    assert [result["trackingNumber"] for result in results] == numbers
    assert len(results[0]["trackResults"][0]["scanEvents"]) == len(known.scans_until(int(START.timestamp())))
    assert results[1]["trackResults"][0]["error"]["code"] == "TRACKING.TRACKINGNUMBER.NOTFOUND"
    assert sandbox.fedex([*numbers, "1"], headers).status_code == 400
    assert sandbox.fedex([], headers).status_code == 400
    broken = sandbox.client.post("/fedex/track/v1/trackingnumbers", content=b'{"trackingInfo": 3}', headers=headers)
    assert broken.status_code == 400


def test_dhl_and_usps_say_not_found(sandbox: Running) -> None:
    missing = sandbox.dhl("1234567890")
    assert missing.status_code == 404
    assert missing.headers["content-type"] == "application/problem+json"
    assert missing.json()["status"] == 404
    headers = sandbox.usps_headers()
    assert sandbox.client.get("/usps/tracking/v3/tracking/LZ000000005US", headers=headers).status_code == 404
    known = sandbox.under_way("usps")
    answer = sandbox.client.get(f"/usps/tracking/v3/tracking/{known.number}?expand=DETAIL", headers=headers).json()
    assert len(answer["trackingEvents"]) == len(known.scans_until(int(START.timestamp())))


def test_a_clock_that_stands_still_brings_no_news_and_a_running_one_does(sandbox: Running) -> None:
    shipment = sandbox.under_way("dhl")
    first = sandbox.dhl(shipment.number)
    assert sandbox.dhl(shipment.number).content == first.content
    sandbox.wall.time = datetime.fromtimestamp(shipment.finished_at, UTC)
    last = sandbox.dhl(shipment.number).json()["shipments"][0]["events"]
    assert len(last) == len(shipment.scans)
    before = first.json()["shipments"][0]["events"]
    assert last[-len(before) :] == before, "what was told once stays as it was told"


def test_too_many_requests_are_told_to_wait() -> None:
    now = [0.0]
    bucket = Bucket(2, lambda: now[0])
    assert [bucket.take() for _ in range(3)] == [0, 0, 0.5]
    now[0] = 0.5
    assert bucket.take() == 0


@pytest.mark.parametrize("kind", ["429", "503"])
def test_fault_statuses(sandbox: Running, kind: str) -> None:
    number = sandbox.under_way("dhl").number
    sandbox.fault(carrier="dhl", kind=kind, count=2, seconds=3)
    answers = [sandbox.dhl(number) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [int(kind), int(kind), 200]
    assert answers[0].headers["retry-after"] == "3"


def test_fault_bodies(sandbox: Running) -> None:
    number = sandbox.under_way("dhl").number
    good = sandbox.dhl(number)
    sandbox.fault(carrier="*", kind="truncated")
    assert good.content.startswith(sandbox.dhl(number).content)
    sandbox.fault(carrier="dhl", kind="html")
    assert sandbox.dhl(number).headers["content-type"].startswith("text/html")
    sandbox.fault(carrier="dhl", kind="empty")
    assert sandbox.dhl(number).content == b""
    sandbox.fault(carrier="dhl", kind="gzip_broken")
    with pytest.raises(httpx.DecodingError):
        sandbox.dhl(number)
    sandbox.fault(carrier="dhl", kind="disconnect")
    with pytest.raises(httpx.RemoteProtocolError):
        sandbox.dhl(number)
    sandbox.fault(carrier="dhl", kind="malformed_parcel")
    assert sandbox.dhl(number).json()["shipments"][0]["status"] is None
    sandbox.fault(carrier="dhl", kind="huge")
    assert len(sandbox.dhl(number).content) >= HUGE_BYTES
    assert sandbox.dhl(number).content == good.content


def test_a_slow_answer_outlasts_a_short_timeout(sandbox: Running) -> None:
    number = sandbox.under_way("dhl").number
    sandbox.fault(carrier="dhl", kind="slow", seconds=5)
    with pytest.raises(httpx.ReadTimeout):
        sandbox.client.get("/dhl/track/shipments", params={"trackingNumber": number}, headers=KEY, timeout=0.2)


def test_a_malformed_parcel_leaves_the_rest_of_its_batch(sandbox: Running) -> None:
    one, other = sandbox.under_way("fedex"), sandbox.under_way("fedex", back=20)
    headers = sandbox.fedex_headers()
    sandbox.fault(carrier="fedex", kind="malformed_parcel")
    results = sandbox.fedex([one.number, other.number], headers).json()["output"]["completeTrackResults"]
    assert isinstance(results[0]["trackResults"][0]["scanEvents"], dict)
    assert isinstance(results[1]["trackResults"][0]["scanEvents"], list)


def test_a_share_of_faults_is_dealt_out_evenly_and_cleared(sandbox: Running) -> None:
    number = sandbox.under_way("dhl").number
    sandbox.fault(carrier="dhl", kind="503", share=0.25)
    assert [sandbox.dhl(number).status_code for _ in range(8)].count(503) == 2
    sandbox.client.delete("/sandbox/faults")
    assert [sandbox.dhl(number).status_code for _ in range(8)].count(503) == 0
    assert sandbox.client.get("/sandbox/stats").json()["requests"]["dhl"]["503"] >= 2


@pytest.mark.parametrize("order", [{"carrier": "dhl", "kind": "fire"}, {"carrier": "hermes", "kind": "429"}, {}])
def test_an_order_for_an_unknown_fault_is_refused(sandbox: Running, order: Forms) -> None:
    answer = sandbox.client.post("/sandbox/faults", json=order)
    assert answer.status_code == 400
    assert answer.json()["error"]


def test_exports(sandbox: Running) -> None:
    shipments = rows_of(sandbox.client.get("/export/shipments.csv.gz"))
    assert len(shipments) == sum(1 for _ in sandbox.world.history())
    assert len(rows_of(sandbox.client.get("/export/events.csv.gz"))) > 8 * len(shipments) / 2
    sandbox.wall.time = START + timedelta(days=2)
    new = sandbox.client.get("/export/new_shipments.csv.gz", params={"since": START.isoformat()})
    assert {row["order_id"] for row in rows_of(new)} == {
        one.order_id for one in sandbox.world.ordered_between(START, sandbox.wall.time)
    }
    assert sandbox.client.get("/export/new_shipments.csv.gz?since=yesterday").status_code == 400


def rows_of(answer: httpx.Response) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(gzip.decompress(answer.raise_for_status().content).decode())))


def test_a_process_of_its_own_goes_on_in_the_same_world_after_a_restart() -> None:
    wanted = ["--anchor", "2026-05-20T12:00:00Z", "--speed", "0"]
    clocks, answers = [], []
    for _ in range(2):
        with Process(*wanted) as (address, _):
            clocks.append(httpx.get(f"{address}/sandbox/clock").json())
            world = World(read_description(), START)
            number = next(
                one.number
                for one in world.shipments_ordered_on(START.date() - timedelta(days=9))
                if one.carrier == "dhl"
            )
            answer = httpx.get(f"{address}/dhl/track/shipments", params={"trackingNumber": number}, headers=KEY)
            answers.append(answer.raise_for_status().content)
    assert clocks[0] == clocks[1]
    assert clocks[0]["now"] == "2026-05-20T12:00:00Z"
    assert answers[0] == answers[1]


def test_a_process_names_what_it_cannot_use(tmp_path: Path) -> None:
    file = tmp_path / "world.yaml"
    file.write_text("name: 3\n")
    ended = subprocess.run(
        [sys.executable, "-m", "lanecast.sandbox", "--world", str(file)],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 2
    assert "key name" in ended.stderr
    assert "Traceback" not in ended.stderr


class Process:
    """The sandbox as a process: its address and the process."""

    def __init__(self, *options: str) -> None:
        self.options = options

    def __enter__(self) -> tuple[str, subprocess.Popen[str]]:
        command = [sys.executable, "-m", "lanecast.sandbox", *self.options]
        self.running = subprocess.Popen(command, env=environment(), stderr=subprocess.PIPE, text=True)
        assert self.running.stderr is not None
        line = self.running.stderr.readline()
        found = re.search(r"ready on (http://\S+)", line)
        assert found, line
        return found[1], self.running

    def __exit__(self, *_: object) -> None:
        self.running.terminate()
        self.running.communicate(timeout=20)


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(settings.home() / "plugins")}
