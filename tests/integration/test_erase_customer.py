"""An erased customer is nowhere but in the list of the erased, and what others' rows tell stays."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from delivery_rows import START, days, execute, put_events, put_shipments, rows
from load_rows import Loader
from promise_rows import even, put_lane
from psycopg2 import sql
from quarantine_rows import Quarantine

from customer_keys import key
from lanecast.cli import cli, customers
from lanecast.contracts.reader import contract, datasets
from lanecast.customers import erasure
from lanecast.customers.erasure import ErasureError
from lanecast.delivery import refresh
from lanecast.warehouse import connection
from lanecast.warehouse.connection import only_row

ANN, BOB = "1001", "1002"


@pytest.fixture
def shop(warehouse: str) -> str:
    """Two customers with orders, deeds, parcels, promises, lists and rows put aside; the orders A1, A2 are Ann's."""
    loader = Loader(warehouse)
    _tell(loader)
    put_shipments(
        {"shipment_id": n, "order_id": order, "carrier": "ups", "tracking_number": number, "ordered_at": START}
        for n, (order, number) in enumerate([("A1", "1Z1"), ("A2", None), ("B1", "1Z3")], 1)
    )
    execute('UPDATE core.shipment SET attributes = \'{"buyer": "1001"}\'')
    execute(
        "INSERT INTO core.shipment_number (carrier, tracking_number, epoch, shipment_id, opened_at) "
        "OVERRIDING SYSTEM VALUE SELECT carrier, coalesce(tracking_number, order_id), 1, shipment_id, ordered_at "
        "FROM core.shipment"
    )
    put_events(1, {"at": days(1), "milestone": "delivered"})
    execute("UPDATE core.tracking_event SET description = 'signed by A. Person'")
    refresh.refresh(as_of=days(10))
    put_lane(even(20))
    with connection.connect(as_of=days(10)) as link, link.cursor() as cursor:
        for order in ("A1", "B1"):
            cursor.execute(
                "SELECT count(*) FROM mart.issue_promises(%s)",
                (json.dumps([{"destination": "BR", "order_id": order}]),),
            )
    execute(
        "INSERT INTO serving.customer_list "
        "(run_number, customer_id, slot, products, scores, reasons, because, support) "
        "SELECT 1, customer_id, 'discover', '{1}', '{1}', '{0}', '{-1}', '{1}' FROM core.customer"
    )
    return warehouse


def _tell(loader: Loader) -> None:
    """What the shop tells of both: orders and deeds, one and two rows of which are put aside."""
    lines = [("A1", ANN, "p1"), ("A1", ANN, "p2"), ("A2", ANN, "p1"), ("B1", BOB, "p1"), ("A3", ANN, None)]
    loader.load("order_line", [_line(*told) for told in lines], {4: "product_missing"})
    deeds = [_deed(1, ANN, "view"), _deed(2, ANN, "purchase", "A4"), _deed(3, BOB, "view")]
    odd = [_deed(4, ANN, "sniffed"), _deed(5, BOB, "sniffed")]
    loader.load("interaction", [*deeds, *odd], {3: "kind_unknown", 4: "kind_unknown"})
    for (table,) in loader.asked("SELECT tablename FROM pg_tables WHERE schemaname = 'staging'"):
        loader.execute(f"DROP TABLE staging.{table} CASCADE")


def _line(order: str, customer: str | None, product: str | None) -> dict[str, Any]:
    return {
        "order_id": order,
        "customer_id": customer and key(customer),
        "ordered_at": START,
        "product_id": product,
        "quantity": 1,
        "is_whole_order": False,
    }


def _deed(number: int, customer: str | None, kind: str, order: str | None = None) -> dict[str, Any]:
    return {
        "interaction_hash": number,
        "occurred_at": days(number),
        "customer_id": customer and key(customer),
        "product_id": "p1",
        "kind": kind,
        "order_id": order,
    }


def found(text: str) -> dict[str, int]:
    """How many rows of each table of all schemas have a text in them."""
    told = {}
    with connection.connect(role=None) as link, link.cursor() as cursor:
        cursor.execute(
            "SELECT table_schema, table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE' "
            "AND table_schema IN ('core', 'ops', 'quality', 'serving', 'staging')"
        )
        tables = cursor.fetchall()
        assert len(tables) > 40
        for table in tables:
            cursor.execute(
                sql.SQL("SELECT count(*) FROM {} AS told WHERE strpos(told::text, %s) > 0").format(
                    sql.Identifier(*table)
                ),
                (text,),
            )
            if count := only_row(cursor)[0]:
                told[".".join(table)] = count
    return told


def counts() -> dict[str, int]:
    """Rows by table, but for what notes the erasure."""
    with connection.connect(role=None) as link, link.cursor() as cursor:
        told = {}
        for name in ("customer", "customer_order", "order_line", "interaction", "shipment", "product"):
            cursor.execute(f"SELECT count(*) FROM core.{name}")
            told[name] = only_row(cursor)[0]
        for table in ("serving.customer_list", "serving.promise_log", "quality.quarantined_row"):
            cursor.execute(f"SELECT count(*) FROM {table}")
            told[table] = only_row(cursor)[0]
        return told


def test_an_erased_customer_is_nowhere_but_among_the_erased(shop: str) -> None:
    before = found(key(ANN))
    assert before == {
        "core.customer": 1,
        "core.customer_order": 2,
        "core.interaction": 2,
        "quality.quarantined_row": 2,
        "serving.customer_list": 1,
    }
    assert counts()["order_line"] == 4
    erased = erasure.erase([key(ANN)])
    assert found(key(ANN)) == {"ops.erased_customer": 1}
    assert found("A. Person") == {}
    assert found("buyer") == {"core.shipment": 1}, "Bob's alone"
    assert (erased.asked, erased.customers, erased.orders) == (1, 1, 4)
    assert erased.rows == {
        "core.customer deleted": 1,
        "core.customer_order deleted": 2,
        "core.order_line deleted": 3,
        "core.interaction deleted": 2,
        "core.shipment deleted": 1,
        "core.shipment cut off": 1,
        "core.tracking_event lost its words": 1,
        "serving.shipment_status cut off": 2,
        "serving.promise_log forgot its references": 1,
        "serving.customer_list deleted": 1,
        "quality.quarantined_row deleted": 2,
    }
    for order in ("A1", "A2", "A3", "A4"):
        assert found(f'"{order}"') | found(f"({order},") | found(f",{order},") == {}, order
    # what is Bob's, and what parcels and promises tell of lanes, is as it was
    assert counts() == {
        "customer": 1,
        "customer_order": 1,
        "order_line": 1,
        "interaction": 1,
        "shipment": 2,
        "product": 2,
        "serving.customer_list": 1,
        "serving.promise_log": 2,
        "quality.quarantined_row": 1,
    }
    refresh.refresh(as_of=days(11))
    status = rows("SELECT shipment_id, order_id, tracking_number FROM mart.shipment_status ORDER BY 1")
    assert [tuple(row.values()) for row in status] == [(1, None, "1Z1"), (3, "B1", "1Z3")]


def test_a_parcel_of_an_order_that_was_put_aside_is_cut_off_too(shop: str) -> None:
    put_shipments([{"shipment_id": 9, "order_id": "A3", "carrier": "ups", "tracking_number": "1Z9"}])
    Loader(shop, itertools.count(20)).load("order_line", [_line("B1", ANN, None)], {0: "product_missing"})
    erasure.erase([key(ANN)])
    assert found("A3") == {}
    assert counts()["customer_order"] == 1, "Bob's stays, though a row put aside said that it is Ann's"


def told_of(order: str) -> dict[str, list[Any]]:
    """Whom core names with an order, and which parcels and promises it has."""
    values = (order,)
    with connection.connect(role=None) as link, link.cursor() as cursor:
        told = {}
        for name, query in (
            ("placed", "SELECT customer_id FROM core.customer_order WHERE order_id = %s"),
            ("lines", "SELECT product_id FROM core.order_line WHERE order_id = %s ORDER BY 1"),
            ("deeds", "SELECT customer_id FROM core.interaction WHERE order_id = %s ORDER BY 1 NULLS FIRST"),
            ("parcels", "SELECT shipment_id FROM core.shipment WHERE order_id = %s"),
            ("shown", "SELECT shipment_id FROM serving.shipment_status WHERE order_id = %s"),
            ("promises", "SELECT destination_country FROM serving.promise_log WHERE order_id = %s"),
            (
                "put aside",
                "SELECT row_data ->> 'customer_id' FROM quality.quarantined_row "
                "WHERE row_data ->> 'order_id' = %s ORDER BY 1",
            ),
        ):
            cursor.execute(query, values)
            if found := [row[0] for row in cursor.fetchall()]:
                told[name] = found
        return told


def test_an_order_of_another_s_stays_though_deeds_of_the_erased_name_its_number(shop: str) -> None:
    """Where behaviour counts each customer's orders from 1, numbers are everybody's."""
    again = Loader(shop, itertools.count(20))
    again.load("interaction", [_deed(6, ANN, "purchase", "B1"), _deed(7, BOB, "purchase", "B1")])
    whole = told_of("B1")
    dry = erasure.erase([key(ANN)], dry_run=True)
    assert told_of("B1") == whole
    done = erasure.erase([key(ANN)])
    assert (dry.orders, dry.rows) == (done.orders, done.rows)
    assert done.orders == 4
    assert told_of("B1") == whole | {"deeds": [key(BOB)]}
    assert whole.keys() == {"placed", "lines", "deeds", "parcels", "shown", "promises"}
    assert found(key(ANN)) == {"ops.erased_customer": 1}


def test_an_order_of_the_erased_goes_and_deeds_of_another_that_name_its_number_stay(shop: str, tmp_path: Path) -> None:
    again = Loader(shop, itertools.count(20))
    deeds = [_deed(6, BOB, "purchase", "A1"), _deed(7, None, "return", "A1"), _deed(8, BOB, "sniffed", "A1")]
    again.load("interaction", deeds, {2: "kind_unknown"})
    erasure.erase([key(ANN)])
    assert told_of("A1") == {"deeds": [key(BOB)], "put aside": [key(BOB)]}
    aside = Quarantine(shop, tmp_path)
    ((bad,),) = aside.asked(
        "SELECT quarantined_row_id FROM quality.quarantined_row WHERE row_data ->> 'order_id' = 'A1'"
    )
    mended = aside.patch({"quarantined_row_id": bad, "kind": "purchase", "order_id": "B1"})
    assert aside.replay(patch=mended) == {"interaction": (1, 1, 0, 0)}
    assert told_of("B1")["deeds"] == [key(BOB)]


def test_a_number_that_several_name_and_nobody_placed_is_nobody_s_until_the_last_of_them_goes(shop: str) -> None:
    put_shipments([{"shipment_id": 9, "order_id": "1", "carrier": "ups", "tracking_number": "1Z9"}])
    again = Loader(shop, itertools.count(20))
    again.load("interaction", [_deed(6, ANN, "purchase", "1"), _deed(7, None, "return", "1")])
    again.load("order_line", [_line("1", BOB, None), _line("1", None, None)], {0: "no_product", 1: "no_product"})
    erasure.erase([key(ANN)])
    assert told_of("1") == {"deeds": [None], "parcels": [9], "put aside": [key(BOB), None]}
    erasure.erase([key(BOB)])
    assert told_of("1") == {}
    assert counts()["shipment"] == 3, "but for A2, whose parcel has no number"


def test_a_dry_run_tells_the_same_and_changes_nothing(shop: str) -> None:
    before = counts()
    dry = erasure.erase([key(ANN), key(BOB)], dry_run=True)
    assert counts() == before
    assert found(key(ANN)).get("ops.erased_customer") is None
    done = erasure.erase([key(ANN), key(BOB)])
    assert dry.rows == done.rows
    assert sum(done.rows.values()) > 20
    assert {name: count for name, count in counts().items() if count} == {
        "shipment": 2,
        "product": 2,
        "serving.promise_log": 2,
    }


def test_what_is_told_of_them_later_is_nobodys(shop: str) -> None:
    erasure.erase([key(ANN)])
    _tell(Loader(shop, itertools.count(10)))
    assert found(key(ANN)) == {"ops.erased_customer": 1}
    placed = rows("SELECT order_id, customer_id FROM core.customer_order ORDER BY 1")
    assert [tuple(row.values()) for row in placed] == [("A1", None), ("A2", None), ("B1", key(BOB))]
    deeds = rows("SELECT customer_id, count(*) AS n FROM core.interaction GROUP BY 1 ORDER BY 1 NULLS FIRST")
    assert [tuple(row.values()) for row in deeds] == [(None, 2), (key(BOB), 1)]
    assert counts()["quality.quarantined_row"] == 3


def test_erasing_again_finds_nothing(shop: str) -> None:
    erasure.erase([key(ANN)])
    noted = rows("SELECT * FROM ops.erased_customer")
    again = erasure.erase([key(ANN)])
    assert (again.customers, again.orders, again.rows) == (0, 0, {})
    assert rows("SELECT * FROM ops.erased_customer") == noted


def test_rows_that_a_run_has_staged_become_nobodys_and_are_still_counted(shop: str) -> None:
    loader = Loader(shop)
    run = loader.open("interaction", as_of=days(6))
    deed = {"product_id": "p1", "kind": "view", "occurred_at": days(6), "interaction_hash": 1}
    told = [deed | {"customer_id": key(ANN)}, deed | {"customer_id": key(BOB), "interaction_hash": 2}]
    batch = loader.stage(run, "interaction", told, {0: "some_rule"})
    loader.execute(f"UPDATE {batch.rejected} SET reason = 'customer_id {key(ANN)} is odd'")
    erased = erasure.erase([key(ANN)])
    assert erased.rows[f"{batch.staged} made nobody's"] == 1
    assert found(key(ANN)) == {"ops.erased_customer": 1}
    assert loader.asked(f"SELECT staged_row, customer_id FROM {batch.staged} ORDER BY 1") == [(1, None), (2, key(BOB))]


def test_what_is_no_key_is_refused_before_anything_is_done(shop: str) -> None:
    before = counts()
    for wrong in ([], [ANN], [key(ANN), "c123"], [key(ANN)] * (erasure.MOST + 1)):
        with pytest.raises(ErasureError):
            erasure.erase(wrong)
    assert counts() == before


def test_the_command_takes_the_shop_s_ids_and_keys_alike(shop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    del shop
    monkeypatch.setattr(customers, "in_warehouse", lambda work: work())
    run = CliRunner().invoke(cli, ["erase", "customer", ANN, key(BOB), "--dry-run", "--json"])
    assert run.exit_code == 0, run.output
    told: dict[str, Any] = json.loads(run.output)
    assert (told["customers"], told["orders"], told["is_dry_run"]) == (2, 5, True)
    run = CliRunner().invoke(cli, ["erase", "customer", f" {ANN}.0 "])  # as a table may have kept the number
    assert run.exit_code == 0, run.output
    assert run.output.startswith("1 customer erased: 1 known, with 4 orders\n")
    assert "       3  core.order_line deleted\n" in run.output
    assert key(ANN) not in run.output
    assert found(key(ANN)) == {"ops.erased_customer": 1}


def test_every_pseudonymous_column_is_one_that_erasure_knows() -> None:
    """A dataset that tells of people in a column of another name has to be dealt with, and then named here."""
    named = {
        column.name
        for name in datasets()
        for column in contract(name).table.properties
        if column.classification != "none"
    }
    # words and attributes go with the order; codes are counted, and name no parcel
    assert named == {"customer_id", "order_id", "tracking_number", "description", "attributes", "code"}
