"""Joined files: found beside the main one, summed up by key, their own bad rows told."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from lanecast.files import joins
from lanecast.files.errors import FileError
from lanecast.files.importing import open_rows

MAPPING = """
datasets:
  shipments:
    file: orders.csv
    joined:
      item:
        file: items.csv
        key: order
        match: id
        lowest: line
        take: [seller]
        total: {price: price, weight: product.kg}
        distinct: {sellers: seller}
        count: lines
        joined:
          product: {file: products.csv, key: sku, match: sku, take: [kg], optional: true}
    columns:
      order_id: id
      destination_country: {value: BR}
      origin_region: {template: "BR-{item.seller}"}
      ordered_at: at
    features:
      price: {from: item.price, number: true}
      weight: {from: item.weight, number: true}
      sellers: item.sellers
      lines: item.lines
"""
ORDERS = "id,at\nA,2024-01-01\nB,2024-01-02\nC,2024-01-03\n"
ITEMS = "order,line,sku,seller,price\nA,10,x,SP,1.10\nA,9,y,RJ,2.20\nB,1,x,SP,none\nZ,1,x,SP,1\n"
PRODUCTS = "sku,kg\nx,1.5\ny,2\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shop.yaml").write_text(MAPPING)
    (tmp_path / "orders.csv").write_text(ORDERS)
    (tmp_path / "items.csv.gz").write_bytes(gzip.compress(ITEMS.encode()))
    (tmp_path / "products.csv").write_text(PRODUCTS)
    return tmp_path


def staged(folder: Path, path: Path | None = None) -> list[tuple[object, ...]]:
    with open_rows("shipments", path or folder, str(folder / "shop.yaml")) as rows:
        return list(rows)


def features(row: tuple[object, ...]) -> object:
    return row[14] and json.loads(str(row[14]))


@pytest.mark.parametrize("given", ["", "orders.csv", "items.csv.gz"])
def test_joined_rows_are_summed_up_by_key(folder: Path, given: str) -> None:
    first, second, third = staged(folder, folder / given)
    assert first[1:2] + first[6:7] == ("A", "BR-RJ")
    assert features(first) == {"price": 3.3, "weight": 3.5, "sellers": "2", "lines": "2"}
    assert features(second) == {"weight": 1.5, "sellers": "1", "lines": "1"}
    assert (third[1], third[6], features(third)) == ("C", None, None)


def test_a_main_file_of_another_name_is_taken(folder: Path) -> None:
    (folder / "orders.csv").rename(folder / "renamed.csv")
    assert len(staged(folder, folder / "renamed.csv")) == 3
    with pytest.raises(FileError, match=r"has no orders.csv \(nor orders.csv.gz\)"):
        staged(folder)


def test_a_missing_file_is_named_and_an_optional_one_may_be_missing(folder: Path) -> None:
    (folder / "products.csv").unlink()
    assert features(staged(folder)[0]) == {"price": 3.3, "sellers": "2", "lines": "2"}
    (folder / "items.csv.gz").unlink()
    with pytest.raises(FileError, match=r"has no items.csv \(nor items.csv.gz\), which mapping shop.yaml joins"):
        staged(folder)


def test_a_missing_column_of_a_joined_file_is_named(folder: Path) -> None:
    (folder / "products.csv").write_text("sku,grams\nx,1\n")
    with pytest.raises(FileError, match=r"products.csv has no column 'kg' \(asked for by joined.product\)"):
        staged(folder)


def test_unreadable_rows_of_a_joined_file_are_rows_too(folder: Path) -> None:
    (folder / "products.csv").write_text(PRODUCTS + "z\n")
    (folder / "items.csv.gz").write_bytes(gzip.compress(ITEMS.encode() + b"A,1,x,\xff,1\n"))
    rows = staged(folder)
    assert len(rows) == 5
    assert [row[0] for row in rows] == [1, 2, 3, 4, 5]
    told = {str(row[-1]) for row in rows if row[-1] is not None}
    assert {text.partition(":")[0] for text in told} == {"products.csv, line 4", "items.csv.gz, line 6"}


def test_too_many_keys_stop_the_import(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joins, "MOST_KEYS", 1)
    with pytest.raises(FileError, match="more than 1 keys"):
        staged(folder)


def test_a_folder_needs_a_mapping_with_file_names(folder: Path) -> None:
    with pytest.raises(FileError, match="is a folder"), open_rows("shipments", folder):
        pass
