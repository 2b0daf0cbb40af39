"""The invoices of UCI's Online Retail as published, or as dirty as those: every line ends somewhere."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as arrow
import pyarrow.compute as compute
import pyarrow.parquet as parquet

from customer_keys import key
from lanecast import pipeline
from lanecast.warehouse import connection
from lanecast.warehouse.load import Reconciliation

NAMES = ("Invoice", "StockCode", "Description", "Quantity", "InvoiceDate", "Price", "Customer ID", "Country")
# Half past one on the night of 31 October 2010 came twice in London; the first is in summer time.
LINES = (
    ("489434", "85048", "15CM CHRISTMAS GLASS BALL", 12, "2009-12-01 07:45:00", 6.95, 13085.0, "United Kingdom"),
    ("489434", "85048", "15CM CHRISTMAS GLASS BALL", 12, "2009-12-01 07:45:00", 6.95, 13085.0, "United Kingdom"),
    ("489434", "POST", "POSTAGE", 1, "2009-12-01 07:45:00", 18.0, 13085.0, "United Kingdom"),
    ("C489449", "85048", "15CM CHRISTMAS GLASS BALL", -12, "2010-07-01 10:33:00", 6.95, 13085.0, "Australia"),
    ("489464", "85048", "missing", -240, "2010-07-02 10:52:00", 0.0, None, "United Kingdom"),
    ("489522", "21733", None, 3, "2010-10-31 01:30:00", 2.95, None, "EIRE"),
    ("489523", "21733", "RED HANGING HEART", 3, "2010-11-01 11:45:00", 2.95, None, "Unspecified"),
    ("A506401", "B", "Adjust bad debt", 1, "2010-11-02 13:36:00", -53594.36, None, "United Kingdom"),
    ("489600", "M", "Manual", 1, "2010-11-02 13:36:00", 3.0, 12346.0, "Channel Islands"),
)


def written(folder: Path, lines: tuple[tuple[Any, ...], ...]) -> Path:
    path = folder / "online_retail.parquet"
    columns = dict(zip(NAMES, map(list, zip(*lines, strict=True)), strict=True))
    parquet.write_table(arrow.table(columns), path)
    return path


def imported(address: str, dataset: str, path: Path, number: int = 1) -> Reconciliation:
    run = pipeline.open_import(f"{dataset}-{number}", dataset, str(path), "online_retail", address=address)
    pipeline.stage(run, address)
    pipeline.judge(run, address)
    (result,) = pipeline.load(run, address)
    assert result.received == result.loaded + result.duplicate + result.quarantined
    return result


def asked(address: str, query: str) -> list[tuple[Any, ...]]:
    with connection.connect(address=address) as link, link.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


def test_each_kind_of_line_becomes_what_it_is(warehouse: str, tmp_path: Path) -> None:
    path = written(tmp_path, LINES)
    orders, deeds, products = (imported(warehouse, name, path) for name in ("orders", "interactions", "products"))
    assert (orders.loaded, deeds.loaded) == (9, 9), "two equal lines of an invoice are two"
    assert (products.loaded, products.duplicate) == (5, 4)
    assert asked(
        warehouse,
        "SELECT order_id, customer_id, country, currency, status, count(*), sum(quantity) "
        "FROM core.customer_order JOIN core.order_line USING (order_id) GROUP BY order_id ORDER BY 1",
    ) == [
        ("489434", key("13085"), "GB", "GBP", None, 3, 25),
        ("489464", None, "GB", "GBP", None, 1, -240),
        ("489522", None, "IE", "GBP", None, 1, 3),
        ("489523", None, None, "GBP", None, 1, 3),
        ("489600", key("12346"), None, "GBP", None, 1, 1),
        ("A506401", None, "GB", "GBP", None, 1, 1),
        ("C489449", key("13085"), "AU", "GBP", None, 1, -12),
    ]
    assert asked(warehouse, "SELECT ordered_at FROM core.customer_order WHERE order_id IN ('489434', '489522')") == [
        (datetime(2009, 12, 1, 7, 45, tzinfo=UTC),),
        (datetime(2010, 10, 31, 0, 30, tzinfo=UTC),),
    ]
    assert asked(warehouse, "SELECT customer_id, country FROM core.customer ORDER BY country") == [
        (key("13085"), "AU"),
        (key("12346"), None),
    ]
    assert asked(warehouse, "SELECT kind, sum(quantity) FROM core.interaction GROUP BY 1 ORDER BY 1") == [
        ("purchase", 33),
        ("return", -252),
    ]
    assert asked(
        warehouse, "SELECT product_id, title, category, unit_price, is_available FROM core.product ORDER BY 1"
    ) == [
        ("21733", "RED HANGING HEART", None, Decimal("2.95"), None),
        ("85048", "15CM CHRISTMAS GLASS BALL", None, Decimal("6.95"), None),
        ("B", None, "service", None, False),
        ("M", None, "service", 3, False),
        ("POST", "POSTAGE", "service", 18, False),
    ]
    assert imported(warehouse, "orders", path, 2).duplicate == 9
    assert imported(warehouse, "interactions", path, 2).duplicate == 9


def test_the_real_file_s_oddest_lines_load(warehouse: str, tmp_path: Path, shared: Path) -> None:
    """All lines of codes that are no five digits, of adjusted debts and without description, and 4,000 of others."""
    table = parquet.read_table(shared / "data" / "uci_online_retail" / "online_retail_II_year_2009_2010.parquet")
    odd = compute.or_(
        compute.invert(compute.match_substring_regex(table["StockCode"], r"^\d{5}")),
        compute.is_null(table["Description"]),
    )
    path = tmp_path / "odd.parquet"
    parquet.write_table(arrow.concat_tables([table.filter(odd), table.slice(100_000, 4000)]), path)
    lines = parquet.read_metadata(path).num_rows
    assert lines > 9000
    assert imported(warehouse, "orders", path) == Reconciliation("order_line", lines, lines, 0, 0)
    products = imported(warehouse, "products", path)
    assert (products.received, products.quarantined) == (lines, 0)
    services = asked(warehouse, "SELECT product_id FROM core.product WHERE NOT is_available ORDER BY 1")
    assert {"POST", "M", "D", "B", "BANK CHARGES", "ADJUST"} <= {name for (name,) in services}
    assert not [name for (name,) in services if name[:5].isdigit()]
