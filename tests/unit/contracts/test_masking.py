"""What people see of rows: nothing of a person, whatever the values hold."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lanecast.contracts import masking
from lanecast.contracts.masking import classification, masked_reason, masked_row, masked_value
from lanecast.contracts.reader import contract, datasets
from lanecast.warehouse.staging import COLUMNS, JUDGED_COLUMNS

ROW_RULES = [(name, rule) for name in COLUMNS for rule in contract(name).rules if rule.severity == "row"]


def test_a_column_has_one_class_wherever_it_is() -> None:
    told: dict[str, set[str]] = defaultdict(set)
    for name in datasets():
        for column in contract(name).table.properties:
            told[column.name].add(column.classification)
    # a code that no table knows may be the first words of its text
    assert classification("unmapped_code", "code") == "personal"
    assert classification("tracking_event", "code") == "none"
    del told["code"]
    assert {column: classes for column, classes in told.items() if len(classes) > 1} == {}
    assert told["tracking_number"] == told["order_id"] == told["customer_id"] == {"pseudonymous"}
    assert told["attributes"] == told["description"] == {"personal"}


def test_each_staged_column_has_a_class_that_somebody_chose() -> None:
    """Not that of the unknown: the exception is the text about what can't be read, which has its own way."""
    for dataset, columns in COLUMNS.items():
        chosen = {one.name for name in datasets() for one in contract(name).table.properties} | masking._OF_THE_ROW
        assert set(columns) - chosen == {"unreadable"}
        assert {classification(dataset, column) for column in JUDGED_COLUMNS.get(dataset, ())} <= {"none"}


def test_what_no_contract_knows_counts_as_personal() -> None:
    assert classification("shipment", "first_name") == "personal"
    assert classification("no such dataset", "colour") == "personal"
    assert masked_value("shipment", "first_name", "Ada") == "(personal)"
    assert classification("shipment", "customer_id") == "pseudonymous", "as where it is kept"


VALUES = [
    ("service", None, None),
    ("attributes", None, None),
    ("service", "", ""),
    ("service", "a" * 200, "a" * 200),
    ("service", "a" * 201, "a" * 199 + "…"),
    ("service", "é" * 5000, "é" * 199 + "…"),
    ("service", "快递\u202e👩‍👩‍👧\x00", "快递\u202e👩‍👩‍👧\x00"),
    ("service", "{tracking_number} {} {0} %s %(x)s \\1", "{tracking_number} {} {0} %s %(x)s \\1"),
    ("epoch", 3, 3),
    ("epoch", True, True),
    ("epoch", 1.5, 1.5),
    ("epoch", float("inf"), float("inf")),
    ("epoch", Decimal("1.50"), "1.50"),
    ("delivered_at", datetime(2026, 3, 1, 9, tzinfo=UTC), "2026-03-01 09:00:00+00:00"),
    ("delivered_at", date(2026, 3, 1), "2026-03-01"),
    ("attributes", {"name": {"first": "Ada", "last": ["Lovelace"]}}, "(personal)"),
    ("attributes", '{"name": "Ada"}', "(personal)"),
    ("attributes", 7, "(personal)"),
    ("attributes", "", "(personal)"),
    ("tracking_number", "1Z999AA10123456784", "…6784"),
    ("tracking_number", "123456789", "…6789"),
    ("tracking_number", "12345678", "…"),
    ("tracking_number", "", "…"),
    ("tracking_number", 123456789012, "…9012"),
    ("tracking_number", "x" * 5000, "…xxxx"),
    ("order_id", {"id": "ABCDEFGH"}, "…GH'}"),
    ("unreadable", "delivered_at: 'Ada Lovelace' (not a time)", "delivered_at: … (not a time)"),
    ("unreadable", "a: 'it's Ada' (no); b: \"Ada\" (no)", "a: … (no); b: … (no)"),
    ("unreadable", "line 12: 4 fields where the header has 5: 'Ada", "line 12: 4 fields where the header has 5: …"),
    ("unreadable", "no parcel 1Z999AA10123456784 here", "no parcel … here"),
    ("unreadable", "", ""),
]  # fmt: skip


@pytest.mark.parametrize(("column", "value", "shown"), VALUES)
def test_values_are_shown_by_their_class(column: str, value: object, shown: object) -> None:
    found = masked_value("shipment", column, value)
    assert found == shown
    assert type(found) is type(shown)


def test_a_reason_quotes_values_and_is_not_read_again() -> None:
    row = {"origin_country": "{destination_country}", "destination_country": "{origin_country}", "order_id": "O" * 300}
    told = masked_reason("shipment", "origin_country_unknown", row)
    assert told.startswith("origin_country {destination_country} is not")
    assert masked_reason("shipment", "order_id_too_long", row) == "order_id …OOOO is longer than 200 characters"
    assert masked_reason("shipment", "order_id_too_long", {"order_id": None}).startswith("order_id (empty) is")
    assert masked_reason("shipment", "order_id_too_long", {}).startswith("order_id (not kept) is")
    assert masked_reason("shipment", "mostly_bad", row) == "mostly bad", "a batch rule counts rows: there is no value"
    assert masked_reason("shipment", "a_rule_that_was", row) == "a rule that was"


def test_an_unreadable_row_says_where_and_why_without_the_value() -> None:
    told = masked_reason("shipment", "unreadable_value", {"unreadable": "ordered_at: 'Ada' (not a time)"})
    assert told == "can't be read: ordered_at: … (not a time)"


HATEFUL = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.datetimes(), st.binary(),
    st.sampled_from(["{reason}", "{city}", "{unreadable}", "{{city}}", "%s", "\\g<0>"]),
    st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=5),
)  # fmt: skip


@given(st.sampled_from(ROW_RULES), st.data())
def test_no_reason_tells_of_a_person(named: Any, data: st.DataObject) -> None:
    """Every rule of every dataset, with a secret in each column that tells of a person, and anything in the others."""
    dataset, rule = named
    secret = "Ada-Lovelace-1815"
    row = {
        column: secret if classification(dataset, column) != "none" else data.draw(HATEFUL)
        for column in COLUMNS[dataset]
    } | {"unreadable": data.draw(st.sampled_from([None, f"x: '{secret}' (y)", f'"{secret}']))}
    told = masked_reason(dataset, rule.name, row)
    assert secret[:-4] not in told
    shown = masked_row(dataset, row)
    assert list(shown) == list(row)
    assert secret[:-4] not in str(shown)
    for column, value in shown.items():
        assert len(str(value)) <= masking.LONGEST_SHOWN or isinstance(row[column], int | float)
    msgspec.json.encode({column: value for column, value in shown.items() if value == value}, enc_hook=str)
