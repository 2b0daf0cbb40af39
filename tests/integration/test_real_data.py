"""Olist and SCMS through the command, on an empty warehouse: counts that add up, lanes equal to pandas and numpy."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import psycopg2
import pytest


def run_import(dataset: str, path: Path, mapping: str) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-m", "lanecast.cli", "import", dataset, str(path), "--mapping", mapping, "--json"],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ},
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, object] = json.loads(done.stdout)
    return told


def query(warehouse: str, sql: str) -> list[tuple[object, ...]]:
    with psycopg2.connect(warehouse) as link, link.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


@pytest.fixture
def olist(shared: Path) -> pd.DataFrame:
    """One row per order: lane, handover and door, worked out with pandas alone."""
    folder = shared / "data" / "olist"
    read = {name: pd.read_csv(folder / f"olist_{name}_dataset.csv.gz") for name in ("orders", "customers", "sellers")}
    items = pd.read_csv(folder / "olist_order_items_dataset.csv.gz").sort_values(["order_id", "order_item_id"])
    first = items.drop_duplicates("order_id")[["order_id", "seller_id"]]
    told = read["orders"].merge(read["customers"], on="customer_id", how="left")
    told = told.merge(first, on="order_id", how="left").merge(read["sellers"], on="seller_id", how="left")
    for column, of in {
        "ordered": "order_purchase_timestamp",
        "handed": "order_delivered_carrier_date",
        "door": "order_delivered_customer_date",
    }.items():
        told[column] = pd.to_datetime(told[of])
    return told


def test_olist_s_lanes_are_those_that_pandas_finds(warehouse: str, olist: pd.DataFrame, shared: Path) -> None:
    told = run_import("shipments", shared / "data" / "olist", "olist")
    impossible = olist[olist.door < olist.handed]
    assert told["received"] == len(olist)
    assert told["quarantined"] == len(impossible) > 0
    assert told["rules"] == {"delivered_before_handed_over": len(impossible)}
    assert told["loaded"] == len(olist) - len(impossible)
    kept = olist.drop(impossible.index)
    cancelled = kept.order_status.isin(["canceled", "unavailable"])
    assert query(warehouse, "SELECT count(*) FROM mart.shipment_status WHERE milestone = 'cancelled'") == [
        (int(cancelled.sum()),)
    ]
    kept = kept[~cancelled]
    for measure, start in {"order_to_door": "ordered", "handover_to_door": "handed"}.items():
        days = (kept.door - kept[start]).dt.total_seconds() / 86400
        lanes = {
            (f"BR-{origin}", f"BR-{destination}"): np.sort(values.to_numpy())
            for (origin, destination), values in days.dropna().groupby([kept.seller_state, kept.customer_state])
        }
        found = query(
            warehouse,
            "SELECT origin_region, destination_region, n_delivered, mean_days, sd_days, "
            "p05, p10, p25, p50, p75, p90, p95 "
            f"FROM mart.delivery_time WHERE level = 'lane_region' AND measure = '{measure}' AND n_delivered > 0",
        )
        assert {row[:2] for row in found} == set(lanes)
        assert len(found) > 50
        for origin, destination, n, mean, sd, *points in found:
            own = lanes[str(origin), str(destination)]
            assert n == len(own)
            assert float(str(mean)) == pytest.approx(own.mean(), rel=1e-9)
            if len(own) > 1:
                assert float(str(sd)) == pytest.approx(own.std(ddof=1), rel=1e-6)
            ages = [float(str(point)) for point in points]
            assert ages == sorted(ages)
            assert 0 < ages[0] < ages[-1] <= 120
    again = run_import("shipments", shared / "data" / "olist", "olist")
    assert (again["loaded"], again["duplicate"]) == (0, told["loaded"])


def test_scms_is_accounted_for_row_by_row(warehouse: str, shared: Path) -> None:
    told = run_import("shipments", shared / "data" / "scms" / "SCMS_Delivery_History_Dataset.csv", "scms")
    raw = (shared / "data" / "scms" / "SCMS_Delivery_History_Dataset.csv").read_bytes()
    lines = [line.split(b"\t") for line in raw.split(b"\r") if line]
    rows = [dict(zip(lines[0], line, strict=False)) for line in lines[1:]]
    assert told["received"] == len(rows)
    assert told["received"] == int(str(told["loaded"])) + int(str(told["duplicate"])) + int(str(told["quarantined"]))
    deliveries = {row[b"ASN/DN #"] for row in rows}
    held = query(warehouse, "SELECT DISTINCT row_data ->> 'order_id' FROM quality.quarantined_row")
    loaded = query(warehouse, "SELECT count(*), count(ordered_at), count(origin_country) FROM core.shipment")[0]
    assert told["loaded"] == loaded[0]
    assert loaded[0] + len(held) >= len(deliveries) >= loaded[0]
    assert loaded[2] == 0, "SCMS does not tell where a delivery started"
    assert 0 < int(str(loaded[1])) < int(str(loaded[0])), "orders whose date was not captured load without it"
    rules = query(warehouse, "SELECT DISTINCT rule FROM quality.quarantined_row")
    assert rules == [("delivered_before_ordered",)]
    lines_held = query(warehouse, "SELECT source_file LIKE '%SCMS%', source_line > 1 FROM quality.quarantined_row")
    assert lines_held
    assert all(row == (True, True) for row in lines_held)
