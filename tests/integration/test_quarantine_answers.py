"""Quarantined rows that came in carriers' stored answers: read again by today's adapter and code tables."""

# ruff: noqa: F811, a fixture of another file is imported by its name

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from test_replay_raw import _forget_tables as forget_tables
from test_replay_raw import change, pull, tables  # noqa: F401

from lanecast import pipeline, settings
from lanecast.carriers import parse, registry
from lanecast.carriers.base import Parsed
from lanecast.contracts import engine
from lanecast.local.server import RunningServer
from lanecast.quarantine import replay as replays
from lanecast.quarantine.selection import Selection
from lanecast.tracking import Parcel, Unreadable
from lanecast.warehouse import clock, connection
from sandbox_world import StandIn, content, database, load_past, one, rows, stand_in

REAL_TABLES = settings.include() / "reference" / "status_codes"
MEANINGS = "SELECT DISTINCT milestone FROM core.tracking_event WHERE source = 'fedex' AND code = 'AR'"
_numbers = itertools.count(1)
CORE = ("shipment", "shipment_number", "tracking_event")
BY_PULLS = (
    "SELECT quarantined_row_id, rule, status, replays FROM quality.quarantined_row WHERE raw_answer_id IS NOT NULL"
)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[StandIn]:
    with stand_in(per_day=6, history_days=30, dirt=0.0) as running:
        yield running


@pytest.fixture(scope="module")
def imported(
    server: RunningServer, template: str, sandbox: StandIn, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Name of a database that holds the world's past, and one pull of everything."""
    home = tmp_path_factory.mktemp("past")
    with database(server, template) as (name, address), pytest.MonkeyPatch.context() as there:
        there.setenv("LANECAST_SANDBOX_URL", sandbox.url)
        there.setenv("LANECAST_STATE", str(home))
        there.setenv("AIRFLOW_CONN_LANECAST_WAREHOUSE", address)
        load_past(sandbox, home, address)
        pull("r0")
        yield name


@pytest.fixture
def past(
    server: RunningServer, imported: str, sandbox: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """The configured warehouse: it holds the world's past, one pull, and a day has gone by since."""
    sandbox.calm()
    monkeypatch.setenv("LANECAST_SANDBOX_URL", sandbox.url)
    monkeypatch.setenv("LANECAST_STATE", str(tmp_path))
    with database(server, imported) as (_, address):
        monkeypatch.setenv("AIRFLOW_CONN_LANECAST_WAREHOUSE", address)
        sandbox.move_on(timedelta(days=1))
        yield address
    sandbox.calm()


@pytest.fixture
def expected(
    server: RunningServer,
    imported: str,
    past: str,
    sandbox: StandIn,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[], dict[str, Any]]:
    """What core holds where the same pull could read everything."""

    def told() -> dict[str, Any]:
        with database(server, imported) as (_, address), monkeypatch.context() as there:
            there.setenv("AIRFLOW_CONN_LANECAST_WAREHOUSE", address)
            there.setenv("LANECAST_STATE", str(tmp_path / "undisturbed"))
            clock.set_clock(sandbox.time, sandbox.time, 0)
            pull("r1")
            return core(address)

    return told


class Older:
    """An adapter of yesterday: it can't read the parcels of `numbers`, and of `whole` sources not one answer."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, numbers: set[str] | None = None, whole: str = "") -> None:
        self.numbers, self.whole = numbers or set(), whole
        self._today = parse.parsed
        self._monkeypatch = monkeypatch
        monkeypatch.setattr(parse, "parsed", self)

    def __call__(self, carrier: str, body: bytes, requested: Sequence[str]) -> Iterator[Parsed]:
        if carrier == self.whole:
            yield Unreadable(problem="the answer is in another shape")
            return
        for one_of_them in self._today(carrier, body, requested):
            if isinstance(one_of_them, Parcel) and one_of_them.tracking_number in self.numbers:
                yield Unreadable(problem="no timeline", tracking_number=one_of_them.tracking_number)
            else:
                yield one_of_them

    def mend(self) -> None:
        self._monkeypatch.setattr(parse, "parsed", self._today)


def replay(**chosen: Any) -> tuple[int, int, int, int]:
    """received, loaded, duplicate, quarantined"""
    run = replays.prepare(f"quarantine-{next(_numbers)}", Selection(**chosen)).run
    (result,) = pipeline.load(run)
    assert result.received == result.loaded + result.duplicate + result.quarantined
    return result.received, result.loaded, result.duplicate, result.quarantined


def core(address: str) -> dict[str, Any]:
    told = content(address)
    return {name: told[name] for name in CORE}


def mend(table: Path) -> None:
    """The code table as it is today."""
    table.write_bytes((REAL_TABLES / table.name).read_bytes())
    forget_tables()


def under_way(address: str, carrier: str, most: int) -> set[str]:
    query = (
        "SELECT tracking_number FROM core.shipment_number WHERE carrier = %s AND finished_at IS NULL "
        "AND last_event_at IS NOT NULL ORDER BY last_event_at DESC, tracking_number LIMIT %s"
    )
    return {row[0] for row in rows(address, query, (carrier, most))}


def test_parcels_that_could_not_be_read_come_back_as_all_their_events(
    past: str, expected: Callable[[], dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those events that the pull before told are duplicates. Core is as if nothing had been unreadable."""
    monkeypatch.setattr(type(registry.adapter("fedex")), "numbers_per_request", 8)
    broken = under_way(past, "dhl", 5) | under_way(past, "ups", 5)
    older = Older(monkeypatch, broken, whole="fedex")
    pull("r1")
    answers = one(past, "SELECT count(*) FROM ops.raw_answer WHERE carrier = 'fedex' AND run_id = 'r1'")
    assert answers > 2
    put_aside = len(rows(past, BY_PULLS))
    assert put_aside == len(broken) + answers, "each answer that can't be read is a row, whatever its problem"
    before = content(past)
    assert replay(rule="unreadable_value", origin="pull") == (put_aside, 0, 0, put_aside), (
        "today's adapter is no better"
    )
    assert content(past) == before
    older.mend()
    received, loaded, duplicate, quarantined = replay(rule="unreadable_value", origin="pull")
    assert received > put_aside
    assert min(loaded, duplicate) > 0
    assert quarantined == 0
    assert {row[1:] for row in rows(past, BY_PULLS)} == {("unreadable_value", "replayed", 2)}
    assert core(past) == expected()


def test_a_parcel_that_came_again_is_read_from_the_answer_that_it_came_in_last(
    past: str, sandbox: StandIn, expected: Callable[[], dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = under_way(past, "dhl", 5)
    older = Older(monkeypatch, broken)
    pull("r1")
    sandbox.move_on(timedelta(days=4))
    pull("r2")
    assert {row[1:] for row in rows(past, BY_PULLS)} == {("unreadable_value", "open", 0)}
    assert {row[0] for row in rows(past, "SELECT times_seen FROM quality.quarantined_row WHERE raw_answer_id > 0")} == {
        2
    }
    older.mend()
    assert replay(rule="unreadable_value", origin="pull")[3] == 0
    assert core(past) == expected()


def test_a_row_that_is_in_a_replay_is_put_aside_again_though_it_comes_in_a_newer_answer_meanwhile(
    past: str, sandbox: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    Older(monkeypatch, under_way(past, "dhl", 3))
    pull("r1")
    outlook = replays.prepare("slow", Selection(rule="unreadable_value", origin="pull"))
    sandbox.move_on(timedelta(days=2))
    pull("r2")
    (result,) = pipeline.load(outlook.run)
    assert (result.received, result.quarantined) == (3, 3)
    assert {row[1:] for row in rows(past, BY_PULLS)} == {("unreadable_value", "open", 1)}
    assert (
        one(
            past,
            "SELECT count(*) FROM quality.quarantined_row JOIN ops.raw_answer USING (raw_answer_id) "
            "WHERE run_id = 'r2' AND row_data ->> 'raw_answer_id' = raw_answer_id::text",
        )
        == 3
    )


@pytest.fixture
def held_back(past: str, tables: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """All events of the pull r1 are quarantined by the batch rule mostly_bad; FedEx's code AR was in no table then."""
    change(tables / "fedex.csv", "AR", None)
    find = engine.Judge.findings

    def stopping(court: Any, relation: Any, *told: Any, **known: Any) -> list[Any]:
        """As if most rows had been bad."""
        return [
            dataclasses.replace(found, failed=found.rows, passed=False)
            if (found.rule.name, relation.dataset) == ("mostly_bad", "tracking_event")
            else found
            for found in find(court, relation, *told, **known)
        ]

    with monkeypatch.context() as then:
        then.setattr(engine.Judge, "findings", stopping)
        with pytest.raises(pipeline.BatchStopped):
            pull("r1")
    return past


def test_events_that_were_held_back_get_the_meaning_of_todays_code_table(
    held_back: str,
    tables: Path,
    expected: Callable[[], dict[str, Any]],
) -> None:
    of_code = "FROM quality.quarantined_row WHERE row_data ->> 'code' = 'AR' AND row_data ->> 'source' = 'fedex'"
    assert rows(held_back, f"SELECT DISTINCT row_data ->> 'milestone', row_data ->> 'is_mapped' {of_code}") == [
        ("in_transit", "false")
    ]
    mend(tables / "fedex.csv")
    _, loaded, duplicate, quarantined = replay(rule="mostly_bad", origin="pull")
    assert (loaded > 0, duplicate > 0, quarantined) == (True, True, 0)
    assert "in_transit" not in {row[0] for row in rows(held_back, MEANINGS)}
    assert rows(held_back, "SELECT FROM quality.unmapped_code WHERE mapped_at IS NULL") == []
    assert core(held_back) == expected()


def test_answers_that_are_gone_are_replayed_as_they_were_with_todays_meaning(held_back: str, tables: Path) -> None:
    for path in Path(settings.raw_root()).rglob("*"):
        if path.is_file():
            path.unlink()
    mend(tables / "fedex.csv")
    _, loaded, _, quarantined = replay(rule="mostly_bad", origin="pull")
    assert loaded > 0
    assert quarantined == 0
    assert "in_transit" not in {row[0] for row in rows(held_back, MEANINGS)}


def test_a_replay_revives_nothing_and_changes_no_newer_answer(
    held_back: str,
    sandbox: StandIn,
    tables: Path,
) -> None:
    mend(tables / "fedex.csv")
    sandbox.move_on(timedelta(days=2))
    pull("r2")
    key = "(shipment_id, reported_at, event_hash)"
    with connection.connect() as link, link.cursor() as cursor:
        cursor.execute(
            f"UPDATE core.tracking_event SET withdrawn_at = ingested_at WHERE {key} IN (SELECT shipment_id, "
            "reported_at, event_hash FROM core.tracking_event WHERE source = 'dhl' AND raw_answer_id IS NOT NULL "
            "ORDER BY 1, 2, 3 LIMIT 7)"
        )
        cursor.execute(
            "UPDATE core.tracking_event SET description = 'told since' WHERE source = 'ups' AND raw_answer_id > "
            "(SELECT max(raw_answer_id) FROM ops.raw_answer WHERE run_id = 'r1')"
        )
        assert cursor.rowcount > 0
    before = core(held_back)
    received, loaded, duplicate, quarantined = replay(rule="mostly_bad", origin="pull")
    assert (loaded, quarantined) == (0, 0)
    assert received == duplicate > 0
    assert core(held_back) == before
    assert {row[2] for row in rows(held_back, BY_PULLS)} == {"replayed"}
