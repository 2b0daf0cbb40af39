"""Reading stored answers again with today's code: what that would change, then the change itself.

A replay takes the way of every load (stage, judge, load), so that its rows add up like any other's. It corrects events
in place; what today's code no longer reads is withdrawn; what was withdrawn stays so.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from lanecast import pipeline
from lanecast.carriers import registry
from lanecast.follow.answers import Indexed, Route, Row, Told, event_rows
from lanecast.warehouse import connection as warehouse
from lanecast.warehouse import runs, staging
from lanecast.warehouse.connection import only_row
from lanecast.warehouse.runs import Run
from lanecast.warehouse.staging import Batch
from lanecast.warehouse.statements import statement

log = logging.getLogger(__name__)

ANSWERS_AT_ONCE = 2000


@dataclass(frozen=True)
class Difference:
    """What differs: rows of include/sql/follow/replay_difference.sql."""

    kind: str
    source: str
    code: str | None
    milestone_before: str | None
    milestone_after: str | None
    reason_before: str | None
    reason_after: str | None
    time_moved: bool
    events: int


@dataclass
class Replay:
    """A replay that was staged and judged: `answers` read, `unread` ones that are gone or damaged, what differs."""

    run: Run
    answers: int = 0
    unread: list[str] = field(default_factory=list)
    received: int = 0
    quarantined: int = 0
    differences: list[Difference] = field(default_factory=list)

    def events(self, kind: str) -> int:
        """How many events are of a kind: changed, new, withdrawn, unchanged."""
        return sum(one.events for one in self.differences if one.kind == kind)


def batches(run: Run) -> tuple[Batch, ...]:
    """The one batch of a replay."""
    return (Batch(run.run_id, "tracking_event"),)


def prepare(
    run_id: str,
    since: datetime | None = None,
    until: datetime | None = None,
    source: str | None = None,
    address: str | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Replay:
    """Reads the answers stored in [since, until) of one source (None: of all) anew, judges the events, and tells what
    differs from core. Nothing is changed yet. UnknownCarrierError for a source that there is not."""
    if source is not None:
        registry.row(source)
    with warehouse.connect(address=address) as link, link.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        opened_at = only_row(cursor)[0]
    params: dict[str, object] = {
        # Answers of runs that are still under way are theirs to load.
        "replayed_runs_until": opened_at.isoformat(),
        "replayed_source": source,
        "replayed_since": (since.isoformat() if since else "-infinity"),
        "replayed_until": (until.isoformat() if until else "infinity"),
        "unread_answers": [],
    }
    with warehouse.connect(address=address) as link:
        run = runs.open_run(link, run_id, "replay", "tracking_event", "stored answers", {"replay": params})
    replay = Replay(run)
    stage(run, address, replay, progress)
    replay.run = run = pipeline.find_run(run_id, address)
    pipeline.judge(run, address)
    (batch,) = batches(run)
    with warehouse.connect(as_of=run.as_of, address=address) as link, link.cursor() as cursor:
        replay.quarantined = staging.rejected_rows(link, batch)
        cursor.execute(
            statement("follow/replay_difference", staged=batch.staged, rejected=batch.rejected), run.params["replay"]
        )
        replay.differences = [Difference(*row) for row in cursor.fetchall()]
    return replay


def forget(run_id: str, address: str | None = None) -> None:
    """Leaves nothing of a replay that is not to be carried out."""
    with warehouse.connect(address=address) as link, link.cursor() as cursor:
        staging.drop(link, Batch(run_id, "tracking_event"))
        cursor.execute("DELETE FROM quality.validation_result WHERE run_id = %s", (run_id,))
        cursor.execute("DELETE FROM ops.run WHERE run_id = %s", (run_id,))


def stage(
    run: Run,
    address: str | None = None,
    replay: Replay | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, int]:
    """Fills the run's staging table; returns the rows received. Memory is bounded by ANSWERS_AT_ONCE answers."""
    (batch,) = batches(run)
    unread: dict[int, str] = {}
    with warehouse.connect(as_of=run.as_of, address=address) as link, warehouse.connect(address=address) as reading:
        staging.create(link, batch)
        told = Told()
        received = staging.copy_rows(link, batch, _rows(reading, run, told, unread, replay, progress))
        staging.seal(link, batch, received, told.source_count)
        with link.cursor() as cursor:
            cursor.execute(
                "UPDATE ops.run SET params = jsonb_set(params, '{replay,unread_answers}', to_jsonb(%s::bigint[])) "
                "WHERE run_id = %s",
                (list(unread), run.run_id),
            )
    if replay is not None:
        replay.unread, replay.received = list(unread.values()), received
    return {batch.dataset: received}


def _rows(
    reading: warehouse.Connection,
    run: Run,
    told: Told,
    unread: dict[int, str],
    replay: Replay | None,
    progress: Callable[[int, int], None],
) -> Iterator[Row]:
    filters = (
        "(%(replayed_source)s::text IS NULL OR carrier = %(replayed_source)s) "
        "AND answered_at >= %(replayed_since)s AND answered_at < %(replayed_until)s "
        "AND run_id IN (SELECT run_id FROM ops.run WHERE finished_at <= %(replayed_runs_until)s)"
    )
    with reading.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM ops.raw_answer WHERE {filters}", run.params["replay"])  # noqa: S608
        total = int(only_row(cursor)[0])
    with reading.cursor("answers") as cursor:
        cursor.itersize = ANSWERS_AT_ONCE
        cursor.execute(
            "SELECT raw_answer_id, carrier, tracking_numbers, file, byte_offset, byte_length FROM ops.raw_answer "  # noqa: S608
            f"WHERE {filters} ORDER BY raw_answer_id",
            run.params["replay"],
        )
        done = 0
        while chunk := list(itertools.islice((Indexed(*row) for row in cursor), ANSWERS_AT_ONCE)):
            routes = routes_of(reading, chunk)
            yield from event_rows(chunk, routes, told, unread)
            for kept in (told.outcomes, told.told_of, told.pieces):
                kept.clear()
            done += len(chunk)
            progress(done, total)
            if replay is not None:
                replay.answers = done - len(unread)


def routes_of(link: warehouse.Connection, chunk: list[Indexed]) -> dict[tuple[str, str], list[Route]]:
    """The shipments that these answers may be about, by the source asked and the number."""
    asked = {(where.source, number) for where in chunk for number in where.requested}
    found: dict[tuple[str, str], list[Route]] = {}
    with link.cursor() as cursor:
        cursor.execute(
            "SELECT shipment.tracking_number, plan.source, shipment.carrier, shipment.origin_country, "
            "shipment.destination_country FROM core.shipment AS shipment "
            "LEFT JOIN ops.poll_plan AS plan ON shipment.shipment_id = plan.shipment_id "
            "WHERE shipment.tracking_number = ANY(%s) ORDER BY shipment.epoch DESC",
            (list({number for _, number in asked}),),
        )
        shipments = cursor.fetchall()
    for number, planned, *route in shipments:
        known = Route(*route)
        for source in {planned, known.carrier, *registry.names("aggregator")}:
            if (source, number) in asked:
                found.setdefault((source, number), []).append(known)
    return found


def as_dict(replay: Replay, applied: bool) -> dict[str, Any]:
    """The outcome as plain values."""
    return {
        "run_id": replay.run.run_id,
        "applied": applied,
        "answers": replay.answers,
        "unread": replay.unread,
        "received": replay.received,
        "quarantined": replay.quarantined,
        **{kind: replay.events(kind) for kind in ("changed", "new", "withdrawn", "unchanged")},
        "differences": [one.__dict__ for one in replay.differences if one.kind != "unchanged"],
    }
