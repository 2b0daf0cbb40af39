"""Reading stored answers again with today's code: what that would change, then the change itself.

A replay takes the way of every load (stage, judge, load), so that its rows add up like any other's. It corrects events
in place; what today's code no longer reads is withdrawn; what was withdrawn stays so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from lanecast import pipeline
from lanecast.carriers import registry
from lanecast.follow import stored
from lanecast.follow.stored import Reread
from lanecast.warehouse import connection as warehouse
from lanecast.warehouse import runs, staging
from lanecast.warehouse.connection import only_row
from lanecast.warehouse.runs import Run
from lanecast.warehouse.staging import Batch
from lanecast.warehouse.statements import statement


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
    """A replay that was staged and judged: what was read, and what differs."""

    run: Run
    read: Reread
    quarantined: int = 0
    differences: list[Difference] = field(default_factory=list)

    def events(self, kind: str) -> int:
        """How many events are of a kind: changed, new, withdrawn, unchanged."""
        return sum(one.events for one in self.differences if one.kind == kind)


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
    read = stored.stage(run, address, progress)
    run = pipeline.find_run(run_id, address)  # staging notes which answers could not be read
    replay = Replay(run, read)
    pipeline.judge(run, address)
    (batch,) = stored.batches(run)
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


def as_dict(replay: Replay, applied: bool) -> dict[str, Any]:
    """The outcome as plain values."""
    return {
        "run_id": replay.run.run_id,
        "applied": applied,
        "answers": replay.read.answers,
        "unread": replay.read.unread,
        "received": replay.read.received,
        "quarantined": replay.quarantined,
        **{kind: replay.events(kind) for kind in ("changed", "new", "withdrawn", "unchanged")},
        "differences": [one.__dict__ for one in replay.differences if one.kind != "unchanged"],
    }
