"""Worlds in which any carrier that has a stand-in carries parcels, and the way to ask one without a server."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import httpx
import msgspec

from lanecast.carriers import http, registry
from lanecast.carriers.accounts import SANDBOX_SECRET
from lanecast.carriers.base import Account, Parsed, Wanted
from lanecast.sandbox import wire
from lanecast.sandbox.clock import WorldClock
from lanecast.sandbox.description import Carrier, Description, Dirt, Orders, Outcomes, Service, read_description
from lanecast.sandbox.server import Sandbox
from lanecast.sandbox.shipment import Shipment
from lanecast.sandbox.world import World

START = datetime(2026, 5, 20, 12, tzinfo=UTC)
FOREVER = datetime(2027, 5, 20, 12, tzinfo=UTC)
STANDARD = Service(name="Standard International", share=1, handling_days=0.8, line_haul=2.0, spread=0.3)


def describe(carriers: Sequence[str], per_day: float = 6, dirt: float = 0.0) -> Description:
    """The default world, with these carriers alone (one service each) and many things that go wrong."""
    described = read_description()
    kept = {name: Carrier(services={"standard": STANDARD}, requests_per_second=1e6) for name in carriers}
    return msgspec.structs.replace(
        described,
        carriers={name: described.carriers.get(name, one) for name, one in kept.items()},
        origins={
            code: msgspec.structs.replace(origin, carriers=dict.fromkeys(carriers, 1.0))
            for code, origin in described.origins.items()
        },
        orders=Orders(per_day=per_day * len(carriers), weekdays=[1.0] * 7, multi_piece=0.2),
        outcomes=Outcomes(
            lost=0.06, refused=0.06, undeliverable=0.06, failed_attempt=0.3, pickup_point=0.2, damaged=0.05
        ),
        dirt=Dirt(answers=dirt, history=dirt),
        history_days=60,
    )


@cache
def world_of(carrier: str) -> World:
    """A world of one carrier; for an aggregator, of the first carriers that it can tell of."""
    carriers = [carrier] if registry.row(carrier).kind == "carrier" else list(wire.names("carrier"))[:4]
    return World(describe(carriers), START, seed=7)


@cache
def finished(carrier: str, count: int = 60) -> tuple[Shipment, ...]:
    """Shipments ordered up to 100 days before START: all of them have ended by FOREVER."""
    world = world_of(carrier)
    found: list[Shipment] = []
    day = START.date() - timedelta(days=100)
    while len(found) < count:
        found.extend(world.shipments_ordered_on(day))
        day += timedelta(days=1)
    return tuple(found[:count])


def account(carrier: str) -> Account:
    """The sandbox's account of a carrier."""
    return Account(
        carrier=carrier,
        base_url=f"http://sandbox.test/{carrier}",
        login=f"sandbox-{carrier}",
        password=SANDBOX_SECRET,
        is_sandbox=True,
    )


def ask(
    carrier: str, numbers: Sequence[str], now: datetime = FOREVER, fault: dict[str, Any] | None = None
) -> list[http.Answer]:
    """What the stand-in answers about these numbers at a moment of the world, through the code that a pull runs."""
    sandbox = Sandbox(world_of(carrier), WorldClock(START, START, 1.0, lambda: now))
    if fault:
        from lanecast.sandbox.faults import Fault

        sandbox.faults.add(msgspec.convert({"carrier": carrier} | fault, Fault))
    adapter = registry.adapter(carrier)
    size = adapter.numbers_per_request
    wanted = [Wanted(number) for number in numbers]
    batches = [wanted[start : start + size] for start in range(0, len(wanted), size)]

    async def run() -> list[http.Answer]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(sandbox.app())) as client:
            limits = http.Limits(requests_per_second=1e6, first_backoff=0.01, longest_wait=0.05)
            stream = http.pull(adapter, account(carrier), batches, limits=limits, client=client)
            return [answer async for answer in stream]

    return asyncio.run(run())


def read(carrier: str, answers: Sequence[http.Answer]) -> list[Parsed]:
    """All that the adapter reads in these answers."""
    adapter = registry.adapter(carrier)
    return [parsed for answer in answers for parsed in adapter.parse(answer.body, answer.requested)]
