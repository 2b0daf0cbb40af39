"""Customers in the warehouse: under keys of one secret, also those whom an earlier version knew otherwise."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from quarantine_rows import Quarantine

import customer_keys
from customer_keys import key
from lanecast import tasks
from lanecast.cli import cli
from lanecast.customers import keys
from lanecast.customers.agreement import agreed_secret
from lanecast.customers.keys import CustomerKeyError
from lanecast.files import plan
from lanecast.files.values import plain
from lanecast.local import doctor
from lanecast.warehouse import connection

OTHER = "generic://:another-secret-of-the-tests@privacy"
ORDERS = ("A,91234567,2026-01-02T10:00:00Z,paid,EUR,p1,1,5", "B,91234567.0,2026-01-03T10:00:00Z,paid,EUR,p2,1,5")
DEEDS = (
    "91234567,p1,view,2026-01-02T10:00:00.5Z,1.0,9.90,",
    "91234567,p1,view,2026-01-02T10:00:00.5Z,1.0,9.90,",
    "97654321,p2,purchase,2026-01-05T10:00:00Z,,,B",
    ",p2,view,2026-01-05T10:00:00Z,,,",
)


@pytest.fixture
def quarantine(warehouse: str, tmp_path: Path) -> Quarantine:
    return Quarantine(warehouse, tmp_path)


def holders(told: Quarantine, text: str) -> list[str]:
    """The tables of core, quality and ops that hold a text anywhere."""
    tables = told.asked(
        "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname IN ('core', 'quality', 'ops') "
        "AND has_table_privilege(format('%I.%I', schemaname, tablename), 'select')"
    )
    return [
        name
        for (name,) in tables
        if told.asked(f"SELECT EXISTS (SELECT FROM {name} AS row WHERE row::text LIKE %s)", f"%{text}%")[0][0]
    ]


def as_before(told: Quarantine, monkeypatch: pytest.MonkeyPatch, *files: tuple[str, tuple[str, ...]]) -> None:
    """Imports files as an earlier version did: customers under the shop's own ids."""
    with monkeypatch.context() as patched:
        patched.setattr(keys, "customer_key", lambda _, shop_id: shop_id)
        patched.setitem(plan.CONVERTERS, "customer_id", plain)
        for dataset, lines in files:
            told.import_(dataset, *lines)
    told.execute("DELETE FROM ops.customer_secret")


def test_what_is_imported_knows_customers_by_key_alone(quarantine: Quarantine) -> None:
    assert quarantine.import_("orders", *ORDERS, "C,91234567,2026-01-02T10:00:00Z,paid,EUR,,1,5").loaded == 2
    quarantine.import_("interactions", *DEEDS)
    assert holders(quarantine, "9123456") == []
    assert set(holders(quarantine, key("91234567"))) == {
        *("core.customer", "core.customer_order", "core.interaction", "quality.quarantined_row"),
    }


def test_a_patch_gives_a_customer_a_key_too(quarantine: Quarantine) -> None:
    quarantine.import_("orders", "A,,2026-01-02T10:00:00Z,paid,EUR,,1,5", "B,,2026-01-02T10:00:00Z,paid,EUR,,1,5")
    first, second = (row[0] for row in quarantine.rows())
    patch = quarantine.patch(
        {"quarantined_row_id": first, "product_id": "p1", "customer_id": "91234567"},
        {"quarantined_row_id": second, "product_id": "p1", "customer_id": key("91234567")},
    )
    assert quarantine.replay(patch=patch)["order_line"] == (2, 2, 0, 0)
    assert quarantine.asked("SELECT DISTINCT customer_id FROM core.customer_order") == [(key("91234567"),)]


def test_another_secret_is_refused_and_loads_nothing(
    quarantine: Quarantine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quarantine.import_("orders", ORDERS[0])
    monkeypatch.setenv(customer_keys.VARIABLE, OTHER)
    with pytest.raises(CustomerKeyError, match="lanecast_privacy the password that it had"):
        quarantine.import_("orders", ORDERS[1])
    path = tmp_path / "orders-1.csv"
    done = CliRunner().invoke(cli, ["import", "orders", str(path)])
    assert (done.exit_code, done.output.count("\n")) == (1, 1)
    assert "keys of another secret" in done.output
    context = {
        "dag": type("Dag", (), {"dag_id": "history_import"}),
        "dag_run": type("Run", (), {"run_type": "manual"}),
        "run_id": "manual",
        "params": {"dataset": "orders", "path": str(path), "mapping": None},
    }
    with pytest.raises(tasks.RunRefused, match="keys of another secret"):
        tasks.open_import(context)
    assert quarantine.asked("SELECT count(*) FROM ops.run") == [(1,)]
    assert CliRunner().invoke(cli, ["import", "products", str(_products(tmp_path))]).exit_code == 0, "nobody is named"


def _products(folder: Path) -> Path:
    path = folder / "products.csv"
    path.write_text("product_id,title\np1,Shoes\n")
    return path


def test_the_command_tells_keys(quarantine: Quarantine, monkeypatch: pytest.MonkeyPatch) -> None:
    told = CliRunner().invoke(cli, ["key", "91234567", "91234567.0"])
    assert told.output == f"{key('91234567')}  91234567\n{key('91234567')}  91234567.0\n"
    assert quarantine.asked("SELECT FROM ops.customer_secret") == [], "telling agrees to nothing"
    agreed_secret()
    assert _doctor() == {"name": "customers", "ok": True, "detail": "keys by the secret of connection lanecast_privacy"}
    monkeypatch.setenv(customer_keys.VARIABLE, OTHER)
    assert not _doctor()["ok"]
    assert "keys of another secret" in CliRunner().invoke(cli, ["key", "91234567"]).output
    monkeypatch.setenv(customer_keys.VARIABLE, customer_keys.CONNECTION)
    told = CliRunner().invoke(cli, ["key", "--json", "91234567"])
    assert json.loads(told.output) == {"keys": [{"customer_id": "91234567", "key": key("91234567")}]}


def _doctor() -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(doctor, "_CHECKS", {"customers": doctor._CHECKS["customers"]})
        (found,) = doctor.examine()
        return found


def test_what_an_earlier_version_loaded_gets_keys_once(quarantine: Quarantine, monkeypatch: pytest.MonkeyPatch) -> None:
    bad_order = "C,97654321,2026-01-02T10:00:00Z,paid,EUR,,1,5"
    bad_deeds = ("91234567,p1,wish,2026-01-02T10:00:00Z,,,",) * 2
    before = (("orders", (*ORDERS, bad_order)), ("interactions", (*DEEDS, *bad_deeds)))
    as_before(quarantine, monkeypatch, *before)
    assert set(holders(quarantine, "91234567")) >= {"core.customer", "core.interaction", "quality.quarantined_row"}
    quarantine.execute(
        "INSERT INTO quality.replayed_row (run_id, quarantined_row_id, dataset, patch) "
        "SELECT first_run_id, quarantined_row_id, dataset, %s FROM quality.quarantined_row LIMIT 1",
        '{"customer_id": "91234567"}',
    )
    agreed_secret()
    assert holders(quarantine, "9123456") == holders(quarantine, "97654321") == []
    assert quarantine.asked("SELECT customer_id, first_seen_at::date::text FROM core.customer ORDER BY 2") == [
        (key("91234567"), "2026-01-02"),
        (key("97654321"), "2026-01-05"),
    ]
    rows = quarantine.rows()
    for dataset, lines in before:
        again = quarantine.import_(dataset, *lines)
        assert (again.loaded, again.duplicate) == (0, again.received - again.quarantined), "they are the same rows"
    assert [row[:3] for row in quarantine.rows()] == [row[:3] for row in rows], "and the same bad ones"
    counts = quarantine.asked("SELECT count(*) FROM core.interaction UNION ALL SELECT count(*) FROM core.customer")
    assert counts == [(4,), (2,)]


def test_keys_are_not_given_twice(quarantine: Quarantine) -> None:
    quarantine.import_("orders", *ORDERS)
    quarantine.execute("DELETE FROM ops.customer_secret")  # as after a downgrade and another upgrade
    agreed_secret()
    assert quarantine.asked("SELECT customer_id FROM core.customer") == [(key("91234567"),)]


def test_a_first_secret_is_noted_by_one_of_many(warehouse: str) -> None:
    assert agreed_secret() == agreed_secret() == customer_keys.SECRET.encode()
    with connection.connect(address=warehouse) as link, link.cursor() as cursor:
        cursor.execute("SELECT count(*), min(fingerprint) FROM ops.customer_secret")
        assert cursor.fetchone() == (1, keys.fingerprint(customer_keys.SECRET.encode()))
