"""What a refresh costs after some new events, on a history of any length: with the same lanes and open parcels.

The history is made in the database: parcels of ten scans each on 960 combinations of places, carrier and service, as
many a day whatever the length, all delivered; and 10,000 open ones. It is brought into the marts by the refresh itself,
part by part. Then, three times, some open parcels get five more scans each and the marts are refreshed.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from lanecast.bench import warehouse as bench
from lanecast.delivery import refresh as refreshing
from lanecast.delivery.refresh import Refreshed
from lanecast.local.server import start_server
from lanecast.warehouse import connection as warehouse
from lanecast.warehouse import migrations
from lanecast.warehouse.statements import statement

ROUNDS = 3
SCANS = 10
A_DAY = 2_500
OPEN = 10_000
_NEW_SCANS = 5
_PART = 100_000
_AS_OF = datetime(2026, 6, 1, tzinfo=UTC)
_SETTLED_DAYS, _OPEN_DAYS = 30, 5
_TABLES = (
    *("core.tracking_event", "core.shipment_number", "core.shipment", "serving.shipment_status"),
    *("serving.journey_span", "serving.leaf_lane", "serving.life_table", "serving.delivery_time"),
)


@dataclass
class Measured:
    """Medians of the rounds, in seconds; `seconds` is the whole refresh."""

    history: int
    new: int
    history_days: float
    lanes: int
    open_parcels: int
    build_seconds: float
    seconds: float
    status_seconds: float
    span_seconds: float
    curve_seconds: float
    lane_seconds: float


def refresh(history: int, new: int, say: Callable[[str], None] = lambda _: None) -> Measured:
    """Runs the benchmark on a server of its own in a temporary folder; events are rounded to whole parcels.

    Raises ValueError where `new` is more than the open parcels can get.
    """
    if new > OPEN * _NEW_SCANS // ROUNDS:
        raise ValueError(f"{new} new events are more than {OPEN:,} open parcels get in {ROUNDS} rounds")
    with tempfile.TemporaryDirectory(prefix="lanecast-bench-") as folder:
        server = start_server(Path(folder))
        try:
            migrations.migrate(server.dsn())
            return _measure(server.dsn(), history // SCANS, max(new // _NEW_SCANS, 1), say)
        finally:
            server.stop()


def _measure(address: str, parcels: int, changed: int, say: Callable[[str], None]) -> Measured:
    days = parcels / A_DAY
    with warehouse.connect(address=address) as link, link.cursor() as cursor:
        since = _AS_OF - timedelta(days=_SETTLED_DAYS + days)
        cursor.execute("SELECT ops.ensure_event_partitions(%s::timestamp, %s::timestamp)", (since, _AS_OF))
    began = time.monotonic()
    for first in range(0, parcels, _PART):
        say(f"history: {first * SCANS:,} of {parcels * SCANS:,} events")
        _make(address, first, min(_PART, parcels - first), parcels, SCANS, _SETTLED_DAYS, A_DAY)
        refreshing.refresh(address, _AS_OF)
        if first in (0, _PART * 9):
            bench.settle(address, _TABLES)
    _make(address, parcels, OPEN, OPEN, SCANS - _NEW_SCANS, _OPEN_DAYS, A_DAY)
    refreshing.refresh(address, _AS_OF)
    bench.settle(address, _TABLES)
    built = time.monotonic() - began
    found: list[Refreshed] = []
    for number in range(ROUNDS):
        say(f"round {number + 1} of {ROUNDS}")
        with warehouse.connect(address=address) as link, link.cursor() as cursor:
            values = {"first": parcels + number * changed, "parcels": changed, "as_of": _AS_OF}
            cursor.execute(statement("bench/news"), values)
        found.append(refreshing.refresh(address, _AS_OF))
        if found[-1].shipments != changed:
            raise AssertionError(f"{changed} parcels should have changed: {found[-1]}")
    seconds = {
        name: round(statistics.median(getattr(one, name) for one in found), 3)
        for name in ("seconds", "status_seconds", "span_seconds", "curve_seconds", "lane_seconds")
    }
    return Measured(
        history=parcels * SCANS,
        new=changed * _NEW_SCANS,
        history_days=days,
        lanes=found[-1].lanes,
        open_parcels=OPEN,
        build_seconds=round(built, 1),
        **seconds,
    )


def _make(address: str, first: int, count: int, parcels: int, scans: int, until: float, a_day: int) -> None:
    with warehouse.connect(address=address) as link, link.cursor() as cursor:
        cursor.execute(
            statement("bench/history"),
            {
                "first": first,
                "count": count,
                "parcels": parcels,
                "scans": scans,
                "until": until,
                "a_day": a_day,
                "as_of": _AS_OF,
            },
        )


def as_dict(measured: Measured) -> dict[str, object]:
    """The figures as plain values."""
    return asdict(measured)


def show(measured: Measured) -> None:
    """Prints the stages as a table."""
    table = Table(
        title=f"{measured.new:,} new events on {measured.history:,} of {measured.history_days:,.0f} days",
        title_justify="left",
        box=box.SIMPLE_HEAD,
    )
    table.add_column("stage")
    table.add_column("seconds", justify="right")
    for stage, seconds in (
        ("statuses of the parcels that changed", measured.status_seconds),
        ("their spans, and sums", measured.span_seconds),
        (f"curves of {measured.lanes:,} lanes", measured.curve_seconds),
        ("writing the lanes", measured.lane_seconds),
        ("the refresh", measured.seconds),
    ):
        table.add_row(stage, f"{seconds:.2f}")
    Console(highlight=False).print(table)
