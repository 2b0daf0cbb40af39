"""How long it takes to work out what customers experienced of delivery, from made-up orders of two years."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lanecast.bench import warehouse as bench
from lanecast.customers import experience
from lanecast.local.server import start_server
from lanecast.warehouse import connection as warehouse
from lanecast.warehouse import migrations
from lanecast.warehouse.statements import statement

AS_OF = datetime(2026, 6, 1, tzinfo=UTC)
_TABLES = ("core.customer_order", "core.order_line", "core.shipment", "serving.shipment_status")


@dataclass(frozen=True)
class Figures:
    """What the benchmark found: orders made, rows of the mart, and seconds of one refresh."""

    orders: int
    rows: int
    seconds: float


def measure(orders: int, say: Callable[[str], None] = lambda _: None) -> Figures:
    """Runs the benchmark on a server of its own in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="lanecast-bench-") as folder:
        server = start_server(Path(folder))
        try:
            address = server.dsn()
            migrations.migrate(address)
            say(f"making {orders:,} orders")
            with warehouse.connect(address=address) as link, link.cursor() as cursor:
                cursor.execute("SELECT setseed(0.5)")
                cursor.execute(statement("bench/experienced_orders"), {"orders": orders, "as_of": AS_OF})
            bench.settle(address, _TABLES)
            say("working out what followed")
            done = experience.refresh(address, AS_OF)
        finally:
            server.stop()
    return Figures(orders, done.rows, done.seconds)


def as_dict(figures: Figures) -> dict[str, Any]:
    """The figures as plain values."""
    return asdict(figures)
