"""What loads raise: a stopped batch's alert, ended when its rows leave the quarantine; those of rules that warn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg2
import pytest
from watch_world import rows

from lanecast import pipeline
from lanecast.alerts import runs
from lanecast.contracts import watch
from lanecast.pipeline import BatchStopped
from lanecast.warehouse import connection
from lanecast.warehouse import runs as ledger

pytestmark = pytest.mark.timeout(120)
HEADER = "carrier,tracking_number,occurred_at,code,description,country,region,city\n"


def load(run_id: str, path: Path) -> None:
    run = pipeline.open_import(run_id, "events", str(path))
    pipeline.stage(run)
    pipeline.judge(run)
    pipeline.load(run)


def bad(path: Path) -> Path:
    lines = [f"ups,1Z{number:016d},never,OR,{number},US,US-NY,New York" for number in range(1200)]
    path.write_text(HEADER + "\n".join(lines))
    return path


def good(path: Path) -> Path:
    path.write_text(HEADER + "ups,1Z0000000000000001,2026-05-01T10:00:00Z,OR,Origin scan,US,US-NY,New York\n")
    return path


def alerts(address: str) -> list[tuple[Any, ...]]:
    return rows(
        address,
        "SELECT kind, dataset, rule, subject, severity, is_open, times_seen FROM mart.quality_alert ORDER BY alert_id",
    )


def test_it_ends_with_no_load_but_when_its_rows_have_left_the_quarantine(warehouse: str, tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    with pytest.raises(BatchStopped):
        load("stopped", bad(path))
    with pytest.raises(BatchStopped):
        pipeline.load(pipeline.find_run("stopped"))  # a retry counts nothing
    stop = ("batch_stopped", "tracking_event", "mostly_bad", str(path), "critical")
    load("another", good(tmp_path / "others.csv"))
    load("mended", good(path))
    watch.watch("watch-1")
    assert alerts(warehouse) == [(*stop, True, 1)]
    rows(warehouse, "UPDATE quality.quarantined_row SET status = 'dismissed' RETURNING 1")
    load("another one", good(tmp_path / "of any name.csv"))
    assert alerts(warehouse) == [(*stop, False, 1)]


def test_the_watch_ends_it_too(warehouse: str, tmp_path: Path) -> None:
    with pytest.raises(BatchStopped):
        load("stopped", bad(tmp_path / "events.csv"))
    rows(warehouse, "UPDATE quality.quarantined_row SET status = 'superseded' RETURNING 1")
    watch.watch("watch-1")
    assert [told[5] for told in alerts(warehouse)] == [False]


def ended(address: str, run_id: str, kind: str = "pull", *stopped: tuple[str, str]) -> None:
    with connection.connect(address=address) as link, link.cursor() as cursor:
        runs.loaded(cursor, ledger.open_run(link, run_id, kind, "tracking_event", "carriers"), stopped)


def quarantined(address: str, run_id: str, row: int, kind: str = "pull", rule: str = "mostly_bad") -> None:
    with connection.connect(address=address) as link, link.cursor() as cursor:
        ledger.open_run(link, run_id, kind, "tracking_event", "carriers")
        cursor.execute(
            "INSERT INTO quality.quarantined_row (dataset, rule, row_hash, severity, reason, row_data, first_run_id, "
            "last_run_id, first_seen_at, last_seen_at) VALUES ('tracking_event', %s, %s, 'batch', 'r', '{}', %s, %s, "
            "now(), now()) RETURNING quarantined_row_id",
            (rule, bytes([row]), run_id, run_id),
        )
        (number,) = connection.only_row(cursor)
        cursor.execute(
            "INSERT INTO quality.quarantine_sighting VALUES (%s, 'tracking_event', %s, %s)", (run_id, rule, number)
        )


def test_other_pulls_leave_it_open_until_the_rows_of_every_stopped_one_are_gone(warehouse: str) -> None:
    mostly_bad = ("tracking_event", "mostly_bad")
    quarantined(warehouse, "pull-1", 1)
    ended(warehouse, "pull-1", "pull", mostly_bad)
    ended(warehouse, "pull-2")
    quarantined(warehouse, "pull-3", 3)
    ended(warehouse, "pull-3", "pull", mostly_bad)
    stop = ("batch_stopped", *mostly_bad, "carriers", "critical")
    assert alerts(warehouse) == [(*stop, True, 2)]
    gone = "UPDATE quality.quarantined_row SET status = 'replayed' WHERE last_run_id = %s RETURNING 1"
    rows(warehouse, gone, ("pull-3",))
    ended(warehouse, "pull-4")
    assert alerts(warehouse) == [(*stop, True, 2)]
    rows(warehouse, gone, ("pull-1",))
    ended(warehouse, "replay", "quarantine")
    assert alerts(warehouse) == [(*stop, False, 2)]


def test_a_replay_that_is_stopped_raises_nothing(warehouse: str) -> None:
    quarantined(warehouse, "again", 1, "quarantine")
    ended(warehouse, "again", "quarantine", ("tracking_event", "mostly_bad"))
    assert alerts(warehouse) == []


def judged(address: str, run_id: str, *findings: tuple[str, int, int, bool]) -> None:
    """A rule, rows judged, rows that break it, whether it holds."""
    with psycopg2.connect(address) as link, link.cursor() as cursor:
        for rule, checked, failed, passed in findings:
            cursor.execute(
                "INSERT INTO quality.validation_result (run_id, dataset, rule, severity, expectation, rows_checked, "
                "rows_failed, passed, details, validated_at) VALUES (%s, 'tracking_event', %s, 'warn', 'e', %s, %s, "
                """%s, '{"expects": "What it expects."}', now())""",
                (run_id, rule, checked, failed, passed),
            )


def test_a_warn_rule_that_pulls_break_is_one_alert_until_a_pull_of_enough_rows_keeps_it(warehouse: str) -> None:
    broken = ("delivered_twice", 400, 20, False)
    judged(warehouse, "import-1", broken)
    ended(warehouse, "import-1", "import")
    judged(warehouse, "small", ("delivered_twice", 199, 100, False))
    ended(warehouse, "small")
    assert alerts(warehouse) == []
    for run_id in ("pull-1", "pull-2"):
        judged(warehouse, run_id, broken, ("status_going_backwards", 400, 0, True))
        ended(warehouse, run_id)
    told = ("quality", "tracking_event", "delivered_twice", "pull", "warning")
    assert alerts(warehouse) == [(*told, True, 2)]
    ((message,),) = rows(warehouse, "SELECT message FROM mart.quality_alert")
    assert message == (
        "20 of the 400 rows of tracking_event that a pull brought break the rule delivered_twice, more than it lets "
        "pass. They were loaded all the same. It says: What it expects."
    )
    judged(warehouse, "small again", ("delivered_twice", 199, 0, True))
    ended(warehouse, "small again")
    ended(warehouse, "of another dataset")
    watch.watch("watch-1")
    assert alerts(warehouse) == [(*told, True, 2)]
    judged(warehouse, "pull-3", ("delivered_twice", 200, 0, True))
    ended(warehouse, "pull-3")
    assert alerts(warehouse) == [(*told, False, 2)]
