"""Puts orders with their parcels where mart.delivery_experience looks, and works the mart out order by order."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from statistics import mean
from typing import Any

import psycopg2.extras

from lanecast.warehouse import connection

START = datetime(2026, 1, 5, 12, tzinfo=UTC)
LATE = ("late_1_2_days", "late_3_7_days", "late_over_a_week")


def at(days: float) -> datetime:
    """The moment so many days after START, which is a noon."""
    return START + timedelta(days=days)


@dataclass(frozen=True)
class Order:
    """An order to a country whose clock is UTC, with one parcel. Times are days after START; promises name days."""

    customer: str | None
    ordered: float
    delivered: float | None = None
    promised: float | None = None
    country: str | None = "GH"
    returned: float | None = None
    milestone: str = "delivered"
    ended: float | None = None
    value: float = 10.0
    currency: str = "EUR"
    status: str = "paid"
    has_parcel: bool = True
    lines: Sequence[tuple[float, float, float | None]] = field(default=())
    """(quantity, unit price, day) beside the first line."""


def put(orders: Iterable[Order]) -> None:
    """Writes the orders, numbered in their order from 1, with lines, parcels and statuses."""
    told = list(enumerate(orders, 1))
    tables: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for number, one in told:
        name = f"O{number}"
        tables["core.customer_order"].append(
            (name, one.customer, at(one.ordered), one.status, one.currency, one.country, "t", START)
        )
        lines = [(1.0, one.value, None), *one.lines]
        if one.returned is not None:
            lines.append((-1.0, one.value, one.returned))
        for place, (quantity, price, day) in enumerate(lines, 1):
            tables["core.order_line"].append(
                (name, place, "p", quantity, price, None if day is None else at(day), "t", START)
            )
        if one.has_parcel:
            put_parcel(tables, number, name, one)
    columns = {
        "core.customer_order": "order_id, customer_id, ordered_at, status, currency, country, run_id, ingested_at",
        "core.order_line": "order_id, line_number, product_id, quantity, unit_price, occurred_at, run_id, ingested_at",
        "core.shipment": "shipment_id, carrier, tracking_number, epoch, order_id, promised_at, run_id, ingested_at, "
        "changed_at",
        "serving.shipment_status": "shipment_id, epoch, order_id, ordered_at, shipped_at, delivered_at, milestone, "
        "milestone_at, refreshed_at",
    }
    with connection.connect() as link, link.cursor() as cursor:
        for table, rows in tables.items():
            psycopg2.extras.execute_values(
                cursor, f"INSERT INTO {table} ({columns[table]}) VALUES %s", rows, page_size=1000
            )


def put_parcel(tables: dict[str, list[tuple[Any, ...]]], number: int, order: str, one: Order) -> None:
    """Adds the parcel of one order to the rows of both tables."""
    promised = None if one.promised is None else at(one.promised - 0.5)
    delivered = None if one.delivered is None else at(one.delivered)
    ended = delivered if one.ended is None else at(one.ended)
    tables["core.shipment"].append((number, "ups", f"N{number}", 1, order, promised, "t", START, START))
    tables["serving.shipment_status"].append(
        (number, 1, order, at(one.ordered), at(one.ordered + 0.5), delivered, one.milestone, ended, START)
    )


# ------------------------------------------------------------------------------- the mart, order by order

Key = tuple[str | None, str, str]


def by_hand(orders: Sequence[Order], now: float) -> dict[Key, dict[str, Any]]:
    """Counts, shares and means of every row, by (country, segment, lateness), from the definitions alone."""
    bought = [one for one in orders if one.status != "cancelled"]
    rows: dict[Key, list[dict[str, Any]]] = defaultdict(list)
    for one in bought:
        if one.has_parcel:
            seen = _experience(one, bought, now)
            late = {seen["lateness"], "all"} | ({"late"} if seen["lateness"] in LATE else set())
            for country in {one.country, None}:
                for segment in (seen["segment"], "all"):
                    for lateness in late:
                        rows[country, segment, lateness].append(seen)
    return {key: _row(found) for key, found in rows.items() if key[2] != "open"}


def _experience(one: Order, bought: Sequence[Order], now: float) -> dict[str, Any]:
    before = [other for other in bought if other.customer == one.customer and other.ordered < one.ordered]
    segment = "first_order" if not before else "second_or_third" if len(before) < 3 else "regular"
    lateness, felt = _lateness(one, now)
    seen: dict[str, Any] = {
        "segment": "guest" if one.customer is None else segment,
        "lateness": lateness,
        "customer": one.customer,
        "days": None if one.delivered is None else one.delivered - one.ordered,
        "currency": one.currency,
    }
    if felt is None:
        return seen
    later = [other for other in bought if other.customer == one.customer and other.ordered > felt]
    followed = int(now - felt)
    seen["is_complete"] = followed >= 90
    if one.customer is not None:
        first = min((other.ordered for other in later), default=None)
        seen["repeat"] = _event(None if first is None else first - felt, followed, 90)
        if followed >= 90:
            seen["next"] = sum(
                other.value for other in later if other.ordered <= felt + 90 and other.currency == one.currency
            )
    seen["return"] = _event(None if one.returned is None else max(one.returned - felt, 0), followed, 60)
    return seen


def _lateness(one: Order, now: float) -> tuple[str, float | None]:
    """The class, and when it was felt. Moments are days after a noon: a day of the calendar ends half a day later."""
    if one.delivered is None:
        overdue = one.promised is not None and round(one.promised) + 30 < round(now)
        if one.milestone != "lost" and not overdue:
            return "open", None
        ends = [end for end in (None if one.promised is None else one.promised + 0.5, one.ended) if end is not None]
        return "never_arrived", min(ends)
    if one.promised is None:
        return "no_promise", one.delivered
    late = round(one.delivered) - round(one.promised)
    for most, name in ((-3, "early"), (0, "on_time"), (2, LATE[0]), (7, LATE[1])):
        if late <= most:
            return name, one.delivered
    return LATE[2], one.delivered


def _event(days: float | None, followed: int, horizon: int) -> tuple[int, bool, bool] | None:
    """(whole days followed, whether the event was the end, whether the horizon has passed); None below a day."""
    if followed < 1:
        return None
    day = min(followed, horizon)
    is_event = days is not None and int(days) < day
    return (int(days) if is_event and days is not None else day, is_event, followed >= horizon)


def _row(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    done = [seen for seen in found if seen["lateness"] != "open"]
    told: dict[str, Any] = {
        "orders": len(done),
        "customers": len({seen["customer"] for seen in done} - {None}),
    }
    for outcome in ("repeat", "return"):
        ends = [seen[outcome] for seen in done if seen.get(outcome) is not None]
        told[f"{outcome}_n"] = len(ends)
        told[f"{outcome}_n_complete"] = sum(complete for *_, complete in ends)
        told[f"{outcome}_share"] = _kaplan_meier(ends) if told[f"{outcome}_n_complete"] >= 20 else None
    valued = Counter(seen["currency"] for seen in done if seen.get("is_complete"))
    told["currency"] = min(valued, key=lambda currency: (-valued[currency], currency)) if valued else None
    following = [seen["next"] for seen in done if "next" in seen and seen["currency"] == told["currency"]]
    told["mean_value_next"] = mean(following) if len(following) >= 20 else None
    days = sorted(seen["days"] for seen in done if seen["days"] is not None)
    told["median_days"] = _rounded_up(days[(len(days) + 1) // 2 - 1]) if len(days) >= 20 else None
    return told


def _kaplan_meier(ends: Sequence[tuple[int, bool, bool]]) -> float:
    from scipy.stats import CensoredData, ecdf

    # who was followed for so many whole days is gone before the next begins
    events = [float(day) for day, is_event, _ in ends if is_event]
    censored = [day - 0.5 for day, is_event, _ in ends if not is_event]
    if not events:
        return 0.0
    return float(1 - ecdf(CensoredData(uncensored=events, right=censored)).sf.evaluate([89.0])[0])


def _rounded_up(days: float) -> float:
    return -int(-round(days * 10, 6) // 1) / 10
