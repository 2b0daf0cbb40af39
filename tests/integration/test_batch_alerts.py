"""A stopped batch's alert: raised by the load, ended by a load that is not stopped, or by the quarantine emptying."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from watch_world import rows

from lanecast import pipeline
from lanecast.contracts import watch
from lanecast.pipeline import BatchStopped

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


def test_it_ends_with_a_load_of_the_same_source_alone(warehouse: str, tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    with pytest.raises(BatchStopped):
        load("stopped", bad(path))
    with pytest.raises(BatchStopped):
        pipeline.load(pipeline.find_run("stopped"))  # a retry counts nothing
    stop = ("batch_stopped", "tracking_event", "mostly_bad", str(path), "critical")
    assert alerts(warehouse) == [(*stop, True, 1)]
    load("another", good(tmp_path / "others.csv"))
    assert alerts(warehouse) == [(*stop, True, 1)]
    load("mended", good(path))
    assert alerts(warehouse) == [(*stop, False, 1)]


def test_it_ends_when_its_rows_have_left_the_quarantine(warehouse: str, tmp_path: Path) -> None:
    with pytest.raises(BatchStopped):
        load("stopped", bad(tmp_path / "events.csv"))
    watch.watch("watch-1")
    assert [told[5] for told in alerts(warehouse)] == [True]
    rows(warehouse, "UPDATE quality.quarantined_row SET status = 'dismissed' RETURNING 1")
    watch.watch("watch-2")
    assert [told[5] for told in alerts(warehouse)] == [False]
