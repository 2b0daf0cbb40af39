"""`lanecast quarantine`: what it prints, and the question before a replay."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding

from lanecast import marts, pipeline
from lanecast.quarantine import listing
from lanecast.quarantine import replay as replays
from lanecast.quarantine.errors import NothingToReplay
from lanecast.quarantine.listing import Filter
from lanecast.quarantine.replay import Outlook
from lanecast.quarantine.selection import Selection, open_replay
from lanecast.warehouse import migrations
from lanecast.words import counted, moment

Row = dict[str, Any]


def show_list(told: dict[str, Any], status: str) -> None:
    """Prints the overview and, where there are any, the rows."""
    console = Console(highlight=False)
    if not told["groups"]:
        console.print(f"no row is {status}" if status != "all" else "no row is in quarantine")
        return
    _show_groups(console, told["groups"])
    for row in told.get("rows", ()):
        console.print(
            f"{row['quarantined_row_id']:>8}  {row['status']:10} {moment(row['last_seen_at'])}  {_place(row)}  "
            f"{escape(row['reason'])}"
        )
    if "rows" not in told:
        console.print("rows: add --rule RULE or --run RUN; one row: lanecast quarantine show ID")


def _show_groups(console: Console, groups: list[Row]) -> None:
    """A line for each, in columns as wide as what is in them; below it an example, which a narrow terminal wraps."""
    lines = [("dataset", "rule", "rows", "seen", "last seen")]
    lines += [
        (
            *(group["dataset"], group["rule"], f"{group['rows']:,}", f"{group['times_seen']:,}"),
            moment(group["last_seen_at"]),
        )
        for group in groups
    ]
    dataset, rule, rows, seen = (max(len(line[place]) for line in lines) for place in range(4))
    for line, group in zip(lines, [None, *groups], strict=True):
        told = f"{line[0]:{dataset}}  {line[1]:{rule}}  {line[2]:>{rows}}  {line[3]:>{seen}}  {line[4]}"
        console.print(told, soft_wrap=True, style=None if group else "bold")
        if group:
            example = escape(f"{group['example_id']}: {group['reason']}")
            below = f"since {moment(group['first_seen_at'])}, for example {example}"
            console.print(Padding.indent(below, 4))


def show_one(row: Row) -> None:
    """Prints all that is known of one row, and what can be done."""
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"[bold]row {row['quarantined_row_id']}[/bold]  {row['dataset']}  {row['rule']}  {row['status']}")
    console.print(escape(row["reason"]))
    for name, value in row["row_data"].items():
        if value is not None and name not in {"staged_row", "source_line"}:
            console.print(f"  {name:20} {escape(str(value))}")
    console.print(f"came from  {_place(row)}")
    if row["file"] is not None:
        console.print(f"raw bytes  {row['file']}, {row['byte_length']} bytes from byte {row['byte_offset']}")
    console.print(
        f"seen       {counted(row['times_seen'], 'time')}, {moment(row['first_seen_at'])} ({row['first_run_id']}) to "
        f"{moment(row['last_seen_at'])} ({row['last_run_id']})"
    )
    for past in row["history"]:
        mended = ", mended" if past["is_mended"] else ""
        under = f" under {past['rule']}" if past["rule"] else ""
        console.print(f"replayed   {moment(past['replayed_at'])}  {past['outcome']}{under}{mended}  ({past['run_id']})")
    console.print(f"next       {_next(row)}")
    if "raw" in row:
        console.print(escape(row["raw"]))


def _next(row: Row) -> str:
    row_id = row["quarantined_row_id"]
    if row["status"] == "superseded":
        return f"its mended or read again version is row {row['superseded_by']}"
    if row["status"] == "replayed":
        return "nothing: the gate let it pass"
    if row["status"] == "dismissed":
        return f"nothing: dismissed {moment(row['dismissed_at'])}, {row['dismissed_because']}"
    if row["severity"] == "batch":
        return f"if the batch is right: lanecast quarantine replay --rule {row['rule']} --waive {row['rule']}"
    return (
        f"mend it (--patch FILE), the rule or the code table, then lanecast quarantine replay {row_id}; "
        f"or lanecast quarantine dismiss {row_id} --reason …"
    )


def _place(row: Row) -> str:
    if row["raw_answer_id"] is not None:
        return f"answer {row['raw_answer_id']}"
    line = f":{row['source_line']}" if row["source_line"] is not None else ""
    return f"{row['source_file']}{line}"


def replay(selection: Selection, apply: bool, dry_run: bool, quiet: bool, confirm: Callable[[str], bool]) -> Row:
    """Judges the chosen rows anew, tells what would become of them, and carries it out where `apply` or `confirm` says
    so. Without consent nothing stays of it. The marts are refreshed after it."""
    console = Console(highlight=False, quiet=quiet)
    migrations.migrate()
    for run_id in replays.finish_what_was_cut_off():
        console.print(f"{run_id}, which was cut off, is finished")
    run_id = f"quarantine:{datetime.now().astimezone().isoformat(timespec='seconds')}:{uuid.uuid4().hex[:6]}"
    with ExitStack() as held:
        held.enter_context(replays.in_hand(run_id))
        try:
            run = open_replay(run_id, selection, {"terminal": True})
        except NothingToReplay as nothing:
            console.print(str(nothing))
            return {"run_id": None, "applied": False, "passing": 0, "why": str(nothing)}
        try:
            pipeline.stage(run)
            pipeline.judge(run)
            outlook = replays.outlook(run)
            _show(console, outlook)
            rows = sum(outlook.chosen.values())
            agreed = not dry_run and (apply or (not quiet and confirm(f"Replay {rows} rows?")))
        except BaseException:  # Ctrl-C at the question, too
            replays.forget(run)
            raise
        if not agreed:
            replays.forget(run)
            console.print("nothing was changed" + ("" if dry_run else ": add --apply to carry it out"))
            return outlook.as_dict() | {"applied": False}
        replays.agree(run)
        return outlook.as_dict() | {"applied": True} | _load(console, outlook)


def _load(console: Console, outlook: Outlook) -> Row:
    stopped = ""
    try:
        results = pipeline.load(outlook.run)
    except pipeline.BatchStopped as error:
        stopped, results = str(error), []
        console.print(f"[bold red]{escape(stopped)}")
    for result in results:
        console.print(
            f"{result.dataset}: {result.received:,} received = {result.loaded:,} loaded + "
            f"{result.duplicate:,} duplicate + {result.quarantined:,} quarantined"
        )
    if {"shipment", "tracking_event"} & set(outlook.chosen):
        marts.refresh()
    loaded = {result.dataset: {"loaded": result.loaded, "duplicate": result.duplicate} for result in results}
    return {"stopped": stopped, "loaded": loaded}


def _show(console: Console, outlook: Outlook) -> None:
    for dataset, rows in outlook.chosen.items():
        received = outlook.received[dataset]
        bad = sum(outlook.rejected[dataset].values())
        again = f", read again as {received:,}" if received != rows else ""
        console.print(
            f"{dataset}: {rows:,} quarantined rows{again}: {received - bad:,} pass, {bad:,} are put aside again"
        )
        for rule, count in outlook.rejected[dataset].items():
            console.print(f"  {rule}: {count:,}")
    if outlook.stopped:
        console.print(
            f"the batch would be stopped by {', '.join(outlook.stopped)}: where you have looked at it and it is right, "
            f"add --waive {outlook.stopped[0]}"
        )


def listed(chosen: Filter, limit: int) -> dict[str, Any]:
    """The overview; with a rule or a run the rows too."""
    told: dict[str, Any] = {"groups": listing.overview(chosen)}
    if chosen.rule or chosen.run_id:
        told["rows"] = listing.rows(chosen, limit)
    return told
