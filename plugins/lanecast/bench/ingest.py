"""How fast events load: raw bytes to refreshed marts by stage, and staging to core against a raw COPY.

The ratio is taken as the budget defines it: the raw COPY is binary, into an UNLOGGED table without index that has the
same columns; core has all its constraints and as many rows again before; a tenth of the batch is known already; the
median of three loads and of three copies, in turn, on one server.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from psycopg2 import sql
from rich import box
from rich.console import Console
from rich.table import Table

from lanecast.local.server import start_server
from lanecast.warehouse import connection as warehouse
from lanecast.warehouse import load as loading
from lanecast.warehouse import migrations, runs, staging
from lanecast.warehouse.staging import Batch
from lanecast.warehouse.statements import statement

SCANS = 10
ROUNDS = 3


@dataclass
class Figures:
    """Seconds and rows per second by stage, and the ratio of the load's rate to the raw COPY's."""

    events: int
    stages: dict[str, dict[str, float]] = field(default_factory=dict)
    load_vs_copy: float = 0.0

    def add(self, stage: str, rows: int, seconds: float) -> None:
        """Notes a stage's rows and seconds."""
        self.stages[stage] = {"rows": rows, "seconds": round(seconds, 3), "rows_per_second": round(rows / seconds)}


def ingest(events: int, say: Callable[[str], None] = lambda _: None) -> Figures:
    """Runs the benchmark on a server of its own in a temporary folder; `events` is rounded to whole parcels."""
    figures = Figures(events // SCANS * SCANS)
    with tempfile.TemporaryDirectory(prefix="lanecast-bench-") as folder:
        server = start_server(Path(folder))
        try:
            migrations.migrate(server.dsn())
            _load_against_copy(figures, server.dsn(), Path(folder), say)
        finally:
            server.stop()
    return figures


def _load_against_copy(figures: Figures, address: str, folder: Path, say: Callable[[str], None]) -> None:
    copies: list[float] = []
    loads: list[float] = []
    shipments = figures.events // SCANS
    binary = folder / "events.copy"
    for number in range(ROUNDS):
        say(f"round {number + 1} of {ROUNDS}")
        _reset(address)
        _stage(address, "before", 0, shipments)
        _load(address, "before")
        batch = _stage(address, f"round-{number}", shipments - shipments // 10, shipments)
        if not binary.exists():
            _write_binary(address, batch, binary)
        copies.append(_raw_copy(address, binary))
        began = time.monotonic()
        result = _load(address, f"round-{number}")
        loads.append(time.monotonic() - began)
        if result.duplicate != shipments // 10 * SCANS:
            raise AssertionError(f"a tenth should be known already: {result}")
    figures.add("raw COPY, binary", figures.events, statistics.median(copies))
    figures.add("staging to core", figures.events, statistics.median(loads))
    figures.load_vs_copy = round(statistics.median(copies) / statistics.median(loads), 3)


def _reset(address: str) -> None:
    with warehouse.connect(role="owner", address=address) as link, link.cursor() as cursor:
        cursor.execute(
            "TRUNCATE core.tracking_event, core.shipment, core.shipment_number, ops.shipment_change, "
            "quality.reconciliation, ops.run"
        )


def _stage(address: str, run_id: str, first: int, shipments: int) -> Batch:
    batch = Batch(run_id, "tracking_event")
    with warehouse.connect(address=address) as link, link.cursor() as cursor:
        runs.open_run(link, run_id, "import", "tracking_event")
        staging.create(link, batch)
        cursor.execute(statement("bench/staged_events", staged=batch.staged), {"first": first, "shipments": shipments})
        staging.seal(link, batch, shipments * SCANS)
    return batch


def _load(address: str, run_id: str) -> loading.Reconciliation:
    with warehouse.connect(address=address) as link:
        run = runs.find(link, run_id)
    return loading.load(run, Batch(run_id, "tracking_event"), address)


def _write_binary(address: str, batch: Batch, path: Path) -> None:
    with warehouse.connect(address=address) as link, link.cursor() as cursor, path.open("wb") as out:
        cursor.copy_expert(
            sql.SQL("COPY {} TO STDOUT (FORMAT binary)").format(sql.Identifier(*batch.staged.split("."))), out
        )


def _raw_copy(address: str, path: Path) -> float:
    batch = Batch("raw copy", "tracking_event")
    with warehouse.connect(address=address) as link:
        staging.create(link, batch)
        with link.cursor() as cursor, path.open("rb") as lines:
            began = time.monotonic()
            cursor.copy_expert(
                sql.SQL("COPY {} FROM STDIN (FORMAT binary)").format(sql.Identifier(*batch.staged.split("."))),
                lines,
                size=1 << 20,
            )
            return time.monotonic() - began


def as_dict(figures: Figures) -> dict[str, object]:
    """The figures as plain values."""
    return asdict(figures)


def show(figures: Figures) -> None:
    """Prints the stages as a table, and the ratio."""
    table = Table(title=f"{figures.events:,} events", title_justify="left", box=box.SIMPLE_HEAD)
    for name in ("stage", "rows", "seconds", "rows/s"):
        table.add_column(name, justify="left" if name == "stage" else "right")
    for stage, told in figures.stages.items():
        table.add_row(stage, f"{told['rows']:,.0f}", f"{told['seconds']:.2f}", f"{told['rows_per_second']:,.0f}")
    console = Console(highlight=False)
    console.print(table)
    console.print(f"staging to core / raw COPY of the same rows: [bold]{figures.load_vs_copy}[/bold]")
