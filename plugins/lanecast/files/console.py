"""`lanecast import`: a file through the gate from the terminal, with a progress bar."""

from __future__ import annotations

import sys
import uuid
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from lanecast import marts, pipeline
from lanecast.warehouse import connection as warehouse
from lanecast.warehouse.connection import only_row
from lanecast.warehouse.snapshot import rows
from lanecast.words import counted


def import_file(
    dataset: str, path: str, mapping: str | None, as_of: datetime | None, quiet: bool = False
) -> dict[str, Any]:
    """Loads a file and refreshes the marts; returns run_id, the reconciliation, `rules` (rows quarantined by rule),
    `warnings` (rows that break a rule that only warns and does not hold, by rule) and `stopped`.

    Raises FileError for a file that can't be read as `dataset`.
    """
    source = str(Path(path).resolve()) if "://" not in path else path
    run = pipeline.open_import(f"import:{uuid.uuid4()}", dataset, source, mapping, as_of)
    console = Console(stderr=True, quiet=quiet or not sys.stderr.isatty())
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        reading = bar.add_task(f"reading {Path(path).name}", total=None)
        pipeline.stage(run, progress=lambda done, total: bar.update(reading, completed=done, total=total))
        bar.update(reading, description="holding it against the contract", total=None)
        pipeline.judge(run)
        bar.update(reading, description="loading")
        stopped = ""
        try:
            pipeline.load(run)
        except pipeline.BatchStopped as error:
            stopped = str(error)
        bar.update(reading, description="refreshing the marts")
        if run.dataset in {"shipment", "tracking_event"}:
            marts.refresh(as_of=as_of)
    with warehouse.connect() as link, link.cursor() as cursor:
        cursor.execute(
            "SELECT received, loaded, duplicate, quarantined FROM quality.reconciliation "
            "WHERE run_id = %s AND dataset = %s",
            (run.run_id, run.dataset),
        )
        received, loaded, duplicate, quarantined = only_row(cursor)
        judged = rows(cursor, "report/rules", run=run.run_id)
    return {
        "run_id": run.run_id,
        "dataset": run.dataset,
        "source": source,
        "received": received,
        "loaded": loaded,
        "duplicate": duplicate,
        "quarantined": quarantined,
        "rules": _most_first({one["rule"]: one["claimed"] for one in judged if one["claimed"]}),
        "warnings": _most_first(
            {one["rule"]: one["rows_failed"] for one in judged if one["severity"] == "warn" and not one["passed"]}
        ),
        "stopped": stopped,
    }


def _most_first(counts: dict[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda one: (-one[1], one[0])))


def show(result: dict[str, Any]) -> None:
    """Prints what became of the rows."""
    console = Console(highlight=False)
    console.print(
        f"{result['received']:,} {result['dataset']} rows received = {result['loaded']:,} loaded "
        f"+ {result['duplicate']:,} duplicate + {result['quarantined']:,} quarantined"
    )
    for rule, count in result["rules"].items():
        console.print(f"  quarantined by {rule}: {count:,}")
    for rule, count in result["warnings"].items():
        console.print(f"  warning {rule}: {counted(count, 'row')}")
    if result["stopped"]:
        console.print(f"[bold red]{result['stopped']}")
