"""Shopify's GraphQL Admin endpoint, as the sandbox plays it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
from graphql import DocumentNode, GraphQLError, execute, parse, validate
from graphql.execution import ExecutionResult

from lanecast.sandbox.access import SANDBOX_SECRET
from lanecast.sandbox.shop.shopify_cost import MOST, Points, cost
from lanecast.sandbox.shop.shopify_root import Root
from lanecast.sandbox.shop.shopify_schema import VERSION, schema
from lanecast.sandbox.shop.storefronts import Storefronts

_LIMITS = "https://shopify.dev/api/usage/rate-limits"


class Asked(msgspec.Struct):
    """A request's body."""

    query: str
    variables: dict[str, Any] | None = None
    operationName: str | None = None


class Told(NamedTuple):
    """Status and body of an answer."""

    status: int
    body: dict[str, Any]


class Shopify:
    """One shop's GraphQL endpoint."""

    def __init__(self, shop: Storefronts) -> None:
        """The bucket of points is full at first."""
        described = shop.world.description.shop
        self._shop = shop
        self.points = Points(described.points, described.points_per_second)

    def accepts(self, version: str, token: str | None) -> Told | None:
        """The refusal of who asks without the token, or for another version; None where all is well."""
        if token != SANDBOX_SECRET:
            told = "[API] Invalid API key or access token (unrecognized login or wrong password)"
            return Told(401, {"errors": told})
        return None if version == VERSION else Told(404, {"errors": "Not Found"})

    def answer(self, body: bytes) -> Told:
        """The answer to a query, with its cost; refused where it costs too much, now or ever."""
        try:
            asked = msgspec.json.decode(body, type=Asked)
        except msgspec.DecodeError as problem:
            return Told(400, {"errors": {"query": f"Required parameter missing or invalid: {problem}"}})
        document, errors = _read(asked.query)
        if document is None or errors:
            return Told(200, {"errors": [error.formatted for error in errors]})
        variables = asked.variables or {}
        requested = cost(schema(), document, variables)
        if requested > MOST:
            return Told(200, {"errors": [_too_dear(requested)]})
        if self.points.level() < requested:
            error = {"message": "Throttled", "extensions": {"code": "THROTTLED", "documentation": _LIMITS}}
            return Told(200, {"errors": [error], "extensions": {"cost": self._cost(requested, None)}})
        root = Root(self._shop)
        found = execute(schema(), document, root, variable_values=variables, operation_name=asked.operationName)
        assert isinstance(found, ExecutionResult)
        actual = min(requested, cost(schema(), document, variables, found.data, is_actual=True))
        self.points.take(actual)
        told: dict[str, Any] = {"data": found.data, "extensions": {"cost": self._cost(requested, actual)}}
        if found.errors:
            told["errors"] = [error.formatted for error in found.errors]
        if root.unknown:
            warnings = [{"field": name, "code": "invalid_field"} for name in root.unknown]
            told["extensions"]["search"] = [{"path": ["query"], "query": "", "warnings": warnings}]
        return Told(200, told)

    def _cost(self, requested: int, actual: int | None) -> Mapping[str, Any]:
        return {
            "requestedQueryCost": requested,
            "actualQueryCost": actual,
            "throttleStatus": self.points.status(),
        }


def _too_dear(requested: int) -> dict[str, Any]:
    return {
        "message": f"Query cost is {requested}, which exceeds the single query max cost limit ({MOST}).",
        "extensions": {
            "code": "MAX_COST_EXCEEDED",
            "cost": requested,
            "maxCost": MOST,
            "documentation": _LIMITS,
        },
    }


@lru_cache(maxsize=64)
def _read(query: str) -> tuple[DocumentNode | None, list[GraphQLError]]:
    """A query's document, and what is wrong with it. The same queries come again and again."""
    try:
        document = parse(query)
    except GraphQLError as error:
        return None, [error]
    return document, list(validate(schema(), document))
