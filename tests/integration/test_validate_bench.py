"""The gate's benchmark compares like with like: both sides count the same, rule by rule."""

from __future__ import annotations

import pytest

from lanecast.bench import validate
from lanecast.contracts.reader import contract
from lanecast.warehouse.staging import JUDGED_COLUMNS


def test_the_gate_and_the_select_count_the_same(warehouse: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validate, "ROUNDS", 1)
    found = validate.as_dict(validate.measure(warehouse, 5000))
    assert (found["rows"], found["rules"]) == (5000, 20)
    failed = found["failed"]
    assert isinstance(failed, dict)
    assert tuple(failed) == validate.RULES, "what the SELECT counts otherwise is refused"
    kinds = ("tracking_number_malformed", "event_in_future", "event_before_shipment", *validate.WINDOW_RULES)
    assert all(failed[rule] > 0 for rule in kinds)
    assert 25 <= int(str(found["rejected"])) <= 75, (
        "one row in a hundred is bad, a few of them in no way that quarantines"
    )
    assert float(str(found["vs_single_select"])) == pytest.approx(
        float(str(found["seconds"])) / float(str(found["select_seconds"])), rel=0.1
    )
    assert 50 < float(str(found["import_memory_mb"])) <= float(str(found["memory_mb"]))


def test_twenty_rules_of_the_contract_three_of_them_over_a_parcel_s_scans() -> None:
    rules = [rule for rule in contract("tracking_event").rules if rule.name in validate.RULES]
    assert tuple(rule.name for rule in rules) == validate.RULES
    assert len(rules) == 20
    around = [
        rule.name
        for rule in rules
        if any(column in str(rule.implementation.kwargs) for column in JUDGED_COLUMNS["tracking_event"][5:])
    ]
    assert tuple(around) == validate.WINDOW_RULES


def test_a_select_that_counts_otherwise_is_refused(warehouse: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validate, "_select", lambda address, batch: (1.0, {"unreadable_value": 1}))
    monkeypatch.setattr(validate, "_gate", lambda address: {"failed": {"unreadable_value": 0}})
    with pytest.raises(AssertionError, match="the SELECT counts"):
        validate.measure(warehouse, 1000)
