"""Lanes with known curves, and parcels with known outcomes, for the tests of promises."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import psycopg2.extras
from delivery_rows import START, days, execute

from lanecast.warehouse import connection

LANE = ("origin_country", "origin_region", "destination_country", "destination_region", "carrier", "service")
LEVELS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("world", ()),
    ("destination_country", ("destination_country",)),
    ("lane_country", ("origin_country", "destination_country")),
    ("destination_region", ("destination_country", "destination_region")),
    ("carrier", ("origin_country", "destination_country", "carrier")),
    ("service", ("origin_country", "destination_country", "carrier", "service")),
)
CN_BR = {"origin_country": "CN", "destination_country": "BR"}


def even(slowest: int, first: int = 0) -> list[float]:
    """A curve of order_to_door or handover_to_door: parcels arrive evenly between `first` and `slowest` days."""
    ages = bounds(slowest)
    return [min(max((age - first) / (slowest - first), 0.0), 1.0) for age in ages]


def bounds(end: float) -> list[float]:
    """The ages of a clock's bins up to `end` days, which must be one of them."""
    with connection.connect() as link, link.cursor() as cursor:
        cursor.execute("SELECT serving.age_bounds('order_to_door')")
        row = cursor.fetchone()
    assert row is not None
    ages: list[float] = row[0]
    return ages[: ages.index(end) + 1]


def put_lane(
    curve: Sequence[float] | None,
    lane: Mapping[str, str] | None = None,
    n: int = 100,
    measures: Sequence[str] = ("order_to_door", "handover_to_door"),
    **more: Any,
) -> None:
    """Writes a lane of serving.delivery_time with this curve, for both clocks unless told otherwise."""
    columns = {column: (lane or {}).get(column) for column in LANE}
    held = tuple(column for column in LANE if columns[column] is not None)
    specificity, level = next((i, name) for i, (name, keys) in enumerate(LEVELS, 1) if set(keys) == set(held))
    for measure in measures:
        row = {
            **columns,
            "lane": "|".join(columns[column] or "" for column in LANE),
            "level": level,
            "specificity": specificity,
            "measure": measure,
            "n": n,
            "n_delivered": n,
            "n_in_transit": 0,
            "n_lost_or_returned": 0,
            "basis": f"life table of {words(columns)}",
            "effective_n": n,
            "curve": None if curve is None else list(curve),
            "refreshed_at": START,
        } | more
        execute(
            f"INSERT INTO serving.delivery_time ({', '.join(row)}) VALUES ({', '.join(['%s'] * len(row))}) "
            "ON CONFLICT (lane, measure) DO UPDATE SET curve = excluded.curve",
            *row.values(),
        )


def words(lane: Mapping[str, str | None]) -> str:
    """The lane as a promise's basis names it."""
    origin = lane.get("origin_region") or lane.get("origin_country")
    destination = lane.get("destination_region") or lane.get("destination_country")
    if destination is None:
        return "world"
    place = f"to {destination}" if origin is None else f"lane {origin} → {destination}"
    return place + "".join(f", {column} {lane[column]}" for column in ("carrier", "service") if lane.get(column))


def put_statuses(*parcels: Mapping[str, Any]) -> None:
    """Writes rows of serving.shipment_status, each with shipment_id; delivered where delivered_at is given."""
    full = []
    for parcel in parcels:
        row: dict[str, Any] = {
            "order_id": None,
            "carrier": None,
            "tracking_number": None,
            "epoch": 1,
            **dict.fromkeys(LANE),
            "ordered_at": days(0),
            "shipped_at": None,
            "delivered_at": None,
            "milestone_at": None,
            "refreshed_at": START,
        } | dict(parcel)
        row.setdefault("milestone", "delivered" if row["delivered_at"] else "in_transit")
        ended: datetime | None = row["delivered_at"] if row["milestone"] == "delivered" else None
        if row["milestone"] in {"lost", "returned", "cancelled", "destroyed"}:
            ended = row["milestone_at"]
        full.append(row | {"ended_at": ended})
    columns = list(full[0])
    with connection.connect() as link, link.cursor() as cursor:
        psycopg2.extras.execute_values(
            cursor,
            f"INSERT INTO serving.shipment_status ({', '.join(columns)}) VALUES %s "
            "ON CONFLICT (shipment_id) DO UPDATE SET "
            + ", ".join(f"{column} = excluded.{column}" for column in columns),
            [[row[column] for column in columns] for row in full],
            page_size=2000,
        )
