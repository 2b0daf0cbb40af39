"""Files' rows as staged rows: one generator per dataset, in the order of `warehouse.staging.COLUMNS`.

Every record of the file gives one row. A value that can't be read is NULL there, and `unreadable` names its column,
its text (cut to 200 characters) and why; a record that can't be split into columns is all NULL but for `unreadable`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

from lanecast.carriers import status
from lanecast.files.occurrences import Occurrences
from lanecast.files.plan import Plan
from lanecast.files.table import Record
from lanecast.files.values import place_region
from lanecast.tracking import event_hash
from lanecast.warehouse.staging import COLUMNS

Row = tuple[object, ...]
UNKNOWN_CARRIER = "unknown"
_NO_TIME = (None, None, None, None)
Assemble = Callable[[int, int, list[str], list[Any], str | None], Row]


def staged_rows(dataset: str, plan: Plan, records: Iterable[Record], problems: Iterable[str] = ()) -> Iterator[Row]:
    """Rows of a staged dataset (shipment, tracking_event, order_line, interaction), numbered from 1.

    `problems` are rows of joined files that could not be read: they come first, without a line.
    """
    assemble = _ASSEMBLE[dataset](plan)
    blanks = (None,) * (len(COLUMNS[dataset]) - 3)
    staged_row = 0
    for problem in problems:
        staged_row += 1
        yield (staged_row, *blanks, None, problem)
    for line, fields, wrong in records:
        staged_row += 1
        if wrong is not None:
            yield (staged_row, *blanks, line, wrong)
            continue
        values, unreadable = plan.read(fields)
        yield assemble(staged_row, line, fields, values, unreadable)


def _shipment(plan: Plan) -> Assemble:
    def assemble(staged_row: int, line: int, fields: list[str], values: list[Any], unreadable: str | None) -> Row:
        order_id, number, carrier, service, origin, origin_region, destination, destination_region, *rest = values[:13]
        if carrier is None and order_id is not None and unreadable is None:
            carrier = UNKNOWN_CARRIER
        attributes = plan.attributes(fields, values)
        return (
            *(staged_row, order_id, carrier, number, service, origin, place_region(origin, origin_region)),
            *(destination, place_region(destination, destination_region), *rest, attributes, line, unreadable),
        )

    return assemble


def _event(_: Plan) -> Assemble:
    def assemble(staged_row: int, line: int, fields: list[str], values: list[Any], unreadable: str | None) -> Row:
        carrier, number, time, code, description, country, region, city, milestone = values
        reported_at, occurred_at, offset, known = time or _NO_TIME
        if region is not None:
            region = place_region(country, region)
        hashed = reason = None
        is_mapped = True
        if unreadable is None and carrier is not None:
            if milestone is None:
                milestone, reason, is_mapped = meaning_of(carrier, code, description, country)
            hashed = event_hash(carrier, code, description)
        # fmt: off
        return (
            staged_row, carrier, number, carrier, code, description, reported_at, occurred_at, offset, known,
            milestone, reason, country, region, city, hashed, is_mapped, False, None, line, unreadable,
        )
        # fmt: on

    return assemble


def _order_line(_: Plan) -> Assemble:
    def assemble(staged_row: int, line: int, fields: list[str], values: list[Any], unreadable: str | None) -> Row:
        return (staged_row, *values, *(None,) * 6, line, unreadable)

    return assemble


def _interaction(_: Plan) -> Assemble:
    # The nth identical row of a file is the nth event of its kind, so that the same file again is all duplicates.
    seen = Occurrences()

    def assemble(staged_row: int, line: int, fields: list[str], values: list[Any], unreadable: str | None) -> Row:
        customer_id, product_id, kind, occurred_at, quantity, value, order_id = values
        hashed = None
        if unreadable is None:
            hashed = interaction_hash(values)
            before = seen.met(hashed)
            if before:
                hashed = interaction_hash([*values, before])
        return (
            *(staged_row, customer_id, product_id, kind, occurred_at, quantity, value, order_id),
            *(hashed, None, line, unreadable),
        )

    return assemble


_ASSEMBLE: dict[str, Callable[[Plan], Assemble]] = {
    "shipment": _shipment,
    "tracking_event": _event,
    "order_line": _order_line,
    "interaction": _interaction,
}


def interaction_hash(values: Sequence[object]) -> int:
    """The identity of an interaction: a hash over all its values, in the order of the file's columns."""
    told = "\x1f".join(["" if value is None else str(value) for value in values])
    return int.from_bytes(hashlib.blake2b(told.encode(), digest_size=8).digest(), "big", signed=True)


@lru_cache(maxsize=1 << 14)
def meaning_of(
    carrier: str, code: str | None, description: str | None, country: str | None
) -> tuple[str, str | None, bool]:
    """Milestone, reason, and whether a table knows it: by the carrier's code, else by its text."""
    try:
        table = status.status_table(carrier)
    except FileNotFoundError:
        return status.UNKNOWN.milestone, status.UNKNOWN.reason, False
    found = table.codes.get(code) if code else None
    if found is None and description:
        found = table.by_text(description)
    found = found or status.UNKNOWN
    reason = found.reason or (table.reasons.get(code) if code else None)
    return status.resolve_customs(found.milestone, country, None, None, description), reason, found.mapped
