"""A small simulated world behind real sandbox carriers on a loopback port, and warehouses that hold its past."""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import psycopg2
import uvicorn
from starlette.types import ASGIApp

from lanecast import pipeline
from lanecast.local.server import RunningServer
from lanecast.sandbox.clock import WorldClock
from lanecast.sandbox.description import Dirt, Orders, read_description
from lanecast.sandbox.history import write_history
from lanecast.sandbox.server import Sandbox
from lanecast.sandbox.shipment import Shipment
from lanecast.sandbox.wire import code_and_text
from lanecast.sandbox.world import World
from lanecast.warehouse import clock

START = datetime(2026, 5, 20, 12, tzinfo=UTC)
CARRIERS = ("ups", "fedex", "dhl", "usps")
UNREADABLE = ("impossible_date", "future_event", "unknown_country")
Event = tuple[str, str, datetime, str]
"""Carrier, tracking number, minute on the carrier's clock, code."""
_numbers = itertools.count(1)


@dataclass
class StandIn:
    """The sandbox carriers, answering; `time` is the world's time, which stands still until it is set."""

    world: World
    sandbox: Sandbox
    time: datetime
    url: str = ""

    def fault(self, **order: Any) -> None:
        """Put a fault in force (see lanecast.sandbox.faults)."""
        httpx.post(f"{self.url}/sandbox/faults", json=order, trust_env=False).raise_for_status()

    def calm(self) -> None:
        """No faults, and the world's time at its start."""
        self.time = self.world.start
        httpx.delete(f"{self.url}/sandbox/faults", trust_env=False).raise_for_status()

    def answers(self, carrier: str) -> int:
        """How many tracking answers a carrier has given so far."""
        told = httpx.get(f"{self.url}/sandbox/stats", trust_env=False).json()["requests"][carrier]
        return sum(count for kind, count in told.items() if kind.isdigit())

    def flaw(self, shipment: Shipment, piece: int = 0) -> str | None:
        """What is broken in every answer about a piece, if anything is."""
        return self.sandbox.carriers._dirt.in_answer(shipment.carrier, shipment.piece_number(piece))

    def move_on(self, by: timedelta) -> None:
        """Let time pass, for the carriers and for the warehouse."""
        self.time = self.world.start + by
        clock.set_clock(self.time, self.time, 0)

    def truth(self, carrier: str, number: str) -> dict[Event, datetime]:
        """The scans of one number up to now that can be read, and the UTC minute of each."""
        shipment, piece = self.world.find(carrier, number) or (None, 0)
        if shipment is None:
            return {}
        flaw = self.flaw(shipment, piece)
        scans = shipment.scans_until(int(self.time.timestamp()), piece)
        # The flaw is in the first scan; a malformed parcel has nothing that can be read.
        scans = [] if flaw == "malformed_parcel" else scans[1:] if flaw in UNREADABLE else scans
        return {
            (carrier, number, minute(scan.instant, scan.place.zone.offset(scan.instant)), code): minute(scan.instant)
            for scan in scans
            for code in (code_and_text(carrier, scan)[0],)
        }


def minute(instant: int, offset: int = 0) -> datetime:
    """The minute of an instant on a clock that is `offset` seconds before UTC, without zone."""
    return datetime.fromtimestamp((instant + offset) // 60 * 60, UTC).replace(tzinfo=None)


@contextmanager
def stand_in(
    per_day: float = 8, history_days: int = 45, dirt: float = 0.03, start: datetime = START
) -> Iterator[StandIn]:
    """Sandbox carriers over a world of about `per_day` x `history_days` shipments, whose time stands at `start`."""
    described = read_description()
    description = msgspec.structs.replace(
        described,
        orders=Orders(per_day=per_day, weekdays=[1.0] * 7, multi_piece=0.2),
        history_days=history_days,
        dirt=Dirt(answers=dirt, history=dirt),
    )
    world = World(description, start, seed=7)
    running = StandIn(world, None, start)  # type: ignore[arg-type]
    running.sandbox = Sandbox(world, WorldClock(start, start, 1.0, lambda: running.time))
    with serving(running.sandbox.app()) as url:
        running.url = url
        yield running


@contextmanager
def serving(app: ASGIApp) -> Iterator[str]:
    """An ASGI application on a free loopback port, for the length of the block; its address."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until(lambda: server.started)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(20)


def until(condition: Callable[[], Any], seconds: float = 20, told: Callable[[], str] = lambda: "") -> Any:
    """Wait for a condition, with a limit; returns what it became."""
    limit = time.monotonic() + seconds
    while not (met := condition()):
        assert time.monotonic() < limit, f"waited {seconds:.0f} s in vain: {told()[-3000:]}"
        threading.Event().wait(0.05)
    return met


@contextmanager
def database(server: RunningServer, template: str) -> Iterator[tuple[str, str]]:
    """(name, DSN of its owner) of a fresh copy of a database, dropped after the block."""
    name = f"world_{os.getpid()}_{next(_numbers)}"
    admin = psycopg2.connect(server.dsn("postgres", "postgres"))
    admin.autocommit = True
    try:
        with admin.cursor() as cursor:
            # Great Expectations leaves connections open; a database that is copied must have none.
            cursor.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", (template,)
            )
            cursor.execute(f"CREATE DATABASE {name} TEMPLATE {template} OWNER lanecast")
        yield name, server.dsn("lanecast", name)
    finally:
        with admin.cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        admin.close()


def load_past(running: StandIn, folder: Path, address: str) -> None:
    """Imports the world's past into a warehouse, whose clock stands at START."""
    history = write_history(running.world, folder)
    clock.set_clock(START, START, 0, address)
    for dataset, file in (("shipments", history.shipments_file), ("events", history.events_file)):
        run = pipeline.open_import(f"past:{dataset}", dataset, str(file), address=address)
        pipeline.stage(run, address)
        pipeline.judge(run, address)
        pipeline.load(run, address)


def rows(address: str, query: str, values: Any = None) -> list[tuple[Any, ...]]:
    """What a query finds, read as the warehouse's owner."""
    link = psycopg2.connect(address, options="-c role=lanecast_owner -c timezone=UTC")
    try:
        with link, link.cursor() as cursor:
            cursor.execute(query, values)
            return cursor.fetchall() if cursor.description else []
    finally:
        link.close()


def one(address: str, query: str, values: Any = None) -> Any:
    """The one value that a query finds."""
    ((value,),) = rows(address, query, values)
    return value


def content(address: str) -> dict[str, list[tuple[Any, ...]]]:
    """What core and marts say, without the ids and times that differ from run to run."""
    return {name: rows(address, query) for name, query in _CONTENT.items()}


_CONTENT = {
    "shipment": "SELECT carrier, tracking_number, epoch, order_id, service, origin_country, origin_region, "
    "destination_country, destination_region, ordered_at, shipped_at, delivered_at, promised_at, milestone, attributes "
    "FROM core.shipment ORDER BY carrier, tracking_number, epoch, order_id",
    "shipment_number": "SELECT carrier, tracking_number, epoch, first_event_at, last_event_at, finished_at "
    "FROM core.shipment_number ORDER BY 1, 2, 3",
    "tracking_event": "SELECT number.carrier, number.tracking_number, number.epoch, event.reported_at, "
    "event.event_hash, event.source, event.code, event.description, event.occurred_at, event.tz_known, "
    "event.milestone, event.reason, event.country, event.region, event.city, event.raw_answer_id IS NULL, "
    "event.withdrawn_at IS NULL FROM core.tracking_event AS event "
    "JOIN core.shipment_number AS number USING (shipment_id) ORDER BY 1, 2, 3, 4, 5",
    "quarantined_row": "SELECT dataset, rule, row_data ->> 'carrier', row_data ->> 'tracking_number', row_hash "
    "FROM quality.quarantined_row ORDER BY 1, 2, 3, 4, 5",
    "customer_order": "SELECT order_id, customer_id, ordered_at, status, currency, country, cancelled_at "
    "FROM core.customer_order ORDER BY 1",
    "order_line": "SELECT order_id, line_number, product_id, quantity, unit_price, occurred_at "
    "FROM core.order_line ORDER BY 1, 2",
    "shipment_status": "SELECT carrier, tracking_number, epoch, milestone, milestone_at, reason, last_place, "
    "ordered_at, shipped_at, delivered_at FROM mart.shipment_status ORDER BY carrier, tracking_number, epoch, order_id",
    "delivery_time": "SELECT origin_country, origin_region, destination_country, destination_region, carrier, service, "
    "measure, n, n_delivered, n_in_transit, n_lost_or_returned, round(mean_days, 6), round(sd_days, 6), "
    "round(p05, 6), round(p50, 6), round(p95, 6) FROM mart.delivery_time ORDER BY 1, 2, 3, 4, 5, 6, 7",
}
