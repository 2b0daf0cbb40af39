"""`lanecast storefront`: what the sources are, how far each was read, and a pull from the command line."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from lanecast import pipeline
from lanecast.storefronts import accounts, config, pull, runs
from lanecast.storefronts.base import StorefrontError
from lanecast.warehouse import connection as warehouse
from lanecast.warehouse import migrations
from lanecast.warehouse import runs as ledger
from lanecast.warehouse.load import DoesNotAddUp
from lanecast.warehouse.runs import Run
from lanecast.warehouse.statements import statement

Say = Callable[[str], None]


def overview(address: str | None = None) -> list[dict[str, Any]]:
    """Each source and stream: how it is reached, its watermark, and what its last read brought."""
    known = _known(address)
    told: list[dict[str, Any]] = []
    for way in accounts.ways(config.sources()):
        reached = "skipped" if way.account is None else "sandbox" if way.account.is_sandbox else "connection"
        if way.source.kind == "files" and reached == "connection":
            reached = "files"
        for stream in way.source.streams:
            told.append(
                {
                    "source": way.source.name,
                    "kind": way.source.kind,
                    "stream": stream,
                    "reached_by": reached,
                    "why_skipped": way.why_skipped,
                    **known.get((way.source.name, stream), dict.fromkeys(_COLUMNS)),
                }
            )
    return told


_COLUMNS = ("watermark", "listed_at", "last_run_id", "last_read_at", "told", "fetched", "problem")


def _known(address: str | None) -> dict[tuple[str, str], dict[str, Any]]:
    with warehouse.connect(address=address) as link, link.cursor() as cursor:
        cursor.execute(statement("storefront/overview"))
        return {(row[0], row[1]): dict(zip(_COLUMNS, row[2:], strict=True)) for row in cursor.fetchall()}


def pull_all(only: str | None, full: bool, say: Say, address: str | None = None) -> list[dict[str, Any]]:
    """Reads the sources one after the other, and loads what came; returns what became of each. One that fails leaves
    the others alone; its `error` says why."""
    migrations.migrate(address)
    base = f"storefront:terminal {datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}"
    opened = runs.open_runs(base, only, full, address)
    if not opened:
        say("no source can be asked: `lanecast storefront list` says why")
    return [_one(run, say, address) for run in opened]


def _one(run: Run, say: Say, address: str | None) -> dict[str, Any]:
    told: dict[str, Any] = {"source": run.source, "run_id": run.run_id, "fetched": {}, "loaded": [], "error": None}
    say(f"{run.source}: reading")
    try:
        with ledger.step(run.run_id, "pull", address):
            told["fetched"] = pull.pull(run, address=address, is_last=True)
        pipeline.stage(run, address)
        pipeline.judge(run, address)
        told["loaded"] = [asdict(result) for result in pipeline.load(run, address)]
        with ledger.step(run.run_id, "confirm", address):
            pull.confirm(run, address)
    except (StorefrontError, pipeline.BatchStopped, DoesNotAddUp, ValueError, OSError) as error:
        told["error"] = str(error)
        say(f"{run.source}: {error}")
    for one in told["loaded"]:
        say(
            f"{run.source}: {one['dataset']}: {one['received']} received = {one['loaded']} loaded + "
            f"{one['duplicate']} duplicate + {one['quarantined']} quarantined"
        )
    return told


def show_progress() -> None:
    """Shows the log of reads on stderr."""
    log = logging.getLogger("lanecast.storefronts")
    log.setLevel(logging.INFO)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    log.addHandler(handler)
