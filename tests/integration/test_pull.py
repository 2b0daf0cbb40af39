"""Due, pull, stage and load without Airflow, on a real warehouse: what is cut off, lost or said anew."""

from __future__ import annotations

import itertools
import json
import math
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg2.extras
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from lanecast import pipeline, raw
from lanecast.carriers.accounts import NoAccountError
from lanecast.carriers.registry import UnknownCarrierError
from lanecast.follow import due
from lanecast.follow import pull as pulling
from lanecast.follow.due import Shard
from lanecast.follow.pull import CarrierDown
from lanecast.local.server import RunningServer
from lanecast.warehouse import clock, runs, staging
from lanecast.warehouse import connection as warehouse_connection
from lanecast.warehouse import load as loading
from lanecast.warehouse.runs import Run
from sandbox_world import START, StandIn, content, database, load_past, one, rows, serving, stand_in

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def running() -> Iterator[StandIn]:
    with stand_in(per_day=3, history_days=40) as carriers:
        yield carriers


@pytest.fixture(scope="module")
def past_template(
    running: StandIn, server: RunningServer, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    with database(server, template) as (name, address):
        load_past(running, tmp_path_factory.mktemp("past"), address)
        yield name


@pytest.fixture
def sandbox(running: StandIn, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[StandIn]:
    monkeypatch.setenv("LANECAST_SANDBOX_URL", running.url)
    monkeypatch.setenv("LANECAST_STATE", str(tmp_path))
    yield running
    running.calm()


@pytest.fixture
def past(server: RunningServer, past_template: str, sandbox: StandIn, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """DSN of a warehouse that holds the world's past; nothing was asked of a carrier yet."""
    with database(server, past_template) as (_, address):
        monkeypatch.setenv("AIRFLOW_CONN_LANECAST_WAREHOUSE", address)
        yield address


@pytest.fixture(scope="module")
def undisturbed(
    server: RunningServer, past_template: str, running: StandIn, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[tuple[Any, ...]]]:
    """What the tables hold after one run that nothing disturbed."""
    running.calm()
    with database(server, past_template) as (_, address), pytest.MonkeyPatch.context() as patched:
        patched.setenv("AIRFLOW_CONN_LANECAST_WAREHOUSE", address)
        patched.setenv("LANECAST_SANDBOX_URL", running.url)
        patched.setenv("LANECAST_STATE", str(tmp_path_factory.mktemp("undisturbed")))
        whole("undisturbed")
        return content(address)


def begin(run_id: str) -> Run:
    with warehouse_connection.connect() as link:
        return runs.open_run(link, run_id, "pull", "tracking_event", "carriers")


def pull_all(shards: list[Shard], attempt: int = 1) -> Counter[str]:
    counts: Counter[str] = Counter()
    for shard in shards:
        counts.update(pulling.pull(shard, attempt))
    return counts


def finish(run: Run) -> dict[str, loading.Reconciliation]:
    pipeline.stage(run)
    pipeline.judge(run)
    return {result.dataset: result for result in pipeline.load(run)}


def whole(run_id: str, **asked: Any) -> dict[str, loading.Reconciliation]:
    """A whole run: due, pull, stage, judge, load."""
    run = begin(run_id)
    pull_all(due.plan(run, **asked))
    return finish(run)


# ------------------------------------------------------------------------------------------------------- due


def test_shards_are_bounded_in_size_and_number(past: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(due, "PARCELS_PER_SHARD", 4)
    monkeypatch.setattr(due, "SHARDS_PER_SOURCE", 3)
    waiting = dict(
        rows(past, "SELECT carrier, count(*) FROM core.shipment_number WHERE finished_at IS NULL GROUP BY 1")
    )
    shards = due.plan(begin("r1"))
    assert max(waiting.values()) > 12  # else nothing is cut off
    assert Counter(shard.source for shard in shards) == {
        carrier: min(3, math.ceil(count / 4)) for carrier, count in waiting.items()
    }
    assert max(shard.parcels for shard in shards) == 4
    assert sum(shard.parcels for shard in shards) == one(past, "SELECT count(*) FROM ops.poll_request")
    assert sum(shard.parcels for shard in shards) == sum(min(12, count) for count in waiting.values())


def test_an_account_of_ones_own_is_asked_for_no_more_than_its_rate(past: str, monkeypatch: pytest.MonkeyPatch) -> None:
    own = {"conn_type": "http", "password": "no secret", "extra": {"requests_per_second": 3.5 / due.SECONDS_PER_PULL}}
    monkeypatch.setenv("AIRFLOW_CONN_LANECAST_DHL", json.dumps(own))
    waiting = one(past, "SELECT count(*) FROM core.shipment_number WHERE carrier = 'dhl' AND finished_at IS NULL")
    assert waiting > 3  # else nothing is left for the next run
    assert due.plan(begin("r1"), carrier="dhl") == [Shard("r1", "dhl", 0, 3)]


def test_planning_again_plans_the_same(past: str) -> None:
    run = begin("r1")
    assert due.plan(run) == due.plan(run)


def test_what_is_not_due_is_left_until_forced(past: str) -> None:
    whole("r1")
    whole("r2")  # the pieces that the first run found
    assert due.plan(begin("r3")) == []
    forced = sum(shard.parcels for shard in due.plan(begin("r4"), force=True))
    assert forced == one(past, "SELECT count(*) FROM core.shipment_number WHERE finished_at IS NULL")
    assert forced > 20


def test_one_carrier_and_no_other(past: str) -> None:
    assert {shard.source for shard in due.plan(begin("r1"), carrier="dhl")} == {"dhl"}


def test_numbers_by_hand_are_cleaned_and_registered_with_their_carrier(past: str) -> None:
    known = one(past, "SELECT max(tracking_number) FROM core.shipment WHERE carrier = 'ups'")
    spaced = f" {known[:4]} {known[4:].lower()} "
    shards = due.plan(begin("r1"), "ups", [spaced, "1Z999 aa10123456784"])
    assert [(shard.source, shard.parcels) for shard in shards] == [("ups", 2)]
    assert one(past, "SELECT count(*) FROM core.shipment WHERE tracking_number = '1Z999AA10123456784'") == 1
    due.plan(begin("r2"), "ups", ["1Z999AA10123456784"])
    assert one(past, "SELECT count(*) FROM core.shipment WHERE tracking_number = '1Z999AA10123456784'") == 1


def test_what_can_not_be_asked_for_is_refused(past: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="1Z999AA10123456784: name its carrier"):
        due.plan(begin("r1"), numbers=["1Z999AA10123456784"])
    with pytest.raises(UnknownCarrierError, match="hermes"):
        due.plan(begin("r2"), "hermes")
    monkeypatch.delenv("LANECAST_SANDBOX_URL")
    with pytest.raises(NoAccountError, match="lanecast_ups"):
        due.plan(begin("r3"), "ups")
    assert due.plan(begin("r4")) == []
    assert one(past, "SELECT count(*) FROM ops.poll_request") == 0


# ------------------------------------------------------------------------------------------------------ pull


def test_every_answer_is_stored_and_indexed_before_it_is_read(past: str) -> None:
    run = begin("r1")
    counts = pull_all(due.plan(run))
    index = rows(past, "SELECT file, byte_offset, byte_length, status, tracking_numbers, sha256 FROM ops.raw_answer")
    assert len(index) == sum(counts.values()) > 20
    for file, offset, length, status, numbers, digest in index:
        stored = raw.read(file, offset, length)
        assert (stored.status, list(stored.tracking_numbers), stored.sha256) == (status, numbers, bytes(digest).hex())
        assert not any("authorization" in name.lower() for name in stored.headers)


def test_a_cut_off_pull_goes_on_where_it_was(past: str, sandbox: StandIn, undisturbed: dict[str, Any]) -> None:
    run = begin("r1")
    shards = due.plan(run)
    pull_all(shards[:2])
    asked = {shard.source: sandbox.answers(shard.source) for shard in shards}
    counts = pull_all(shards, attempt=2)
    for shard in shards[:2]:
        assert sandbox.answers(shard.source) == asked[shard.source]
    assert sum(counts.values()) == sum(sandbox.answers(carrier) - asked[carrier] for carrier in asked)
    finish(run)
    assert content(past) == undisturbed


def test_a_pull_killed_midway_keeps_the_files_that_it_closed(
    past: str, sandbox: StandIn, undisturbed: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = begin("r1")
    shards = due.plan(run)
    shard = next(shard for shard in shards if shard.source == "dhl" and shard.parcels > 4)
    with monkeypatch.context() as patched:
        patched.setattr(pulling, "ANSWERS_PER_FILE", 2)
        patched.setattr(pulling, "closing", nullcontext)  # a kill closes nothing
        patched.setattr(pulling._Book, "enter", dies_at(5, pulling._Book.enter))
        with pytest.raises(Killed):
            pulling.pull(shard)
    assert one(past, "SELECT count(*) FROM ops.raw_answer") == 4
    before = sandbox.answers("dhl")
    pulling.pull(shard, attempt=2)
    assert sandbox.answers("dhl") == before + shard.parcels - 4
    pull_all([other for other in shards if other != shard])
    finish(run)
    assert content(past) == undisturbed


def test_a_pull_killed_before_its_index_is_asked_again(
    past: str, undisturbed: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = begin("r1")
    shards = due.plan(run)
    with monkeypatch.context() as patched:
        patched.setattr(psycopg2.extras, "execute_values", dies)
        with pytest.raises(Killed):
            pulling.pull(shards[0])
    assert one(past, "SELECT count(*) FROM ops.raw_answer") == 0
    pull_all(shards, attempt=1)  # the killed attempt's number comes twice: neither file is overwritten
    finish(run)
    assert content(past) == undisturbed


def test_a_carrier_that_is_down_does_not_hold_up_the_others(past: str, sandbox: StandIn) -> None:
    run = begin("r1")
    shards = due.plan(run)
    sandbox.fault(carrier="dhl", kind="503", share=1, seconds=0)
    with pytest.raises(CarrierDown, match="dhl answered none of"):
        pull_all([shard for shard in shards if shard.source == "dhl"])
    pull_all([shard for shard in shards if shard.source != "dhl"])
    finish(run)
    found = rows(past, "SELECT DISTINCT carrier, outcome FROM ops.poll_request")
    assert ("dhl", "failed") in found
    assert {carrier for carrier, outcome in found if outcome == "answered"} == {"ups", "fedex", "usps"}
    # They stay due: a later run asks for them again.
    assert one(past, "SELECT count(*) FROM ops.poll_plan WHERE carrier = 'dhl' AND next_poll_at IS NULL") == 0


def test_a_retry_asks_again_for_what_the_carrier_failed_to_answer(
    past: str, sandbox: StandIn, undisturbed: dict[str, Any]
) -> None:
    run = begin("r1")
    shards = due.plan(run)
    sandbox.fault(carrier="usps", kind="503", share=1, seconds=0)
    pull_all([shard for shard in shards if shard.source != "usps"])
    with pytest.raises(CarrierDown):
        pull_all([shard for shard in shards if shard.source == "usps"])
    sandbox.calm()
    pull_all(shards, attempt=2)
    finish(run)
    assert rows(past, "SELECT carrier FROM ops.poll_request WHERE outcome = 'failed' AND detail ~ '503'") == []
    assert content(past) == undisturbed


# ------------------------------------------------------------------------------------- killed between two steps


class Killed(BaseException):
    """As a kill: nothing catches it."""


def dies_at(call: int, real: Callable[..., None]) -> Callable[..., None]:
    """`real`, but for its call of that number, which is killed."""
    calls = itertools.count(1)

    def counted(*given: Any) -> None:
        if next(calls) == call:
            raise Killed
        real(*given)

    return counted


def dies(*_: object, **__: object) -> None:
    raise Killed


def lose_staging(how: str) -> None:
    """Empties or drops what is staged, as a crash of the server does with UNLOGGED tables."""
    with warehouse_connection.connect() as link, link.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'staging'")
        found = cursor.fetchall()
        assert len(found) == 4
        for (table,) in found:
            cursor.execute(f"{how} staging.{table} CASCADE")


@pytest.mark.parametrize("how", ["TRUNCATE", "DROP TABLE"])
@pytest.mark.parametrize("after", ["stage", "judge"])
def test_staging_that_was_lost_is_made_again(past: str, undisturbed: dict[str, Any], after: str, how: str) -> None:
    run = begin("r1")
    pull_all(due.plan(run))
    pipeline.stage(run)
    if after == "judge":
        pipeline.judge(run)
        lose_staging(how)
    else:
        lose_staging(how)
        pipeline.judge(run)
    results = pipeline.load(run)
    assert all(result.received == result.loaded + result.duplicate + result.quarantined for result in results)
    assert content(past) == undisturbed


Cut = Callable[[pytest.MonkeyPatch], None]
CUTS: dict[str, Cut] = {
    "while staging": lambda patched: patched.setattr(staging, "seal", dies),
    "before the merge": lambda patched: patched.setattr(loading, "_merge", dies),
    "before the reconciliation": lambda patched: patched.setattr(loading, "_record", dies),
    "before staging is dropped": lambda patched: patched.setattr(staging, "drop", dies),
    "before the run is closed": lambda patched: patched.setattr(runs, "finish", dies),
}


@pytest.mark.parametrize("where", CUTS)
def test_killed_anywhere_and_started_again_gives_the_same(
    past: str, undisturbed: dict[str, Any], monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    run = begin("r1")
    pull_all(due.plan(run))
    with monkeypatch.context() as patched:
        CUTS[where](patched)
        with pytest.raises(Killed):
            finish(run)
    if where in ("while staging", "before the merge"):
        assert one(past, "SELECT count(*) FROM quality.reconciliation WHERE run_id = 'r1'") == 0
    again = finish(pipeline.find_run("r1"))
    assert again["tracking_event"].received == sum(
        (again["tracking_event"].loaded, again["tracking_event"].duplicate, again["tracking_event"].quarantined)
    )
    assert content(past) == undisturbed
    assert rows(past, "SELECT tablename FROM pg_tables WHERE schemaname = 'staging'") == []
    assert one(past, "SELECT state FROM ops.run WHERE run_id = 'r1'") == "loaded"


def test_a_loaded_run_that_is_loaded_again_says_the_same(past: str) -> None:
    first = whole("r1")
    before = content(past)
    again = {result.dataset: result for result in pipeline.load(pipeline.find_run("r1"))}
    assert again == first
    assert content(past) == before


# ------------------------------------------------------------------------------- pieces, and events said anew


def test_pieces_are_followed_under_the_order_of_their_shipment(past: str, sandbox: StandIn) -> None:
    results = whole("r1", carrier="ups")
    found = rows(
        past,
        "SELECT piece.tracking_number, piece.order_id, piece.destination_country, first.tracking_number, "
        "first.destination_country FROM core.shipment AS piece JOIN core.shipment AS first USING (order_id) "
        "WHERE piece.run_id = 'r1' AND first.run_id <> 'r1'",
    )
    assert results["shipment"].loaded == len(found) > 0
    for piece, order, country, first, same_country in found:
        shipment, place = sandbox.world.find("ups", piece) or (None, 0)
        assert shipment is not None
        assert place > 0
        assert (order, country, first) == (shipment.order_id, same_country, shipment.number)
    sandbox.move_on(timedelta(days=1))
    asked = {row[0] for row in rows(past, "SELECT tracking_number FROM core.shipment WHERE run_id = 'r1'")}
    due.plan(begin("r2"), carrier="ups")
    assert asked <= {row[0] for row in rows(past, "SELECT tracking_number FROM ops.poll_request WHERE run_id = 'r2'")}


class Usps:
    """Answers as USPS does, about one parcel, with the events that a test gives it."""

    NUMBER = "9400100000000000000000"

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.body: bytes | None = None

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/usps/oauth2/v3/token", self._token, methods=["POST"]),
                Route("/usps/tracking/v3/tracking/{number}", self._track),
            ]
        )

    async def _token(self, request: Request) -> Response:
        return JSONResponse({"access_token": "t", "expires_in": 900})

    async def _track(self, request: Request) -> Response:
        if self.body is not None:
            return Response(self.body, media_type="application/json")
        return JSONResponse({"trackingNumber": self.NUMBER, "trackingEvents": list(reversed(self.events))})


def scan(code: str, at: str, words: str = "In transit") -> dict[str, Any]:
    return {
        "eventType": words,
        "eventTimestamp": at,
        "GMTTimestamp": f"{at}Z",
        "GMTOffset": "+00:00",
        "eventCountry": "US",
        "eventCity": "NEW YORK",
        "eventState": "NY",
        "eventZIP": "10001",
        "eventCode": code,
    }


@contextmanager
def usps(monkeypatch: pytest.MonkeyPatch) -> Iterator[Usps]:
    carrier = Usps()
    with serving(carrier.app()) as url:
        monkeypatch.setenv("LANECAST_SANDBOX_URL", url)
        yield carrier


def kept(address: str) -> list[tuple[str, bool]]:
    """Code of each event, and whether it was withdrawn, oldest first."""
    return rows(address, "SELECT code, withdrawn_at IS NOT NULL FROM core.tracking_event ORDER BY reported_at")


def ask(run_id: str) -> dict[str, loading.Reconciliation]:
    return whole(run_id, carrier="usps", numbers=[Usps.NUMBER])


def test_an_event_that_is_told_no_more_is_withdrawn_until_it_is_told_again(
    warehouse: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LANECAST_STATE", str(tmp_path))
    clock.set_clock(START, START, 0)
    first, wrong, last = (
        scan("03", "2026-05-10T08:00:00", "Accepted"),
        scan("10", "2026-05-11T09:00:00"),
        scan("10", "2026-05-12T10:00:00"),
    )
    with usps(monkeypatch) as carrier:
        carrier.events = [first, wrong, last]
        assert ask("r1")["tracking_event"].loaded == 3
        carrier.events = [first, last]
        ask("r2")
        assert [gone for _, gone in kept(warehouse)] == [False, True, False]
        assert one(warehouse, "SELECT withdrawn_at FROM core.tracking_event WHERE withdrawn_at IS NOT NULL") == START
        carrier.events = [first, wrong, last]
        again = ask("r3")["tracking_event"]
        assert (again.loaded, again.duplicate) == (1, 2)
        assert [gone for _, gone in kept(warehouse)] == [False, False, False]
        carrier.events = [last]  # carriers forget the oldest: that takes nothing back
        ask("r4")
        assert [gone for _, gone in kept(warehouse)] == [False, False, False]


def test_an_answer_of_which_a_part_is_unreadable_withdraws_nothing(
    warehouse: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LANECAST_STATE", str(tmp_path))
    clock.set_clock(START, START, 0)
    first, middle, last = (
        scan("03", "2026-05-10T08:00:00", "Accepted"),
        scan("10", "2026-05-11T09:00:00"),
        scan("10", "2026-05-12T10:00:00"),
    )
    with usps(monkeypatch) as carrier:
        carrier.events = [first, middle, last]
        ask("r1")
        carrier.events = [first, middle | {"eventTimestamp": "2026-02-31T09:00:00", "GMTTimestamp": "x"}, last]
        result = ask("r2")["tracking_event"]
        assert (result.loaded, result.duplicate, result.quarantined) == (0, 2, 1)
        assert [gone for _, gone in kept(warehouse)] == [False, False, False]
        carrier.body = b'{"trackingNumber": "94001'
        result = ask("r3")["tracking_event"]
        assert (result.received, result.quarantined) == (1, 1)
        assert [gone for _, gone in kept(warehouse)] == [False, False, False]
        pointer = rows(
            warehouse,
            "SELECT answer.file, answer.byte_offset, answer.byte_length FROM quality.quarantined_row AS bad "
            "JOIN ops.raw_answer AS answer USING (raw_answer_id) WHERE bad.last_run_id = 'r3'",
        )
        assert raw.read(*pointer[0]).body == carrier.body
