"""`lanecast replay raw`: what a replay would change, told; the question; and what became of it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

from rich import box
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from lanecast import marts, pipeline
from lanecast.follow import replay as replays
from lanecast.follow.replay import Replay
from lanecast.warehouse import connection as warehouse
from lanecast.warehouse import migrations

MOST_SHOWN = 40


def replay(
    since: datetime | None,
    until: datetime | None,
    carrier: str | None,
    apply: bool,
    quiet: bool,
    confirm: Callable[[str], bool],
) -> dict[str, Any]:
    """Prepares a replay, shows what differs, and carries it out where `apply` or `confirm` says so.

    The marts are refreshed after it. Without a change to make, or without consent, nothing stays of it.
    """
    console = Console(highlight=False, quiet=quiet, stderr=False)
    migrations.migrate()
    _finish_what_was_cut_off(console)
    run_id = f"replay:{datetime.now().astimezone().isoformat(timespec='seconds')}:{uuid.uuid4().hex[:6]}"
    try:
        with Progress(console=console, transient=True) as progress:
            bar = progress.add_task("reading stored answers", total=None)
            prepared = replays.prepare(
                run_id,
                since,
                until,
                carrier,
                progress=lambda done, total: progress.update(bar, completed=done, total=total),
            )
        _show(console, prepared)
        changes = sum(prepared.events(kind) for kind in ("changed", "new", "withdrawn"))
        agreed = bool(changes) and (apply or (not quiet and confirm(f"Change {changes} events?")))
    except BaseException:  # Ctrl-C at the question, too
        replays.forget(run_id)
        raise
    if not agreed:
        replays.forget(run_id)
        console.print("nothing differs" if not changes else "nothing was changed: add --apply to carry it out")
        return replays.as_dict(prepared, applied=False)
    (result,) = pipeline.load(prepared.run)
    refreshed = marts.refresh()
    console.print(
        f"{result.received:,} received = {result.loaded:,} loaded + {result.duplicate:,} duplicate + "
        f"{result.quarantined:,} quarantined; {refreshed.shipments:,} shipments refreshed"
    )
    return replays.as_dict(prepared, applied=True) | {"loaded": result.loaded, "duplicate": result.duplicate}


def _finish_what_was_cut_off(console: Console) -> None:
    """Loads the rest of a large replay that was killed between two of its parts."""
    with warehouse.connect() as link, link.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT run_id FROM ops.run JOIN ops.load_part USING (run_id) WHERE kind = 'replay' ORDER BY 1"
        )
        cut_off = [row[0] for row in cursor.fetchall()]
    for run_id in cut_off:
        console.print(f"going on with {run_id}, which was cut off")
        pipeline.load(pipeline.find_run(run_id))


def _show(console: Console, prepared: Replay) -> None:
    console.print(
        f"{prepared.read.answers:,} stored answers read again: {prepared.events('unchanged'):,} events as they were, "
        f"{prepared.events('changed'):,} changed, {prepared.events('new'):,} new, "
        f"{prepared.events('withdrawn'):,} withdrawn, {prepared.quarantined:,} rows quarantined"
    )
    for problem in prepared.read.unread[:5]:
        console.print(f"not read: {problem}")
    if len(prepared.read.unread) > 5:
        console.print(f"not read: {len(prepared.read.unread) - 5} more")
    found = [one for one in prepared.differences if one.kind != "unchanged"]
    if not found:
        return
    table = Table(box=box.SIMPLE_HEAD)
    for name in ("", "source", "code", "before", "after", "events"):
        table.add_column(name, justify="right" if name == "events" else "left")
    for one in found[:MOST_SHOWN]:
        after = _meaning(one.milestone_after, one.reason_after) + (", other time" if one.time_moved else "")
        before = _meaning(one.milestone_before, one.reason_before)
        table.add_row(one.kind, one.source, one.code or "", before, after, f"{one.events:,}")
    console.print(table)
    if len(found) > MOST_SHOWN:
        console.print(f"and {len(found) - MOST_SHOWN} more kinds of difference: --json has all")


def _meaning(milestone: str | None, reason: str | None) -> str:
    return f"{milestone} ({reason})" if milestone and reason else milestone or ""
