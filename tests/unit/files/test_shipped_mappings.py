"""The mappings that come along, on small files of the same shape as the published ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lanecast.files.errors import FileError
from lanecast.files.importing import open_rows
from lanecast.warehouse.staging import COLUMNS

SCMS_COLUMNS = [
    *("ID", "Project Code", "PQ #", "PO / SO #", "ASN/DN #", "Country", "Managed By", "Fulfill Via"),
    *("Vendor INCO Term", "Shipment Mode", "PQ First Sent to Client Date", "PO Sent to Vendor Date"),
    *("Scheduled Delivery Date", "Delivered to Client Date", "Delivery Recorded Date", "Product Group"),
    *("Sub Classification", "Vendor", "Item Description", "Molecule/Test Type", "Brand", "Dosage", "Dosage Form"),
    *("Unit of Measure (Per Pack)", "Line Item Quantity", "Line Item Value", "Pack Price", "Unit Price"),
    *("Manufacturing Site", "First Line Designation", "Weight (Kilograms)", "Freight Cost (USD)"),
    "Line Item Insurance (USD)",
]
SCMS_LINE = {
    "ID": "1",
    "PO / SO #": "SCMS-1",
    "ASN/DN #": "DN-7",
    "Country": "Côte d'Ivoire",
    "Shipment Mode": "N/A",
    "PO Sent to Vendor Date": "11/3/06",
    "Scheduled Delivery Date": "2-Jun-07",
    "Delivered to Client Date": "14-Nov-07",
    "Line Item Value": "10.5",
    "Line Item Quantity": "2",
    "First Line Designation": "Yes",
    "Weight (Kilograms)": "13",
    "Freight Cost (USD)": "Freight Included in Commodity Cost",
    "Line Item Insurance (USD)": "",
}
POINTER = "See DN-7 (ID#:1)"


def scms(folder: Path, *changes: dict[str, str], tail: str = "") -> list[dict[str, object]]:
    lines = ["\t".join(SCMS_COLUMNS)]
    lines += ["\t".join((SCMS_LINE | change).get(name, "") for name in SCMS_COLUMNS) for change in changes]
    file = folder / "SCMS_Delivery_History_Dataset.csv"
    file.write_bytes(("\r".join(lines) + "\r" + tail).encode())
    with open_rows("shipments", file, "scms") as rows:
        return [dict(zip(COLUMNS["shipment"], row, strict=True)) for row in rows]


def test_scms_lines_of_one_delivery_tell_the_same_shipment(tmp_path: Path) -> None:
    later = {"ID": "2", "First Line Designation": "No", "Weight (Kilograms)": POINTER, "Freight Cost (USD)": POINTER}
    rows = scms(tmp_path, later | {"Scheduled Delivery Date": "3-Jun-07", "Line Item Value": "0.25"}, {})
    first, second = ({key: row[key] for key in row if key not in ("staged_row", "source_line")} for row in rows)
    assert first == second
    assert first["unreadable"] is None
    assert (first["order_id"], first["tracking_number"], first["carrier"]) == ("DN-7", "DN-7", "unknown")
    assert (first["destination_country"], first["origin_country"], first["service"]) == ("CI", None, None)
    assert [str(first[name])[:10] for name in ("ordered_at", "shipped_at", "delivered_at", "promised_at")] == [
        *("2006-11-03", "None", "2007-11-14", "2007-06-02")
    ]
    features = json.loads(str(first["attributes"]))
    assert features == {"purchase_order": "SCMS-1", "weight_kg": 13, "value_usd": 10.75, "quantity": 4, "lines": 2}


@pytest.mark.parametrize("sentinel", ["Date Not Captured", "Pre-PQ Process", "N/A - From RDC"])
def test_scms_sentinels_load_and_other_texts_do_not(tmp_path: Path, sentinel: str) -> None:
    rows = scms(
        tmp_path,
        {"PO Sent to Vendor Date": sentinel},
        {"ASN/DN #": "DN-8", "PO Sent to Vendor Date": "not captured"},
        {"ASN/DN #": "DN-9", "Weight (Kilograms)": "heavy"},
    )
    assert (rows[0]["ordered_at"], rows[0]["unreadable"]) == (None, None)
    assert str(rows[1]["unreadable"]).startswith("ordered_at: 'not captured' (not a time written as")
    assert str(rows[2]["unreadable"]).startswith("weight_kg: 'heavy'")


def test_scms_broken_lines_are_told_once(tmp_path: Path) -> None:
    rows = scms(tmp_path, {}, tail="2\tcut off")
    assert [row["source_line"] for row in rows] == [2, 3]
    assert str(rows[1]["unreadable"]).startswith("line 3: 2 fields where the header has 33")


def olist(folder: Path) -> None:
    files = {
        "orders": "order_id,customer_id,order_status,order_purchase_timestamp,order_approved_at,"
        "order_delivered_carrier_date,order_delivered_customer_date,order_estimated_delivery_date\n"
        "O1,C1,delivered,2018-01-01 22:00:00,,2018-01-02 00:00:00,2018-01-05 12:00:00,2018-01-20 00:00:00\n"
        "O2,C2,canceled,2018-01-01 22:00:00,,,,2018-01-20 00:00:00\n"
        "O3,C2,lost in space,2018-01-01 22:00:00,,,,2018-01-20 00:00:00\n",
        "customers": "customer_id,customer_unique_id,customer_zip_code_prefix,customer_city,customer_state\n"
        "C1,U1,01310,sao paulo,SP\nC2,U1,20040,rio,RJ\n",
        "order_items": "order_id,order_item_id,product_id,seller_id,shipping_limit_date,price,freight_value\n"
        "O1,2,P1,S2,,10.00,1.10\nO1,1,P2,S1,,20.50,2.20\n",
        "sellers": "seller_id,seller_zip_code_prefix,seller_city,seller_state\nS1,30110,bh,MG\nS2,80010,curitiba,PR\n",
    }
    for name, content in files.items():
        (folder / f"olist_{name}_dataset.csv").write_text(content)


def test_olist_takes_the_seller_of_the_lowest_item_and_loads_orders_without_items(tmp_path: Path) -> None:
    olist(tmp_path)
    with open_rows("shipments", tmp_path, "olist") as staged:
        first, second, third = [dict(zip(COLUMNS["shipment"], row, strict=True)) for row in staged]
    assert (first["origin_region"], first["destination_region"], first["milestone"]) == ("BR-MG", "BR-SP", None)
    assert first["ordered_at"] == "2018-01-02T01:00:00+00:00"
    assert json.loads(str(first["attributes"])) == {
        "origin_postcode": "30110",
        "destination_postcode": "01310",
        "items": 2,
        "sellers": 2,
        "price": 30.5,
        "freight": 3.3,
    }
    assert (second["origin_region"], second["milestone"], second["unreadable"]) == (None, "cancelled", None)
    assert str(third["unreadable"]).startswith("milestone: 'lost in space'")


def test_olist_orders_are_the_items(tmp_path: Path) -> None:
    olist(tmp_path)
    with open_rows("orders", tmp_path / "olist_orders_dataset.csv", "olist") as staged:
        rows = [dict(zip(COLUMNS["order_line"], row, strict=True)) for row in staged]
    assert [(row["order_id"], row["customer_id"], row["product_id"], row["unit_price"]) for row in rows] == [
        ("O1", "U1", "P1", "10"),
        ("O1", "U1", "P2", "20.5"),
    ]
    (tmp_path / "olist_order_items_dataset.csv").unlink()
    with (
        pytest.raises(FileError, match=r"has no olist_order_items_dataset\.csv"),
        open_rows("orders", tmp_path, "olist"),
    ):
        pass
