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
Key = Callable[[str], str]
"""Makes a customer's pseudonymous key of the shop's id."""
Assemble = Callable[[int, int, list[str], list[Any], str | None], Row]


def staged_rows(
    dataset: str, plan: Plan, records: Iterable[Record], problems: Iterable[str] = (), key: Key | None = None
) -> Iterator[Row]:
    """Rows of a staged dataset (any of warehouse.staging.COLUMNS), numbered from 1.

    `problems` are rows of joined files that could not be read: they come first, without a line. `key` makes customers'
    keys of the shop's ids; without it customers stay as the file calls them, which is for reading without a warehouse.
    """
    assemble = _ASSEMBLE[dataset](plan, lru_cache(maxsize=1 << 16)(key) if key else _as_told)
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


def _as_told(customer_id: str) -> str:
    return customer_id


def _shipment(plan: Plan, _: Key) -> Assemble:
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


def _event(_: Plan, __: Key) -> Assemble:
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


def _order_line(_: Plan, key: Key) -> Assemble:
    whole_order = (None, None, None)  # files tell lines, and neither when an order changed nor all of it

    def assemble(staged_row: int, line: int, fields: list[str], values: list[Any], unreadable: str | None) -> Row:
        order_id, customer_id, *rest, country, region, occurred_at, place = values
        if customer_id is not None:
            customer_id = key(customer_id)
        region = place_region(country, region)
        told = (order_id, customer_id, *rest, country, region, occurred_at)
        return (staged_row, *told, *whole_order, place, line, unreadable)

    return assemble


def _interaction(_: Plan, key: Key) -> Assemble:
    # The nth identical row of a file is the nth event of its kind, so that the same file again is all duplicates.
    seen = Occurrences()

    def assemble(staged_row: int, line: int, fields: list[str], values: list[Any], unreadable: str | None) -> Row:
        *told, country = values
        if told[0] is not None:
            told[0] = key(told[0])
        hashed = None
        if unreadable is None:
            hashed = interaction_hash(told)
            before = seen.met(hashed)
            if before:
                hashed = interaction_hash([*told, before])
        return (staged_row, *told, hashed, country, line, unreadable)

    return assemble


def _product(_: Plan, __: Key) -> Assemble:
    def assemble(staged_row: int, line: int, fields: list[str], values: list[Any], unreadable: str | None) -> Row:
        return (staged_row, *values, line, unreadable)

    return assemble


_ASSEMBLE: dict[str, Callable[[Plan, Key], Assemble]] = {
    "shipment": _shipment,
    "tracking_event": _event,
    "order_line": _order_line,
    "interaction": _interaction,
    "product": _product,
}


def interaction_hash(values: Sequence[object]) -> int:
    """The identity of an interaction: a hash over customer's key, product, kind, time, quantity, value and order. Where
    the customer was adds nothing to it."""
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
