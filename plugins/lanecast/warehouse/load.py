"""Carries out the gate's verdict: quarantine, merge into core, reconciliation.

A batch of ordinary size is one transaction: a load that was cut off leaves nothing behind, and one that had committed
returns what it had committed. A large batch of events is merged in parts, side by side, each a transaction that notes
its own count; a retry skips the parts that are done, and the reconciliation is written with the last.

The numbers are counted apart: what the source held where it was read, what was received in staging, what was loaded by
what the merge returned, what is a duplicate by looking accepted rows up in core under their keys. Where they don't add
up the load fails, and nothing of it stays.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from psycopg2.extensions import cursor as Cursor

from lanecast.tracking import FINAL_MILESTONES
from lanecast.warehouse import connection as warehouse
from lanecast.warehouse import staging
from lanecast.warehouse.connection import only_row
from lanecast.warehouse.runs import Run
from lanecast.warehouse.staging import Batch
from lanecast.warehouse.statements import statement

PART_ROWS = 200_000
"""Rows of events from which on a batch is loaded in two parts or more."""
MOST_PARTS = 4

# Sorting a batch in memory costs less than merging runs on disk; at most MOST_PARTS transactions hold this at a time.
# A server that ends idle transactions must not end the one that holds the lock, or waits for the parts.
# What a batch looks up by key lies close together or in memory: pages read at random cost about what others do.
_SESSION = """
SET LOCAL work_mem = '256MB';
SET LOCAL random_page_cost = 1.1;
SET LOCAL idle_in_transaction_session_timeout = 0
"""

# What a dataset's load writes: two that write the same tables must not run at once.
_WRITES: Mapping[str, str] = {
    "tracking_event": "shipments",
    "shipment": "shipments",
    "order_line": "customers and products",
    "interaction": "customers and products",
    "product": "customers and products",
}


class DoesNotAddUp(RuntimeError):
    """Rows were lost or made on the way: nothing is committed. Names the numbers."""


@dataclass(frozen=True)
class Merged:
    """What became of accepted rows: those that said something new, and those that core had already."""

    loaded: int = 0
    duplicate: int = 0


@dataclass(frozen=True)
class Reconciliation:
    """What became of the rows received: the three add up."""

    dataset: str
    received: int
    loaded: int
    duplicate: int
    quarantined: int


AfterMerge = Callable[[Cursor, Run], None]
"""What a kind of run does in the transaction that ends a load, after the merge."""


def load(run: Run, batch: Batch, address: str | None = None, after_merge: AfterMerge | None = None) -> Reconciliation:
    """Loads a judged batch, or returns the reconciliation of the load that has committed before.

    Raises StagingLost where the staged rows are gone (UNLOGGED tables don't outlive a crash of the server), and
    DoesNotAddUp where the source held other than was received, or rows received did not end anywhere.
    """
    with _one_at_a_time(batch.dataset, address), warehouse.connect(as_of=run.as_of, address=address) as link:
        with link.cursor() as cursor:
            cursor.execute(_SESSION)
            done = recorded(cursor, run, batch.dataset)
            if done is not None:
                return done
            received = staging.staged_rows(link, batch)
            held = staging.source_count(link, batch)
            if held != received:
                raise DoesNotAddUp(
                    f"run {run.run_id}, {batch.dataset}: the source held {held} rows and {received} were received; "
                    "nothing was loaded. Run it again; if it stays so, rows are lost where the source is read"
                )
            if batch.dataset in staging.NAMES_CUSTOMERS:
                cursor.execute(statement("load/erased_customers", **_tables(batch)))
            accepted = received - staging.rejected_rows(link, batch)
            begun = _begun(cursor, run, batch.dataset)
        parts = begun or _parts(batch, accepted)
        if batch.dataset == "tracking_event" and accepted:
            _make_partitions(batch, address)
        merged = _load_parts(run, batch, parts, address) if parts > 1 else Merged()
        with link.cursor() as cursor:
            # Lines that are all put aside have their numbers, and a shop's order of such lines may have lost others.
            if parts == 1 and (accepted or (batch.dataset == "order_line" and received)):
                merged = _merge(cursor, run, batch)
            values = _values(run, batch)
            quarantined = staging.rejected_rows(link, batch)  # counted again: a merge rejects what contradicts core
            result = Reconciliation(batch.dataset, received, merged.loaded, merged.duplicate, quarantined)
            _check(run, result)
            if quarantined and batch.dataset == "order_line":
                cursor.execute(statement("load/rejected_line_numbers", **_tables(batch)), values)
            if run.kind == "quarantine":
                cursor.execute(statement("load/quarantine_again", **_tables(batch)), values)
            elif quarantined:
                cursor.execute(statement("load/quarantine", **_tables(batch)), values)
            if batch.dataset == "tracking_event" and accepted:
                cursor.execute(statement("load/unmapped_codes", **_tables(batch)), values)
            if after_merge is not None:
                after_merge(cursor, run)
            _record(cursor, run, result, held)
        return result


def _check(run: Run, result: Reconciliation, of: str = "received") -> None:
    if result.received != result.loaded + result.duplicate + result.quarantined:
        raise DoesNotAddUp(
            f"run {run.run_id}, {result.dataset}: {result.received} rows {of}, but {result.loaded} loaded + "
            f"{result.duplicate} duplicate + {result.quarantined} quarantined; nothing was committed. "
            "A statement of include/sql/load loses or makes rows"
        )


def recorded(cursor: Cursor, run: Run, dataset: str) -> Reconciliation | None:
    """The reconciliation that a load of this run and dataset has committed, if one has."""
    cursor.execute(
        "SELECT dataset, received, loaded, duplicate, quarantined FROM quality.reconciliation "
        "WHERE run_id = %s AND dataset = %s",
        (run.run_id, dataset),
    )
    row = cursor.fetchone()
    return None if row is None else Reconciliation(*row)


def _record(cursor: Cursor, run: Run, result: Reconciliation, held: int) -> None:
    cursor.execute(
        "INSERT INTO quality.reconciliation (run_id, dataset, source_count, received, loaded, duplicate, quarantined, "
        "recorded_at) VALUES (%s, %s, %s, %s, %s, %s, %s, ops.as_of())",
        (
            *(run.run_id, result.dataset, held, result.received),
            *(result.loaded, result.duplicate, result.quarantined),
        ),
    )
    cursor.execute("DELETE FROM ops.load_part WHERE run_id = %s AND dataset = %s", (run.run_id, result.dataset))


@contextmanager
def _one_at_a_time(dataset: str, address: str | None) -> Iterator[None]:
    """Loads that write the same tables wait for each other: what one has looked up stays true until it commits."""
    with warehouse.connect(address=address) as lock, lock.cursor() as cursor:
        cursor.execute(_SESSION)
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('lanecast load ' || %s))", (_WRITES[dataset],))
        yield


def _parts(batch: Batch, rows: int) -> int:
    """How many parts a batch is merged in."""
    if batch.dataset != "tracking_event" or rows < PART_ROWS:
        return 1
    return max(1, min(os.cpu_count() or 1, MOST_PARTS))


def _begun(cursor: Cursor, run: Run, dataset: str) -> int | None:
    """The number of parts of an attempt that was cut off, maybe on another machine: its division is kept."""
    cursor.execute("SELECT max(parts) FROM ops.load_part WHERE run_id = %s AND dataset = %s", (run.run_id, dataset))
    found: int | None = only_row(cursor)[0]
    return found


def _load_parts(run: Run, batch: Batch, parts: int, address: str | None) -> Merged:
    """Merges the parts that are not done yet, side by side; returns what became of the rows of all of them."""
    with warehouse.connect(address=address) as link, link.cursor() as cursor:
        cursor.execute(
            "SELECT part, loaded, duplicate FROM ops.load_part WHERE run_id = %s AND dataset = %s",
            (run.run_id, batch.dataset),
        )
        done = {part: Merged(*told) for part, *told in cursor.fetchall()}

    def one(part: int) -> Merged:
        with warehouse.connect(as_of=run.as_of, address=address) as link, link.cursor() as cursor:
            merged = _merge(cursor, run, batch, part, parts)
            cursor.execute(
                "INSERT INTO ops.load_part (run_id, dataset, part, parts, loaded, duplicate) "
                "VALUES (%s, %s, %s, %s, %s, %s)",
                (run.run_id, batch.dataset, part, parts, merged.loaded, merged.duplicate),
            )
            return merged

    with ThreadPoolExecutor(parts) as workers:
        fresh = list(workers.map(one, [part for part in range(parts) if part not in done]))
    every = [*fresh, *done.values()]
    return Merged(sum(one.loaded for one in every), sum(one.duplicate for one in every))


def _make_partitions(batch: Batch, address: str | None) -> None:
    """In a transaction of its own, for it should hold its lock on the parent table for a moment only."""
    with warehouse.connect(address=address) as link, link.cursor() as cursor:
        cursor.execute(statement("load/accepted", **_tables(batch)))
        cursor.execute(statement("load/event_partitions"))


def _merge(cursor: Cursor, run: Run, batch: Batch, part: int = 0, parts: int = 1) -> Merged:
    """Merges the accepted rows of one part into core; returns what became of them."""
    values = _values(run, batch) | {"part": part, "parts": parts}
    cursor.execute(_SESSION)
    if parts == 1:
        cursor.execute(statement("load/accepted", **_tables(batch)))
    else:
        cursor.execute(statement("load/accepted_part", **_tables(batch)), values)
    late = _LATE.get(batch.dataset) if run.kind == "quarantine" else None
    for name in _MERGES[batch.dataset]:
        cursor.execute(statement(f"load/{name}", **_tables(batch)), values)
        if name == "event_bounds":
            found = zip(cursor.description or (), only_row(cursor), strict=True)
            values |= {column.name: value for column, value in found}
        if late is not None and name == late[0]:
            cursor.execute(statement(f"load/{late[1]}", **_tables(batch)), values)
    loaded = int(only_row(cursor)[0])
    cursor.execute(statement(f"load/duplicates_{batch.dataset}", **_tables(batch)), values | {"loaded": loaded})
    told, duplicate = only_row(cursor)
    merged = Merged(loaded, int(duplicate))
    if parts > 1:  # a part commits alone, so it must add up alone
        _check(run, Reconciliation(batch.dataset, int(told), merged.loaded, merged.duplicate, 0), f"of part {part}")
    if batch.dataset == "tracking_event":
        cursor.execute(statement("load/event_shipments"), values)
        for name in _WITHDRAWALS.get(run.kind, ()):
            cursor.execute(statement(f"load/{name}", **_tables(batch)), values)
    cursor.execute("DROP VIEW accepted CASCADE")
    return merged


def _tables(batch: Batch) -> dict[str, str]:
    return {"staged": batch.staged, "rejected": batch.rejected}


def _values(run: Run, batch: Batch) -> dict[str, object]:
    return {
        "run_id": run.run_id,
        "run_number": run.number,
        "as_of": run.as_of,
        "dataset": batch.dataset,
        "source": run.source,
        "final": sorted(FINAL_MILESTONES),
        "revives": run.kind not in {"replay", "quarantine"},
        "late": run.kind == "quarantine",
        "is_import": run.kind == "import",
        "unbelievable": sorted(_UNBELIEVABLE),
        "storefront": run.source if run.kind == "storefront" else None,
        **(run.params.get("replay") or {}),
    }


# Rules whose rows don't tell the last state of their order.
_UNBELIEVABLE = frozenset({"changed_in_future", "order_of_another_shop"})

# What takes events back, by kind of run: a pull's complete answers, a replay's second reading. A file takes none back.
_WITHDRAWALS: Mapping[str, tuple[str, ...]] = {
    "pull": ("incomplete", "event_withdrawals", "withdraw"),
    "replay": ("incomplete", "replay_withdrawals", "withdraw", "replay_ends"),
}

# Statements of include/sql/load in their order; the last one returns the number of rows loaded.
_MERGES: Mapping[str, tuple[str, ...]] = {
    "tracking_event": (
        "event_numbers",
        "event_spans",
        "event_epochs",
        "event_recycled_spans",
        "event_bounds",
        "new_events",
        "events",
    ),
    "shipment": (
        "other_shops",
        "shipment_journeys",
        "shipment_told",
        "shipment_contradictions",
        "shipment_numbers",
        "shipments",
    ),
    "order_line": (
        *(
            "other_shops",
            "line_numbers",
            "line_products",
            "order_told",
            "order_parties",
            "orders",
            "withdrawn_lines",
            "order_lines",
        ),
    ),
    "interaction": ("interaction_parties", "interactions"),
    "product": ("product_told", "products"),
}

# What keeps rows from the quarantine from taking the place of what was told since: after which statement it comes.
_LATE: Mapping[str, tuple[str, str]] = {
    "shipment": ("shipment_told", "late_shipments"),
    "order_line": ("line_numbers", "late_order_lines"),
    "product": ("product_told", "late_products"),
}
