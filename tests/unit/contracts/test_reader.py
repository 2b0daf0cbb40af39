"""Contracts are read strictly: what they say is checked, and a fault is told with file and key."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from lanecast.contracts import reader
from lanecast.contracts.reader import ContractError, contract, datasets, read, reason_parts
from lanecast.tracking import MILESTONES
from lanecast.warehouse.staging import COLUMNS


@pytest.fixture
def document() -> dict[str, Any]:
    return yaml.safe_load(reader.path_of("interaction").read_text(encoding="utf-8"))


def written(folder: Path, document: dict[str, Any]) -> Path:
    path = folder / "interaction.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path


@pytest.mark.parametrize("dataset", datasets())
def test_each_contract_says_what_follows_from_it(dataset: str) -> None:
    found = contract(dataset)
    assert found.id == f"lanecast.{dataset}"
    assert found.retention_days > 0
    assert re.search(r"\bNot\b", found.description.purpose), "what the data is for, and what it is not for"
    assert found.description.limitations
    assert found.team.name
    assert found.roles
    table = found.table
    for text in (table.description, table.data_granularity_description):
        assert text.endswith(".")
    for told in (*table.properties, *table.arguments):
        assert told.description.endswith(".")
    assert found.is_staged == (dataset in COLUMNS)


@pytest.mark.parametrize("dataset", COLUMNS)
def test_what_is_staged_has_rules_of_each_severity(dataset: str) -> None:
    rules = contract(dataset).rules
    assert rules[0].name == "unreadable_value", "an unreadable row is told as such, whatever else it breaks"
    assert {rule.severity for rule in rules} == {"row", "batch", "warn"}


NUMBERS_WITHOUT_UNIT = re.compile(r"_id$|_hash$|^epoch$|^line_number$|^run_number$|^rank$")
"""Keys, and places in an order: nothing is counted or measured by them."""


@pytest.mark.parametrize("dataset", datasets())
def test_each_quantity_has_a_unit(dataset: str) -> None:
    for column in contract(dataset).table.properties:
        if column.logical_type in ("integer", "number"):
            assert bool(column.unit) != bool(NUMBERS_WITHOUT_UNIT.search(column.name)), column.name


def test_contracts_know_the_canonical_milestones() -> None:
    rules = {rule.name: rule for rule in contract("shipment").rules}
    assert tuple(rules["milestone_unknown"].implementation.kwargs["value_set"]) == MILESTONES
    rules = {rule.name: rule for rule in contract("tracking_event").rules}
    condition = rules["milestone_unknown"].implementation.kwargs["condition"]
    assert condition == f"coalesce(milestone, '') IN {MILESTONES!r}"


def test_no_condition_counts_repetitions() -> None:
    """Postgres takes ten times as long for a counted repetition such as {4,40}."""
    for dataset in COLUMNS:
        for rule in contract(dataset).rules:
            text = str(rule.implementation.kwargs)
            assert ",40}" not in text, rule.name


FAULTS = {
    "unknown key": (lambda d: d.update(owner="x"), "owner"),
    "missing key": (lambda d: d.pop("team"), "team"),
    "wrong standard": (lambda d: d.update(apiVersion="v2.2.2"), "$.apiVersion"),
    "wrong type": (lambda d: d.update(status=3), "$.status"),
    "version": (lambda d: d.update(version="1.0"), "`version`"),
    "another dataset's name": (lambda d: d.update(name="shipment"), "`name`"),
    "no retention": (lambda d: d.update(slaProperties=[]), "`slaProperties`"),
    "retention by no column": (
        lambda d: d["slaProperties"][0].update(element="interaction.colour"),
        "'interaction.colour' is not a column",
    ),
    "another table's name": (lambda d: d["schema"][0].update(name="x"), "`schema`"),
    "two tables": (lambda d: d["schema"].append(d["schema"][0]), "`schema`"),
    "another schema": (lambda d: d["schema"][0].update(physicalName="mart.interaction"), "`schema[0].physicalName`"),
    "arguments of a table": (
        lambda d: d["schema"][0].update(
            customProperties=[
                {"property": "arguments", "value": [{"name": "a", "physicalType": "text", "description": "A."}]}
            ]
        ),
        "takes no arguments - at `schema[0].customProperties`",
    ),
    "arguments that are none": (
        lambda d: d["schema"][0].update(customProperties=[{"property": "arguments", "value": [{"name": "a"}]}]),
        "physicalType",
    ),
    "a column's name": (lambda d: d["schema"][0]["properties"][0].update(name='x"; DROP'), "`schema[0]`"),
    "key's places": (
        lambda d: d["schema"][0]["properties"][0].update(primaryKeyPosition=3),
        "primaryKeyPosition counts from 1, and is [1, 3] here",
    ),
    "grain": (
        lambda d: d["schema"][0].update(dataGranularityDescription="Interactions."),
        "`schema[0].dataGranularityDescription`",
    ),
    "column twice": (lambda d: d["schema"][0]["properties"].append(d["schema"][0]["properties"][0]), "properties`"),
    "rule twice": (lambda d: d["schema"][0]["quality"].append(d["schema"][0]["quality"][0]), "unreadable_value"),
    "rule's name": (lambda d: d["schema"][0]["quality"][0].update(name="Bad name"), "`schema[0].quality[0].name`"),
    "severity": (lambda d: d["schema"][0]["quality"][0].update(severity="fatal"), "$.schema[0].quality[0].severity"),
    "PII class": (
        lambda d: d["schema"][0]["properties"][1].update(classification="secret"),
        "$.schema[0].properties[1].classification",
    ),
    "not an expectation": (
        lambda d: d["schema"][0]["quality"][0]["implementation"].update(type="DROP"),
        "`schema[0].quality[0].implementation.type`",
    ),
    "column not staged": (
        lambda d: d["schema"][0]["quality"][0]["implementation"]["kwargs"].update(column="colour"),
        "'colour' is not judged",
    ),
    "no reason": (
        lambda d: d["schema"][0]["quality"][0]["implementation"].pop("meta"),
        "`schema[0].quality[0].implementation.meta.reason`",
    ),
    "reason names no column": (
        lambda d: d["schema"][0]["quality"][0]["implementation"]["meta"].update(reason="{colour} is wrong"),
        "{colour} is not a column",
    ),
    "apostrophe in a built-in expectation": (
        lambda d: d["schema"][0]["quality"][4]["implementation"]["kwargs"].update(value_set=["it's"]),
        "use expect_rows_to_satisfy - at `schema[0].quality[4].implementation.kwargs.value_set`",
    ),
    "date in a built-in expectation": (
        lambda d: d["schema"][0]["quality"][4]["implementation"]["kwargs"].update(value_set=[date(2026, 1, 1)]),
        "use expect_rows_to_satisfy",
    ),
    "share in a row rule": (
        lambda d: d["schema"][0]["quality"][0]["implementation"]["kwargs"].update(mostly=0.5),
        "kwargs.mostly`",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_told_with_file_and_key(fault: str, tmp_path: Path, document: dict[str, Any]) -> None:
    change, told = FAULTS[fault]
    change(document)
    path = written(tmp_path, document)
    with pytest.raises(ContractError) as caught:
        read(path)
    assert str(path) in str(caught.value)
    assert told in str(caught.value)


def test_an_unchanged_contract_passes(tmp_path: Path, document: dict[str, Any]) -> None:
    assert read(written(tmp_path, document)) == contract("interaction")


@pytest.mark.parametrize(
    ("text", "told"),
    [("name: a\nname: b\n", "name is given twice"), ("a: [", "not readable as YAML"), ("", "Expected `object`")],
)
def test_broken_yaml_is_refused(text: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "interaction.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ContractError, match=told):
        read(path)


def test_unknown_and_missing_contracts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ContractError, match="the dataset 'weather' needs a contract there"):
        contract("weather")
    monkeypatch.setenv("LANECAST_HOME", str(tmp_path))
    with pytest.raises(ContractError, match="missing"):
        contract("shipment")


def test_reasons_are_cut_at_their_places() -> None:
    assert reason_parts("{a} is 5 % off {b}!") == [("a", True), (" is 5 % off ", False), ("b", True), ("!", False)]
