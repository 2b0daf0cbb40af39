"""A warehouse with a history of imports through the real gate: a few rows of each are bad, and one batch is stopped."""

from __future__ import annotations

import contextlib
import csv
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from lanecast import pipeline
from lanecast.pipeline import BatchStopped

START = datetime(2026, 5, 2, 6, 0, tzinfo=UTC)
HOSTILE = "<script>alert('x')</script><img src=x onerror=alert(1)>"
TURNED = "\u202egnp.exe\u202c \u200bhidden"
COLUMNS = (
    *("order_id", "tracking_number", "carrier", "service", "origin_country", "origin_region", "destination_country"),
    *("destination_region", "ordered_at", "shipped_at", "delivered_at", "promised_at", "buyer_name", "weight_kg"),
)
Row = dict[str, str]


def shipments(day: int, rows: int, bad: float) -> Iterator[Row]:
    """One morning's file of shipments; about a share `bad` of them break a rule."""
    chance = random.Random(day)
    now = START + timedelta(days=day)
    for number in range(rows):
        ordered = now - timedelta(days=chance.uniform(2, 20))
        row = {
            "order_id": f"ORD-2026-{day:03}{number:05}",
            "tracking_number": f"7035{day:03}{number:05}8472",
            "carrier": chance.choice(("canada_post", "ups", "dhl", "royal_mail")),
            "service": chance.choice(("express", "economy", "standard")),
            "origin_country": "CN",
            "origin_region": "CN-GD",
            "destination_country": "BR",
            "destination_region": "BR-SP",
            "ordered_at": stamp(ordered),
            "shipped_at": stamp(ordered + timedelta(hours=chance.uniform(4, 30))),
            "delivered_at": "",
            "promised_at": stamp(ordered + timedelta(days=25)),
            "buyer_name": f"Maria Silva {number}",
            "weight_kg": f"{chance.uniform(0.1, 9):.2f}",
        }
        yield row | (chance.choice(DEFECTS)(row, now) if chance.random() < bad else {})


def stamp(moment: datetime) -> str:
    """As files write it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


DEFECTS = [
    lambda row, now: {"ordered_at": "31.02.2026"},
    lambda row, now: {"tracking_number": "1Z 999 AA1 0123456784"},
    lambda row, now: {"tracking_number": "7.0351144771384E+15"},
    lambda row, now: {"destination_country": "Atlantis"},
    lambda row, now: {"shipped_at": stamp(now + timedelta(days=9))},
    lambda row, now: {"service": HOSTILE + "x" * 200},
    lambda row, now: {"service": TURNED + "ض" * 10_000},
    lambda row, now: {"delivered_at": stamp(now - timedelta(days=40)), "shipped_at": stamp(now - timedelta(days=12))},
    lambda row, now: {"carrier": "Correios do Brasil!"},
]
"""What may be wrong with a row: given the row and the file's moment, the values that change."""


def written(path: Path, rows: Iterator[Row]) -> Path:
    """The rows as a CSV file."""
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, COLUMNS)
        table.writeheader()
        table.writerows(rows)
    return path


def imported(path: Path, run_id: str, as_of: datetime) -> str:
    """Takes a file all the way; returns the run's id."""
    run = pipeline.open_import(run_id, "shipments", str(path), as_of=as_of)
    pipeline.stage(run)
    pipeline.judge(run)
    with contextlib.suppress(BatchStopped):
        pipeline.load(run)
    return run.run_id


def run_id(day: int) -> str:
    """As the ledger has it: the DAG, and Airflow's own id of a run that was started by hand."""
    return f"history_import:manual__{(START + timedelta(days=day)).isoformat()}_xY{day:02}/k"


def history(folder: Path, days: int, rows: int = 400) -> list[str]:
    """Imports a file for each of so many days, the first of them twice in part; returns the runs, the oldest first."""
    done, before = [], ""
    for day in range(days):
        chance = random.Random(1000 + day)
        size = rows + chance.randrange(rows // 4)
        bad = 0.0 if day % 4 == 1 else 0.004 + 0.02 * chance.random()
        path = written(folder / f"shipments-{day:02}.csv", shipments(day, size, bad))
        told = path.read_text(encoding="utf-8")
        path.write_text(told + before, encoding="utf-8")  # the end of the day before comes again
        before = "".join(told.splitlines(keepends=True)[-rows // 12 :])
        done.append(imported(path, run_id(day), START + timedelta(days=day)))
    return done


def stopped(folder: Path, day: int, rows: int = 1200) -> str:
    """Imports a file most of which is broken: a batch rule stops it."""
    return imported(written(folder / "broken.csv", shipments(day, rows, 0.9)), run_id(day), START + timedelta(days=day))
