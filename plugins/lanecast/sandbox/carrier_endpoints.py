"""The stand-ins' endpoints over one world: accounts, rate limits and faults before each answer."""

from __future__ import annotations

from collections import Counter as Counts
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lanecast.sandbox import wire
from lanecast.sandbox.access import Access
from lanecast.sandbox.clock import WorldClock
from lanecast.sandbox.description import Carrier
from lanecast.sandbox.dirt import Dirt
from lanecast.sandbox.faults import Faults, spoil
from lanecast.sandbox.shipment import Shipment
from lanecast.sandbox.wire.base import Endpoint, StandIn, json_response
from lanecast.sandbox.world import World

Handler = Callable[[Request], Awaitable[Response]]


class CarrierEndpoints:
    """The world's carriers, and the aggregators that tell of all of them: what stand-ins answer from (see Counter)."""

    def __init__(self, world: World, clock: WorldClock, faults: Faults, token_seconds: float | None = None) -> None:
        """All of one sandbox. `stats` counts answers by carrier and status."""
        self._world = world
        self._clock = clock
        self._faults = faults
        self._dirt = Dirt(world.description, world.seed)
        aggregators = {name: Carrier(services={}) for name in wire.names("aggregator")}
        self._access = Access(world.description.carriers | aggregators, token_seconds)
        self.stats: dict[str, Counts[str]] = {name: Counts() for name in (*world.description.carriers, *aggregators)}

    def routes(self) -> list[Route]:
        """The routes of the carriers that the world has, and of all aggregators, each below its own name."""
        return [
            Route(f"/{name}{endpoint.path}", self._handler(wire.stand_in(name), endpoint), methods=[endpoint.method])
            for name in self.stats
            for endpoint in wire.stand_in(name).endpoints()
        ]

    def now(self) -> int:
        """The world's time, in seconds since 1970."""
        return self._clock.now_seconds()

    def find(self, number: str, carrier: str | None = None) -> tuple[Shipment, int] | None:
        """The shipment and piece with that number, of one carrier or of any."""
        carriers = self._world.description.carriers if carrier is None else (carrier,)
        return next((found for one in carriers if (found := self._world.find(one, number))), None)

    def flaw(self, carrier: str, number: str, malformed: bool = False) -> str | None:
        """What is broken in every answer about a number."""
        return "malformed_parcel" if malformed else self._dirt.in_answer(carrier, number)

    def lacks_offset(self, number: str) -> bool:
        """Whether answers about a number leave out what tells the offset."""
        found = self.find(number)
        return found is not None and self._dirt.lacks_offset(found[0].carrier, number)

    def token(self, carrier: str) -> tuple[str, int]:
        """A new access token, and the seconds that it holds."""
        return self._access.token(carrier)

    def accepts(self, carrier: str, token: str) -> bool:
        """Whether a token is one of the carrier's and still holds."""
        return self._access.accepts(carrier, token)

    def _handler(self, stand_in: StandIn, endpoint: Endpoint) -> Handler:
        """An endpoint that checks the account, the rate limit and the faults before it answers."""
        carrier = stand_in.name

        async def opened(request: Request) -> Response:
            return await endpoint.answer(request, self, False)

        async def guarded(request: Request) -> Response:
            response = None if stand_in.accepts(request, self) else stand_in.refusal()
            response = response or self._throttled(carrier)
            if response is None:
                fault = self._faults.next(carrier)
                if fault is None:
                    response = await endpoint.answer(request, self, False)
                else:
                    self.stats[carrier][f"fault {fault.kind}"] += 1
                    response = await spoil(fault, lambda malformed: endpoint.answer(request, self, malformed))
            self.stats[carrier][str(response.status_code)] += 1
            return response

        return opened if endpoint.is_open else guarded

    def _throttled(self, carrier: str) -> Response | None:
        if self._access.wait(carrier) == 0:
            return None
        response = json_response({"message": "Too many requests"}, 429)
        response.headers["Retry-After"] = "1"
        return response
