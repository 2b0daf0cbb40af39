"""Contracts are Open Data Contracts: the standard's own JSON schema and its published model accept each of them."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import jsonschema
import pytest
import yaml
from open_data_contract_standard.model import OpenDataContractStandard

from lanecast.contracts.reader import datasets, path_of


@pytest.fixture(scope="module")
def schema() -> Any:
    told = json.loads((files("open_data_contract_standard") / "schema.json").read_text(encoding="utf-8"))
    return jsonschema.validators.validator_for(told)(told)


def document(dataset: str) -> dict[str, Any]:
    told: dict[str, Any] = yaml.safe_load(path_of(dataset).read_text(encoding="utf-8"))
    return told


def test_there_are_contracts() -> None:
    assert len(datasets()) >= 16


@pytest.mark.parametrize("dataset", datasets())
def test_the_standard_accepts_each_contract(dataset: str, schema: Any) -> None:
    told = document(dataset)
    assert told["apiVersion"] == "v3.1.0"
    assert [f"{error.json_path}: {error.message}" for error in schema.iter_errors(told)] == []
    model = OpenDataContractStandard.model_validate(told)
    assert (model.name, model.version) == (dataset, told["version"])
    names = [column.name for column in (model.schema_ or [])[0].properties or []]
    assert names == [column["name"] for column in told["schema"][0]["properties"]]


@pytest.mark.parametrize("place", ["contract", "table", "column", "rule"])
def test_the_standard_refuses_what_it_does_not_know(place: str, schema: Any) -> None:
    told = document("shipment")
    table = told["schema"][0]
    places = {"contract": told, "table": table, "column": table["properties"][0], "rule": table["quality"][0]}
    places[place]["colour"] = 1
    assert not schema.is_valid(told)
