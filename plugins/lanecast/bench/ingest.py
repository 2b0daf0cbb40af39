"""How fast events load: raw bytes to refreshed marts by stage, and staging to core against a raw COPY.

The ratio is taken as the budget defines it: the raw COPY is binary, into an UNLOGGED table without index that has the
same columns; core has all its constraints and as many rows again before, vacuumed; a tenth of the batch is known
already; the median of three loads and of three copies, in turn, on one server. The parcels are registered before, as
they are in production, where the shop or the history tells of a shipment before the carrier does.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from psycopg2 import sql

from lanecast.bench import warehouse as bench
from lanecast.bench import whole_way
from lanecast.bench.figures import Figures, as_dict, show
from lanecast.local.server import start_server
from lanecast.warehouse import connection as warehouse
from lanecast.warehouse import migrations, staging
from lanecast.warehouse.staging import Batch

__all__ = ["as_dict", "ingest", "show"]
ROUNDS = 3


def ingest(events: int, say: Callable[[str], None] = lambda _: None) -> Figures:
    """Runs the benchmark on a server of its own in a temporary folder; `events` is rounded to whole parcels."""
    parcels = events // bench.SCANS
    figures = Figures(parcels * bench.SCANS)
    with tempfile.TemporaryDirectory(prefix="lanecast-bench-") as folder:
        server = start_server(Path(folder))
        try:
            migrations.migrate(server.dsn())
            _load_against_copy(figures, server.dsn(), Path(folder), say)
            say("raw answers to refreshed marts")
            whole_way.measure(figures, server.dsn(), Path(folder) / "raw", parcels)
        finally:
            server.stop()
    return figures


def _load_against_copy(figures: Figures, address: str, folder: Path, say: Callable[[str], None]) -> None:
    registrations: list[float] = []
    copies: list[float] = []
    loads: list[float] = []
    shipments = figures.events // bench.SCANS
    known = shipments // 10
    binary = folder / "events.copy"
    for number in range(ROUNDS):
        say(f"round {number + 1} of {ROUNDS}")
        bench.reset(address)
        registered = bench.stage(address, "registrations", "shipment", 0, 2 * shipments - known)
        registrations.append(_loading(address, registered))
        bench.load(address, bench.stage(address, "before", "tracking_event", 0, shipments))
        batch = bench.stage(address, f"round-{number}", "tracking_event", shipments - known, shipments)
        bench.settle(address)
        if not binary.exists():
            _write_binary(address, batch, binary)
        copies.append(_raw_copy(address, binary))
        loads.append(_loading(address, batch, duplicates=known * bench.SCANS))
    figures.add("registrations to core", 2 * shipments - known, statistics.median(registrations))
    figures.add("raw COPY, binary", figures.events, statistics.median(copies))
    figures.add("staging to core", figures.events, statistics.median(loads))
    figures.load_vs_copy = round(statistics.median(copies) / statistics.median(loads), 3)


def _loading(address: str, batch: Batch, duplicates: int = 0) -> float:
    """Seconds of a load."""
    began = time.monotonic()
    result = bench.load(address, batch)
    seconds = time.monotonic() - began
    if result.duplicate != duplicates:
        raise AssertionError(f"{duplicates} rows should be known already: {result}")
    return seconds


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
