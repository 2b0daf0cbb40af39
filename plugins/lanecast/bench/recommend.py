"""What a night's recommendations cost, and how long one customer's list takes to read, in a made-up shop."""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2.extensions import cursor as Cursor
from rich import box
from rich.console import Console
from rich.table import Table

from lanecast.bench import warehouse as bench
from lanecast.local.server import start_server
from lanecast.warehouse import connection as warehouse
from lanecast.warehouse import migrations
from lanecast.warehouse.statements import statement

NOW = "2026-06-14T00:00:00+00:00"
READS = 10_000
WARMING = 50
"""Reads that are not counted: a connection plans its statements anew for the first few."""
_TABLES = ("core.product", "core.customer", "core.customer_order", "core.order_line", "core.interaction")
_QUESTIONS = {
    "mart.customer_recommendation": (
        "SELECT product_id, title, score, reason FROM mart.customer_recommendation "
        "WHERE customer_id = %s AND slot = 'discover' AND rank <= 20 ORDER BY rank"
    ),
    "mart.recommend()": "SELECT * FROM mart.recommend(%s)",
}


@dataclass(frozen=True)
class Times:
    """Milliseconds of reading one customer's list, and the rows that a list had on average."""

    reads: int
    rows: float
    p50_ms: float
    p99_ms: float
    slowest_ms: float


@dataclass(frozen=True)
class Figures:
    """What the benchmark found: seconds of a process that makes one run, by step and in all, its megabytes at most,
    what serves, and reads."""

    deeds: int
    customers: int
    products: int
    lists: Mapping[str, int]
    steps: Mapping[str, float]
    seconds: float
    process_seconds: float
    memory_mb: float
    serves: Mapping[str, str]
    reads: Mapping[str, Times]


def recommend(deeds: int, customers: int, products: int, say: Callable[[str], None] = lambda _: None) -> Figures:
    """Runs the benchmark on a server of its own in a temporary folder. Raises RuntimeError where the run fails."""
    with tempfile.TemporaryDirectory(prefix="lanecast-bench-") as folder:
        server = start_server(Path(folder))
        try:
            migrations.migrate(server.dsn())
            say("making a shop")
            with warehouse.connect(address=server.dsn()) as link, link.cursor() as cursor:
                values = {"deeds": deeds, "customers": customers, "products": products}
                cursor.execute(statement("bench/recommend_world"), values)
            bench.settle(server.dsn(), _TABLES)
            say("making recommendations")
            began = time.monotonic()
            done = subprocess.run(
                [sys.executable, "-m", "lanecast.bench.recommend_child", NOW],
                env=os.environ | {"AIRFLOW_CONN_LANECAST_WAREHOUSE": server.dsn()},
                capture_output=True,
                text=True,
                check=False,
            )
            took = time.monotonic() - began
            if done.returncode:
                raise RuntimeError(f"making recommendations failed: {done.stderr[-2000:]}")
            say("reading lists")
            reads = _read(server.dsn())
        finally:
            server.stop()
    told = json.loads(done.stdout)
    return Figures(
        told["deeds"],
        told["customers"],
        told["products"],
        told["lists"],
        told["seconds"],
        round(sum(told["seconds"].values()), 1),
        round(took, 1),
        round(told["memory_mb"]),
        told["models"],
        reads,
    )


def _read(address: str) -> dict[str, Times]:
    """One list after the other over one connection, of customers drawn anew for each."""
    link = psycopg2.connect(address, options=f"-c role=lanecast_loader -c timezone=UTC -c lanecast.as_of={NOW}")
    link.autocommit = True
    draw = random.Random(20)  # noqa: S311, no secret
    try:
        with link.cursor() as cursor:
            cursor.execute("SELECT customer_id FROM core.customer ORDER BY customer_id")
            ids = [row[0] for row in cursor.fetchall()]
            return {
                name: _timed(cursor, question, [draw.choice(ids) for _ in range(READS + WARMING)])
                for name, question in _QUESTIONS.items()
            }
    finally:
        link.close()


def _timed(cursor: Cursor, question: str, customers: Sequence[str]) -> Times:
    took, rows = [], 0
    for number, customer in enumerate(customers):
        began = time.perf_counter()
        cursor.execute(question, (customer,))
        found = cursor.fetchall()
        if number >= WARMING:
            took.append(1000 * (time.perf_counter() - began))
            rows += len(found)
    by_hundredths = statistics.quantiles(took, n=100)
    told = (round(value, 3) for value in (by_hundredths[49], by_hundredths[98], max(took)))
    return Times(len(took), round(rows / len(took), 1), *told)


def as_dict(figures: Figures) -> dict[str, Any]:
    """The figures as plain values."""
    return asdict(figures)


def show(figures: Figures) -> None:
    """Prints the figures."""
    console = Console(highlight=False)
    title = f"{figures.deeds:,} deeds, {figures.customers:,} customers, {figures.products:,} products"
    steps = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    steps.add_column("step")
    steps.add_column("seconds", justify="right")
    for name, seconds in figures.steps.items():
        steps.add_row(name, f"{seconds:.2f}")
    steps.add_row("together", f"{figures.seconds:.1f}")
    steps.add_row("the whole process", f"{figures.process_seconds:.1f}")
    console.print(steps)
    console.print(f"{figures.memory_mb:,.0f} MB at most")
    console.print(", ".join(f"{slot}: {model}" for slot, model in figures.serves.items()))
    reads = Table(box=box.SIMPLE_HEAD)
    for name in ("milliseconds a list", "reads", "rows", "p50", "p99", "slowest"):
        reads.add_column(name, justify="left" if name.startswith("milli") else "right")
    for name, told in figures.reads.items():
        reads.add_row(name, f"{told.reads:,}", f"{told.rows}", f"{told.p50_ms}", f"{told.p99_ms}", f"{told.slowest_ms}")
    console.print(reads)
