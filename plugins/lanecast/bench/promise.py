"""How long one question of a promise takes, asked over one connection of a warehouse with many lanes.

Questions are drawn from all countries, most of which nothing was ever sent from, and from carriers and services of
which some are unknown to every lane. What is given with a reference is kept.
"""

from __future__ import annotations

import random
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2.extensions import cursor as Cursor
from rich import box
from rich.console import Console
from rich.table import Table

from lanecast.local.server import start_server
from lanecast.warehouse import connection as warehouse
from lanecast.warehouse import migrations
from lanecast.warehouse.connection import only_row
from lanecast.warehouse.statements import statement

WARMING = 50
"""Questions asked first and not counted: a connection plans its statements anew for the first few."""
_ASK = "SELECT * FROM mart.delivery_promise(%s, %s, %s, %s, %s, %s, %s)"
_ISSUE = (
    "SELECT * FROM mart.issue_promises(jsonb_build_array(jsonb_build_object("
    "'origin', %s::text, 'destination', %s::text, 'carrier', %s::text, 'service', %s::text, "
    "'starts_at', %s::timestamptz, 'confidence', %s::numeric, "
    "'clock', %s::text, 'order_id', %s::text)))"
)


@dataclass(frozen=True)
class Times:
    """Milliseconds of one kind of question."""

    questions: int
    p50_ms: float
    p99_ms: float
    slowest_ms: float


@dataclass(frozen=True)
class Figures:
    """What the benchmark found; rows are lanes by clock."""

    rows: int
    learned_curves: int
    asked: Times
    issued: Times


def promise(origins: int, questions: int, say: Callable[[str], None] = lambda _: None) -> Figures:
    """Runs the benchmark on a server of its own in a temporary folder. `origins` countries send to every country."""
    with tempfile.TemporaryDirectory(prefix="lanecast-bench-") as folder:
        server = start_server(Path(folder))
        try:
            migrations.migrate(server.dsn())
            say("making lanes")
            with warehouse.connect(address=server.dsn()) as link, link.cursor() as cursor:
                cursor.execute(statement("bench/promise_lanes"), {"origins": origins})
                rows = cursor.rowcount
                cursor.execute(statement("bench/promise_learned"), {})
                curves = only_row(cursor)[0]
                cursor.execute("SELECT array_agg(country ORDER BY country) FROM core.country")
                countries = only_row(cursor)[0]
            say(f"asking {questions:,} questions")
            drawn = list(_questions(countries, questions + WARMING))
            link = psycopg2.connect(server.dsn(), options="-c role=lanecast_loader -c timezone=UTC")
            link.autocommit = True
            with link.cursor() as cursor:
                asked = _timed(cursor, _ASK, drawn)
                issued = _timed(cursor, _ISSUE, [(*one, f"order {number}") for number, one in enumerate(drawn)])
            link.close()
        finally:
            server.stop()
    return Figures(rows, curves, asked, issued)


def _questions(countries: list[str], number: int) -> Any:
    """Questions, always the same ones."""
    draw = random.Random(20)  # noqa: S311, no secret
    start = datetime(2026, 6, 1, tzinfo=UTC)
    for _ in range(number):
        yield (
            draw.choice([None, *countries]),
            draw.choice([None, *countries]),
            draw.choice([None, "ups", "dhl", "fedex", "seko", "nobody"]),
            draw.choice([None, None, "express", "economy", "by bicycle"]),
            start + timedelta(minutes=draw.randrange(500_000)),
            draw.choice(["0.8", "0.8", "0.9", "0.5"]),
            draw.choice(["order", "handover"]),
        )


def _timed(cursor: Cursor, question: str, drawn: list[tuple[Any, ...]]) -> Times:
    took = []
    for number, one in enumerate(drawn):
        began = time.perf_counter()
        cursor.execute(question, one)
        cursor.fetchall()
        if number >= WARMING:
            took.append(1000 * (time.perf_counter() - began))
    by_hundredths = statistics.quantiles(took, n=100)
    return Times(len(took), round(by_hundredths[49], 3), round(by_hundredths[98], 3), round(max(took), 3))


def as_dict(figures: Figures) -> dict[str, Any]:
    """The figures as plain values."""
    return asdict(figures)


def show(figures: Figures) -> None:
    """Prints the figures."""
    table = Table(
        title=f"{figures.rows:,} lanes by clock, {figures.learned_curves:,} learned curves",
        title_justify="left",
        box=box.SIMPLE_HEAD,
    )
    for name in ("milliseconds", "questions", "p50", "p99", "slowest"):
        table.add_column(name, justify="left" if name == "milliseconds" else "right")
    for name, told in (("asked", figures.asked), ("issued, kept", figures.issued)):
        table.add_row(name, f"{told.questions:,}", f"{told.p50_ms}", f"{told.p99_ms}", f"{told.slowest_ms}")
    Console(highlight=False).print(table)
