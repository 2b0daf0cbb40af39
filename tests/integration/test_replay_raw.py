"""Stored answers read again: what differs is told before it is changed, and a corrected table corrects history."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lanecast import pipeline, settings
from lanecast.carriers import status
from lanecast.delivery.refresh import refresh
from lanecast.follow import due, replay, replay_console
from lanecast.follow import pull as pulling
from lanecast.local.server import RunningServer
from lanecast.warehouse import connection as connections
from lanecast.warehouse import runs
from sandbox_world import StandIn, content, database, load_past, one, rows, stand_in


@pytest.fixture(scope="module")
def sandbox() -> Iterator[StandIn]:
    with stand_in(per_day=6, history_days=30) as running:
        yield running


@pytest.fixture(scope="module")
def imported(
    server: RunningServer, template: str, sandbox: StandIn, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    with database(server, template) as (name, address):
        load_past(sandbox, tmp_path_factory.mktemp("past"), address)
        yield name


@pytest.fixture
def pulled(
    server: RunningServer, imported: str, sandbox: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """A warehouse with one pull of everything under way, its answers stored."""
    sandbox.calm()
    monkeypatch.setenv("LANECAST_SANDBOX_URL", sandbox.url)
    monkeypatch.setenv("LANECAST_STATE", str(tmp_path))
    with database(server, imported) as (_, address):
        monkeypatch.setenv("AIRFLOW_CONN_LANECAST_WAREHOUSE", address)
        pull("r1")
        refresh(address)
        yield address


def pull(run_id: str) -> None:
    with connections.connect() as link:
        run = runs.open_run(link, run_id, "pull", "tracking_event", "carriers")
    for shard in due.plan(run, force=True):
        pulling.pull(shard)
    pipeline.stage(run)
    pipeline.judge(run)
    pipeline.load(run)


@pytest.fixture
def tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the reference data that a test may change."""
    home = tmp_path / "include"
    home.mkdir()
    for entry in settings.include().iterdir():
        if entry.name != "reference":
            (home / entry.name).symlink_to(entry)
    (home / "reference").mkdir()
    for entry in (settings.include() / "reference").iterdir():
        if entry.name != "status_codes":
            (home / "reference" / entry.name).symlink_to(entry)
    (home / "reference" / "status_codes").mkdir()
    for entry in (settings.include() / "reference" / "status_codes").iterdir():
        (home / "reference" / "status_codes" / entry.name).write_bytes(entry.read_bytes())
    monkeypatch.setattr(settings, "include", lambda: home)
    _forget_tables()
    yield home / "reference" / "status_codes"
    _forget_tables()


def _forget_tables() -> None:
    """As a new process, which reads the tables anew."""
    import gc

    status.status_table.cache_clear()
    for found in gc.get_objects():
        if type(found).__name__ == "_lru_cache_wrapper" and found.__module__.startswith("lanecast.carriers"):
            found.cache_clear()


def change(table: Path, code: str, milestone: str | None) -> None:
    """Gives a code another milestone; None takes it out of the table."""
    with table.open(encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file))
    kept = [row | ({"milestone": milestone} if row["code"] == code and milestone else {}) for row in found]
    kept = [row for row in kept if milestone is not None or row["code"] != code]
    assert kept != found
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(found[0]))
        writer.writeheader()
        writer.writerows(kept)
    _forget_tables()


def replayed(**asked: Any) -> dict[str, Any]:
    return replay_console.replay(
        asked.get("since"), None, asked.get("carrier"), asked.get("apply", False), True, lambda _: False
    )


def milestones(address: str, code: str) -> set[str]:
    """What a code of FedEx means in core, where its answers told it."""
    query = "SELECT DISTINCT milestone FROM core.tracking_event WHERE source = 'fedex' AND code = %s "
    return {row[0] for row in rows(address, query + "AND raw_answer_id IS NOT NULL", (code,))}


def test_nothing_differs_where_nothing_was_changed(pulled: str) -> None:
    before = content(pulled)
    told = replayed(apply=True)
    assert told["answers"] > 20
    assert (told["changed"], told["new"], told["withdrawn"], told["applied"]) == (0, 0, 0, False)
    assert told["unchanged"] > 50
    assert content(pulled) == before
    assert rows(pulled, "SELECT FROM ops.run WHERE kind = 'replay'") == []


def test_a_corrected_table_is_told_first_and_then_corrects_history(pulled: str, tables: Path) -> None:
    of_fedex = "FROM core.tracking_event WHERE source = 'fedex' AND code = 'AR' AND raw_answer_id IS NOT NULL"
    events = one(pulled, f"SELECT count(*) {of_fedex}")
    assert events > 0
    change(tables / "fedex.csv", "AR", "hub_departed")
    before = content(pulled)
    told = replayed(carrier="fedex")
    assert (told["applied"], told["changed"]) == (False, events)
    (difference,) = [one for one in told["differences"] if one["kind"] == "changed"]
    assert difference["code"] == "AR"
    assert (difference["milestone_before"], difference["milestone_after"]) == ("hub_arrived", "hub_departed")
    assert content(pulled) == before, "told, not changed"
    told = replayed(carrier="fedex", apply=True)
    assert (told["applied"], told["loaded"]) == (True, events)
    assert milestones(pulled, "AR") == {"hub_departed"}
    ((received, loaded, duplicate, quarantined),) = rows(
        pulled,
        "SELECT received, loaded, duplicate, quarantined FROM quality.reconciliation JOIN ops.run USING (run_id) "
        "WHERE kind = 'replay'",
    )
    assert received == loaded + duplicate + quarantined
    assert replayed(carrier="fedex", apply=True)["changed"] == 0


def test_a_code_is_unknown_until_it_is_mapped(pulled: str, tables: Path) -> None:
    assert rows(pulled, "SELECT FROM quality.unmapped_code") == []
    correct = (tables / "fedex.csv").read_bytes()
    change(tables / "fedex.csv", "AR", None)
    events = replayed(apply=True)["changed"]
    assert milestones(pulled, "AR") == {"in_transit"}
    known = "SELECT source, code, times_seen, mapped_at IS NULL FROM quality.unmapped_code"
    assert rows(pulled, known) == [("fedex", "AR", events, True)]
    (tables / "fedex.csv").write_bytes(correct)
    _forget_tables()
    assert replayed(carrier="fedex", apply=True)["changed"] == events
    assert milestones(pulled, "AR") == {"hub_arrived"}
    assert rows(pulled, known) == [("fedex", "AR", events, False)]


def test_what_was_withdrawn_stays_withdrawn(pulled: str) -> None:
    ((shipment_id, reported_at, event_hash),) = rows(
        pulled,
        "UPDATE core.tracking_event SET withdrawn_at = ingested_at WHERE (shipment_id, reported_at, event_hash) IN ("
        "SELECT shipment_id, reported_at, event_hash FROM core.tracking_event WHERE raw_answer_id IS NOT NULL LIMIT 1) "
        "RETURNING shipment_id, reported_at, event_hash",
    )
    told = replayed(apply=True)
    assert (told["changed"], told["new"]) == (0, 0)
    values = (shipment_id, reported_at, event_hash)
    assert one(
        pulled,
        "SELECT withdrawn_at IS NOT NULL FROM core.tracking_event "
        "WHERE shipment_id = %s AND reported_at = %s AND event_hash = %s",
        values,
    )


def test_an_end_that_was_none_is_taken_back_and_the_parcel_asked_for_again(
    pulled: str, tables: Path, sandbox: StandIn
) -> None:
    sandbox.move_on(timedelta(days=4))
    pull("r2")
    assert milestones(pulled, "DL") >= {"delivered"}
    with connections.connect() as link, link.cursor() as cursor:
        cursor.execute("UPDATE ops.poll_plan SET next_poll_at = NULL, reason = 'finished' WHERE carrier = 'fedex'")
    change(tables / "fedex.csv", "DL", "out_for_delivery")
    replayed(carrier="fedex", apply=True)
    opened = one(pulled, "SELECT count(*) FROM ops.poll_plan WHERE reason LIKE 'open again%'")
    assert opened > 0
    assert (
        one(
            pulled,
            "SELECT count(*) FROM core.shipment_number AS number JOIN ops.poll_plan USING (shipment_id) "
            "WHERE reason LIKE 'open again%' AND finished_at IS NOT NULL",
        )
        == 0
    )


def test_answers_that_are_gone_are_told_and_the_rest_is_read(pulled: str) -> None:
    gone = one(pulled, "SELECT min(file) FROM ops.raw_answer WHERE carrier = 'dhl'")
    (Path(settings.raw_root()) / gone).unlink()
    told = replayed()
    assert told["unread"]
    assert all("no such file" in problem for problem in told["unread"])
    assert told["withdrawn"] == 0
    assert told["unchanged"] > 0


def test_since_leaves_out_what_is_older(pulled: str) -> None:
    latest: datetime = one(pulled, "SELECT max(answered_at) FROM ops.raw_answer")
    assert replayed(since=latest + timedelta(seconds=1))["answers"] == 0


def test_a_replay_killed_before_its_load_is_loaded_by_the_next_attempt(pulled: str, tables: Path) -> None:
    change(tables / "fedex.csv", "AR", "hub_departed")
    prepared = replay.prepare("replay:cut", source="fedex")
    with connections.connect() as link, link.cursor() as cursor:
        cursor.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'staging' AND tablename LIKE '%%rejected' = false"
        )
        for (table,) in cursor.fetchall():
            cursor.execute(f"TRUNCATE staging.{table}")
    (result,) = pipeline.load(pipeline.find_run("replay:cut"))
    assert result.loaded == prepared.events("changed") > 0
    assert result.received == prepared.read.received


def test_what_a_pull_brings_while_a_replay_is_prepared_is_left_alone(pulled: str, sandbox: StandIn) -> None:
    prepared = replay.prepare("replay:slow")
    sandbox.move_on(timedelta(days=2))
    before = one(pulled, "SELECT count(*) FROM core.tracking_event WHERE withdrawn_at IS NULL")
    pull("r2")
    brought = one(pulled, "SELECT count(*) FROM core.tracking_event WHERE withdrawn_at IS NULL") - before
    assert brought > 20
    pipeline.load(prepared.run)
    assert one(pulled, "SELECT count(*) FROM core.tracking_event WHERE withdrawn_at IS NULL") == before + brought
    sandbox.calm()


def test_an_older_answer_changes_nothing_that_a_newer_one_told(pulled: str) -> None:
    with connections.connect() as link, link.cursor() as cursor:
        cursor.execute(
            "UPDATE core.tracking_event SET description = 'told since', raw_answer_id = raw_answer_id + 1000000 "
            "WHERE source = 'usps' AND raw_answer_id IS NOT NULL"
        )
        told_since = cursor.rowcount
    assert told_since > 0
    assert replayed(carrier="usps", apply=True)["changed"] == 0
    assert one(pulled, "SELECT count(*) FROM core.tracking_event WHERE description = 'told since'") == told_since


def test_a_withdrawn_event_does_not_come_back_under_another_code(
    pulled: str, sandbox: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The carrier took a scan back; today's code would give it another identity than the one that was withdrawn."""
    ((shipment_id, reported_at, event_hash, answer_id),) = rows(
        pulled,
        "SELECT shipment_id, reported_at, event_hash, raw_answer_id FROM core.tracking_event AS event "
        "WHERE source = 'dhl' AND raw_answer_id IS NOT NULL AND reported_at > (SELECT min(reported_at) "
        "FROM core.tracking_event AS first WHERE first.shipment_id = event.shipment_id) "
        "ORDER BY shipment_id, reported_at LIMIT 1",
    )
    assert answer_id is not None
    # As if a second pull had told everything but that scan.
    sandbox.move_on(timedelta(hours=1))
    pull("r2")
    with connections.connect() as link, link.cursor() as cursor:
        cursor.execute(
            "UPDATE core.tracking_event SET withdrawn_at = ingested_at "
            "WHERE (shipment_id, reported_at, event_hash) = (%s, %s, %s)",
            (shipment_id, reported_at, event_hash),
        )
    from lanecast.carriers import parse

    number = one(pulled, "SELECT tracking_number FROM core.shipment WHERE shipment_id = %s", (shipment_id,))
    newest = one(pulled, "SELECT max(raw_answer_id) FROM ops.raw_answer WHERE tracking_numbers @> ARRAY[%s]", (number,))
    real = parse.parsed
    read: list[int] = []

    def today(carrier: str, body: bytes, requested: Any) -> Any:
        """Today's code: another code for that scan, which the second answer no longer has."""
        import msgspec

        from lanecast.tracking import Parcel

        for one_of_them in real(carrier, body, requested):
            if isinstance(one_of_them, Parcel) and one_of_them.tracking_number == number:
                read.append(1)
                kept = []
                for event in one_of_them.events:
                    if event.local_time.replace(second=0, microsecond=0) == reported_at:
                        if len(read) > 1:
                            continue
                        kept.append(msgspec.structs.replace(event, code=f"{event.code}/new"))
                    else:
                        kept.append(event)
                yield msgspec.structs.replace(one_of_them, events=kept)
            else:
                yield one_of_them

    monkeypatch.setattr(parse, "parsed", today)
    replayed(carrier="dhl", apply=True)
    assert newest > answer_id
    live = "SELECT code FROM core.tracking_event WHERE shipment_id = %s AND reported_at = %s AND withdrawn_at IS NULL"
    assert rows(pulled, live, (shipment_id, reported_at)) == []
    sandbox.calm()
