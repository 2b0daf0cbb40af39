"""Names of datasets by the OpenLineage standard, and what a load is said to write against what its SQL writes."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from lanecast.lineage import datasets
from lanecast.lineage.datasets import LOADS, Column, Warehouse
from lanecast.raw import RawAnswer
from lanecast.warehouse import load
from lanecast.warehouse.staging import COLUMNS
from lanecast.warehouse.statements import statement


@pytest.mark.parametrize(
    ("address", "namespace", "name"),
    [
        ("postgresql://me:s3cret@db.shop:6432/lane?sslmode=require", "postgres://db.shop:6432", "lane.core.shipment"),
        ("postgresql://me@db.shop/lane", "postgres://db.shop:5432", "lane.core.shipment"),
        ("postgresql://me:s3cret@[::1]:6432/lane", "postgres://[::1]:6432", "lane.core.shipment"),
    ],
)
def test_a_table_is_named_by_server_database_schema_and_table(address: str, namespace: str, name: str) -> None:
    table = Warehouse.at(address).table("core.shipment")
    assert (table.namespace, table.name) == (namespace, name)


@pytest.mark.parametrize(
    ("path", "namespace", "name"),
    [
        ("/data/past/events.csv.gz", "file", "/data/past/events.csv.gz"),
        ("file:///data/past/events.csv", "file", "/data/past/events.csv"),
        ("s3://key:s3cret@bucket/past/events.parquet?token=s3cret", "s3://bucket", "past/events.parquet"),
        ("gcs://bucket/past/", "gs://bucket", "past"),
        ("https://me:s3cret@shop.example/past.csv", "https://shop.example", "past.csv"),
    ],
)
def test_a_file_is_named_by_its_place_and_without_secrets(path: str, namespace: str, name: str) -> None:
    file = datasets.file(path, ["order_id"])
    assert (file.namespace, file.name, file.columns) == (namespace, name, (Column("order_id"),))
    assert "s3cret" not in repr(file)


def test_a_relative_path_is_named_from_the_root(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.chdir(str(tmp_path))
    assert datasets.file("past.csv").name == f"{tmp_path}/past.csv"


@pytest.mark.parametrize(
    ("root", "namespace", "name"),
    [
        ("/state/raw", "file", "/state/raw/ups"),
        ("s3://bucket/raw/", "s3://bucket", "raw/ups"),
        ("s3://b", "s3://b", "ups"),
    ],
)
def test_a_sources_raw_answers_are_a_folder_of_the_store(root: str, namespace: str, name: str) -> None:
    store = datasets.raw_store(root, "ups")
    assert (store.namespace, store.name) == (namespace, name)
    assert [column.name for column in store.columns] == list(RawAnswer.__struct_fields__)


@pytest.mark.parametrize(
    "name", ["core.parcel", "mart.parcel", "shipment", "core.shipment; DROP", "pg_catalog.x", "Raw"]
)
def test_a_name_that_is_no_dataset_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is no dataset"):
        datasets.check(["core.shipment", name])


def test_tables_and_roles_are_datasets() -> None:
    datasets.check(["core.shipment", "mart.delivery_time", "quality.reconciliation", "ops.poll_plan", *datasets.ROLES])


@pytest.mark.parametrize("dataset", COLUMNS)
def test_a_load_writes_the_tables_of_core_that_its_statements_write(dataset: str) -> None:
    ends = ("event_shipments", "withdraw") if dataset == "tracking_event" else ()
    texts = [statement(f"load/{name}") for name in (*load._MERGES[dataset], *ends)]
    written = {table for text in texts for table in re.findall(r"(?:INSERT INTO|UPDATE|DELETE FROM) (core\.\w+)", text)}
    assert set(LOADS[dataset]) == written
    assert LOADS[dataset][0] == f"core.{dataset}"


def test_lineage_imports_neither_airflow_nor_openlineage() -> None:
    imported = (
        "import sys, lanecast.lineage.facets, lanecast.lineage.told;"
        "print(sorted({'airflow', 'openlineage', 'great_expectations'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", imported], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
