"""What the gate costs: staged events judged and routed by Great Expectations, against one SELECT written by hand.

A million events of 100,000 parcels, one in a hundred bad, 20 rules of the real contract of tracking events; three of
them look at a parcel's earlier scans, one asks core when the parcel was ordered. The gate runs in a process of its own,
whose memory is told apart from what importing Great Expectations takes; the SELECT counts the same rules on the same
rows in the same run. Both in turn, three times; the medians are told. The counts must agree, rule by rule.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg2
from rich.console import Console

from lanecast.bench import warehouse as bench
from lanecast.local.server import start_server
from lanecast.warehouse import connection as warehouse
from lanecast.warehouse import migrations
from lanecast.warehouse.staging import Batch
from lanecast.warehouse.statements import statement

ROUNDS = 3
AS_OF = datetime(2026, 9, 1, tzinfo=UTC)
WINDOW_RULES = ("delivered_twice", "movement_after_delivery", "status_going_backwards")
RULES = (
    *("unreadable_value", "event_without_parcel", "tracking_number_malformed", "carrier_malformed"),
    *("event_without_time", "event_says_nothing", "code_too_long", "milestone_unknown", "utc_offset_out_of_range"),
    *("tz_known_unknown", "event_without_identity", "event_before_1990", "event_in_future", "event_before_shipment"),
    *("country_unknown", "region_malformed", "clock_contradicts_itself"),
    *WINDOW_RULES,
)
"""The rules judged, in the contract's order: 16 that quarantine, 4 that warn."""


@dataclass
class Measured:
    """Medians of the rounds. Seconds and megabytes are the gate's, without the import of Great Expectations."""

    rows: int
    rules: int
    window_rules: tuple[str, ...]
    seconds: float
    judging_seconds: float
    routing_seconds: float
    select_seconds: float
    vs_single_select: float
    import_seconds: float
    memory_mb: float
    import_memory_mb: float
    rejected: int
    failed: dict[str, int] = field(default_factory=dict)
    """Rows that break each rule, by the gate and by the SELECT alike."""


def validate(rows: int, say: Callable[[str], None] = lambda _: None) -> Measured:
    """Runs the benchmark on a server of its own in a temporary folder; `rows` is rounded to whole parcels."""
    with tempfile.TemporaryDirectory(prefix="lanecast-bench-") as folder:
        server = start_server(Path(folder))
        try:
            migrations.migrate(server.dsn())
            return measure(server.dsn(), rows, say)
        finally:
            server.stop()


def measure(address: str, rows: int, say: Callable[[str], None] = lambda _: None) -> Measured:
    """Runs the benchmark in an empty, migrated warehouse. Raises AssertionError where the two counts differ."""
    parcels = rows // bench.SCANS
    say("staging")
    bench.load(address, bench.stage(address, "registrations", "shipment", 0, parcels))
    batch = bench.stage(address, "judged", "tracking_event", 0, parcels)
    with warehouse.connect(address=address) as link, link.cursor() as cursor:
        cursor.execute(statement("bench/spoil_events", staged=batch.staged))
    _settle(address, batch)
    judged: list[dict[str, Any]] = []
    selects: list[float] = []
    for number in range(ROUNDS):
        say(f"round {number + 1} of {ROUNDS}")
        seconds, counted = _select(address, batch)
        selects.append(seconds)
        judged.append(_gate(address))
        if counted != judged[-1]["failed"]:
            raise AssertionError(f"the SELECT counts {counted}, the gate {judged[-1]['failed']}")

    def median(name: str) -> float:
        return round(float(statistics.median(one[name] for one in judged)), 3)

    select = statistics.median(selects)
    return Measured(
        rows=parcels * bench.SCANS,
        rules=len(RULES),
        window_rules=WINDOW_RULES,
        seconds=median("seconds"),
        judging_seconds=round(median("seconds") - median("routing_seconds"), 3),
        routing_seconds=median("routing_seconds"),
        select_seconds=round(select, 3),
        vs_single_select=round(median("seconds") / select, 2),
        import_seconds=median("import_seconds"),
        memory_mb=median("memory_mb"),
        import_memory_mb=median("import_memory_mb"),
        rejected=judged[-1]["rejected"],
        failed=judged[-1]["failed"],
    )


def _settle(address: str, batch: Batch) -> None:
    """Vacuums and analyzes, so that neither side meets the other's work."""
    bench.settle(address)
    link = psycopg2.connect(address, options="-c role=lanecast_loader")
    link.autocommit = True
    with link.cursor() as cursor:
        cursor.execute(f"VACUUM (ANALYZE) {batch.staged}")
    link.close()


def _select(address: str, batch: Batch) -> tuple[float, dict[str, int]]:
    """Seconds of the SELECT written by hand, and its counts by rule."""
    with warehouse.connect(address=address, as_of=AS_OF) as link, link.cursor() as cursor:
        cursor.execute("SET LOCAL work_mem = '128MB'")
        began = time.monotonic()
        cursor.execute(statement("bench/validate_by_hand", staged=batch.staged), {"as_of": AS_OF})
        row = warehouse.only_row(cursor)
        seconds = time.monotonic() - began
        names = [column.name for column in cursor.description or ()]
    return seconds, dict(zip(names, row, strict=True))


def _gate(address: str) -> dict[str, Any]:
    """What a process that only judges tells of itself."""
    done = subprocess.run(
        [sys.executable, "-m", "lanecast.bench.validate_child"],
        input=json.dumps({"address": address, "as_of": AS_OF.isoformat(), "rules": RULES}),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"judging failed:\n{done.stderr[-3000:]}")
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def as_dict(found: Measured) -> dict[str, object]:
    """The figures as plain values."""
    return asdict(found)


def show(found: Measured) -> None:
    """Prints what was measured."""
    console = Console(highlight=False)
    console.print(
        f"{found.rows:,} staged events, {found.rules} rules ({len(found.window_rules)} over a parcel's scans), "
        f"{found.rejected:,} rows rejected"
    )
    console.print(
        f"gate                 {found.seconds:6.2f} s   judging {found.judging_seconds:.2f} s, "
        f"routing {found.routing_seconds:.2f} s, memory {found.memory_mb:.0f} MB"
    )
    console.print(
        f"one SELECT by hand   {found.select_seconds:6.2f} s   "
        f"the gate takes [bold]{found.vs_single_select}[/bold] times that"
    )
    console.print(
        f"besides, once a task {found.import_seconds:6.2f} s   importing Great Expectations, "
        f"{found.import_memory_mb:.0f} MB of the memory"
    )
