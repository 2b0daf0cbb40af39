"""The ledger of runs: what was loaded, from where, as of when, and how long each step took."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg2

from lanecast.warehouse import connection as warehouse
from lanecast.warehouse.connection import Connection

log = logging.getLogger(__name__)

_LONGEST_ERROR = 1000


@dataclass(frozen=True)
class Run:
    """One run of a load. Every step of it sees the same `as_of`."""

    run_id: str
    kind: str
    dataset: str
    source: str | None
    params: dict[str, Any]
    as_of: datetime
    number: int


def open_run(
    link: Connection,
    run_id: str,
    kind: str,
    dataset: str,
    source: str | None = None,
    params: dict[str, Any] | None = None,
    as_of: datetime | None = None,
) -> Run:
    """Enters a run in the ledger; a run that is there already (a retry) keeps the as_of that it had."""
    with link.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ops.run (run_id, kind, dataset, source, params, as_of) "
            "VALUES (%s, %s, %s, %s, %s, coalesce(%s, ops.as_of())) "
            "ON CONFLICT (run_id) DO UPDATE SET state = 'running', finished_at = NULL, error = NULL",
            (run_id, kind, dataset, source, json.dumps(params or {}), as_of),
        )
    return find(link, run_id)


def find(link: Connection, run_id: str) -> Run:
    """The run of that id. Raises LookupError where there is none."""
    with link.cursor() as cursor:
        cursor.execute(
            "SELECT run_id, kind, dataset, source, params, as_of, run_number FROM ops.run WHERE run_id = %s", (run_id,)
        )
        row = cursor.fetchone()
    if row is None:
        raise LookupError(f"no run {run_id!r} in ops.run: was it opened against another warehouse?")
    return Run(*row)


@contextmanager
def step(run_id: str, name: str, address: str | None = None) -> Iterator[None]:
    """Times the block and writes its seconds to the run's ledger row; an error in it makes the run `failed`.

    A step of a run that had failed, as a retry is, makes it `running` again.
    """
    _note(address, "state = 'running', finished_at = NULL, error = NULL WHERE run_id = %s AND state = 'failed'", run_id)
    began = time.monotonic()

    def seconds() -> str:
        return json.dumps({name: round(time.monotonic() - began, 3)})

    try:
        yield
    except BaseException as failed:
        try:
            _note(
                address,
                "steps = steps || %s::jsonb, state = 'failed', finished_at = clock_timestamp(), error = %s "
                "WHERE run_id = %s",
                *(seconds(), _told(name, failed), run_id),
            )
        except (psycopg2.Error, warehouse.NoWarehouse):
            log.warning("run %s failed, and the ledger can't be reached to note it", run_id)
        raise
    _note(address, "steps = steps || %s::jsonb WHERE run_id = %s", seconds(), run_id)


def _told(name: str, failed: BaseException) -> str:
    """The step and the error's first line: what a database adds below it holds values of rows."""
    return f"{name}: {type(failed).__name__}: {str(failed).partition(chr(10))[0]}"[:_LONGEST_ERROR]


def _note(address: str | None, change: str, *values: str) -> None:
    with warehouse.connect(address=address) as link, link.cursor() as cursor:
        cursor.execute(f"UPDATE ops.run SET {change}", values)  # noqa: S608, `change` is written above


def finish(link: Connection, run_id: str, state: str) -> None:
    """Closes the run in the ledger: `loaded`, `stopped` (by a batch rule) or `failed`."""
    with link.cursor() as cursor:
        cursor.execute(
            "UPDATE ops.run SET state = %s, finished_at = clock_timestamp() WHERE run_id = %s", (state, run_id)
        )
