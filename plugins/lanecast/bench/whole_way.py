"""Raw bytes to refreshed marts, stage by stage, through the very code that a pull runs.

The answers are made up: one of DHL's wire format per registered parcel, ten scans each, stored as a pull stores them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import psycopg2.extras

from lanecast import pipeline, raw
from lanecast.bench import warehouse as bench
from lanecast.bench.figures import Figures
from lanecast.carriers import http
from lanecast.delivery.refresh import refresh
from lanecast.warehouse import connection as warehouse
from lanecast.warehouse import runs
from lanecast.warehouse.runs import Run
from lanecast.warehouse.statements import statement

_SCANS = (
    ("pre-transit", "Shipment information received", "DE", "Bremen"),
    ("transit", "Shipment picked up", "DE", "Bremen"),
    ("transit", "Arrived at DHL Sort Facility", "DE", "Leipzig"),
    ("transit", "Customs clearance completed", "DE", "Leipzig"),
    ("transit", "Departed Facility", "DE", "Leipzig"),
    ("transit", "Arrived in destination country", "FR", "Paris"),
    ("transit", "Released by customs", "FR", "Paris"),
    ("transit", "Arrived at delivery facility", "FR", "Lyon"),
    ("transit", "Out for delivery", "FR", "Lyon"),
    ("delivered", "Delivered", "FR", "Lyon"),
)
_AS_OF = datetime(2026, 6, 1, tzinfo=UTC)


def measure(figures: Figures, address: str, store: Path, parcels: int) -> None:
    """Adds the stages from stored answers to refreshed marts, and their total, to the figures."""
    bench.reset(address)
    bench.load(address, bench.stage(address, "registrations", "shipment", 0, parcels))
    refresh(address, _AS_OF)
    bench.settle(address)
    with _files_in(store):
        run = _pulled(address, parcels)
        events = parcels * len(_SCANS)
        stages = ("raw read, parse, stage", "validate", "load", "refresh marts")
        with figures.timed(stages[0], events):
            staged = pipeline.stage(run, address)
        if staged["tracking_event"] != events:
            raise AssertionError(f"{events} events should have been staged: {staged}")
        _import_gate()
        with figures.timed(stages[1], events):
            pipeline.judge(run, address)
        with figures.timed(stages[2], events):
            results = pipeline.load(run, address)
        if results[-1].loaded != events:
            raise AssertionError(f"all should be new: {results}")
        with figures.timed(stages[3], events):
            refresh(address, _AS_OF)
    figures.add("raw bytes to refreshed marts", events, sum(figures.stages[stage]["seconds"] for stage in stages))


def _import_gate() -> None:
    """Great Expectations takes seconds to import, once per process: not a matter of rows."""
    from lanecast.contracts import engine  # noqa: F401


@contextmanager
def _files_in(store: Path) -> Iterator[None]:
    ours = {"LANECAST_RAW": str(store), "LANECAST_REPORTS": str(store / "reports")}
    before = {name: os.environ.get(name) for name in ours}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _pulled(address: str, parcels: int) -> Run:
    """A pull that has asked for every parcel, with its answers stored and indexed."""
    indexed: list[tuple[object, ...]] = []
    with warehouse.connect(address=address) as link, link.cursor() as cursor:
        run = runs.open_run(link, "pull", "pull", "tracking_event", as_of=_AS_OF)
        cursor.execute(statement("bench/requests"), {"run_id": run.run_id, "as_of": _AS_OF})
        with raw.RawWriter("dhl", run.run_id, shard=0, attempt=1, at=_AS_OF) as writer:
            for number in range(parcels):
                tracking_number = f"LC{number:010}"
                answer = http.Answer(
                    carrier="dhl",
                    requested=(tracking_number,),
                    url=f"https://api-eu.dhl.com/track/shipments?trackingNumber={tracking_number}",
                    requested_at=_AS_OF,
                    answered_at=_AS_OF,
                    status=200,
                    headers={"content-type": "application/json"},
                    body=_body(number, tracking_number),
                )
                told = writer.append(answer)
                indexed.append(
                    (
                        *(run.run_id, "dhl", told.file, told.byte_offset, told.byte_length, 200),
                        *([tracking_number], told.sha256, _AS_OF, _AS_OF),
                    )
                )
        psycopg2.extras.execute_values(
            cursor,
            "INSERT INTO ops.raw_answer (run_id, carrier, file, byte_offset, byte_length, status, tracking_numbers, "
            "sha256, requested_at, answered_at) VALUES %s",
            indexed,
            page_size=1000,
        )
    return run


def _body(number: int, tracking_number: str) -> bytes:
    start = datetime(2026, 1, 1, tzinfo=UTC) + number % 5000 * timedelta(minutes=37)
    events = [
        {
            "timestamp": f"{start + step * timedelta(hours=13):%Y-%m-%dT%H:%M:%S}",
            "location": {"address": {"countryCode": country, "addressLocality": city}},
            "statusCode": code,
            "status": text,
            "description": text,
        }
        for step, (code, text, country, city) in enumerate(_SCANS)
    ]
    shipment = {
        "id": tracking_number,
        "service": "parcel-de",
        "origin": {"address": {"countryCode": "DE"}},
        "destination": {"address": {"countryCode": "FR"}},
        "status": events[-1],
        "events": events[::-1],
    }
    return msgspec.json.encode({"shipments": [shipment]})
