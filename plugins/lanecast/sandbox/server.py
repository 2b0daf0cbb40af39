"""The sandbox carriers over HTTP: one simulated world behind the wire formats of carriers and aggregators.

Beside the carriers' own paths (`/ups/...`, `/fedex/...`) there are `GET /health`,
`GET /sandbox/clock`, `GET /sandbox/stats`, `GET|POST|DELETE /sandbox/faults`, and the exports
`GET /export/shipments.csv.gz`, `/export/events.csv.gz`, `/export/new_shipments.csv.gz?since=TIME`,
`/export/orders.csv.gz`, `/export/products.csv.gz`, `/export/interactions.csv.gz` and
`/export/new_interactions.csv.gz?since=TIME`. The storefronts' own paths are in `storefront_endpoints`.
"""

from __future__ import annotations

import logging
import socket
import threading
from collections import Counter as Counts
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from anyio import to_thread
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from lanecast.sandbox.carrier_endpoints import CarrierEndpoints
from lanecast.sandbox.clock import WorldClock, wall_time
from lanecast.sandbox.description import read_description, start_of
from lanecast.sandbox.faults import Fault, Faults
from lanecast.sandbox.history import events_csv_gz, new_shipments_csv_gz, shipments_csv_gz
from lanecast.sandbox.shop.exports import interactions_csv_gz, orders_csv_gz, products_csv_gz
from lanecast.sandbox.shop.storefronts import Storefronts
from lanecast.sandbox.storefront_endpoints import StorefrontEndpoints
from lanecast.sandbox.wire.base import json_response
from lanecast.sandbox.world import World

log = logging.getLogger(__name__)


def open_world(
    world_file: Path | None = None,
    seed: int | None = None,
    anchor: datetime | None = None,
    start: datetime | None = None,
    speed: float | None = None,
) -> tuple[World, WorldClock]:
    """The world and its clock. The same file, seed and anchor give the same world at the same time.

    `world_file` None is the default world, `seed`, `start` and `speed` None are the file's, `anchor` None is now.
    Raises WorldError where the file cannot be used, ValueError for a clock without zone or a negative speed.
    """
    description = read_description(world_file)
    anchor = anchor or wall_time()
    if anchor.tzinfo is None:
        raise ValueError("the anchor needs a zone: write it with an offset or Z")
    world = World(description, start or start_of(description) or anchor.replace(microsecond=0), seed)
    return world, WorldClock(world.start, anchor, description.clock.speed if speed is None else speed)


class Sandbox:
    """The application's own endpoints."""

    def __init__(self, world: World, clock: WorldClock, token_seconds: float | None = None) -> None:
        """`token_seconds` overrides how long tokens live."""
        self.world = world
        self.clock = clock
        self.faults = Faults()
        self.carriers = CarrierEndpoints(world, clock, self.faults, token_seconds)
        self.storefronts = StorefrontEndpoints(world, clock, self.faults)

    def app(self) -> Starlette:
        """The ASGI application."""
        own = [
            Route("/health", self._health),
            Route("/sandbox/clock", self._clock),
            Route("/sandbox/stats", self._stats),
            Route("/sandbox/faults", self._faults, methods=["GET", "POST", "DELETE"]),
            Route("/export/shipments.csv.gz", self._shipments),
            Route("/export/events.csv.gz", self._events),
            Route("/export/new_shipments.csv.gz", self._new_shipments),
            Route("/export/orders.csv.gz", self._orders),
            Route("/export/products.csv.gz", self._products),
            Route("/export/interactions.csv.gz", self._interactions),
            Route("/export/new_interactions.csv.gz", self._new_interactions),
        ]
        return Starlette(routes=[*self.carriers.routes(), *self.storefronts.routes(), *own])

    async def _health(self, request: Request) -> Response:
        return json_response({"status": "ok", "world": self.world.description.name, "now": self.clock.now()})

    async def _clock(self, request: Request) -> Response:
        clock = self.clock
        return json_response({"start": clock.start, "anchor": clock.anchor, "speed": clock.speed, "now": clock.now()})

    async def _stats(self, request: Request) -> Response:
        day = self.clock.now().astimezone(UTC).date()
        return json_response(
            {
                "requests": {name: dict(counts) for name, counts in self._asked().items()},
                "parcels": {"ordered_today": self.world.orders_on(day), "history": self.world.orders_in_history()},
                "seed": self.world.seed,
            }
        )

    async def _faults(self, request: Request) -> Response:
        if request.method == "DELETE":
            self.faults.clear()
        elif request.method == "POST":
            try:
                fault = msgspec.json.decode(await request.body(), type=Fault)
            except (msgspec.DecodeError, UnicodeDecodeError) as problem:
                return json_response({"error": f"not a fault: {problem}"}, 400)
            if fault.carrier != "*" and fault.carrier not in self._asked():
                known = ", ".join(self._asked())
                return json_response({"error": f"no carrier {fault.carrier!r} here; give *, {known}"}, 400)
            self.faults.add(fault)
        return json_response({"faults": self.faults.in_force()})

    def _asked(self) -> dict[str, Counts[str]]:
        """Answers by status, of each carrier and storefront."""
        return self.carriers.stats | self.storefronts.stats

    async def _shipments(self, request: Request) -> Response:
        return _gzip_file(shipments_csv_gz(self.world), "shipments.csv.gz")

    async def _events(self, request: Request) -> Response:
        return _gzip_file(events_csv_gz(self.world), "events.csv.gz")

    async def _new_shipments(self, request: Request) -> Response:
        try:
            since = self._since(request)
        except ValueError as problem:
            return json_response({"error": str(problem)}, 400)
        return _gzip_file(new_shipments_csv_gz(self.world, since, self.clock.now()), "new_shipments.csv.gz")

    async def _orders(self, request: Request) -> Response:
        return await self._of_shop(orders_csv_gz, "orders.csv.gz")

    async def _products(self, request: Request) -> Response:
        return await self._of_shop(products_csv_gz, "products.csv.gz")

    async def _interactions(self, request: Request) -> Response:
        start = int(self.world.start.timestamp())
        return await self._of_shop(lambda shop: interactions_csv_gz(shop, None, start), "interactions.csv.gz")

    async def _new_interactions(self, request: Request) -> Response:
        try:
            since = int(self._since(request).timestamp())
        except ValueError as problem:
            return json_response({"error": str(problem)}, 400)
        now = self.clock.now_seconds()
        return await self._of_shop(lambda shop: interactions_csv_gz(shop, since, now), "new_interactions.csv.gz")

    async def _of_shop(self, export: Callable[[Storefronts], Iterator[bytes]], name: str) -> Response:
        """An export; the ledger is worked out beside the answers of others."""
        return _gzip_file(await to_thread.run_sync(export, self.storefronts.shop), name)

    def _since(self, request: Request) -> datetime:
        told = request.query_params.get("since", "").replace(" ", "+")
        try:
            since = datetime.fromisoformat(told) if told else self.clock.start
        except ValueError:
            raise ValueError(f"since is {told!r}: give an ISO 8601 time") from None
        return since if since.tzinfo else since.replace(tzinfo=UTC)


def _gzip_file(pieces: Iterator[bytes], name: str) -> Response:
    disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(pieces, media_type="application/gzip", headers=disposition)


def serve(
    host: str,
    port: int,
    world_file: Path | None = None,
    seed: int | None = None,
    anchor: datetime | None = None,
    start: datetime | None = None,
    speed: float | None = None,
    token_seconds: float | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM. Port 0 takes a free one. Raises OSError where the port is taken."""
    import uvicorn  # takes a tenth of a second

    sandbox = Sandbox(*open_world(world_file, seed, anchor, start, speed), token_seconds)
    # The shops' ledger takes some seconds: it is worked out while the platform starts.
    threading.Thread(target=sandbox.storefronts.warm, daemon=True, name="ledger").start()
    listening = socket.create_server((host, port), backlog=512)
    config = uvicorn.Config(
        sandbox.app(), log_level="warning", access_log=False, lifespan="off", timeout_graceful_shutdown=3
    )
    # The socket listens already: whoever connects from here on is served.
    log.info("sandbox carriers ready on http://%s:%d", host, listening.getsockname()[1])
    uvicorn.Server(config).run(sockets=[listening])
