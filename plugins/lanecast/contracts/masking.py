"""Rows as people may see them: values that tell of a person are masked, by their class in the contracts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from lanecast import settings
from lanecast.contracts.reader import PiiClass, contract, datasets, reason_parts
from lanecast.warehouse.staging import JUDGED_COLUMNS

LONGEST_SHOWN = 200
"""Characters of a value that are shown at most."""

_SHOWN_OF_A_KEY = 4
_STRICTEST: tuple[PiiClass, ...] = ("personal", "pseudonymous", "none")
_OF_THE_ROW = frozenset({"staged_row", "source_line", "raw_answer_id", "is_mapped", "is_whole_order"})
# What a value that can't be read looked like stands in quotes; a long number may be a parcel's.
_QUOTED_OR_NUMBER = re.compile(r"(?P<quote>['\"]).*(?P=quote)|['\"].*|\b\w*\d{5}\w*\b", re.DOTALL)


@cache
def _classes(_: Path) -> dict[str, dict[str, PiiClass]]:
    return {name: {one.name: one.classification for one in contract(name).table.properties} for name in datasets()}


def classification(dataset: str, column: str) -> PiiClass:
    """How far a column, staged or loaded, tells of a person; one that no contract knows counts as personal.

    A staged column that other datasets keep (an order's customer, an event's tracking number) has its class there.
    What the gate works out beside a row (JUDGED_COLUMNS) are times, countries and flags.
    """
    if column in _OF_THE_ROW or column in JUDGED_COLUMNS.get(dataset, ()):
        return "none"
    known = _classes(settings.include())
    if column in known.get(dataset, {}):
        return known[dataset][column]
    elsewhere = {columns[column] for columns in known.values() if column in columns}
    return next((each for each in _STRICTEST if each in elsewhere), "personal")


def masked_value(dataset: str, column: str, value: object) -> object:
    """The value as it may be shown: a key by its last four characters where it is longer than twice that, what tells
    of a person not at all, and no more than LONGEST_SHOWN characters of anything else. None stays None, and numbers and
    truth values that tell of nobody stay what they are."""
    if value is None:
        return None
    if column == "unreadable":
        return _cut(_QUOTED_OR_NUMBER.sub("…", str(value)))
    kind = classification(dataset, column)
    if kind == "personal":
        return "(personal)"
    if kind == "pseudonymous":
        text = str(value)
        return f"…{text[-_SHOWN_OF_A_KEY:]}" if len(text) > 2 * _SHOWN_OF_A_KEY else "…"
    return value if isinstance(value, int | float) else _cut(str(value))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 1]}…"


def masked_row(dataset: str, row: Mapping[str, object]) -> dict[str, object]:
    """The row with each value as it may be shown."""
    return {column: masked_value(dataset, column, value) for column, value in row.items()}


def masked_reason(dataset: str, rule: str, row: Mapping[str, object]) -> str:
    """Why the row breaks the rule, in the words of today's contract, with values masked; the rule's name where the
    contract no longer has it, or its reason counts rows. What the gate worked out beside a row is not kept with it."""
    told = next((each for each in contract(dataset).rules if each.name == rule), None)
    if told is None or told.severity != "row":
        return rule.replace("_", " ")
    return "".join(_quoted(dataset, text, row) if is_column else text for text, is_column in reason_parts(told.reason))


def _quoted(dataset: str, column: str, row: Mapping[str, object]) -> str:
    if column not in row:
        return "(not kept)"
    value = masked_value(dataset, column, row[column])
    return "(empty)" if value in (None, "") else str(value)
