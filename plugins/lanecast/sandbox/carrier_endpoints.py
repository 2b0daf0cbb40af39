"""The carriers' endpoints: tokens and tracking, as each carrier answers them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lanecast.sandbox.access import Access, basic_credentials, is_client, login_of
from lanecast.sandbox.clock import WorldClock
from lanecast.sandbox.dirt import Dirt
from lanecast.sandbox.faults import Faults, spoil
from lanecast.sandbox.wire import dhl, fedex, ups, usps
from lanecast.sandbox.world import World

Answer = Callable[[Request, bool], Awaitable[Response]]
Endpoint = Callable[[Request], Awaitable[Response]]


def json_response(content: object, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(msgspec.json.encode(content), status, media_type="application/json")


class CarrierEndpoints:
    """The four carriers over one world."""

    def __init__(self, world: World, clock: WorldClock, access: Access, faults: Faults) -> None:
        """All of one sandbox. `stats` counts answers by carrier and status."""
        self._world = world
        self._clock = clock
        self._access = access
        self._faults = faults
        self._dirt = Dirt(world.description, world.seed)
        self.stats: dict[str, Counter[str]] = {carrier: Counter() for carrier in world.description.carriers}

    def routes(self) -> list[Route]:
        """The routes of the carriers that the world has."""
        tracking: dict[str, tuple[str, str, Answer]] = {
            "ups": ("/ups/api/track/v1/details/{number}", "GET", self._ups),
            "fedex": ("/fedex/track/v1/trackingnumbers", "POST", self._fedex),
            "dhl": ("/dhl/track/shipments", "GET", self._dhl),
            "usps": ("/usps/tracking/v3/tracking/{number}", "GET", self._usps),
        }
        tokens: dict[str, tuple[str, Endpoint]] = {
            "ups": ("/ups/security/v1/oauth/token", self._ups_token),
            "fedex": ("/fedex/oauth/token", self._fedex_token),
            "usps": ("/usps/oauth2/v3/token", self._usps_token),
        }
        known = self._world.description.carriers
        routes = [Route(path, endpoint, methods=["POST"]) for code, (path, endpoint) in tokens.items() if code in known]
        for code, (path, method, answer) in tracking.items():
            if code in known:
                routes.append(Route(path, self._guarded(code, answer), methods=[method]))
        return routes

    def _guarded(self, carrier: str, answer: Answer) -> Endpoint:
        """An endpoint that checks the account, the rate limit and the faults before it answers."""

        async def endpoint(request: Request) -> Response:
            response = self._refused(carrier, request) or self._throttled(carrier)
            if response is None:
                fault = self._faults.next(carrier)
                if fault is None:
                    response = await answer(request, False)
                else:
                    self.stats[carrier][f"fault {fault.kind}"] += 1
                    response = await spoil(fault, lambda malformed: answer(request, malformed))
            self.stats[carrier][str(response.status_code)] += 1
            return response

        return endpoint

    def _refused(self, carrier: str, request: Request) -> Response | None:
        headers = request.headers
        if carrier == "dhl":
            if is_client("dhl", login_of("dhl"), headers.get("dhl-api-key")):
                return None
            return _problem(401, "Unauthorized", "The DHL-API-Key header is missing or wrong")
        if self._access.accepts(carrier, headers.get("authorization", "")):
            return None
        if carrier == "ups":
            return json_response(ups.errors("250002", "Invalid Authentication Information."), 401)
        if carrier == "fedex":
            return json_response(fedex.errors("NOT.AUTHORIZED.ERROR", "Access token expired or invalid."), 401)
        return json_response(usps.error(401, "invalid_token", "The access token is invalid or has expired."), 401)

    def _throttled(self, carrier: str) -> Response | None:
        wait = self._access.wait(carrier)
        if wait == 0:
            return None
        response = json_response({"message": "Too many requests"}, 429)
        response.headers["Retry-After"] = "1"
        return response

    async def _ups_token(self, request: Request) -> Response:
        form = await request.form()
        login, password = basic_credentials(request.headers.get("authorization", ""))
        if form.get("grant_type") != "client_credentials":
            return json_response(ups.errors("10424", "Invalid grant type"), 400)
        if not is_client("ups", login, password):
            return json_response(ups.errors("10401", "ClientId is Invalid"), 401)
        token, seconds = self._access.token("ups")
        # UPS gives numbers of this answer as texts.
        return json_response(
            {"token_type": "Bearer", "client_id": login, "access_token": token, "expires_in": str(seconds)}
            | {"status": "approved"}
        )

    async def _fedex_token(self, request: Request) -> Response:
        form = await request.form()
        if form.get("grant_type") != "client_credentials":
            return json_response(fedex.errors("BAD.REQUEST.ERROR", "Invalid grant type"), 400)
        if not is_client("fedex", form.get("client_id"), form.get("client_secret")):
            return json_response(
                fedex.errors("NOT.AUTHORIZED.ERROR", "The given client credentials were not valid."), 401
            )
        token, seconds = self._access.token("fedex")
        return json_response({"access_token": token, "token_type": "bearer", "expires_in": seconds, "scope": "CXS"})

    async def _usps_token(self, request: Request) -> Response:
        told = _json(await request.body())
        if not isinstance(told, dict) or told.get("grant_type") != "client_credentials":
            return json_response(usps.error(400, "invalid_request", "grant_type must be client_credentials"), 400)
        if not is_client("usps", told.get("client_id"), told.get("client_secret")):
            return json_response(usps.error(401, "invalid_client", "The client credentials are not valid."), 401)
        token, seconds = self._access.token("usps")
        return json_response(
            {"access_token": token, "token_type": "Bearer", "expires_in": seconds, "status": "approved"}
            | {"scope": "tracking"}
        )

    async def _ups(self, request: Request, malformed: bool) -> Response:
        number = request.path_params["number"]
        if not (request.headers.get("transid") and request.headers.get("transactionsrc")):
            return json_response(ups.errors("TV0020", "Missing transId or transactionSrc header"), 400)
        found = self._world.find("ups", number)
        if found is None:
            return json_response(ups.not_found(number), 404)
        shipment, piece = found
        asked = shipment.piece_number(piece)
        content = ups.answer(
            shipment,
            piece,
            self._clock.now_seconds(),
            lambda one: self._flaw("ups", one, malformed and one == asked),
            lambda one: not self._dirt.lacks_offset(one),
        )
        return json_response(content, 200 if "trackResponse" in content else 404)

    async def _fedex(self, request: Request, malformed: bool) -> Response:
        try:
            told = msgspec.json.decode(await request.body())
            numbers = [str(one["trackingNumberInfo"]["trackingNumber"]) for one in told["trackingInfo"]]
        except (msgspec.DecodeError, KeyError, TypeError):
            return json_response(fedex.errors("INVALID.INPUT.EXCEPTION", "Validation failed for object"), 400)
        if not 1 <= len(numbers) <= fedex.MOST_NUMBERS:
            code = "TRACKING.TRACKINGNUMBER.EMPTY" if not numbers else "TRACKING.TRACKINGINFO.MAXIMUMEXCEEDED"
            message = f"Give 1 to {fedex.MOST_NUMBERS} tracking numbers."
            return json_response(fedex.errors(code, message), 400)
        now = self._clock.now_seconds()
        results = []
        for place, number in enumerate(numbers):
            found = self._world.find("fedex", number)
            if found is None:
                results.append(fedex.not_found(number))
            else:
                flaw = self._flaw("fedex", number, malformed and place == 0)
                results.append(fedex.result(*found, now, flaw))
        return json_response(fedex.answer(f"sandbox-{numbers[0]}", results))

    async def _dhl(self, request: Request, malformed: bool) -> Response:
        number = request.query_params.get("trackingNumber", "")
        if not number:
            return _problem(400, "Bad Request", "The query parameter trackingNumber is required")
        found = self._world.find("dhl", number)
        flaw = self._flaw("dhl", number, malformed)
        content = found and dhl.answer(found[0], self._clock.now_seconds(), flaw)
        return (
            json_response(content)
            if content
            else _problem(404, "No result found", "No shipment with given tracking number found.")
        )

    async def _usps(self, request: Request, malformed: bool) -> Response:
        number = request.path_params["number"]
        found = self._world.find("usps", number)
        flaw = self._flaw("usps", number, malformed)
        content = found and usps.answer(found[0], self._clock.now_seconds(), flaw)
        if content:
            return json_response(content)
        return json_response(
            usps.error(404, "-2147219283", "A status update is not yet available on your package."), 404
        )

    def _flaw(self, carrier: str, number: str, malformed: bool) -> str | None:
        return "malformed_parcel" if malformed else self._dirt.in_answer(carrier, number)


def _problem(status: int, title: str, detail: str) -> Response:
    body = msgspec.json.encode(dhl.problem(status, title, detail))
    return Response(body, status, media_type="application/problem+json")


def _json(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError:
        return None
