"""An upgrade from 0003_following in the midst of work: what was staged and loaded under it goes on, there and back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from lanecast import pipeline
from lanecast.warehouse import migrations, runs, staging
from lanecast.warehouse.connection import connect
from lanecast.warehouse.staging import COLUMNS, Batch, StagingLost, source_count, staged_rows
from lanecast.warehouse.statements import statement

HEADER = "order_id,tracking_number,carrier,destination_country,ordered_at,shipped_at,delivered_at"
GOOD = "O1,T10001,ups,BR,2026-05-01,2026-05-02,2026-05-09"
BAD = "O2,T10002,ups,XX,2026-05-01,2026-05-02,2026-05-09"


def asked(address: str, question: str, *values: Any) -> list[tuple[Any, ...]]:
    with psycopg2.connect(address) as link, link.cursor() as cursor:
        cursor.execute(question, values)
        found = cursor.fetchall() if cursor.description else []
    link.close()
    return found


@pytest.fixture
def before(warehouse: str) -> str:
    """A warehouse of 0003_following."""
    migrations.downgrade("0003_following", warehouse)
    assert asked(warehouse, "SELECT 1 FROM pg_attribute WHERE attname = 'source_counts'") == []
    return warehouse


def staged_before(address: str, tmp_path: Path, *lines: str) -> None:
    """A run of an import as 0003 left it once it was staged and judged: two tables, no view, no count of the source."""
    path = tmp_path / "shipments.csv"
    path.write_text("\n".join([HEADER, *lines, ""]))
    params = {"dataset": "shipments", "path": str(path), "mapping": None}
    batch = Batch("import", "shipment")
    with connect(address=address) as link, link.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ops.run (run_id, kind, dataset, source, params, as_of, staged) "
            "VALUES ('import', 'import', 'shipment', %s, %s, now(), %s)",
            (str(path), json.dumps(params), json.dumps({"shipment": len(lines)})),
        )
        cursor.execute(statement("staging/shipment", staged=batch.staged))
        cursor.execute(statement("staging/rejected", rejected=batch.rejected))
        for number, line in enumerate(lines, 1):
            order, parcel, carrier, country, ordered, shipped, delivered = line.split(",")
            cursor.execute(
                f"INSERT INTO {batch.staged} (staged_row, order_id, tracking_number, carrier, destination_country, "
                "ordered_at, shipped_at, delivered_at, source_line) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
                (number, order, parcel, carrier, country, ordered, shipped, delivered, number + 1),
            )
        cursor.execute(f"INSERT INTO {batch.rejected} VALUES (2, 'country_unknown', 'row', 'XX is no country')")


@pytest.mark.parametrize("step", ["judge", "load"])
def test_a_run_that_was_staged_before_the_upgrade_loads_after_it(before: str, tmp_path: Path, step: str) -> None:
    staged_before(before, tmp_path, GOOD, BAD)
    assert migrations.migrate(before) is True
    run = pipeline.find_run("import", before)
    with connect(address=before) as link:
        with pytest.raises(StagingLost):
            staged_rows(link, Batch("import", "shipment"))
        with pytest.raises(StagingLost, match="without counting"):
            source_count(link, Batch("import", "shipment"))
    if step == "judge":
        pipeline.judge(run, before)
    (result,) = pipeline.load(run, before)
    assert (result.received, result.loaded, result.duplicate, result.quarantined) == (2, 1, 0, 1)
    assert asked(before, "SELECT state, source_counts FROM ops.run") == [("loaded", {"shipment": 2})]
    assert asked(before, "SELECT order_id FROM core.shipment") == [("O1",)]


def test_a_view_that_is_gone_is_made_again_before_the_gate_reads_it(warehouse: str, tmp_path: Path) -> None:
    path = tmp_path / "shipments.csv"
    path.write_text("\n".join([HEADER, GOOD, ""]))
    run = pipeline.open_import("import", "shipments", str(path), address=warehouse)
    pipeline.stage(run, warehouse)
    with connect(address=warehouse) as link, link.cursor() as cursor:
        cursor.execute(f"DROP VIEW {Batch('import', 'shipment').judged}")
    pipeline.judge(run, warehouse)
    assert pipeline.load(run, warehouse)[0].loaded == 1


def test_parts_that_did_not_count_duplicates_are_merged_again(before: str) -> None:
    asked(before, "INSERT INTO ops.load_part (run_id, dataset, part, parts, loaded) VALUES ('r', 'x', 0, 2, 5)")
    migrations.migrate(before)
    assert asked(before, "SELECT * FROM ops.load_part") == []


KEPT = """
SELECT bad.rule, bad.status, bad.times_seen, bad.row_data ->> 'order_id', told.received, told.quarantined, told.loaded
FROM quality.quarantined_row AS bad INNER JOIN quality.reconciliation AS told ON bad.last_run_id = told.run_id
ORDER BY bad.quarantined_row_id
"""


def test_what_0003_kept_survives_the_upgrade_and_the_way_back(before: str) -> None:
    statuses = ("open", "replayed", "dismissed")
    for number, status in enumerate(statuses, 1):
        asked(before, "INSERT INTO ops.run (run_id, kind, dataset, as_of) VALUES (%s, 'x', 'shipment', now())", status)
        asked(
            before,
            "INSERT INTO quality.quarantined_row (dataset, rule, row_hash, severity, reason, row_data, first_run_id, "
            "last_run_id, first_seen_at, last_seen_at, times_seen, status) VALUES ('shipment', 'country_unknown', %s, "
            "'row', 'x', %s, %s, %s, now(), now(), %s, %s)",
            *(status.encode(), json.dumps({"order_id": f"O{number}"}), status, status, number, status),
        )
        asked(
            before,
            "INSERT INTO quality.reconciliation VALUES (%s, 'shipment', %s, 1, 2, %s, now())",
            *(status, 3 + number, number),
        )
    asked(before, "INSERT INTO quality.unmapped_code VALUES ('ups', 'XX', NULL, now(), now(), 1)")
    told = [("country_unknown", status, n, f"O{n}", 3 + n, n, 1) for n, status in enumerate(statuses, 1)]
    assert asked(before, KEPT) == told
    migrations.migrate(before)
    assert asked(before, KEPT) == told
    assert asked(before, "SELECT bool_and(source_count = received) FROM quality.reconciliation") == [(True,)]
    # left over by a load that was cut off: views that read what the downgrade drops
    with connect(address=before) as link:
        runs.open_run(link, "cut off", "import", "tracking_event", "x")
        for dataset in COLUMNS:
            staging.create(link, Batch("cut off", dataset))
    migrations.downgrade("0003_following", before)
    assert asked(before, KEPT) == told
    migrations.migrate(before)
    assert asked(before, KEPT) == told
    assert asked(before, "SELECT source, code, times_seen FROM quality.unmapped_code") == [("ups", "XX", 1)]
