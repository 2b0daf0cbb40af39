"""The simulated world's customers order less after a late parcel, and send more back: the mart finds out how much."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from math import log
from typing import Any

import msgspec
import psycopg2.extras
import pytest
from delivery_rows import rows

from lanecast.customers import experience
from lanecast.sandbox.description import Orders, read_description
from lanecast.sandbox.shop.ledger import Ledger
from lanecast.sandbox.shop.orders import Order
from lanecast.sandbox.world import World
from lanecast.warehouse import connection

pytestmark = pytest.mark.usefixtures("warehouse")
START = datetime(2026, 5, 20, 12, tzinfo=UTC)
DAYS = 180


def _orders(**costs: float) -> list[Order]:
    """The orders of half a year, of a shop whose customers are known; `costs` is what lateness costs it."""
    told = read_description()
    shop = msgspec.structs.replace(told.shop, customers=30000, cancelled=0.0, guests=0.0, **costs)
    world = World(
        msgspec.structs.replace(
            told, orders=Orders(per_day=80, weekdays=[1.0] * 7), history_days=DAYS, peaks=[], strikes=[], shop=shop
        ),
        START,
    )
    ledger = Ledger(world)
    return [order for day in range(ledger.first_day, ledger.first_day + DAYS) for order in ledger.on(day)]


def _at(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _put(orders: Sequence[Order]) -> None:
    placed, lines, parcels, statuses = [], [], [], []
    for number, order in enumerate(orders, 1):
        moment = _at(order.ordered_at)
        placed.append((order.order_id, f"c{order.customer}", moment, order.place.country, "t", START))
        lines += [
            (order.order_id, place, f"p{line.product}", line.quantity, None, "t", START)
            for place, line in enumerate(order.lines, 1)
        ]
        lines += [
            (order.order_id, 100 * place + line, "p", -quantity, _at(refund.at), "t", START)
            for place, refund in enumerate(order.refunds, 1)
            for line, quantity in refund.lines
        ]
        if (parcel := order.parcel) is not None:
            parcels.append(
                (number, parcel.carrier, parcel.number, 1, order.order_id, _at(parcel.promised_at), "t", START, START)
            )
            milestone = "lost" if parcel.delivered_at is None else "delivered"
            statuses.append(
                (number, 1, order.order_id, moment, _at(parcel.delivered_at), milestone, _at(parcel.finished_at), START)
            )
    _copy("core.customer_order (order_id, customer_id, ordered_at, country, run_id, ingested_at)", placed)
    _copy("core.order_line (order_id, line_number, product_id, quantity, occurred_at, run_id, ingested_at)", lines)
    _copy(
        "core.shipment (shipment_id, carrier, tracking_number, epoch, order_id, promised_at, run_id, ingested_at, "
        "changed_at)",
        parcels,
    )
    _copy(
        "serving.shipment_status (shipment_id, epoch, order_id, ordered_at, delivered_at, milestone, milestone_at, "
        "refreshed_at)",
        statuses,
    )


def _copy(table: str, told: Sequence[tuple[Any, ...]]) -> None:
    with connection.connect() as link, link.cursor() as cursor:
        psycopg2.extras.execute_values(cursor, f"INSERT INTO {table} VALUES %s", told, page_size=2000)


def _found(orders: Sequence[Order]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The rows of late and of on-time orders, all countries and segments together."""
    _put(orders)
    experience.refresh(as_of=START + timedelta(days=1))
    told = {
        row["lateness"]: row
        for row in rows("SELECT * FROM mart.delivery_experience WHERE destination_country IS NULL AND segment = 'all'")
    }
    return told["late"], told["on_time"]


def test_what_lateness_costs_is_found_again() -> None:
    """Late customers order at 0.6 times the pace of others, until their next parcel; each of their lines comes back 2.5
    times as often. An order has several lines, customers differ, and some were late before: a little less of it is
    seen."""
    late, on_time = _found(_orders(late_repeat=0.6, late_return=2.5))
    assert late["repeat_difference_upper"] < 0 < late["return_difference_lower"]
    pace = log(1 - late["repeat_share"]) / log(1 - on_time["repeat_share"])
    assert 0.55 < pace < 0.8
    assert 1.9 < late["return_share"] / on_time["return_share"] < 2.7


def test_where_lateness_costs_nothing_none_is_found() -> None:
    late, _ = _found(_orders(late_repeat=1.0, late_return=1.0))
    assert late["repeat_difference_n"] > 2000
    assert late["repeat_difference_lower"] < 0 < late["repeat_difference_upper"]
    assert late["return_difference_lower"] < 0 < late["return_difference_upper"]
