"""What was read of each source and stream, kept in the warehouse: watermarks, and what came against what was held."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from lanecast.storefronts.base import Stream
from lanecast.storefronts.config import Source
from lanecast.storefronts.tally import Tally
from lanecast.warehouse import connection as warehouse
from lanecast.warehouse.runs import Run
from lanecast.warehouse.statements import statement


@dataclass(frozen=True)
class Reading:
    """One read of a stream, as it was opened. `since` has the overlap taken off; None reads everything."""

    stream: Stream
    since: datetime | None
    is_full: bool
    lists: bool
    told: int | None
    is_complete: bool


def open_reading(run: Run, source: Source, stream: Stream, is_full: bool, address: str | None = None) -> Reading:
    """Opens the read of a stream, or finds the one that an earlier attempt of the run has opened."""
    values = {
        "run_id": run.run_id,
        "source": source.name,
        "stream": stream,
        "is_full": is_full,
        "overlap": timedelta(minutes=source.overlap_minutes),
        "lists_after": timedelta(hours=source.listing_hours),
        "lists": stream == "products",
        "as_of": run.as_of,
    }
    with warehouse.connect(address=address) as link, link.cursor() as cursor:
        cursor.execute(statement("storefront/open_read"), values)
        since, full, lists, told, complete = warehouse.only_row(cursor)
    return Reading(stream, since, full, lists, told, complete)


def note_told(run: Run, source: str, stream: str, told: int | None, address: str | None = None) -> None:
    """Notes what the source counts before it is read."""
    _update(run, source, stream, "told = %(told)s", {"told": told}, address)


def note_complete(
    run: Run,
    source: str,
    stream: str,
    tally: Tally,
    held: int | None,
    listed: bool,
    versions: Mapping[str, str] | None = None,
    address: str | None = None,
    problem: str | None = None,
) -> None:
    """Notes that a stream was read to its end; `problem` is what the source could not show. What was changed after the
    run began does not count as read: a clock that is ahead must not carry the watermark away."""
    change = (
        "complete_at = clock_timestamp(), problem = %(problem)s, read_to = %(read_to)s, held = %(held)s, "
        "fetched = %(fetched)s, pages = %(pages)s, listed = %(listed)s, versions = %(versions)s"
    )
    values = {
        "read_to": None if tally.read_to is None else min(tally.read_to, run.as_of),
        "held": held,
        "fetched": tally.fetched,
        "pages": tally.pages,
        "listed": listed,
        "problem": problem and problem[:1000],
        "versions": json.dumps(dict(versions or {})),
    }
    _update(run, source, stream, change, values, address)


def note_problem(
    run: Run, source: str, stream: str, tally: Tally, held: int | None, problem: str, address: str | None = None
) -> None:
    """Notes why a read did not come to its end."""
    change = "problem = %(problem)s, fetched = %(fetched)s, pages = %(pages)s, held = %(held)s"
    values = {"problem": problem[:1000], "fetched": tally.fetched, "pages": tally.pages, "held": held}
    _update(run, source, stream, change, values, address)


DISBELIEVED = "its list of all products lacks"
"""What the problem of a read says whose list was not believed."""


def disbelieved(run: Run, address: str | None = None) -> str | None:
    """Why the run's list of all products was not believed, None where it was, or there is none."""
    with warehouse.connect(address=address) as link, link.cursor() as cursor:
        cursor.execute(
            "SELECT max(problem) FROM ops.storefront_read WHERE run_id = %s AND stream = 'products' AND NOT listed "
            "AND complete_at IS NOT NULL AND strpos(problem, %s) > 0",
            (run.run_id, DISBELIEVED),
        )
        found: str | None = warehouse.only_row(cursor)[0]
    return found


def _update(run: Run, source: str, stream: str, change: str, values: dict[str, Any], address: str | None) -> None:
    of = {"run_id": run.run_id, "source": source, "stream": stream}
    with warehouse.connect(address=address) as link, link.cursor() as cursor:
        cursor.execute(
            f"UPDATE ops.storefront_read SET {change} "  # noqa: S608, `change` is written above
            "WHERE run_id = %(run_id)s AND source = %(source)s AND stream = %(stream)s",
            values | of,
        )


def unread(run: Run, address: str | None = None) -> tuple[list[str], dict[str, int]]:
    """The streams of the run that were not read to their end, each with what went wrong; and how many records came of
    the others."""
    with warehouse.connect(address=address) as link, link.cursor() as cursor:
        cursor.execute(
            "SELECT stream, complete_at IS NOT NULL, fetched, problem FROM ops.storefront_read WHERE run_id = %s "
            "ORDER BY stream",
            (run.run_id,),
        )
        told = cursor.fetchall()
    failed = [f"{stream}: {problem or 'it was cut off'}" for stream, is_whole, _, problem in told if not is_whole]
    return failed, {stream: fetched for stream, is_whole, fetched, _ in told if is_whole}


def known_versions(source: str, stream: str, address: str | None = None) -> dict[str, str]:
    """The versions of the source's files that are loaded, by path."""
    with warehouse.connect(address=address) as link, link.cursor() as cursor:
        cursor.execute(
            "SELECT path, version FROM ops.storefront_file WHERE source = %s AND stream = %s", (source, stream)
        )
        return dict(cursor.fetchall())
