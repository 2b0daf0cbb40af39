"""Files into staging on a real Postgres: every value that a file gives is one that the column takes."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from lanecast import pipeline
from lanecast.cli import cli
from lanecast.files.errors import FileError
from lanecast.files.importing import stage_file
from lanecast.files.targets import TARGETS
from lanecast.warehouse import staging
from lanecast.warehouse.connection import Connection, connect


def query(link: Connection, sql: str) -> list[tuple[object, ...]]:
    with link.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def stage(link: Connection, dataset: str, path: Path, mapping: str | None = None) -> staging.Batch:
    batch = staging.Batch(f"test-{dataset}", TARGETS[dataset].staged)
    staging.create(link, batch)
    received, source_count = stage_file(link, batch, dataset, path, mapping)
    assert source_count == received
    assert query(link, f"SELECT count(*), max(staged_row) FROM {batch.staged}") == [(received, received)]
    return batch


@pytest.mark.parametrize(
    ("dataset", "header", "rows"),
    [
        (
            "events",
            "carrier,tracking_number,occurred_at,code,description,country,region,city",
            [
                'ups,1Z,2024-03-05T14:30:59.1234567+05:30,A,"back\\slash\ttab",de,by,München',
                "ups,1Z,0001-01-01T00:00:00-12:00,A,,,,",
                "ups,1Z,9999-12-31T23:59:59Z,A,\\N,\\.,,",
                "ups,🎁,2024-03-05T10+01:00,,,,,",
                "ups,1Z,0001-01-01T00:00:00+12:00,A,,,,",
                "too,few",
            ],
        ),
        (
            "shipments",
            "order_id,destination_country,ordered_at,delivered_at,weight",
            ['A,Brazil,2024-01-01,9999-12-31 23:00:00-10:00,"1""5\\"', "B,Atlantis,0001-01-01,,\x01", "C,,,never,"],
        ),
        (
            "orders",
            "order_id,ordered_at,product_id,quantity,unit_price",
            ["A,2024-01-01,P,1e99,-0.000001", "A,2024-01-01,P,1e999,NaN"],
        ),
        (
            "interactions",
            "customer_id,product_id,kind,occurred_at,quantity,value,order_id",
            ["C,P,view,2024-01-01T10:00:00Z,1,2,", "C,P,steal,2024-01-01T10:00:00Z,1,2,"],
        ),
    ],
)
def test_what_a_file_gives_fits_its_staging_table(
    warehouse: str, tmp_path: Path, dataset: str, header: str, rows: list[str]
) -> None:
    file = tmp_path / "some.csv.gz"
    file.write_bytes(gzip.compress("\n".join([header, *rows, ""]).encode()))
    with connect() as link:
        batch = stage(link, dataset, file)
        lines = query(link, f"SELECT source_line FROM {batch.staged} ORDER BY staged_row")
        assert lines == [(line,) for line in range(2, len(rows) + 2)]


def test_a_moment_is_the_same_in_the_database(warehouse: str, tmp_path: Path) -> None:
    file = tmp_path / "some.csv"
    file.write_text("carrier,tracking_number,occurred_at,code\nups,1Z,2024-03-05T14:30:59+05:30,A\n")
    with connect() as link:
        batch = stage(link, "events", file)
        told = query(link, f"SELECT reported_at::text, occurred_at::text FROM {batch.staged}")
    assert told == [("2024-03-05 14:30:00", "2024-03-05 09:00:59+00")]


def test_nothing_is_staged_from_a_file_that_is_no_table(warehouse: str, tmp_path: Path) -> None:
    file = tmp_path / "some.csv"
    file.write_text("<html>Sign in</html>")
    with connect() as link:
        batch = staging.Batch("test", "shipment")
        staging.create(link, batch)
        with pytest.raises(FileError, match="web page"):
            stage_file(link, batch, "shipments", file)
        assert query(link, f"SELECT count(*) FROM {batch.staged}") == [(0,)]


def test_olist_and_scms_are_staged_whole(warehouse: str, shared: Path) -> None:
    with connect() as link:
        batch = stage(link, "shipments", shared / "data" / "olist", "olist")
        lanes = query(
            link,
            f"SELECT count(*), count(origin_region), count(*) FILTER (WHERE delivered_at < shipped_at),"
            f" count(*) FILTER (WHERE milestone = 'cancelled'), count(unreadable) FROM {batch.staged}",
        )
        assert lanes == [(15351, 15266, 3, 132, 0)]
        stage(link, "orders", shared / "data" / "olist", "olist")
        batch = stage(link, "shipments", shared / "data" / "scms" / "SCMS_Delivery_History_Dataset.csv", "scms")
        counts = query(
            link,
            "SELECT count(*), count(DISTINCT order_id), count(*) FILTER (WHERE delivered_at < ordered_at),"
            f" count(unreadable), count(origin_country) FROM {batch.staged}",
        )
        assert counts == [(5000, 3605, 5, 0, 0)]


def imported(dataset: str, path: Path, mapping: str | None, name: str) -> tuple[int, int, int, int]:
    """received, loaded, duplicate and quarantined of an import through the gate."""
    run = pipeline.open_import(name, dataset, str(path), mapping)
    pipeline.stage(run)
    pipeline.judge(run)
    pipeline.load(run)
    with connect() as link:
        (counts,) = query(
            link,
            f"SELECT received, loaded, duplicate, quarantined FROM quality.reconciliation WHERE run_id = '{name}'",
        )
    return counts  # type: ignore[return-value]


def quarantined() -> dict[object, object]:
    with connect() as link:
        return dict(query(link, "SELECT rule, count(*) FROM quality.quarantined_row GROUP BY rule"))  # type: ignore[arg-type]


def test_scms_is_accounted_for_and_loads_once(warehouse: str, shared: Path) -> None:
    path = shared / "data" / "scms" / "SCMS_Delivery_History_Dataset.csv"
    # 5,000 lines of 3,605 deliveries; 5 of them, a line each, were delivered before they were ordered.
    assert imported("shipments", path, "scms", "first") == (5000, 3600, 1395, 5)
    assert imported("shipments", path, "scms", "again") == (5000, 0, 4995, 5)
    assert quarantined() == {"delivered_before_ordered": 5}


def test_olist_is_accounted_for_and_loads_once(warehouse: str, shared: Path) -> None:
    path = shared / "data" / "olist"
    received, loaded, duplicate, bad = imported("shipments", path, "olist", "first")
    assert (received, duplicate, bad) == (15351, 0, sum(map(int, quarantined().values())))  # type: ignore[call-overload]
    assert loaded == received - bad
    assert quarantined()["delivered_before_handed_over"] == 3
    assert imported("shipments", path, "olist", "again") == (15351, 0, loaded, bad)
    assert imported("orders", path, "olist", "lines") == (17555, 17555, 0, 0)
    assert imported("orders", path, "olist", "lines again") == (17555, 0, 17555, 0)


@pytest.mark.parametrize("dataset", ["events", "interactions"])
def test_a_bad_row_goes_to_the_quarantine_and_the_rest_loads(warehouse: str, tmp_path: Path, dataset: str) -> None:
    content = {
        "events": "carrier,tracking_number,occurred_at,code\n"
        "ups,1Z12345,2024-03-05T14:30:59+01:00,DP\nups,1Z1\nups,1Z12345,soon,DP\n"
        "ups,1Z12345,9999-12-31T23:59:59-05:00,DP\nups,1Z 12345,2024-03-06,OD\n",
        "interactions": "customer_id,product_id,kind,occurred_at\n"
        "C,P,view,2024-03-05T14:30:59Z\nC,P\nC,P,view,soon\n"
        "C,P,view,9999-12-31T23:59:59-05:00\nC,P,view,2024-03-05T14:30:59Z\n",
    }[dataset]
    file = tmp_path / "some.csv"
    file.write_text(content)
    assert imported(dataset, file, None, "first") == (5, 2, 0, 3)
    assert imported(dataset, file, None, "again") == (5, 0, 2, 3)
    with connect() as link:
        rows = query(link, "SELECT rule, source_line, reason FROM quality.quarantined_row ORDER BY source_line")
    assert [row[:2] for row in rows] == [("unreadable_value", line) for line in (3, 4, 5)]
    assert "fields where the header has" in str(rows[0][2])
    assert "occurred_at: 'soon'" in str(rows[1][2])
    assert "(out of the calendar)" in str(rows[2][2])


def test_the_command_tells_what_only_warned_with_its_rows(warehouse: str, tmp_path: Path) -> None:
    file = tmp_path / "some.csv"
    rows = [f"{customer},P,{kind},2024-01-01T10:0{n}:00Z" for n, (customer, kind) in enumerate(INTERACTIONS)]
    file.write_text("\n".join(["customer_id,product_id,kind,occurred_at", *rows, ""]))
    done = CliRunner().invoke(cli, ["import", "interactions", str(file)])
    assert done.exit_code == 0, done.output
    assert done.output.splitlines() == [
        "5 interaction rows received = 4 loaded + 0 duplicate + 1 quarantined",
        "  quarantined by kind_unknown: 1",
        "  warning customer_missing: 3 rows",
    ]
    told = json.loads(CliRunner().invoke(cli, ["import", "interactions", str(file), "--json"]).output)
    assert (told["rules"], told["warnings"]) == ({"kind_unknown": 1}, {"customer_missing": 3})
    # Within what the rule tolerates it is no warning.
    file.write_text("\n".join(["customer_id,product_id,kind,occurred_at", *rows[2:], ""]))
    told = json.loads(CliRunner().invoke(cli, ["import", "interactions", str(file), "--json"]).output)
    assert (told["rules"], told["warnings"]) == ({"kind_unknown": 1}, {})


INTERACTIONS = [("", "view"), ("", "view"), ("", "view"), ("C", "view"), ("C", "steal")]
"""Customer and kind: a kind there is not, and more without a customer than there should be."""
