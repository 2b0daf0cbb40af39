"""Erases customers from the warehouse, in one transaction: `lanecast erase customer`, and the DAG `erase_customer`.

Tables that name customers or orders are found in the catalogue, by the columns that contracts class as pseudonymous: a
new table needs no line here. What a parcel or a promise says of a lane stays, without whose it was. Their keys stay in
ops.erased_customer alone, so that what is told of them later is loaded as nobody's. docs/privacy.md says what remains
outside the warehouse.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import psycopg2.errors
import psycopg2.extensions
from psycopg2 import sql

from lanecast.customers import agreement, keys
from lanecast.customers.keys import bare_id, customer_key, is_key
from lanecast.warehouse import connection as warehouse
from lanecast.warehouse.connection import only_row
from lanecast.warehouse.statements import statement
from lanecast.words import counted

MOST = 10_000
"""Customers erased in one transaction."""
NOT_A_KEY = "is no customer's key: `lanecast key` prints it"

_LOADS = ("lanecast load shipments", "lanecast load customers and products")
_NOTED, _PROMISES, _SHIPMENTS = "ops.erased_customer", "serving.promise_log", "core.shipment"


class ErasureError(ValueError):
    """Customers can't be erased as asked; the message says why."""


@dataclass(frozen=True)
class Erased:
    """What was removed, or would be: customers asked for and known, their orders, and rows by table and what became of
    them (`core.order_line deleted`, `core.shipment cut off`)."""

    asked: int
    customers: int
    orders: int
    rows: dict[str, int]
    is_dry_run: bool


@dataclass(frozen=True)
class _Table:
    schema: str
    name: str
    has_customer: bool
    has_order: bool

    @property
    def told(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def identifier(self) -> sql.Identifier:
        return sql.Identifier(self.schema, self.name)


def keys_for(told: Iterable[str], address: str | None = None) -> list[str]:
    """The keys of customers told by key, or as the shop calls them. Raises CustomerKeyError where a key has to be made
    and the secret is missing, or another than the warehouse's."""
    given = list(told)
    if all(is_key(one.strip()) for one in given):
        return [one.strip() for one in given]
    secret = keys.secret()
    with warehouse.connect(address=address) as link, link.cursor() as cursor:
        agreement.check(cursor, secret)
    return [one.strip() if is_key(one.strip()) else customer_key(secret, bare_id(one)) for one in given]


def erase(customer_keys: Sequence[str], dry_run: bool = False, address: str | None = None) -> Erased:
    """Removes customers by their keys, and notes that they were; a dry run says what would go, and changes nothing.

    No load runs meanwhile. Raises ErasureError for what is no key, or more than MOST of them; NoWarehouse where the
    warehouse can't be reached.
    """
    if wrong := [one for one in customer_keys if not is_key(one)]:
        raise ErasureError(f"{wrong[0]!r} {NOT_A_KEY}")
    if not 1 <= len(customer_keys) <= MOST:
        raise ErasureError(f"{len(customer_keys)} customers can't be erased at once: give 1 to {MOST}")
    # As the connection's own user, who has the rights of both: promises are the owner's, staged rows the loader's.
    with warehouse.connect(role=None, address=address) as link, link.cursor() as cursor:
        for load in _LOADS:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", (load,))
        cursor.execute(statement("erasure/columns"))
        tables = [_Table(*row) for row in cursor.fetchall()]
        _hold(cursor, tables)
        cursor.execute(statement("erasure/prepare"), {"customers": list(customer_keys)})
        cursor.execute("SELECT count(*) FROM core.customer WHERE customer_id IN (SELECT customer_id FROM erased)")
        customers = only_row(cursor)[0]
        cursor.execute("SELECT count(*) FROM erased_order")
        orders = only_row(cursor)[0]
        rows = _remove(cursor, tables)
        cursor.execute(statement("erasure/note"))
        if dry_run:
            link.rollback()
    return Erased(len(set(customer_keys)), customers, orders, {name: n for name, n in rows.items() if n}, dry_run)


def lines(erased: Erased) -> Iterator[str]:
    """What was removed, for people."""
    verb = "would be erased" if erased.is_dry_run else "erased"
    known = f"{erased.customers} known, with {counted(erased.orders, 'order')}"
    yield f"{counted(erased.asked, 'customer')} {verb}: {known}"
    for what, count in erased.rows.items():
        yield f"{count:8}  {what}"
    if not erased.is_dry_run:
        yield "what is told of them from now on is loaded as nobody's; docs/privacy.md says what remains elsewhere"


def _hold(cursor: psycopg2.extensions.cursor, tables: Iterable[_Table]) -> None:
    """Waits for whoever writes lists of customers now: what is not committed yet could not be seen."""
    for table in tables:
        if table.has_customer and table.schema == "serving":
            cursor.execute(sql.SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE").format(table.identifier))


def _remove(cursor: psycopg2.extensions.cursor, tables: Sequence[_Table]) -> dict[str, int]:
    rows: dict[str, int] = {}

    def done(what: str, command: str | sql.Composable) -> None:
        cursor.execute(command)
        rows[what] = rows.get(what, 0) + cursor.rowcount

    done("quality.quarantined_row deleted", statement("erasure/quarantine"))
    cursor.execute(statement("erasure/journeys"))
    cursor.execute(statement("retention/journeys"))
    rows["core.shipment deleted"] = only_row(cursor)[2]
    done(f"{_PROMISES} forgot its references", statement("erasure/promises"))
    cursor.execute(statement("erasure/shipments"))
    rows[f"{_SHIPMENTS} cut off"], rows["core.tracking_event lost its words"] = only_row(cursor)
    for table in tables:
        if table.told in {_NOTED, _PROMISES, _SHIPMENTS}:
            continue
        if table.schema == "staging":
            rows[f"{table.told} made nobody's"] = _staged(cursor, table)
            continue
        if table.has_customer:
            done(f"{table.told} deleted", sql.SQL(_DELETE_CUSTOMERS).format(table.identifier))
        if table.has_order:
            # A row of core about an order says what was bought; elsewhere it is about a parcel, or a lane.
            is_about_it = table.schema == "core"
            # One that names a customer is that one's, whatever order it names: numbers may be shared.
            theirs = sql.SQL(_NAMES_NOBODY if table.has_customer else "")
            command = sql.SQL(_DELETE_ORDERS if is_about_it else _CUT_OFF).format(table.identifier) + theirs
            done(f"{table.told} {'deleted' if is_about_it else 'cut off'}", command)
    return rows


_DELETE_CUSTOMERS = "DELETE FROM {} WHERE customer_id IN (SELECT customer_id FROM erased)"
_DELETE_ORDERS = "DELETE FROM {} WHERE order_id IN (SELECT order_id FROM erased_order)"
_CUT_OFF = "UPDATE {} SET order_id = NULL WHERE order_id IN (SELECT order_id FROM erased_order)"
_NAMES_NOBODY = " AND customer_id IS NULL"
_MAKE_NOBODYS = "UPDATE {} SET customer_id = NULL WHERE customer_id IN (SELECT customer_id FROM erased)"
_HIDE_REASONS = (
    "UPDATE {} AS bad SET reason = 'not told: the customer was erased' "
    "FROM erased WHERE strpos(bad.reason, erased.customer_id) > 0"
)


def _staged(cursor: psycopg2.extensions.cursor, table: _Table) -> int:
    """Rows that a run has staged and not loaded: they are counted already, so they stay, as nobody's. What the gate
    said of them lies beside them. A table that is gone by now had its load's end."""
    if not table.has_customer:
        return 0
    cursor.execute("SAVEPOINT staged")
    try:
        cursor.execute(sql.SQL(_HIDE_REASONS).format(sql.Identifier(table.schema, f"{table.name}_rejected")))
        cursor.execute(sql.SQL(_MAKE_NOBODYS).format(table.identifier))
    except psycopg2.errors.UndefinedTable:
        cursor.execute("ROLLBACK TO SAVEPOINT staged")
        return 0
    return cursor.rowcount
