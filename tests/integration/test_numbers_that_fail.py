"""Reconciliation can fail: rows lost on the way or in the merge fail the run, and nothing of it stays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from load_rows import JANUARY, Loader, Row, event, shipment

from lanecast import pipeline
from lanecast.warehouse import load as loading
from lanecast.warehouse import staging
from lanecast.warehouse.load import DoesNotAddUp

LINE: Row = {"order_id": "A", "ordered_at": JANUARY, "product_id": "p1", "quantity": 1}
VIEW: Row = {"product_id": "p1", "kind": "view", "occurred_at": JANUARY}


@pytest.fixture
def loader(warehouse: str) -> Loader:
    return Loader(warehouse)


@pytest.mark.parametrize(
    ("dataset", "name", "before", "after", "rows"),
    [
        (
            "tracking_event",
            "load/new_events",
            "ORDER BY span.shipment_id, accepted.reported_at",
            "WHERE accepted.tracking_number <> 'LC0002' ORDER BY span.shipment_id, accepted.reported_at",
            [event(), event("LC0002")],
        ),
        (
            "tracking_event",
            "load/accepted",
            "WHERE NOT EXISTS",
            "WHERE staged.tracking_number <> 'LC0002' AND NOT EXISTS",
            [event(), event("LC0002")],
        ),
        ("shipment", "load/shipments", "FROM told\n", "FROM (SELECT * FROM told LIMIT 1) AS told\n", None),
        (
            "order_line",
            "load/order_lines",
            "ORDER BY numbered.order_id",
            "AND numbered.line_number = 1 ORDER BY numbered.order_id",
            None,
        ),
        ("interaction", "load/interactions", "FROM accepted", "FROM accepted WHERE interaction_hash = 1", None),
    ],
)
def test_a_merge_that_loses_rows_fails_and_leaves_nothing(
    loader: Loader, monkeypatch: pytest.MonkeyPatch, dataset: str, name: str, before: str, after: str, rows: Any
) -> None:
    given = rows or {
        "shipment": [shipment(), shipment("B", "LC0002")],
        "order_line": [LINE, LINE],
        "interaction": [VIEW | {"interaction_hash": 1}, VIEW | {"interaction_hash": 2}],
    }.get(dataset)
    statement = loading.statement

    def corrupted(asked: str, **tables: str) -> str:
        text = statement(asked, **tables)
        if asked == name:
            assert before in text
            return text.replace(before, after, 1)
        return text

    run = loader.open(dataset)
    batch = loader.stage(run, dataset, given)
    with monkeypatch.context() as patch:
        patch.setattr(loading, "statement", corrupted)
        with pytest.raises(DoesNotAddUp, match="2 rows received, but"):
            loading.load(run, batch, loader.address)
    for table in (f"core.{dataset}", "quality.reconciliation", "core.shipment_number"):
        assert loader.asked(f"SELECT FROM {table}") == [], table
    assert loading.load(run, batch, loader.address).loaded == 2


def test_rows_lost_between_source_and_staging_fail_the_run(
    loader: Loader, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "interactions.csv"
    lines = [f"p1,view,2026-01-0{day}T10:00:00Z" for day in range(1, 6)]
    path.write_text("\n".join(["product_id,kind,occurred_at", *lines, ""]))
    run = pipeline.open_import("lossy", "interactions", str(path), address=loader.address)
    copy = staging.copy_rows
    monkeypatch.setattr(
        staging, "copy_rows", lambda link, batch, rows: copy(link, batch, (row for row in rows if row[0] != 3))
    )
    pipeline.stage(run, loader.address)
    pipeline.judge(run, loader.address)
    with pytest.raises(DoesNotAddUp, match="the source held 5 rows and 4 were received"):
        pipeline.load(run, loader.address)
    assert loader.asked("SELECT FROM core.interaction") == []
    assert loader.asked("SELECT state, source_count, received FROM mart.data_quality WHERE run_id = 'lossy'") == [
        ("failed", 5, None)
    ]
    ((steps, error),) = loader.asked("SELECT steps, error FROM ops.run WHERE run_id = 'lossy'")
    assert set(steps) == {"stage", "validate", "load"}
    assert error.startswith("load: DoesNotAddUp: run lossy, interaction: the source held 5 rows")
