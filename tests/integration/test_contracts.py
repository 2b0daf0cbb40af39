"""Contracts and the warehouse: every relation of `core` and `mart` is as its contract says, and has comments and grants
from it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg2
import psycopg2.errors
import pytest
import yaml
from delivery_rows import START, days, execute, put_events, put_shipments, rows

from lanecast import settings
from lanecast.contracts import catalogue
from lanecast.contracts.reader import ContractError, contract, datasets
from lanecast.delivery import promises, refresh
from lanecast.local import doctor
from lanecast.local.server import RunningServer
from lanecast.under_way import refreshing as under_way
from lanecast.warehouse import migrations
from lanecast.warehouse.connection import connect

pytestmark = pytest.mark.usefixtures("warehouse")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of include/ whose contracts a test may change."""
    shutil.copytree(settings.include(), tmp_path / "include")
    monkeypatch.setenv("LANECAST_HOME", str(tmp_path))
    return tmp_path


def change(home: Path, dataset: str, **changes: Any) -> None:
    """Changes the contract's `roles`, or other keys of its table."""
    path = home / "include" / "contracts" / f"{dataset}.yaml"
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    for key, value in changes.items():
        (document if key == "roles" else document["schema"][0])[key] = value
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")


def owner(statement: str) -> None:
    with connect(role="owner") as link, link.cursor() as cursor:
        cursor.execute(statement)


def test_each_relation_of_core_and_mart_is_as_its_contract_says() -> None:
    with connect() as link:
        found = catalogue.relations(link)
    assert {one.name for one in found} >= {"core.tracking_event", "mart.shipment_status", "mart.delivery_promise"}
    assert {one.name for one in found} == {contract(name).table.physical_name for name in datasets()}
    assert catalogue.differences(map(contract, datasets()), found) == []


DRIFT = {
    "CREATE VIEW mart.mine AS SELECT 1 AS one": "mart.mine has no contract: write include/contracts/mine.yaml",
    "CREATE TABLE core.mine (a integer)": "core.mine has no contract: write include/contracts/mine.yaml",
    "CREATE FUNCTION mart.mine() RETURNS integer LANGUAGE sql AS 'SELECT 1'": "mart.mine has no contract",
    "DROP VIEW mart.unmapped_code": "mart.unmapped_code has a contract and is not in the warehouse",
    "ALTER TABLE core.product ADD COLUMN colour text": "core.product: column colour is not in the contract",
    "ALTER TABLE core.product DROP COLUMN run_id": "core.product: column run_id of the contract is not there",
    "ALTER TABLE core.product ALTER COLUMN run_id TYPE varchar(9)": (
        "core.product: column run_id is character varying(9), by its contract text"
    ),
    "ALTER TABLE core.product ALTER COLUMN run_id DROP NOT NULL": "core.product: column run_id is nullable",
    "ALTER TABLE core.product DROP CONSTRAINT product_pkey, ADD PRIMARY KEY (product_id, run_id)": (
        "core.product: column run_id has another place in the primary key"
    ),
    "CREATE FUNCTION mart.delivery_promise(a text) RETURNS integer LANGUAGE sql AS 'SELECT 1'": (
        "mart.delivery_promise is there 2 times"
    ),
}


@pytest.mark.parametrize("statement", DRIFT)
def test_what_differs_from_its_contract_is_told(statement: str) -> None:
    owner(statement)
    with connect(role="owner") as link, pytest.raises(ContractError) as caught:
        catalogue.apply(link)
    assert DRIFT[statement] in str(caught.value)
    assert str(caught.value).count("\n- ") == 1, "and nothing else is"


def test_order_and_arguments_that_differ_are_told(home: Path) -> None:
    view = contract("unmapped_code").table
    terms = yaml.safe_load((home / "include" / "contracts" / "unmapped_code.yaml").read_text(encoding="utf-8"))
    change(home, "unmapped_code", properties=terms["schema"][0]["properties"][::-1])
    change(home, "delivery_promise", customProperties=[])
    with connect(role="owner") as link, pytest.raises(ContractError) as caught:
        catalogue.apply(link)
    first = view.properties[0].name
    assert f"mart.unmapped_code: columns are in the order {first}, " in str(caught.value)
    assert "mart.delivery_promise: arguments are origin text, destination text, " in str(caught.value)


def test_migrate_refuses_a_view_without_a_contract_and_changes_nothing(warehouse: str) -> None:
    owner("CREATE VIEW mart.mine AS SELECT 1 AS one")
    owner("UPDATE ops.schema_state SET fingerprint = 'older'")
    with pytest.raises(ContractError, match=r"mart\.mine has no contract"):
        migrations.migrate(warehouse)
    assert not migrations.is_current(warehouse)
    assert rows("SELECT 1 AS one FROM pg_class WHERE relname = 'mine' AND relacl IS NOT NULL") == []


def test_comments_say_what_contracts_say(warehouse: str, home: Path) -> None:
    """Changed in the contract, applied by the next migrate; quotes and per cent signs stay what they are."""
    text = "It's 100 % 'sure' \\ {x} %s \"q\" é."
    change(home, "unmapped_code", description=text)
    assert not migrations.is_current(warehouse)
    assert migrations.migrate(warehouse) is True
    told = rows("SELECT obj_description('mart.unmapped_code'::regclass) AS told")[0]["told"]
    assert told == f"{text} Grain: one row per source and status code that no code table knew when it was seen."
    unit = rows("SELECT col_description('core.order_line'::regclass, 4) AS told")[0]["told"]
    assert unit == "How many; negative for a return. Unit: pieces."
    promise = rows("SELECT obj_description(oid, 'pg_proc') AS told FROM pg_proc WHERE proname = 'delivery_promise'")
    assert "\nArguments:\n  origin text: " in promise[0]["told"]
    assert "  n bigint: Delivered parcels of the lane that answers. Unit: parcels." in promise[0]["told"]


def test_every_column_of_core_and_mart_has_a_comment() -> None:
    bare = rows(
        "SELECT attrelid::regclass::text AS relation, attname FROM pg_attribute JOIN pg_class ON oid = attrelid "
        "WHERE relnamespace::regnamespace::text IN ('core', 'mart') AND relkind IN ('r', 'p', 'v') AND attnum > 0 "
        "AND NOT relispartition AND NOT attisdropped AND coalesce(col_description(attrelid, attnum), '') = ''"
    )
    assert bare == []


@pytest.fixture
def analyst(server: RunningServer) -> Iterator[str]:
    """A role that no contract names yet."""
    link = psycopg2.connect(server.dsn("postgres", "postgres"))
    link.autocommit = True
    cursor = link.cursor()
    cursor.execute("DROP ROLE IF EXISTS contract_analyst")
    cursor.execute("CREATE ROLE contract_analyst NOLOGIN")
    yield "contract_analyst"
    cursor.execute("SELECT datname FROM pg_database WHERE datname LIKE 'warehouse%'")
    for (database,) in cursor.fetchall():
        with psycopg2.connect(server.dsn("postgres", database)) as other, other.cursor() as own:
            own.execute("DROP OWNED BY contract_analyst")
        other.close()
    cursor.execute("DROP ROLE contract_analyst")
    link.close()


def rights(role: str) -> set[tuple[str, str]]:
    """Relations and functions of core and mart, with each right that the role has on them."""
    found = rows(
        "SELECT relation, right_ FROM (SELECT oid::regclass::text AS relation, oid FROM pg_class "
        "WHERE relnamespace::regnamespace::text IN ('core', 'mart') AND relkind IN ('r', 'p', 'v')) AS one "
        "CROSS JOIN (VALUES ('SELECT'), ('INSERT'), ('UPDATE'), ('DELETE'), ('TRUNCATE'), ('TRIGGER'), ('REFERENCES')) "
        "AS asked (right_) WHERE has_table_privilege(%s, one.oid, asked.right_) "
        "UNION ALL SELECT pronamespace::regnamespace || '.' || proname, 'EXECUTE' FROM pg_proc "
        "WHERE pronamespace = 'mart'::regnamespace AND has_function_privilege(%s, oid, 'EXECUTE')",
        role,
        role,
    )
    return {(row["relation"], row["right_"]) for row in found}


def test_rights_are_those_of_the_contracts(warehouse: str) -> None:
    owner("GRANT ALL ON core.shipment, mart.delivery_time TO lanecast_reader, PUBLIC")
    with connect(role="owner") as link:
        catalogue.apply(link)
    for role in ("lanecast_reader", "lanecast_loader"):
        allowed = set()
        for name in datasets():
            terms = contract(name)
            for access in terms.roles:
                if access.role == role:
                    told = {"read": ("SELECT",), "write": ("SELECT", "INSERT", "UPDATE", "DELETE")}[access.access]
                    told = ("EXECUTE",) if terms.table.physical_type == "function" else told
                    allowed |= {(terms.table.physical_name, one) for one in told}
        assert rights(role) == allowed
    reader = rights("lanecast_reader")
    assert {relation.partition(".")[0] for relation, _ in reader} == {"mart"}
    assert {right for _, right in reader} == {"SELECT", "EXECUTE"}


def test_a_role_of_the_shop_s_own_gets_and_loses_its_right_with_the_contract(
    warehouse: str, home: Path, analyst: str
) -> None:
    told = [{"role": analyst, "access": "read"}, {"role": "lanecast_loader", "access": "read"}]
    change(home, "delivery_promise", roles=told)
    change(home, "delivery_time", roles=told)
    migrations.migrate(warehouse)
    assert rights(analyst) == {("mart.delivery_time", "SELECT"), ("mart.delivery_promise", "EXECUTE")}
    assert ("mart.delivery_time", "SELECT") not in rights("lanecast_reader")
    change(home, "delivery_promise", roles=told[1:])
    change(home, "delivery_time", roles=told[1:])
    migrations.migrate(warehouse)
    assert rights(analyst) == set()


def superuser(server: RunningServer, warehouse: str, *statements: str) -> None:
    link = psycopg2.connect(server.dsn("postgres", urlsplit(warehouse).path.lstrip("/")))
    link.autocommit = True
    for statement in statements:
        link.cursor().execute(statement)
    link.close()


def test_what_others_made_is_named_and_left_alone(
    warehouse: str, server: RunningServer, analyst: str, caplog: pytest.LogCaptureFixture
) -> None:
    """An analyst's view, function and table in the schemas; a function has the name of one of Lanecast's."""
    superuser(
        *(server, warehouse, f"GRANT USAGE, CREATE ON SCHEMA mart, core, quality, ops TO {analyst}"),
        f"SET ROLE {analyst}",
        "CREATE VIEW mart.sales_by_week AS SELECT 1 AS n",
        "CREATE FUNCTION mart.delivery_promise(x integer) RETURNS integer LANGUAGE sql AS 'SELECT x'",
        "CREATE FUNCTION ops.mine(x integer) RETURNS integer LANGUAGE sql AS 'SELECT x'",
        "CREATE TABLE core.mine (a bigint GENERATED ALWAYS AS IDENTITY)",
        "CREATE TABLE quality.mine (a bigserial)",
        "GRANT SELECT ON mart.sales_by_week TO lanecast_reader",
    )
    owner("UPDATE ops.schema_state SET fingerprint = 'older'")
    assert migrations.migrate(warehouse) is True
    assert (
        f"left alone, for they are not Lanecast's: core.mine (of {analyst}), mart.delivery_promise(integer) "
        f"(of {analyst}), mart.sales_by_week (of {analyst})" in caplog.text
    )
    assert ("mart.sales_by_week", "SELECT") in rights("lanecast_reader")
    described = [one for one in doctor.examine() if one["name"] == "warehouse"]
    assert described[0]["ok"]
    assert f"left alone: core.mine (of {analyst}), mart" in described[0]["detail"]


def test_what_was_lanecast_s_and_is_another_s_is_told_with_its_remedy(
    warehouse: str, server: RunningServer, analyst: str
) -> None:
    superuser(server, warehouse, f"ALTER VIEW mart.unmapped_code OWNER TO {analyst}")
    with connect(role="owner") as link, pytest.raises(ContractError) as caught:
        catalogue.apply(link)
    assert f"belongs to {analyst}: give it back (ALTER VIEW mart.unmapped_code OWNER TO lane" in str(caught.value)


def test_rights_that_no_contract_grants_end_with_a_warning_that_says_how_to_keep_them(
    warehouse: str, home: Path, server: RunningServer, analyst: str, caplog: pytest.LogCaptureFixture
) -> None:
    owner(f"GRANT SELECT, UPDATE ON mart.shipment_status TO {analyst} WITH GRANT OPTION")
    owner(f"GRANT SELECT (country) ON core.country TO {analyst}")
    onward = "GRANT SELECT ON mart.shipment_status TO PUBLIC"
    superuser(server, warehouse, f"GRANT USAGE ON SCHEMA mart TO {analyst}", f"SET ROLE {analyst}", onward)
    change(home, "delivery_time", roles=[{"role": analyst, "access": "read"}])
    assert migrations.migrate(warehouse) is True
    assert (
        f"role {analyst} loses its rights on core.country (SELECT), mart.shipment_status (SELECT, UPDATE): the "
        "contracts' `roles` decide who may do what. To keep them, name the role under `roles` in include/contracts "
        "(country.yaml, shipment_status.yaml)" in caplog.text
    )
    assert "role PUBLIC loses its rights on mart.shipment_status (SELECT)" in caplog.text
    assert "role lanecast_reader loses its rights on mart.delivery_time (SELECT)" in caplog.text
    assert rights(analyst) == {("mart.delivery_time", "SELECT")}
    caplog.clear()
    owner("UPDATE ops.schema_state SET fingerprint = 'older'")
    assert migrations.migrate(warehouse) is True
    assert "loses" not in caplog.text


def test_a_role_that_is_not_there_is_told_with_its_remedy(warehouse: str, home: Path) -> None:
    change(home, "delivery_time", roles=[{"role": "nobody_knows", "access": "read"}])
    with pytest.raises(ContractError, match=r"contract of delivery_time .* 'nobody_knows'.*CREATE ROLE nobody_knows"):
        migrations.migrate(warehouse)


# ------------------------------------------------------------------------------- what views promise of their rows


@pytest.fixture
def lived_in(warehouse: str) -> str:
    """A warehouse with a bit of everything, gaps included: shipments without places, codes without words, runs that did
    not end."""
    places: tuple[dict[str, Any], ...] = (
        {},
        {"origin_country": "CN", "destination_country": "BR", "carrier": "ups", "service": "express"},
        {"origin_country": "CN", "destination_country": "BR", "destination_region": "BR-SP", "origin_region": "CN-GD"},
    )
    put_shipments(
        [
            {"shipment_id": 10 * number + place, "ordered_at": START, **told, **where}
            for number, told in enumerate(
                (
                    {},
                    {"delivered_at": days(4), "order_id": "O-1"},
                    {"milestone": "lost"},
                    {"tracking_number": "N-1", "shipped_at": days(1), "delivered_at": days(9)},
                    {"ordered_at": None},
                )
            )
            for place, where in enumerate(places)
        ]
    )
    put_events(1, {"at": days(1), "milestone": "picked_up"}, {"at": days(3), "milestone": "delivered", "city": "Lima"})
    put_events(2, {"at": days(1), "milestone": "in_transit", "source": "dhl"})
    refresh.refresh(warehouse, as_of=days(20))
    under_way.refresh(warehouse, as_of=days(20))
    execute(
        "INSERT INTO serving.disruption (cell, country, region, origin_country, destination_country, step, started_on, "
        "alarmed_at, observed, expected, probability, refreshed_at) "
        "SELECT 'country', 'FR', '', '', '', 'import_cleared at the destination', told::date, told, 1, 9, 0.999, told "
        "FROM (SELECT %s::timestamptz AS told) AS one",
        days(19),
    )
    for statement in (
        "INSERT INTO ops.run (run_id, kind, dataset, as_of) VALUES ('r', 'pull', 'tracking_event', %s)",
        "INSERT INTO ops.poll_plan (shipment_id, carrier, source, reason, next_poll_at) "
        "VALUES (1, 'ups', 'ups', 'x', %s)",
        "INSERT INTO ops.poll_request (run_id, shipment_id, carrier, source, shard, tracking_number, reason, outcome) "
        "SELECT 'r', 2, 'dhl', 'dhl', 1, 'x', 'x', 'failed' WHERE %s IS NOT NULL",
        "INSERT INTO ops.carrier_account VALUES ('lanecast_gls', 'gls', 1, %s)",
        "INSERT INTO quality.unmapped_code VALUES ('ups', 'XX', NULL, %s, now(), 1)",
        "INSERT INTO quality.reconciliation "
        "(run_id, dataset, source_count, received, loaded, duplicate, quarantined, recorded_at) "
        "VALUES ('unknown run', 'shipment', 3, 3, 1, 1, 1, %s)",
        "INSERT INTO quality.validation_result "
        "(run_id, dataset, rule, severity, expectation, rows_checked, rows_failed, passed, validated_at) "
        "VALUES ('r', 'tracking_event', 'x', 'row', 'x', 1, 0, true, %s)",
        "INSERT INTO quality.alert (kind, dataset, rule, subject, severity, message, opened_at, last_seen_at) "
        "SELECT 'x', 'shipment', 'x', 'x', 'warning', 'x', told, told FROM (SELECT %s::timestamptz AS told) AS one",
        "INSERT INTO quality.feed_hour (source, hour, received) VALUES ('ups', date_trunc('hour', %s::timestamptz), 5)",
        "INSERT INTO serving.promise_level_move VALUES "
        "('order_to_door', '', %s, 0.1, 1.1, 0.09, 0.92, 1, '2026-03-02', '2026-03-02', 30)",
        "INSERT INTO serving.delivery_model (version, trained_at, recorded_at, status, reason, shipments, delivered, "
        "seconds, settings, features) SELECT '2026-03-21.1', told, told, 'none', 'x', 1, 0, 1, '{}', '{}' "
        "FROM (SELECT %s::timestamptz AS told) AS one",
        "INSERT INTO serving.promise_accuracy (scope, measure, confidence, issued_week, n, n_early, n_late, "
        "n_on_dates, n_undelivered, n_unobserved, n_timed, fresh_n, fresh_early, fresh_late, matured_at, settled_at) "
        "SELECT 'all', 'order_to_door', 0.8, '2026-03-02', 1, 0, 1, 0, 1, 0, 0, 0, 0, 0, told, told "
        "FROM (SELECT %s::timestamptz AS told) AS one",
    ):
        execute(statement, days(19))
    promises.issue(warehouse, as_of=days(2))
    return warehouse


VIEWS = [name for name in datasets() if contract(name).table.physical_type == "view"]
QUIET = {
    "transit_time_drift",
    *("customer_recommendation", "product_recommendation", "popular_product"),
    *("recommendation_evaluation", "recommendation_run", "delivery_experience"),
}
"""Views that have no rows without months of deliveries, or of orders: tests of their own look at them."""


@pytest.mark.parametrize("dataset", VIEWS)
def test_views_keep_what_their_contracts_promise_of_each_row(dataset: str, lived_in: str) -> None:
    table = contract(dataset).table
    found = rows(f"SELECT * FROM {table.physical_name}", as_of=days(20))
    assert found or dataset in QUIET
    empty = {
        column.name for column in table.properties if column.required and any(row[column.name] is None for row in found)
    }
    assert empty == set(), "required, and empty"
    if table.key:
        keys = [tuple(row[column] for column in table.key) for row in found]
        assert len(set(keys)) == len(keys), "the key tells rows apart"
