"""What a night's training costs: seconds and memory of a process that does nothing else, on made-up shipments."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lanecast.local.server import start_server
from lanecast.warehouse import connection as warehouse
from lanecast.warehouse import migrations
from lanecast.warehouse.statements import statement


@dataclass(frozen=True)
class Figures:
    """Shipments there and read, seconds of training and publishing, megabytes of the process at most and of its imports
    alone, and curves written."""

    shipments: int
    read: int
    train_seconds: float
    publish_seconds: float
    memory_mb: float
    import_memory_mb: float
    curves: int


def train(shipments: int, say: Callable[[str], None] = lambda _: None) -> Figures:
    """Runs the benchmark on a server of its own in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="lanecast-bench-") as folder:
        server = start_server(Path(folder))
        try:
            migrations.migrate(server.dsn())
            say("making shipments")
            with warehouse.connect(address=server.dsn()) as link, link.cursor() as cursor:
                cursor.execute(statement("bench/model_shipments"), {"shipments": shipments})
            say("training")
            done = subprocess.run(
                [sys.executable, "-m", "lanecast.bench.train_child"],
                env=os.environ | {"AIRFLOW_CONN_LANECAST_WAREHOUSE": server.dsn()},
                capture_output=True,
                text=True,
                check=False,
            )
        finally:
            server.stop()
    if done.returncode:
        raise RuntimeError(f"the training failed: {done.stderr[-2000:]}")
    return Figures(shipments=shipments, **json.loads(done.stdout))


def as_dict(figures: Figures) -> dict[str, Any]:
    """The figures as plain values."""
    return asdict(figures)


def lines(figures: Figures) -> list[str]:
    """The figures as text."""
    return [
        f"{figures.read:,} of {figures.shipments:,} shipments read",
        f"training {figures.train_seconds:.0f} s; publishing {figures.publish_seconds:.0f} s",
        f"{figures.curves:,} curves",
        f"{figures.memory_mb:.0f} MB at most, of which imports {figures.import_memory_mb:.0f} MB",
    ]
