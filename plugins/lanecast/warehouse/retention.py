"""Applies how long each dataset is kept, as its contract says: rows whose `element` is older are deleted.

Rows of `core` have their times from `ops.as_of()`, which an import may set to any moment of the past and a sandbox's
world has as it likes. So a row goes only once it was here for as long by the wall clock, too: by that of the run which
loaded or changed it last. What tells of Lanecast's own work (runs, results, quarantine) ages by its run's wall clock.

A journey (a shipment, its number and its events) is kept whole, until all of it is past its time; its deletion is a
change like any other, so that the next refresh takes it out of the marts. Customers, products and orders stay while
something refers to them. Work is done in batches, each a transaction that reads its part of the table alone and holds
loads up no longer than it lasts: a kill leaves less to do, and nothing half done.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
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

BY_RUN: Mapping[str, tuple[str, str]] = {
    "quality.validation_result": ("run_id", "validated_at"),
    "quality.reconciliation": ("run_id", "recorded_at"),
    "ops.storefront_read": ("run_id", "began_at"),
}
"""What is kept of runs by the setting: the column that names the run, and the time of rows whose run is not known."""

BY_THEMSELVES: Mapping[str, str] = {
    "quality.feed_hour": "hour",
    "quality.alert": "resolved_at",
    "quality.unmapped_code": "last_seen_at",
}
"""What is kept by the setting and belongs to no one run: the time, of ops.as_of(), that tells its age. The wall clock's
is in noted_at."""

_SHIPMENTS, _CUSTOMERS = "lanecast load shipments", "lanecast load customers and products"
_MOST = 20_000
_ROWS_A_PAGE = 60
"""About as many as a page of interactions holds."""
_LARGER = 10
"""So many times larger are the batches of what others refer to: each looks through those others once."""
_PATIENCE = "5s"


@dataclass(frozen=True)
class Cut:
    """What is older goes: `before` by ops.as_of(), `wall_before` by the wall clock."""

    before: datetime
    wall_before: datetime


@dataclass(frozen=True)
class Clocks:
    """The two clocks as they are: ops.as_of(), and the wall clock."""

    now: datetime
    wall: datetime

    def less(self, days: int) -> Cut:
        """The cut between what is kept for so many days and what is past that."""
        return Cut(self.now - timedelta(days=days), self.wall - timedelta(days=days))


def apply(now: datetime, wall: datetime, address: str | None = None, most: int = _MOST) -> dict[str, int]:
    """Deletes what is past its time at `now` (of `ops.as_of()`) and `wall` (the wall clock), about `most` rows or
    journeys a transaction; returns how many rows of each table went, and how many event partitions
    (`core.tracking_event partitions`).

    Raises ContractError where the parts of a journey are to be kept for different times.
    """
    clocks = Clocks(now, wall)
    contracts = {name: contract(name) for name in datasets()}
    kept = [terms for terms in contracts.values() if is_aged(terms)]
    journey_days = _journey_days(contracts)
    done = _journeys(contracts, clocks.less(journey_days), most, address)
    # Those that others refer to come after the others; of these, orders come before the customers that they name.
    order = [*REFERRED_BY]
    for terms in sorted(kept, key=lambda one: order.index(one.name) + 1 if one.name in order else 0):
        table = terms.table.physical_name
        size = most * _LARGER if terms.name in REFERRED_BY else most
        age = sql.SQL(_OF_CORE).format(element=sql.Identifier(_element(terms)))
        done[table] = _aged(table, age, clocks.less(terms.retention_days), size, address, _references(terms))
    quarantine, history = settings.quarantine_retention_days(), settings.history_retention_days()
    by_run = {table: (*told, history) for table, told in BY_RUN.items()}
    by_run["quality.quarantined_row"] = ("last_run_id", "last_seen_at", quarantine)
    for table, (run, element, days) in by_run.items():
        age = sql.SQL(_OF_A_RUN).format(run=sql.Identifier(run), element=sql.Identifier(element))
        done[table] = _aged(table, age, clocks.less(days), most, address)
    for table, element in BY_THEMSELVES.items():
        age = sql.SQL(_OF_ITSELF).format(element=sql.Identifier(element))
        done[table] = _aged(table, age, clocks.less(history), most, address)
    # A run tells the age of what it loaded: it stays as long as there may be any of it.
    longest = max(history, quarantine, journey_days, *(terms.retention_days for terms in kept))
    done["ops.run"] = _aged("ops.run", sql.SQL(_OF_THE_RUN), clocks.less(longest), most, address)
    return done


# Conditions on the row `aged`; ages of runs are of when they ended, or began where they never did.
_OF_CORE = (
    "aged.{element} < %(before)s AND NOT EXISTS (SELECT FROM ops.run WHERE run.run_id = aged.run_id "
    "AND coalesce(run.finished_at, run.started_at) >= %(wall_before)s)"
)
_OF_A_RUN = (
    "coalesce((SELECT coalesce(run.finished_at, run.started_at) FROM ops.run WHERE run.run_id = aged.{run}), "
    "aged.{element}) < %(wall_before)s"
)
_OF_ITSELF = "aged.{element} < %(before)s AND aged.noted_at < %(wall_before)s"
_OF_THE_RUN = (
    "aged.finished_at < %(wall_before)s "
    "AND NOT EXISTS (SELECT FROM ops.raw_answer AS kept WHERE kept.run_id = aged.run_id) "
    "AND NOT EXISTS (SELECT FROM ops.storefront_page AS kept WHERE kept.run_id = aged.run_id)"
)


def is_aged(terms: Contract) -> bool:
    """Whether rows go one by one, by age: not those of a journey, nor reference data, whose element is no time."""
    element = next(column for column in terms.table.properties if column.name == _element(terms))
    is_table = terms.table.physical_type == "table"
    return is_table and terms.name not in JOURNEY and element.logical_type == "timestamp"


def _element(terms: Contract) -> str:
    return terms.retention.element.rpartition(".")[2]


# ------------------------------------------------------------------------------------------------------- journeys


def _journey_days(contracts: Mapping[str, Contract]) -> int:
    days = {name: contracts[name].retention_days for name in JOURNEY}
    if len(set(days.values())) > 1:
        raise ContractError(
            "a journey is kept whole: give the contracts of " + ", ".join(JOURNEY) + " the same retention, "
            "which is " + ", ".join(f"{count} days for {name}" for name, count in days.items())
        )
    return days[JOURNEY[0]]


def _journeys(contracts: Mapping[str, Contract], cut: Cut, most: int, address: str | None) -> dict[str, int]:
    elements = {name: sql.Identifier(_element(contracts[name])) for name in JOURNEY}
    done = {f"core.{name}": 0 for name in JOURNEY}
    done["core.tracking_event partitions"] = _drop_partitions(elements, cut, address)
    find = sql.SQL(statement("retention/past_journeys")).format(**elements)
    after = 0
    while True:
        with warehouse.connect(address=address) as link, link.cursor() as cursor:
            _hold_loads(cursor, _SHIPMENTS)
            cursor.execute(find, asdict(cut) | {"after": after, "most": most})
            cursor.execute(statement("retention/journeys"))
            events, numbers, shipments, journeys, after = only_row(cursor)
        for name, count in (("tracking_event", events), ("shipment_number", numbers), ("shipment", shipments)):
            done[f"core.{name}"] += count
        if journeys < most:
            return done


def _drop_partitions(elements: Mapping[str, sql.Identifier], cut: Cut, address: str | None) -> int:
    """Drops the months of events of which no journey is kept, rather than deleting their rows."""
    dropped = 0
    with warehouse.connect(address=address) as link, link.cursor() as cursor:
        cursor.execute(statement("retention/past_partitions"), asdict(cut))
        names = [row[0] for row in cursor.fetchall()]
    for name in names:
        partition = sql.Identifier("core", name)
        is_past = sql.SQL(statement("retention/partition_is_past")).format(partition=partition, **elements)
        with warehouse.connect(role="owner", address=address) as link, link.cursor() as cursor:
            _hold_loads(cursor, _SHIPMENTS)
            cursor.execute(is_past, asdict(cut))
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


def _hold_loads(cursor: psycopg2.extensions.cursor, name: str) -> None:
    """Until the transaction ends no load of that name writes: what it has looked up would be gone."""
    cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", (name,))


# ----------------------------------------------------------------------------------------------------- other rows


def _references(terms: Contract) -> Iterator[sql.Composable]:
    """The conditions that nothing refers to the row `aged` any more."""
    for table, column in REFERRED_BY.get(terms.name, ()):
        yield sql.SQL("NOT EXISTS (SELECT FROM {} AS other WHERE other.{} = aged.{})").format(
            sql.Identifier("core", table), sql.Identifier(column), sql.Identifier(terms.table.key[0])
        )


def _aged(
    table: str,
    age: sql.Composable,
    cut: Cut,
    most: int,
    address: str | None,
    unreferred: Iterable[sql.Composable] = (),
) -> int:
    """Deletes the table's rows of that age, from one range of its pages to the next; returns their number."""
    name = sql.Identifier(*table.split("."))
    find = sql.SQL(statement("retention/past_pages")).format(table=name, past=age)
    past = sql.SQL(" AND ").join([age, *unreferred])
    delete = sql.SQL(statement("retention/aged")).format(table=name, past=past)
    with warehouse.connect(address=address) as link, link.cursor() as cursor:
        cursor.execute(find, asdict(cut))
        first, last = only_row(cursor)
    if first is None:
        return 0
    gone, step = 0, max(1, most // _ROWS_A_PAGE)
    for page in range(first, last + 1, step):
        with warehouse.connect(address=address) as link, link.cursor() as cursor:
            if table.startswith("core."):
                _hold_loads(cursor, _CUSTOMERS)
            cursor.execute(delete, asdict(cut) | {"first": f"({page},0)", "next": f"({page + step},0)"})
            gone += cursor.rowcount
    return gone
