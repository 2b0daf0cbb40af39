"""What lies in quarantine: an overview, rows, and one row with all that is known of it. Values are masked by class."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg2.extras

from lanecast import raw
from lanecast.contracts.masking import masked_reason, masked_row
from lanecast.quarantine.errors import QuarantineError
from lanecast.warehouse import connection as warehouse
from lanecast.warehouse.statements import statement

STATUSES = ("open", "replayed", "superseded", "dismissed")
LONGEST_RAW = 20_000
"""How much of a raw answer is shown, in characters."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Filter:
    """Which rows are meant; None does not narrow."""

    dataset: str | None = None
    rule: str | None = None
    run_id: str | None = None
    status: str | None = "open"
    since: datetime | None = None

    def values(self) -> Row:
        """As a statement's values."""
        return self.__dict__


def overview(chosen: Filter, address: str | None = None) -> list[Row]:
    """One entry per dataset and rule: rows, times seen, first and last seen, and the reason of one row."""
    groups = _rows(statement("quarantine/overview"), chosen.values(), address)
    for group in groups:
        data = group.pop("example")
        group["reason"] = masked_reason(group["dataset"], group["rule"], data)
    return groups


def rows(chosen: Filter, limit: int, address: str | None = None) -> list[Row]:
    """The rows seen last, with their reason masked."""
    found = _rows(statement("quarantine/rows"), chosen.values() | {"most": limit}, address)
    for row in found:
        row["reason"] = masked_reason(row["dataset"], row["rule"], row.pop("row_data"))
    return found


def one(row_id: int, unmasked: bool = False, with_raw: bool = False, address: str | None = None) -> Row:
    """All that is known of one row. Raises QuarantineError where there is none of that number."""
    found = _rows(statement("quarantine/one"), {"quarantined_row_id": row_id}, address)
    if not found:
        raise QuarantineError(f"no quarantined row has the number {row_id}: see `lanecast quarantine list`")
    (row,) = found
    if not unmasked:
        row["reason"] = masked_reason(row["dataset"], row["rule"], row["row_data"])
        row["row_data"] = masked_row(row["dataset"], row["row_data"])
    row["history"] = _rows(statement("quarantine/history"), {"quarantined_row_id": row_id}, address)
    if with_raw:
        row["raw"] = _raw_text(row, unmasked)
    return row


def dismiss(ids: list[int], chosen: Filter, reason: str, address: str | None = None) -> int:
    """Marks open rows, by number or else by filter, as looked at and not wanted; returns how many.

    Raises QuarantineError where a number given is not that of an open row, and where nothing narrows the choice.
    """
    if not ids and not (chosen.dataset or chosen.rule or chosen.run_id):
        raise QuarantineError("choose rows: by id, --dataset, --rule or --run")
    with warehouse.connect(address=address) as link, link.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('lanecast quarantine'))")
        cursor.execute(statement("quarantine/not_open"), {"ids": ids})
        wrong = cursor.fetchone()
        if wrong is not None:
            told = "in a replay at the moment" if wrong[1] == "open" else wrong[1] or "not there"
            raise QuarantineError(f"row {wrong[0]} is {told}: only open rows can be dismissed; nothing was changed")
        cursor.execute(statement("quarantine/dismiss"), {"ids": ids or None, "reason": reason, **chosen.values()})
        return cursor.rowcount


def _raw_text(row: Row, unmasked: bool) -> str:
    if row["raw_answer_id"] is None:
        return "(it came in a file: see source_file and source_line)"
    if row["file"] is None:
        return f"(answer {row['raw_answer_id']} is gone: the retention of raw answers removed it)"
    if not unmasked:
        return "(an answer holds personal data: add --unmasked to read it)"
    try:
        answer = raw.read(row["file"], row["byte_offset"], row["byte_length"])
    except raw.RawError as gone:
        return f"({gone})"
    text = answer.body.decode("utf-8", "backslashreplace")
    return text if len(text) <= LONGEST_RAW else _around(text, row["row_data"].get("tracking_number"))


def _around(text: str, number: str | None) -> str:
    """The part of a long answer that is about the row's parcel, where its number is found; else the beginning."""
    at = max(text.find(number) - LONGEST_RAW // 2, 0) if number else 0
    return f"… {text[at : at + LONGEST_RAW]} …"


def _rows(query: str, values: Row, address: str | None) -> list[Row]:
    with (
        warehouse.connect(address=address) as link,
        link.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor,
    ):
        cursor.execute(query, values)
        return [dict(row) for row in cursor.fetchall()]
