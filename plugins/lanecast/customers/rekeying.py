"""Puts what an earlier version loaded under the shop's own ids under customers' keys, in the caller's transaction.

Set-based: old and new ids, and old and new hashes of interactions, come into temporary tables by COPY. Memory is one
chunk of rows, however many there are.
"""

from __future__ import annotations

import itertools
import json
import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from lanecast.customers.keys import bare_id, customer_key
from lanecast.files.datasets import interaction_hash
from lanecast.files.values import number
from lanecast.warehouse import staging
from lanecast.warehouse.connection import Connection
from lanecast.warehouse.statements import statement

log = logging.getLogger(__name__)

_AT_ONCE = 20_000
_MOST_ALIKE = 1000


def rekey(link: Connection, secret: bytes) -> int:
    """Gives every customer in core and quarantine their key; returns how many ids that were. Keys stay as they are."""

    def key(row: tuple[Any, ...]) -> tuple[object, ...]:
        return row[0], customer_key(secret, bare_id(row[0]))

    _run(link, "rekey_tables")
    ids = _fill(link, "bare_ids", "customer_rekey", ("old_id", "new_id"), key)
    if ids == 0:
        return 0
    _run(link, "rekey_core")
    _fill(link, "keyed_interactions", "interaction_rehash", ("occurred_at", "old_hash", "new_hash"), _rehashed)
    _run(link, "rekey_interactions")
    _fill(link, "bare_quarantine", "quarantine_rekey", ("quarantined_row_id", "interaction_hash"), _put_aside)
    _run(link, "rekey_quarantine")
    log.info("%s customers were known by the shop's ids, and have pseudonymous keys now", ids)
    return ids


def _run(link: Connection, name: str) -> None:
    with link.cursor() as cursor:
        cursor.execute(statement(f"customers/{name}"))


def _fill(
    link: Connection,
    query: str,
    table: str,
    columns: tuple[str, ...],
    change: Callable[[tuple[Any, ...]], tuple[object, ...]],
) -> int:
    """Copies what a query finds, changed row by row, into a temporary table; returns the number of rows."""
    copied = 0
    with link.cursor(query) as cursor:
        cursor.itersize = _AT_ONCE
        cursor.execute(statement(f"customers/{query}"))
        while rows := list(itertools.islice(cursor, _AT_ONCE)):
            copied += staging.copy_into(link, table, columns, map(change, rows))
    return copied


def _rehashed(row: tuple[Any, ...]) -> tuple[object, ...]:
    occurred_at, old_hash, *told, before = row
    return occurred_at, old_hash, _hash(_values(occurred_at, *told), before)


def _put_aside(row: tuple[Any, ...]) -> tuple[object, ...]:
    row_id, text, key = row
    data: Mapping[str, Any] = json.loads(text, parse_float=Decimal)
    old_hash, moment = data.get("interaction_hash"), data.get("occurred_at")
    if old_hash is None:
        return row_id, None
    occurred_at = None if moment is None else datetime.fromisoformat(moment)
    told = [data.get(name) for name in ("product_id", "kind", "quantity", "value", "order_id")]
    before = _place(old_hash, _values(occurred_at, data["customer_id"], *told))
    return row_id, _hash(_values(occurred_at, key, *told), before)


def _place(old_hash: int, values: list[object]) -> int:
    """How many rows like it stood before a row in its file, by its hash."""
    return next((before for before in range(_MOST_ALIKE) if _hash(values, before) == old_hash), 0)


def _values(
    occurred_at: datetime | None,
    customer_id: str,
    product_id: str | None,
    kind: str | None,
    quantity: object,
    value: object,
    order_id: str | None,
) -> list[object]:
    """An interaction's values as files tell them, which its hash covers."""
    moment = None if occurred_at is None else occurred_at.astimezone(UTC).isoformat()
    numbers: Iterable[object] = (None if one is None else number(str(one)) for one in (quantity, value))
    return [customer_id, product_id, kind, moment, *numbers, order_id]


def _hash(values: list[object], before: int) -> int:
    return interaction_hash([*values, before] if before else values)
