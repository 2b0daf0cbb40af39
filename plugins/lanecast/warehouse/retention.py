"""Applies how long each dataset is kept, as its contract says: rows whose `element` is older are deleted.

A journey (a shipment, its number and its events) is kept whole, until all of it is past its time; its deletion is a
change like any other, so that the next refresh takes it out of the marts. Customers, products and orders stay while
something refers to them. Work is done in batches, each a transaction: a kill leaves less to do, and nothing half done.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

import psycopg2
import psycopg2.errors
from psycopg2 import sql

from lanecast import settings
from lanecast.contracts.reader import Contract, ContractError, contract, datasets
from lanecast.warehouse import connection as warehouse
from lanecast.warehouse.connection import only_row
from lanecast.warehouse.statements import statement

JOURNEY = ("shipment", "shipment_number", "tracking_event")
"""The datasets that make a journey: they are kept for one and the same time."""

REFERRED_BY: Mapping[str, tuple[tuple[str, str], ...]] = {
    "customer_order": (("order_line", "order_id"),),
    "customer": (("customer_order", "customer_id"), ("interaction", "customer_id")),
    "product": (("order_line", "product_id"), ("interaction", "product_id")),
}
"""What keeps a row past its time: tables, and their columns that name its key."""

HISTORY: Mapping[str, tuple[str, str]] = {
    "quality.validation_result": ("validated_at", "true"),
    "quality.reconciliation": ("recorded_at", "true"),
    "quality.feed_hour": ("hour", "true"),
    "quality.alert": ("resolved_at", "true"),
    "quality.unmapped_code": ("last_seen_at", "true"),
    "ops.run": (
        "as_of",
        "aged.finished_at IS NOT NULL "
        "AND NOT EXISTS (SELECT FROM ops.raw_answer AS kept WHERE kept.run_id = aged.run_id)",
    ),
}
"""What is kept of runs and their quality, by the setting: the column that tells its age, and what else must hold."""

_LOADS = ("lanecast load shipments", "lanecast load customers and products")
_MOST = 20_000
_PATIENCE = "5s"


def apply(now: datetime, address: str | None = None, most: int = _MOST) -> dict[str, int]:
    """Deletes what is past its time at `now`, at most `most` rows (or journeys) a transaction; returns how many rows of
    each table went, and how many event partitions (`core.tracking_event partitions`).

    Raises ContractError where the parts of a journey are to be kept for different times.
    """
    contracts = {name: contract(name) for name in datasets()}
    kept = [terms for terms in contracts.values() if _is_aged(terms)]
    before = _journeys_before(contracts, now)
    done = _journeys(contracts, before, most, address)
    # Those that others refer to come after the others; of these, orders come before the customers that they name.
    order = [*REFERRED_BY]
    for terms in sorted(kept, key=lambda one: order.index(one.name) + 1 if one.name in order else 0):
        table = terms.table.physical_name
        cut = now - timedelta(days=terms.retention_days)
        done[table] = _aged(table, _element(terms), _unreferred(terms), cut, most, address)
    cut = now - timedelta(days=settings.history_retention_days())
    for table, (element, condition) in HISTORY.items():
        done[table] = _aged(table, element, sql.SQL(condition), cut, most, address)
    return done


def _is_aged(terms: Contract) -> bool:
    """Whether rows go one by one, by age: not those of a journey, nor reference data, whose element is no time."""
    element = next(column for column in terms.table.properties if column.name == _element(terms))
    is_table = terms.table.physical_type == "table"
    return is_table and terms.name not in JOURNEY and element.logical_type == "timestamp"


def _element(terms: Contract) -> str:
    return terms.retention.element.rpartition(".")[2]


# ------------------------------------------------------------------------------------------------------- journeys


def _journeys_before(contracts: Mapping[str, Contract], now: datetime) -> datetime:
    days = {name: contracts[name].retention_days for name in JOURNEY}
    if len(set(days.values())) > 1:
        raise ContractError(
            "a journey is kept whole: give the contracts of " + ", ".join(JOURNEY) + " the same retention, "
            "which is " + ", ".join(f"{count} days for {name}" for name, count in days.items())
        )
    return now - timedelta(days=days[JOURNEY[0]])


def _journeys(contracts: Mapping[str, Contract], before: datetime, most: int, address: str | None) -> dict[str, int]:
    elements = {name: sql.Identifier(_element(contracts[name])) for name in JOURNEY}
    done = {f"core.{name}": 0 for name in JOURNEY}
    done["core.tracking_event partitions"] = _drop_partitions(elements, before, address)
    find = sql.SQL(statement("retention/past_journeys")).format(**elements)
    while True:
        with warehouse.connect(address=address) as link, link.cursor() as cursor:
            _hold_loads(cursor)
            cursor.execute(find, {"before": before, "most": most})
            cursor.execute(statement("retention/journeys"))
            events, numbers, shipments, journeys = only_row(cursor)
        for name, count in (("tracking_event", events), ("shipment_number", numbers), ("shipment", shipments)):
            done[f"core.{name}"] += count
        if journeys < most:
            return done


def _drop_partitions(elements: Mapping[str, sql.Identifier], before: datetime, address: str | None) -> int:
    """Drops the months of events of which no journey is kept, rather than deleting their rows."""
    dropped = 0
    with warehouse.connect(address=address) as link, link.cursor() as cursor:
        cursor.execute(statement("retention/past_partitions"), {"before": before})
        names = [row[0] for row in cursor.fetchall()]
    for name in names:
        partition = sql.Identifier("core", name)
        is_past = sql.SQL(statement("retention/partition_is_past")).format(partition=partition, **elements)
        with warehouse.connect(role="owner", address=address) as link, link.cursor() as cursor:
            _hold_loads(cursor)
            cursor.execute(is_past, {"before": before})
            if only_row(cursor)[0]:
                # Readers come first: where they hold the table for longer, the next night tries again.
                cursor.execute("SAVEPOINT before_drop")
                cursor.execute("SELECT set_config('lock_timeout', %s, true)", (_PATIENCE,))
                try:
                    cursor.execute(sql.SQL("DROP TABLE {}").format(partition))
                    dropped += 1
                except psycopg2.errors.LockNotAvailable:
                    cursor.execute("ROLLBACK TO SAVEPOINT before_drop")
    return dropped


def _hold_loads(cursor: psycopg2.extensions.cursor) -> None:
    """Until the transaction ends no load writes: what it has looked up would be gone."""
    for name in _LOADS:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", (name,))


# ----------------------------------------------------------------------------------------------------- other rows


def _unreferred(terms: Contract) -> sql.Composable:
    """The condition that nothing refers to the row `aged` any more."""
    return sql.SQL(" AND ").join([sql.SQL("true"), *_references(terms)])


def _references(terms: Contract) -> Iterator[sql.Composable]:
    for table, column in REFERRED_BY.get(terms.name, ()):
        yield sql.SQL("NOT EXISTS (SELECT FROM {} AS other WHERE other.{} = aged.{})").format(
            sql.Identifier("core", table), sql.Identifier(column), sql.Identifier(terms.table.key[0])
        )


def _aged(
    table: str, element: str, unreferred: sql.Composable, before: datetime, most: int, address: str | None
) -> int:
    delete = sql.SQL(statement("retention/aged")).format(
        table=sql.Identifier(*table.split(".")), element=sql.Identifier(element), unreferred=unreferred
    )
    gone = 0
    while True:
        with warehouse.connect(address=address) as link, link.cursor() as cursor:
            _hold_loads(cursor)
            cursor.execute(delete, {"before": before, "most": most})
            count = cursor.rowcount
        gone += count
        if count < most:
            return gone
