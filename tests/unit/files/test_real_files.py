"""Olist and SCMS as published, held against the same facts worked out with pandas. Skipped where the data is absent."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from lanecast.files.importing import open_rows
from lanecast.files.targets import TARGETS
from lanecast.warehouse.staging import COLUMNS


def staged(dataset: str, path: Path, mapping: str) -> pd.DataFrame:
    with open_rows(dataset, path, mapping) as rows:
        return pd.DataFrame(list(rows), columns=list(COLUMNS[TARGETS[dataset].staged]))


def moments(column: pd.Series[str]) -> pd.Series[pd.Timestamp]:
    return pd.to_datetime(column, utc=True, format="ISO8601")


@pytest.fixture(scope="module")
def olist(shared: Path) -> dict[str, pd.DataFrame]:
    return {
        name: pd.read_csv(shared / "data" / "olist" / f"olist_{name}_dataset.csv.gz", dtype=str, keep_default_na=False)
        for name in ("orders", "order_items", "customers", "sellers", "products")
    }


def test_olist_shipments(shared: Path, olist: dict[str, pd.DataFrame]) -> None:
    rows = staged("shipments", shared / "data" / "olist" / "olist_orders_dataset.csv.gz", "olist").set_index("order_id")
    orders = olist["orders"].set_index("order_id")
    assert rows["unreadable"].isna().all()
    assert list(rows.index) == list(orders.index)
    assert list(rows["source_line"]) == list(range(2, len(orders) + 2))

    items = olist["order_items"].merge(olist["sellers"], on="seller_id").merge(olist["products"], on="product_id")
    items = items.assign(number=items["order_item_id"].astype(int)).sort_values(["order_id", "number"])
    first = items.drop_duplicates("order_id").set_index("order_id").reindex(orders.index)
    assert first["seller_state"].isna().sum() == 85
    pd.testing.assert_series_equal(rows["origin_region"], "BR-" + first["seller_state"], check_names=False)
    states = orders["customer_id"].map(olist["customers"].set_index("customer_id")["customer_state"])
    pd.testing.assert_series_equal(rows["destination_region"], "BR-" + states, check_names=False)
    assert set(rows["origin_country"]) == set(rows["destination_country"]) == {"BR"}
    assert set(rows["carrier"]) == {"unknown"}
    assert rows["tracking_number"].isna().all()

    cancelled = orders["order_status"].isin(["canceled", "unavailable"])
    assert (rows["milestone"].notna() == cancelled).all()
    assert set(rows["milestone"].dropna()) == {"cancelled"}
    for column, given in {
        "ordered_at": "order_purchase_timestamp",
        "shipped_at": "order_delivered_carrier_date",
        "delivered_at": "order_delivered_customer_date",
        "promised_at": "order_estimated_delivery_date",
    }.items():
        expected = pd.to_datetime(orders[given].replace("", None)).dt.tz_localize("Etc/GMT+3").dt.tz_convert("UTC")
        assert rows[column].isna().equals(expected.isna())
        both = expected.notna()
        assert (moments(rows.loc[both, column]) == expected[both]).all(), column

    attributes = pd.DataFrame([json.loads(text) for text in rows["attributes"]], index=rows.index)
    summed = items.assign(
        price=items["price"].astype(float),
        freight=items["freight_value"].astype(float),
        weight=pd.to_numeric(items["product_weight_g"]),
    ).groupby("order_id")
    for feature, expected in {
        "price": summed["price"].sum(),
        "freight": summed["freight"].sum(),
        "weight_g": summed["weight"].sum(min_count=1),
        "items": summed.size(),
        "sellers": summed["seller_id"].nunique(),
    }.items():
        pd.testing.assert_series_equal(
            attributes[feature].astype(float),
            expected.reindex(rows.index).astype(float),
            check_names=False,
            check_dtype=False,
        )
    assert (attributes["destination_postcode"].str.len() >= 4).all()


def test_olist_orders(shared: Path, olist: dict[str, pd.DataFrame]) -> None:
    rows = staged("orders", shared / "data" / "olist", "olist")
    items = olist["order_items"].merge(olist["orders"], on="order_id").merge(olist["customers"], on="customer_id")
    assert len(rows) == len(olist["order_items"]) == len(items)
    assert rows["unreadable"].isna().all()
    columns = ["order_id", "product_id", "customer_unique_id"]
    expected = items.groupby(columns)["price"].agg(lambda prices: round(sum(map(float, prices)), 2))
    got = rows.assign(price=rows["unit_price"].astype(float)).groupby(["order_id", "product_id", "customer_id"])[
        "price"
    ]
    assert got.sum().round(2).sort_index().to_dict() == expected.sort_index().to_dict()
    assert set(rows["currency"]) == {"BRL"}
    assert set(rows["quantity"]) == {"1"}
    assert "cancelled" in set(rows["status"])
    assert "canceled" not in set(rows["status"])


def test_scms_shipments(shared: Path) -> None:
    path = shared / "data" / "scms" / "SCMS_Delivery_History_Dataset.csv"
    rows = staged("shipments", path, "scms")
    lines = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False, lineterminator="\r")
    assert len(rows) == len(lines)
    assert rows["unreadable"].isna().all()
    assert list(rows["source_line"]) == list(range(2, len(lines) + 2))
    assert list(rows["order_id"]) == list(rows["tracking_number"]) == list(lines["ASN/DN #"])
    assert set(rows["carrier"]) == {"unknown"}
    assert rows["origin_country"].isna().all()
    assert rows["shipped_at"].isna().all()
    assert rows["destination_country"].str.fullmatch("[A-Z]{2}").all()
    pairs = set(zip(lines["Country"], rows["destination_country"], strict=True))
    assert len(pairs) == lines["Country"].nunique() == rows["destination_country"].nunique()
    assert {("Côte d'Ivoire", "CI"), ("Congo, DRC", "CD"), ("Swaziland", "SZ"), ("Vietnam", "VN")} <= pairs

    sent = pd.to_datetime(lines["PO Sent to Vendor Date"], format="%m/%d/%y", errors="coerce", utc=True)
    assert set(lines.loc[sent.isna(), "PO Sent to Vendor Date"]) == {"Date Not Captured", "N/A - From RDC"}
    assert rows["ordered_at"].isna().equals(sent.isna())
    assert (moments(rows["ordered_at"].dropna()) == sent.dropna()).all()
    delivered = pd.to_datetime(lines["Delivered to Client Date"], format="%d-%b-%y", utc=True)
    assert (moments(rows["delivered_at"]) == delivered).all()
    assert (delivered < sent).sum() == 5
    assert (rows["service"].isna() == (lines["Shipment Mode"] == "N/A")).all()

    # Every line of a delivery tells the same shipment, so that all but one of them are duplicates.
    told = rows.drop(columns=["staged_row", "source_line"]).drop_duplicates()
    assert len(told) == lines["ASN/DN #"].nunique() == 3605

    attributes = pd.DataFrame([json.loads(text) for text in told["attributes"]], index=told["order_id"])
    first = lines[lines["First Line Designation"] == "Yes"].set_index("ASN/DN #").reindex(attributes.index)
    for feature, column in {"weight_kg": "Weight (Kilograms)", "freight_usd": "Freight Cost (USD)"}.items():
        expected = pd.to_numeric(first[column], errors="coerce")
        pd.testing.assert_series_equal(attributes[feature].astype(float), expected.astype(float), check_names=False)
    values = lines.assign(value=lines["Line Item Value"].astype(float)).groupby("ASN/DN #")["value"].sum()
    pd.testing.assert_series_equal(
        attributes["value_usd"].astype(float), values.reindex(attributes.index), check_names=False
    )
