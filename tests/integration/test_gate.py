"""The gate on a real Postgres: each bad row is caught by the rule meant for it, and clean rows by none."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from gate_rows import AS_OF, BAD, CLEAN, CLEAN_ROW, UNWARNED, USED, WARNED, Row

from lanecast.contracts import gate
from lanecast.contracts.engine import RuleBroken
from lanecast.contracts.reader import ContractError, Rule, contract
from lanecast.warehouse import connection, runs, staging
from lanecast.warehouse.runs import Run
from lanecast.warehouse.staging import COLUMNS, Batch

Stage = Callable[..., Batch]


@pytest.fixture
def run(warehouse: str) -> Run:
    with connection.connect(address=warehouse) as link:
        return runs.open_run(link, "run-1", "import", "shipment", as_of=AS_OF)


@pytest.fixture
def stage(warehouse: str, run: Run) -> Stage:
    def staged(dataset: str, changes: Iterable[Row]) -> Batch:
        batch = Batch(run.run_id, dataset)
        columns = COLUMNS[dataset]
        rows = (
            {**CLEAN_ROW[dataset], **change, "staged_row": number, "source_line": number + 1}
            for number, change in enumerate(changes, start=1)
        )
        with connection.connect(address=warehouse) as link:
            staging.create(link, batch)
            staging.copy_rows(link, batch, ([row.get(column) for column in columns] for row in rows))
        return batch

    return staged


@pytest.fixture
def known(warehouse: str) -> None:
    """A warehouse that has had an order, and two shipments of it."""
    with connection.connect(address=warehouse) as link, link.cursor() as cursor:
        cursor.execute(
            "INSERT INTO core.customer_order (order_id, ordered_at, run_id, ingested_at) "
            "SELECT unnest(%s), ops.as_of(), 'before', ops.as_of()",
            ([CLEAN_ROW["shipment"]["order_id"], CLEAN_ROW["interaction"]["order_id"]],),
        )
        for number, ordered_at in ((USED["tracking_number"], USED["ordered_at"]), ("1Z12345E0205271688", None)):
            cursor.execute(
                "WITH opened AS (INSERT INTO core.shipment_number (carrier, tracking_number, epoch, opened_at) "
                "VALUES ('ups', %s, 1, ops.as_of()) RETURNING shipment_id, carrier, tracking_number, epoch) "
                "INSERT INTO core.shipment (shipment_id, carrier, tracking_number, epoch, order_id, ordered_at, "
                "run_id, ingested_at, changed_at) "
                "SELECT opened.*, 'A-100', %s, 'before', ops.as_of(), ops.as_of() FROM opened",
                (number, ordered_at),
            )


def asked(address: str, query: str, *values: Any) -> list[tuple[Any, ...]]:
    with connection.connect(address=address) as link, link.cursor() as cursor:
        cursor.execute(query, values or None)
        return cursor.fetchall()


def rejections(address: str, batch: Batch) -> dict[int, tuple[str, str, str]]:
    rows = asked(address, f"SELECT staged_row, rule, severity, reason FROM {batch.rejected}")
    return {number: (rule, severity, reason) for number, rule, severity, reason in rows}


def with_rules(monkeypatch: pytest.MonkeyPatch, dataset: str, *changes: tuple[str, dict[str, Any]]) -> None:
    """The dataset's contract with some expectations replaced, by rule."""
    found = contract(dataset)
    told = dict(changes)

    def replaced(rule: Rule) -> Rule:
        if rule.name not in told:
            return rule
        return msgspec.structs.replace(
            rule, implementation=msgspec.structs.replace(rule.implementation, **told[rule.name])
        )

    rules = [replaced(rule) for rule in found.rules]
    first = msgspec.structs.replace(found.tables[0], quality=rules)
    altered = msgspec.structs.replace(found, tables=[first, *found.tables[1:]])
    monkeypatch.setattr(gate, "contract", lambda name: altered if name == dataset else contract(name))


@pytest.mark.parametrize("dataset", COLUMNS)
@pytest.mark.usefixtures("known")
def test_each_bad_row_is_caught_by_the_rule_meant_for_it(dataset: str, warehouse: str, run: Run, stage: Stage) -> None:
    row_rules = {
        rule.name for rule in contract(dataset).rules if rule.severity == "row" and rule.only_for in (None, run.kind)
    }
    assert set(BAD[dataset]) == row_rules, "each row rule has an example here, and each example its rule"
    expected = [(rule, change) for rule, changes in BAD[dataset].items() for change in changes]
    batch = stage(dataset, [change for _, change in expected] + CLEAN[dataset])

    verdict = gate.judge(run, batch, warehouse)

    found = rejections(warehouse, batch)
    caught = [found.get(number, ("none",))[0] for number in range(1, len(expected) + 1)]
    assert caught == [rule for rule, _ in expected]
    assert len(found) == len(expected), "clean rows are left alone"
    assert verdict.rejected == {rule: len(changes) for rule, changes in BAD[dataset].items()}
    assert verdict.rows == len(expected) + len(CLEAN[dataset])
    assert verdict.stopped is None
    for number, (_, severity, reason) in found.items():
        assert severity == "row"
        assert reason.endswith(f" (line {number + 1})")
        assert "{" not in reason


@pytest.mark.parametrize("dataset", COLUMNS)
def test_clean_rows_pass(dataset: str, warehouse: str, run: Run, stage: Stage) -> None:
    batch = stage(dataset, CLEAN[dataset])
    verdict = gate.judge(run, batch, warehouse)
    assert (verdict.rejected, verdict.stopped, verdict.warnings) == ({}, None, ())
    assert not any(verdict.failed.values())
    assert rejections(warehouse, batch) == {}
    told = asked(warehouse, "SELECT rule, rows_checked, rows_failed, passed FROM quality.validation_result")
    rules = [rule.name for rule in contract(dataset).rules if rule.only_for in (None, run.kind)]
    assert sorted(told) == sorted((rule, len(CLEAN[dataset]), 0, True) for rule in rules)


def test_reasons_name_column_and_value(warehouse: str, run: Run, stage: Stage) -> None:
    changes = [
        {"ordered_at": "2018-01-01", "shipped_at": "2018-01-05", "delivered_at": "2018-01-03"},
        {"carrier": "100% 'Best' \\ \"Mail\" %s"},
        {"unreadable": "delivered_at: '%d/%m' (it's no date)"},
        {"destination_region": "AR-B"},
        {"ordered_at": "2026-06-09 05:12:00+00"},
        {"order_id": "y" * 5000},
        {"origin_country": "", "origin_region": None},
    ]
    batch = stage("shipment", changes)
    gate.judge(run, batch, warehouse)
    assert {number: reason for number, (_, _, reason) in rejections(warehouse, batch).items()} == {
        1: "delivered_at 2018-01-03 is before shipped_at 2018-01-05 (line 2)",
        2: "carrier 100% 'Best' \\ \"Mail\" %s is not a slug of small letters, digits, _ and - (line 3)",
        3: "can't be read: delivered_at: '%d/%m' (it's no date) (line 4)",
        4: "destination_region AR-B is not an ISO 3166-2 code of country BR (line 5)",
        5: "ordered_at 2026-06-09 05:12:00+00 is in the future (line 6)",
        6: f"order_id {'y' * 200} is longer than 200 characters (line 7)",
        7: "origin_country (empty) is not an ISO 3166-1 alpha-2 code (line 8)",
    }


def test_percent_signs_colons_and_quotes_in_rules(
    warehouse: str, run: Run, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Built-in and own expectations alike, counted and routed."""
    values = ["50% off", "a:b", "%s", "%(x)s", "\\", 'say "x"', "\\d"]
    with_rules(
        monkeypatch,
        "order_line",
        (
            "currency_malformed",
            {"type": "expect_column_values_to_be_in_set", "kwargs": {"column": "status", "value_set": values}},
        ),
        (
            "price_not_a_number",
            {
                "type": "expect_column_values_to_match_regex",
                "kwargs": {"column": "product_id", "regex": r"^[%:p]\d|^%%$"},
            },
        ),
        (
            "quantity_not_usable",
            {"type": "expect_rows_to_satisfy", "kwargs": {"condition": "order_id LIKE 'A%:%%s%(y)s''' ESCAPE '!'"}},
        ),
    )
    good = {"order_id": "A-1:2s(y)s'", "product_id": "%1"}
    batch = stage(
        "order_line",
        [{**good, "status": value} for value in values]
        + [{**good, "status": "60% off"}, {**good, "status": "%s", "product_id": "q1"}, {**good, "order_id": "B"}],
    )
    verdict = gate.judge(run, batch, warehouse)
    assert {number: rule for number, (rule, _, _) in rejections(warehouse, batch).items()} == {
        8: "currency_malformed",
        9: "price_not_a_number",
        10: "quantity_not_usable",
    }
    assert verdict.failed["currency_malformed"] == 2, "paid, of row 10, is not in the set either"


def test_the_first_rule_in_the_contract_claims_the_row(warehouse: str, run: Run, stage: Stage) -> None:
    batch = stage("shipment", [{"carrier": "A B", "milestone": "?", "destination_country": "??"}, {}])
    verdict = gate.judge(run, batch, warehouse)
    assert verdict.rejected == {"carrier_malformed": 1}
    assert verdict.failed["milestone_unknown"] == 1
    assert verdict.failed["destination_country_unknown"] == 1


@pytest.mark.parametrize(("rows", "bad", "stopped"), [(1000, 501, True), (1000, 500, False), (999, 999, False)])
def test_a_mostly_bad_batch_is_held_back(
    rows: int, bad: int, stopped: bool, warehouse: str, run: Run, stage: Stage
) -> None:
    # each bad row breaks two rules, and still counts once
    batch = stage("interaction", [{"kind": "wish", "value": "NaN"}] * bad + [{}] * (rows - bad))
    verdict = gate.judge(run, batch, warehouse)
    found = rejections(warehouse, batch)
    if stopped:
        assert verdict.stopped == "mostly_bad"
        assert verdict.rejected == {"mostly_bad": rows}
        assert len(found) == rows
        reason = "501 of 1000 rows of the batch break a rule: the whole batch is held back"
        assert set(found.values()) == {("mostly_bad", "batch", reason)}
    else:
        assert verdict.stopped is None
        assert verdict.rejected == {"kind_unknown": bad}
        assert len(found) == bad
    told = asked(warehouse, "SELECT rows_failed, passed FROM quality.validation_result WHERE rule = 'mostly_bad'")
    assert told == [(bad, not stopped)]


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("dataset", COLUMNS)
def test_each_warning_is_raised_and_rejects_nothing(dataset: str, warehouse: str, run: Run, stage: Stage) -> None:
    assert set(WARNED[dataset]) == {rule.name for rule in contract(dataset).rules if rule.severity == "warn"}
    for rule, changes in WARNED[dataset].items():
        verdict = gate.judge(run, stage(dataset, changes), warehouse)
        assert verdict.warnings == (rule,)
        assert verdict.rejected == {}
        is_counted_whole = rule == "order_of_several_customers" or len(changes) == 1
        assert verdict.failed[rule] == (len(changes) if is_counted_whole else 1), "of two scans, the later one"


def test_odd_journeys_raise_no_warning(warehouse: str, run: Run, stage: Stage) -> None:
    changes = [
        {"tracking_number": f"1Z000000000000{number}", **change}
        for number, told in enumerate(UNWARNED, start=10)
        for change in told
    ]
    verdict = gate.judge(run, stage("tracking_event", changes), warehouse)
    around = set(WARNED["tracking_event"]) - {"zone_assumed", "clocks_disagree", "clock_contradicts_itself"}
    assert {rule: verdict.failed[rule] for rule in around} == dict.fromkeys(around, 0)
    assert verdict.rejected == {}


def test_what_a_carrier_tells_when_asked_is_no_older_than_a_year(warehouse: str, stage: Stage) -> None:
    old = {
        "occurred_at": AS_OF - timedelta(days=366),
        "reported_at": (AS_OF - timedelta(days=366)).replace(tzinfo=None),
    }
    batch = stage("tracking_event", [old, {}, {**old, "raw_answer_id": None}])
    for kind, rejected in (("pull", {"event_too_old": 1}), ("quarantine", {"event_too_old": 1}), ("import", {})):
        with connection.connect(address=warehouse) as link:
            came_by = {"judged_as": ["pull"]} if kind == "quarantine" else None
            run = runs.open_run(link, f"run-{kind}", kind, "tracking_event", params=came_by, as_of=AS_OF)
        asked_again = staging.Batch("run-1", "tracking_event")
        assert asked_again == batch
        assert gate.judge(run, batch, warehouse).rejected == rejected


@pytest.mark.parametrize("dataset", ["order_line", "shipment"])
def test_a_storefront_tells_of_no_order_of_another(dataset: str, warehouse: str) -> None:
    reason = (
        "order 1001 of storefront shop_b is known from storefront shop_a: give each shop a warehouse of its own, or "
    )
    reason += "its orders a prefix"
    with connection.connect(address=warehouse) as link, link.cursor() as cursor:
        cursor.execute(
            "INSERT INTO core.customer_order (order_id, ordered_at, source, run_id, ingested_at) VALUES "
            "('1001', ops.as_of(), 'shop_a', 'before', ops.as_of()), ('1002', ops.as_of(), NULL, 'before', ops.as_of())"
        )
    for kind, source, expected in (
        ("storefront", "shop_b", [(1, "order_of_another_shop", reason)]),
        ("storefront", "shop_a", []),
        ("import", "orders.csv", []),
    ):
        with connection.connect(address=warehouse) as link:
            run = runs.open_run(link, f"{kind} {source}", kind, dataset, source, as_of=AS_OF)
            batch = Batch(run.run_id, dataset)
            staging.create(link, batch)
            told = [
                CLEAN_ROW[dataset] | {"order_id": order, "staged_row": row} for row, order in ((1, "1001"), (2, "1002"))
            ]
            staging.copy_rows(link, batch, ([row.get(column) for column in COLUMNS[dataset]] for row in told))
        gate.judge(run, batch, warehouse)
        assert asked(warehouse, f"SELECT staged_row, rule, reason FROM {batch.rejected}") == expected


def test_a_waived_batch_rule_is_recorded_and_stops_nothing(warehouse: str, stage: Stage) -> None:
    with connection.connect(address=warehouse) as link:
        run = runs.open_run(link, "run-w", "import", "interaction", params={"waive": ["mostly_bad"]}, as_of=AS_OF)
    verdict = gate.judge(run, stage("interaction", [{"kind": "wish"}] * 900 + [{}] * 100), warehouse)
    assert verdict.stopped is None
    assert verdict.rejected == {"kind_unknown": 900}
    told = asked(
        warehouse, "SELECT passed, details ->> 'waived' FROM quality.validation_result WHERE severity = 'batch'"
    )
    assert told == [(False, "true")]


def test_plain_rules_cost_no_sort(warehouse: str, run: Run, stage: Stage) -> None:
    """What a rule does not name of the view, Postgres leaves out."""
    batch = stage("tracking_event", [{}])
    plan = "EXPLAIN (COSTS OFF) SELECT staged_row FROM {} WHERE {} IS FALSE"
    plain = asked(warehouse, plan.format(batch.judged, "(country = 'BR')"))
    assert not [line for (line,) in plain if "Sort" in line or "Join" in line or "SubPlan" in line]
    around = asked(warehouse, plan.format(batch.judged, "(occurred_at > delivered_before)"))
    assert len([line for (line,) in around if "Sort  " in line or line.strip().endswith("Sort")]) == 1


def test_judging_again_gives_the_same_verdict(warehouse: str, run: Run, stage: Stage) -> None:
    batch = stage("tracking_event", [{"country": "ZZ"}, {"code": None, "description": None}, {}])
    everything = "SELECT * FROM quality.validation_result ORDER BY rule"
    first = gate.judge(run, batch, warehouse)
    rows, results = rejections(warehouse, batch), asked(warehouse, everything)
    with connection.connect(address=warehouse) as link, link.cursor() as cursor:
        cursor.execute(f"INSERT INTO {batch.rejected} VALUES (3, 'stale', 'row', 'left by an attempt cut off')")
    assert gate.judge(run, batch, warehouse) == first
    assert rejections(warehouse, batch) == rows
    assert asked(warehouse, everything) == results
    assert {row[-1] for row in results} == {AS_OF}, "results carry the run's now"


def test_now_is_the_run_s_now(warehouse: str, stage: Stage) -> None:
    with connection.connect(address=warehouse) as link:
        earlier = runs.open_run(link, "run-0", "import", "order_line", as_of=AS_OF - timedelta(days=30))
    batch = stage("order_line", [{}])
    assert gate.judge(earlier, batch, warehouse).rejected == {"ordered_in_future": 1}


def test_several_batches_one_of_them_empty(warehouse: str, run: Run, stage: Stage) -> None:
    batches = [stage("shipment", []), stage("order_line", [{}, {"currency": "?"}])]
    empty, orders = gate.judge_all(run, batches, warehouse)
    assert (empty.rows, empty.rejected, empty.stopped, empty.warnings) == (0, {}, None, ())
    assert (orders.rows, orders.rejected) == (2, {"currency_malformed": 1})
    with connection.connect(address=warehouse) as link, link.cursor() as cursor:
        cursor.execute("SET lock_timeout = '2s'")
        for batch in batches:
            staging.drop(link, batch)  # the gate holds no lock, and no connection, any more


@pytest.mark.parametrize(
    ("condition", "told"),
    [("colour = 'red'", "colour"), ("1 / (quantity - quantity) > 0", "division by zero"), ("quantity >", "syntax")],
)
def test_a_rule_that_cannot_be_judged_is_named(
    condition: str, told: str, warehouse: str, run: Run, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    faulty = {"type": "expect_rows_to_satisfy", "kwargs": {"condition": condition}}
    with_rules(monkeypatch, "order_line", ("price_not_a_number", faulty))
    batch = stage("order_line", [{}])
    with pytest.raises(RuleBroken, match=rf"(?s)contract order_line, rule price_not_a_number .*{told}"):
        gate.judge(run, batch, warehouse)
    assert asked(warehouse, "SELECT * FROM quality.validation_result") == []


def test_a_row_rule_that_tells_no_rows_is_refused(
    warehouse: str, run: Run, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_rules(
        monkeypatch,
        "order_line",
        ("price_not_a_number", {"type": "expect_table_row_count_to_equal", "kwargs": {"value": 5}}),
    )
    with pytest.raises(ContractError, match=r"rule price_not_a_number: .* not about single rows"):
        gate.judge(run, stage("order_line", [{}]), warehouse)


def test_nothing_is_written_to_disk(
    tmp_path: Path, warehouse: str, run: Run, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "work").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "work")
    gate.judge(run, stage("interaction", [{}]), warehouse)
    assert {path.name for path in tmp_path.rglob("*")} == {"home", "work"}
