"""Alerts about runs: a DAG's that failed or is late, a load that a rule stopped, a pull that breaks a warn rule."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from psycopg2.extensions import cursor as Cursor

from lanecast import addresses
from lanecast.alerts import book, telling
from lanecast.alerts.book import Cause
from lanecast.warehouse import connection as warehouse
from lanecast.warehouse.runs import Run
from lanecast.warehouse.statements import statement

RUN_KINDS = ("run_failed", "deadline")
LEAST_ROWS = 200
"""Rows that a pull must have judged by a rule, to say that it is broken, or that it holds again."""


def failed(dag_id: str, run_id: str, address: str | None = None) -> None:
    """A run of the DAG failed for good. Where a stopped batch has its own alert, that says why, and is told."""
    message = f"The run of {dag_id} failed, after all retries: its tasks' logs in Airflow tell why."
    _raise(Cause("run_failed", dag_id, "run_failed", "", message, "critical"), run_id, address, unless="batch_stopped")


def late(dag_id: str, run_id: str, due_at: datetime, minutes: float, address: str | None = None) -> None:
    """A run of the DAG did not end by its deadline: `minutes` after it was queued."""
    message = (
        f"The run of {dag_id} was to end within {minutes:g} minutes of being queued, by {due_at:%Y-%m-%d %H:%M} UTC, "
        "and has not: it hangs, waits for a place, or has more to do than usual."
    )
    _raise(Cause("deadline", dag_id, "run_late", "", message, "critical"), run_id, address)


def succeeded(dag_id: str, address: str | None = None) -> None:
    """A run of the DAG succeeded: what was wrong with earlier ones has ended. Told by the next telling."""
    with warehouse.connect(address=address) as link, link.cursor() as cursor:
        book.resolve(cursor, RUN_KINDS, [dag_id])


def loaded(cursor: Cursor, run: Run, stopped: Sequence[tuple[str, str]]) -> None:
    """A load has ended, which the rules in `stopped` (dataset and rule) stopped. In the transaction that ends the run.

    Of a replay from the quarantine nothing is raised: who started it sees what it brought.
    """
    if run.kind != "quarantine":
        book.raise_all(cursor, _stops(run, stopped), run.run_id)
    if run.kind == "pull":
        _warn(cursor, run, [dataset for dataset, _ in stopped])
    book.resolve_released(cursor)


def _stops(run: Run, stopped: Sequence[tuple[str, str]]) -> list[Cause]:
    subject = addresses.bare(run.source or run.kind)
    return [
        Cause(
            *("batch_stopped", dataset, rule, subject),
            f"The rule {rule} stopped the batch of {dataset} from {subject}: nothing of it was loaded, all its rows "
            "are in quarantine.",
            "critical",
        )
        for dataset, rule in stopped
    ]


def _warn(cursor: Cursor, run: Run, stopped: Sequence[str]) -> None:
    """One alert per warn rule that pulls break: ended by the next pull of enough rows that does not."""
    told = {"run_id": run.run_id, "subject": run.kind, "least_rows": LEAST_ROWS, "stopped": list(stopped)}
    cursor.execute(statement("alerts/broken_warnings"), told)
    causes = [
        Cause(
            *("quality", dataset, rule, run.kind),
            f"{failed} of the {rows} rows of {dataset} that a {run.kind} brought break the rule {rule}, more than it "
            f"lets pass. They were loaded all the same. It says: {expects}",
        )
        for dataset, rule, rows, failed, expects in cursor.fetchall()
    ]
    book.raise_all(cursor, causes, run.run_id)
    cursor.execute(statement("alerts/resolve_warnings"), told)


def _raise(cause: Cause, run_id: str, address: str | None, unless: str | None = None) -> None:
    with warehouse.connect(address=address) as link, link.cursor() as cursor:
        cursor.execute("SELECT FROM quality.alert WHERE kind = %s AND run_id = %s LIMIT 1", (unless, run_id))
        if cursor.fetchone() is None:
            book.raise_all(cursor, [cause], run_id)
    telling.tell(address)
