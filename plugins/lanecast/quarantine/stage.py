"""Chosen rows into staging: as they were put aside, mended by their patch, and read by today's code and tables.

Events that came in a stored answer are read from it again; a parcel or answer that could not be read comes back as all
that it tells now. Other events whose code no table knew are given today's meaning.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator

import psycopg2.extras

from lanecast.carriers import events, status
from lanecast.files.datasets import meaning_of
from lanecast.follow.answers import Indexed, Row, Told, event_rows
from lanecast.follow.stored import ANSWERS_AT_ONCE, routes_of
from lanecast.warehouse import connection as warehouse
from lanecast.warehouse import staging
from lanecast.warehouse.connection import Connection, only_row
from lanecast.warehouse.runs import Run
from lanecast.warehouse.staging import Batch
from lanecast.warehouse.statements import statement

log = logging.getLogger(__name__)


def batches(run: Run) -> tuple[Batch, ...]:
    """One batch per dataset of the chosen rows, in the order in which they are loaded."""
    return tuple(Batch(run.run_id, dataset) for dataset in run.params["datasets"])


def stage(run: Run, address: str | None = None) -> dict[str, int]:
    """Fills the run's staging tables, in one transaction; returns the rows staged per dataset."""
    received = {}
    with warehouse.connect(as_of=run.as_of, address=address) as link, warehouse.connect(address=address) as reading:
        for batch in batches(run):
            staging.create(link, batch)
            received[batch.dataset] = _stage(link, reading, run, batch)
    return received


def _stage(link: Connection, reading: Connection, run: Run, batch: Batch) -> int:
    values = {"run_id": run.run_id, "dataset": batch.dataset}
    with link.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM quality.replayed_row JOIN quality.quarantined_row USING (quarantined_row_id) "
            "WHERE replayed_row.run_id = %(run_id)s AND replayed_row.dataset = %(dataset)s AND status = 'open'",
            values,
        )
        held = int(only_row(cursor)[0])
        cursor.execute(statement("quarantine/stage", staged=batch.staged), values)
        received = cursor.rowcount
        if batch.dataset == "tracking_event":
            replaced, added, told = _read_again(link, reading, run, batch)
            received += added - replaced
            held += told - replaced
            _give_meaning(link, run, batch)
        staging.seal(link, batch, received, held)
    return received


def _read_again(link: Connection, reading: Connection, run: Run, batch: Batch) -> tuple[int, int, int]:
    """Returns how many unreadable rows gave way, the rows that came in their place, and those that were told there."""
    with link.cursor() as cursor:
        cursor.execute(statement("quarantine/read_table", staged=batch.staged))
        staging.copy_into(link, "read_again", staging.COLUMNS[batch.dataset], _rows(reading, run))
        cursor.execute("ANALYZE read_again")
        cursor.execute(statement("quarantine/read_again", staged=batch.staged), {"run_id": run.run_id})
        cursor.execute(statement("quarantine/give_way", staged=batch.staged), {"run_id": run.run_id})
        replaced = cursor.rowcount
        cursor.execute("SELECT count(*) FROM come_back")
        counted = int(only_row(cursor)[0])
        cursor.execute(statement("quarantine/come_back", staged=batch.staged))
        return replaced, cursor.rowcount, counted


def _rows(reading: Connection, run: Run) -> Iterator[Row]:
    """What the chosen rows' answers tell today, of the parcels that are asked for. Memory: ANSWERS_AT_ONCE answers."""
    told = Told()
    unread: dict[int, str] = {}
    with reading.cursor("answers") as cursor:
        cursor.itersize = ANSWERS_AT_ONCE
        cursor.execute(statement("quarantine/answers"), {"run_id": run.run_id})
        while answers := list(itertools.islice(cursor, ANSWERS_AT_ONCE)):
            wanted = {row[0]: set(row[6]) if row[6] else None for row in answers}
            index = [Indexed(*row[:6]) for row in answers]
            yield from _of_parcels(event_rows(index, routes_of(reading, index), told, unread), wanted)
            for kept in (told.outcomes, told.told_of, told.pieces):
                kept.clear()
    if unread:
        log.warning("%s stored answers can't be read any more: their rows stay as they were put aside", len(unread))


def _of_parcels(rows: Iterator[Row], wanted: dict[int, set[str] | None]) -> Iterator[Row]:
    """Rows of the numbers wanted of each answer (None: of all), numbered below 0: above are quarantined rows' ids."""
    number_at = staging.COLUMNS["tracking_event"].index("tracking_number")
    answer_at = staging.COLUMNS["tracking_event"].index("raw_answer_id")
    for row in rows:
        numbers = wanted[row[answer_at]]  # type: ignore[index]
        if numbers is None or row[number_at] in numbers:
            yield (-row[0], *row[1:])  # type: ignore[operator]


def _give_meaning(link: Connection, run: Run, batch: Batch) -> None:
    """Today's milestone and reason for events whose code no table knew, by distinct code and words."""
    with link.cursor() as cursor:
        cursor.execute(statement("quarantine/unmapped", staged=batch.staged), {"run_id": run.run_id})
        while told := list(itertools.islice(cursor, 10_000)):
            known = [(*key, *meaning) for key in told if (meaning := _meaning(*key))[2]]
            if known:
                with link.cursor() as writing:
                    psycopg2.extras.execute_values(
                        writing, statement("quarantine/give_meaning", staged=batch.staged), known, page_size=10_000
                    )


def _meaning(
    source: str,
    code: str | None,
    description: str | None,
    country: str | None,
    origin: str | None,
    destination: str | None,
    from_answer: bool,
) -> tuple[str, str | None, bool]:
    if not from_answer:
        return meaning_of(source, code, description, country)
    try:
        found = events.meaning(source, code, description)
    except FileNotFoundError:
        found = status.UNKNOWN
    milestone = status.resolve_customs(found.milestone, country, origin, destination, description)
    return milestone, found.reason, found.mapped
