"""The storefronts' endpoints over one world: accounts, rate limits and faults before each answer, and changes by hand.

`/shopify/admin/api/2026-07/graphql.json` and `/woocommerce/wp-json/wc/v3/...`. For tests, `POST
/sandbox/orders/<order_id>` and `/sandbox/products/<product_id>` change what the shops say from now on, `GET` of both
tells how it stands, and `DELETE /sandbox/changes` takes all of it back.
"""

from __future__ import annotations

from collections import Counter as Counts
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lanecast.sandbox.access import Bucket, basic_credentials, is_client
from lanecast.sandbox.clock import WorldClock
from lanecast.sandbox.faults import Faults, spoil
from lanecast.sandbox.shop.behaviour import LOOKS_AHEAD
from lanecast.sandbox.shop.catalogue import Product
from lanecast.sandbox.shop.customers import customer_id
from lanecast.sandbox.shop.description import StorefrontKind
from lanecast.sandbox.shop.orders import Order
from lanecast.sandbox.shop.storefronts import KINDS, ChangeError, OrderChange, ProductChange, Storefronts
from lanecast.sandbox.shop.told import time_text
from lanecast.sandbox.shop.woocommerce import Page, WooCommerce
from lanecast.sandbox.shop.woocommerce_asked import Refused
from lanecast.sandbox.wire.base import json_response
from lanecast.sandbox.workdays import DAY
from lanecast.sandbox.world import World

Handler = Callable[[Request], Awaitable[Response]]
_GRAPHQL = "/shopify/admin/api/{version}/graphql.json"
_ROOT = "/woocommerce/wp-json/wc/v3"


class StorefrontEndpoints:
    """Both shops of one sandbox. `stats` counts answers by shop and status."""

    def __init__(self, world: World, clock: WorldClock, faults: Faults) -> None:
        """All of one sandbox."""
        self.shop = Storefronts(world, clock.now_seconds)
        self._faults = faults
        self._rests = WooCommerce(self.shop)
        self._bucket = Bucket(world.description.shop.requests_per_second)
        self._graph: Any = None
        self.stats: dict[str, Counts[str]] = {kind: Counts() for kind in KINDS}

    def warm(self) -> None:
        """Work out all orders up to now, and what is looked at before those to come."""
        self.shop.ledger.on(self.shop.now() // DAY + LOOKS_AHEAD)

    def routes(self) -> list[Route]:
        """The routes of both shops, and those that change them by hand."""
        rests = self._rests
        return [
            Route(_GRAPHQL, self._guarded("shopify", self._graphql), methods=["POST"]),
            self._rest("/orders", lambda _, asked: rests.orders(asked)),
            self._rest("/orders/{id:int}", rests.order),
            self._rest("/orders/{id:int}/refunds", rests.refunds),
            self._rest("/refunds", lambda _, asked: rests.all_refunds(asked)),
            self._rest("/products", lambda _, asked: rests.products(asked)),
            self._rest("/products/{id:int}", rests.product),
            Route("/sandbox/orders/{order_id}", self._order, methods=["GET", "POST"]),
            Route("/sandbox/products/{product_id:int}", self._product, methods=["GET", "POST"]),
            Route("/sandbox/changes", self._reset, methods=["DELETE"]),
        ]

    def _rest(self, path: str, answer: Callable[[int, Mapping[str, str]], Page | dict[str, Any]]) -> Route:
        async def handler(request: Request) -> Response:
            login, password = basic_credentials(request.headers.get("authorization", ""))
            asked = request.query_params
            login, password = login or asked.get("consumer_key", ""), password or asked.get("consumer_secret", "")
            if not is_client("woocommerce", login, password):
                told = Refused(401, "woocommerce_rest_cannot_view", "Sorry, you cannot list resources.")
                return json_response(told.body, 401)
            try:
                found = await to_thread.run_sync(answer, int(request.path_params.get("id", 0)), asked)
            except Refused as refused:
                return json_response(refused.body, refused.status)
            if not isinstance(found, Page):
                return json_response(found)
            response = json_response(found.told)
            response.headers["X-WP-Total"] = str(found.total)
            response.headers["X-WP-TotalPages"] = str(found.pages)
            return response

        return Route(_ROOT + path, self._guarded("woocommerce", handler))

    async def _graphql(self, request: Request) -> Response:
        graph = self._shopify()
        refused = graph.accepts(request.path_params["version"], request.headers.get("x-shopify-access-token"))
        told = refused or await to_thread.run_sync(graph.answer, await request.body())
        response = json_response(told.body, told.status)
        response.headers["X-Shopify-API-Version"] = "2026-07"
        return response

    def _shopify(self) -> Any:
        if self._graph is None:
            from lanecast.sandbox.shop.shopify import Shopify  # graphql takes a tenth of a second to import

            self._graph = Shopify(self.shop)
        return self._graph

    def _guarded(self, kind: StorefrontKind, answer: Handler) -> Handler:
        """An endpoint that checks the rate limit and the faults before it answers."""

        async def handler(request: Request) -> Response:
            response = self._throttled(kind)
            if response is None:
                fault = self._faults.next(kind)
                if fault is None:
                    response = await answer(request)
                else:
                    self.stats[kind][f"fault {fault.kind}"] += 1
                    response = await spoil(fault, lambda _: answer(request))
            self.stats[kind][str(response.status_code)] += 1
            return response

        return handler

    def _throttled(self, kind: StorefrontKind) -> Response | None:
        """A shop of WooCommerce's is limited by whoever hosts it; Shopify limits by what a query costs."""
        if kind == "shopify" or self._bucket.take() == 0:
            return None
        response = json_response({"code": "too_many_requests", "message": "Too many requests"}, 429)
        response.headers["Retry-After"] = "1"
        return response

    async def _order(self, request: Request) -> Response:
        order_id = request.path_params["order_id"]
        try:
            if request.method == "POST":
                change = msgspec.json.decode(await request.body() or b"{}", type=OrderChange)
                order: Order | None = await to_thread.run_sync(self.shop.change_order, order_id, change)
            else:
                order = await to_thread.run_sync(self.shop.named, order_id)
        except (msgspec.DecodeError, ChangeError) as problem:
            return json_response({"error": str(problem)}, 400)
        except LookupError as problem:
            return json_response({"error": str(problem)}, 404)
        if order is None:
            return json_response({"error": f"no order {order_id}"}, 404)
        return json_response(self._order_told(order))

    async def _product(self, request: Request) -> Response:
        number = request.path_params["product_id"]
        try:
            if request.method == "POST":
                change = msgspec.json.decode(await request.body() or b"{}", type=ProductChange)
                product: Product = await to_thread.run_sync(self.shop.change_product, number, change)
            else:
                catalogue = await to_thread.run_sync(lambda: self.shop.catalogue)
                product = self.shop.product(catalogue.number_of[number])
        except msgspec.DecodeError as problem:
            return json_response({"error": str(problem)}, 400)
        except LookupError:
            return json_response({"error": f"no product {number}"}, 404)
        return json_response(product)

    async def _reset(self, request: Request) -> Response:
        self.shop.reset()
        return json_response({"changes": 0})

    def _order_told(self, order: Order) -> dict[str, Any]:
        now = self.shop.now()
        products = [self.shop.product(line.product) for line in order.lines]
        return {
            "order_id": order.order_id,
            "id": order.id,
            "kind": order.kind,
            "customer_id": None if order.customer is None else customer_id(order.customer),
            "ordered_at": time_text(order.ordered_at),
            "changed_at": time_text(order.changed_at(now)),
            "is_cancelled": order.is_cancelled(now),
            "is_shipped": order.is_shipped(now),
            "tracking_number": order.parcel.number if order.parcel else None,
            "lines": [
                {"product_id": product.id, "quantity": line.quantity, "left": order.quantity_left(place, now)}
                for place, (line, product) in enumerate(zip(order.lines, products, strict=True))
            ],
            "refunds": [{"at": time_text(one.at), "lines": one.lines} for one in order.refunds_at(now)],
        }
