"""Rows that a run put aside, as people may see them: values that tell of a person never leave this module unmasked."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from psycopg2.extensions import cursor as Cursor

from lanecast.addresses import bare
from lanecast.contracts import masking, reader
from lanecast.report.content import Sample
from lanecast.warehouse.snapshot import rows

MOST_SAMPLES = 5
"""Rows shown under one rule."""
LONGEST_VALUE = 80
"""Characters of a row's value that are shown."""
LONGEST_REASON = 200
_LONGEST_QUOTE = 40
_UTC = re.compile(r"^(\d{4}-\d\d-\d\d)T([0-9:.]+)\+00:00$")
_TOLD_BESIDE = frozenset({"staged_row", "source_line", "raw_answer_id"})


def samples_of(cursor: Cursor, run_id: str, rules: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], list[Sample]]:
    """Rows that the run put aside, a few for each rule: also for rules that held at the gate, and not in the merge."""
    asked = [(one["dataset"], one["rule"]) for one in rules if one["severity"] != "warn"]
    found = rows(
        cursor,
        "report/samples",
        datasets=[dataset for dataset, _ in asked],
        rules=[rule for _, rule in asked],
        run=run_id,
        most=MOST_SAMPLES,
    )
    told: dict[tuple[str, str], list[Sample]] = {}
    for one in found:
        told.setdefault((one["dataset"], one["rule"]), []).append(_sample(one))
    return told


def _sample(found: Mapping[str, Any]) -> Sample:
    dataset, row = found["dataset"], found["row_data"]
    rule = rule_of(dataset, found["rule"])
    named = [] if rule is None else [text for text, is_column in reader.reason_parts(rule.reason) if is_column]
    given = {name: value for name, value in row.items() if value not in (None, "") and name not in _TOLD_BESIDE}
    shown = masking.masked_row(
        dataset, {name: given[name] for name in sorted(given, key=lambda name: name not in named)}
    )
    place = "an unknown place"
    if found["raw_answer_id"] is not None:
        place = f"raw answer {found['raw_answer_id']}"
    elif found["source_file"]:
        file = re.split(r"[/\\]", bare(found["source_file"] or ""))[-1]
        place = file if found["source_line"] is None else f"{file}:{found['source_line']}"
    try:
        reason = masking.masked_reason(dataset, found["rule"], _clipped(dataset, row))
    except reader.ContractError:
        reason = found["rule"].replace("_", " ")
    return Sample(
        quarantined_row_id=found["quarantined_row_id"],
        reason=cut(reason, LONGEST_REASON),
        values={name: cut(_UTC.sub(r"\1 \2Z", str(value))) for name, value in shown.items()},
        named=[name for name in shown if name in named],
        hidden=[name for name in shown if masking.classification(dataset, name) == "personal"],
        place=cut(place),
        times_seen=found["times_seen"],
        status=found["status"],
    )


def _clipped(dataset: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """The row with its long texts cut, as a reason quotes them; keys stay whole, for their end is what is shown."""
    return {
        name: f"{value[:_LONGEST_QUOTE]}…"
        if isinstance(value, str) and len(value) > _LONGEST_QUOTE and masking.classification(dataset, name) == "none"
        else value
        for name, value in row.items()
    }


def rule_of(dataset: str, name: str) -> reader.Rule | None:
    """The rule as today's contract has it."""
    try:
        return next((one for one in reader.contract(dataset).rules if one.name == name), None)
    except reader.ContractError:
        return None


def cut(text: str, most: int = LONGEST_VALUE) -> str:
    """A text short enough to be read."""
    return text if len(text) <= most else f"{text[:most]}… ({len(text):,} characters)"
