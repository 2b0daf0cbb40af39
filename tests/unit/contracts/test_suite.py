"""Suites are built from contracts, and Great Expectations is imported only when one is judged."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from lanecast.contracts.reader import ContractError, Rule, contract
from lanecast.contracts.suite import AFTER_ROUTING, moment, suite
from lanecast.warehouse.staging import COLUMNS

AS_OF = datetime(2026, 6, 1, tzinfo=UTC)


def rule(type_: str, **arguments: object) -> Rule:
    base = contract("shipment").rules[0]
    implementation = msgspec.structs.replace(base.implementation, type=type_, kwargs=arguments)
    return msgspec.structs.replace(base, name="tried", implementation=implementation)


def test_importing_the_gate_does_not_import_great_expectations() -> None:
    package = Path(__file__).resolve().parents[3] / "plugins"
    code = "import lanecast.contracts.gate, sys; sys.exit('great_expectations' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(package)}, check=False).returncode == 0


@pytest.mark.parametrize("dataset", COLUMNS)
def test_every_rule_becomes_an_expectation(dataset: str) -> None:
    rules = [each for each in contract(dataset).rules if each.implementation.type not in AFTER_ROUTING]
    made = suite(dataset, rules, AS_OF)
    assert [each.meta["name"] for each in made.expectations] == [each.name for each in rules]
    conditions = [each.condition for each in made.expectations if hasattr(each, "condition")]
    assert not [condition for condition in conditions if "{as_of}" in condition]
    assert [condition for condition in conditions if "TIMESTAMPTZ '2026-06-01T00:00:00+00:00'" in condition]


def test_an_unknown_expectation_is_told_by_rule() -> None:
    with pytest.raises(ContractError, match="contract shipment, rule tried: expect_miracles"):
        suite("shipment", [rule("expect_miracles")], AS_OF)


def test_wrong_arguments_are_told_by_rule() -> None:
    with pytest.raises(ContractError, match="contract shipment, rule tried: expect_rows_to_satisfy"):
        suite("shipment", [rule("expect_rows_to_satisfy", conditions="true")], AS_OF)


def test_a_moment_needs_a_zone() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        moment(datetime(2026, 6, 1))  # noqa: DTZ001


@pytest.mark.parametrize("dataset", COLUMNS)
def test_every_rule_of_a_staged_dataset_has_an_example(dataset: str) -> None:
    assert [rule.name for rule in contract(dataset).rules if not rule.example] == []


def test_a_reason_that_names_more_than_is_shown_asks_for_it() -> None:
    (early,) = [each for each in contract("tracking_event").rules if each.name == "event_before_shipment"]
    (made,) = suite("tracking_event", [early], AS_OF, shown=("staged_row", "occurred_at")).expectations
    assert made.also_shown == ["used_from"]
