"""Alerts about DAG runs: one that failed, one that is late; both end with the next success of the DAG."""

from __future__ import annotations

from datetime import datetime

from lanecast.alerts import book, telling
from lanecast.alerts.book import Cause
from lanecast.warehouse import connection as warehouse

RUN_KINDS = ("run_failed", "deadline")


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


def _raise(cause: Cause, run_id: str, address: str | None, unless: str | None = None) -> None:
    with warehouse.connect(address=address) as link, link.cursor() as cursor:
        cursor.execute("SELECT FROM quality.alert WHERE kind = %s AND run_id = %s LIMIT 1", (unless, run_id))
        if cursor.fetchone() is None:
            book.raise_all(cursor, [cause], run_id)
    telling.tell(address)
