"""Mappings: every key is checked, and an error names it."""

from __future__ import annotations

from datetime import UTC, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from lanecast.files.errors import MappingError
from lanecast.files.mapping import load_mapping
from lanecast.files.targets import TARGETS

GOOD = """
timezone: "-03:00"
datasets:
  orders:
    delimiter: tab
    columns: {order_id: id, ordered_at: at, product_id: sku, quantity: {value: 1}}
"""


def save(folder: Path, text: str) -> str:
    path = folder / "shop.yaml"
    path.write_text(text)
    return str(path)


def test_a_mapping_is_read(tmp_path: Path) -> None:
    mapping = load_mapping(save(tmp_path, GOOD), "orders")
    assert mapping.zone == timezone(timedelta(hours=-3))
    assert mapping.delimiter == "\t"
    assert mapping.columns["quantity"].value == 1
    assert not mapping.keep_extra


def test_without_a_mapping_columns_go_by_their_names_and_extra_ones_are_kept() -> None:
    mapping = load_mapping(None, "shipments")
    assert tuple(mapping.columns) == TARGETS["shipments"].columns
    assert mapping.keep_extra
    assert mapping.zone == UTC


@pytest.mark.parametrize(
    ("name", "dataset"),
    [
        *(("olist", "shipments"), ("olist", "orders"), ("scms", "shipments")),
        *(("online_retail", dataset) for dataset in ("orders", "interactions", "products")),
    ],
)
def test_the_mappings_that_come_along_are_valid(name: str, dataset: str) -> None:
    chosen = load_mapping(name, dataset)
    assert all(chosen.columns[group[0]].names() for group in chosen.target.required[:1])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("order_id: id", "order_idd: id"), r"shop.yaml, datasets.orders.columns.order_idd: no such column"),
        (("order_id: id, ", ""), r"datasets.orders.columns: order_id is missing"),
        (("{value: 1}", "{valu: 1}"), r"columns.quantity: .*`valu`; known keys are from, value"),
        (("{value: 1}", "{value: 1, from: n}"), r"columns.quantity: give exactly one of"),
        (("{value: 1}", "{template: x}"), r"columns.quantity.template"),
        (("{value: 1}", "{from: n, sentinel_patterns: ['(']}"), r"columns.quantity.sentinel_patterns: '\('"),
        (("{value: 1}", "{from: n, value_patterns: {'(': '1'}}"), r"columns.quantity.value_patterns: '\('"),
        (("{value: 1}", "{from: n, values: {a: 1}}"), r"columns.quantity: Expected `str`"),
        (("ordered_at: at", "ordered_at: {from: at, formats: [dd.mm.yyyy]}"), r"columns.ordered_at.formats: 'dd.mm"),
        (("delimiter: tab", "delimiter: tabs"), r"datasets.orders.delimiter: 'tabs'"),
        (("delimiter: tab", "delimitr: tab"), r"datasets.orders: .*`delimitr`"),
        (("delimiter: tab", "keep_extra: true"), r"keep_extra are for shipments"),
        (("delimiter: tab", "joined: {x: {key: a}}"), r"datasets.orders.joined.x: .*`match`"),
        (("delimiter: tab", "joined: {x: {key: a, match: b, lowest: c, highest: d}}"), r"joined.x: give lowest or"),
        (('"-03:00"', "Sao Paulo"), r"timezone: 'Sao Paulo' is no time zone"),
        (('"-03:00"', '"-25:00"'), r"timezone: '-25:00' is no time zone"),
        (("datasets:", "dataset:"), r"shop.yaml: .*`dataset`"),
        (("  orders:", "  order:"), r"no entry datasets.orders: it maps order"),
        (("datasets:", "datasets: ["), r"shop.yaml is not YAML"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, change: tuple[str, str], says: str) -> None:
    assert change[0] in GOOD
    with pytest.raises(MappingError, match=says):
        load_mapping(save(tmp_path, GOOD.replace(*change)), "orders")


def test_zones_may_be_names(tmp_path: Path) -> None:
    text = GOOD.replace('"-03:00"', "America/Sao_Paulo")
    assert load_mapping(save(tmp_path, text), "orders").zone == ZoneInfo("America/Sao_Paulo")


def test_unknown_names_list_what_there_is() -> None:
    with pytest.raises(MappingError, match=r"no mapping 'oslit'.*olist, online_retail, scms"):
        load_mapping("oslit", "shipments")
    with pytest.raises(MappingError, match=r"no dataset 'parcels'.*shipments, events"):
        load_mapping(None, "parcels")
    with pytest.raises(MappingError, match="no mapping"):
        load_mapping("../secret", "shipments")
