"""Rows as people may see them: values that tell of a person are masked, by their class in the contracts."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from lanecast.contracts.reader import PiiClass, contract, datasets

_SHOWN_OF_A_KEY = 4
_STRICTEST: tuple[PiiClass, ...] = ("personal", "pseudonymous", "none")
_OF_THE_ROW: Mapping[str, PiiClass] = {"staged_row": "none", "source_line": "none", "raw_answer_id": "none"}


@cache
def _classes() -> dict[str, dict[str, PiiClass]]:
    return {name: {one.name: one.classification for one in contract(name).table.properties} for name in datasets()}


def classification(dataset: str, column: str) -> PiiClass:
    """How far a column, staged or loaded, tells of a person; one that no contract knows counts as personal.

    A staged column that other datasets keep (an order's customer, an event's tracking number) has its class there.
    """
    if column in _OF_THE_ROW:
        return _OF_THE_ROW[column]
    known = _classes()
    if column in known.get(dataset, {}):
        return known[dataset][column]
    elsewhere = {columns[column] for columns in known.values() if column in columns}
    return next((each for each in _STRICTEST if each in elsewhere), "personal")


def masked_value(dataset: str, column: str, value: object) -> object:
    """The value as it may be shown: a key by its last four characters where it is longer than twice that, what tells
    of a person not at all; None stays None."""
    kind = classification(dataset, column)
    if value is None or kind == "none":
        return value
    if kind == "personal":
        return "(personal)"
    text = str(value)
    return f"…{text[-_SHOWN_OF_A_KEY:]}" if len(text) > 2 * _SHOWN_OF_A_KEY else "…"


def masked_row(dataset: str, row: Mapping[str, object]) -> dict[str, object]:
    """The row with each value as it may be shown."""
    return {column: masked_value(dataset, column, value) for column, value in row.items()}


def masked_reason(dataset: str, rule: str, row: Mapping[str, object]) -> str:
    """Why the row breaks the rule, in the words of today's contract, with values masked; the rule's name where the
    contract no longer has it, or its reason counts rows."""
    told = next((each for each in contract(dataset).rules if each.name == rule), None)
    if told is None or told.severity != "row":
        return rule.replace("_", " ")
    reason = told.reason
    for column, value in masked_row(dataset, row).items():
        reason = reason.replace(f"{{{column}}}", "(empty)" if value in (None, "") else str(value))
    return reason
