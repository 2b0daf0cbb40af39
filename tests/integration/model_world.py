"""A small made-up warehouse whose parcels travel on working days: what a hazard can learn, and a table can't."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg2.extras
from delivery_rows import mark_changed

from lanecast.delivery.refresh import refresh
from lanecast.warehouse import connection

NOW = datetime(2026, 6, 14, tzinfo=UTC)  # a Sunday
WEEKS = 20
_COLUMNS = (
    *("shipment_id", "carrier", "epoch", "order_id", "service", "origin_country", "destination_country"),
    *("ordered_at", "shipped_at", "delivered_at", "attributes", "run_id", "ingested_at", "changed_at"),
)


def fill(each_day: int, now: datetime = NOW, seed: int = 1, handover: bool = True) -> int:
    """Orders of WEEKS weeks up to `now`, so many each day, known as they were then; refreshed. Returns their number.

    They leave on the next working day and take one or two working days to the door, five or six to postcodes that
    begin with 9. Nobody tells of the `handover` where that is False.
    """
    draw = random.Random(seed)
    rows: list[tuple[Any, ...]] = []
    start = now - timedelta(weeks=WEEKS)
    for day in range(7 * WEEKS):
        for _ in range(each_day):
            number = 1 + len(rows)
            far = draw.random() < 0.5
            ordered = start + timedelta(days=day, hours=draw.uniform(0, 24))
            shipped = later(ordered, 1, draw)
            arrived = later(shipped, (5 if far else 1) + draw.randrange(2), draw)
            lane = draw.choice((("DE", "FR", "ups"), ("DE", "FR", "dhl"), ("DE", "ES", "ups")))
            features = {"destination_postcode": f"{'9' if far else '1'}{draw.randrange(1000):04d}", "weight_g": 500}
            rows.append(
                (
                    *(number, lane[2], 1, f"order {number}", None, *lane[:2], ordered),
                    *(
                        known(shipped, now) if handover else None,
                        known(arrived, now),
                        json.dumps(features),
                        "test",
                        ordered,
                        ordered,
                    ),
                )
            )
    with connection.connect() as link, link.cursor() as cursor:
        psycopg2.extras.execute_values(
            cursor, f"INSERT INTO core.shipment ({', '.join(_COLUMNS)}) VALUES %s", rows, page_size=2000
        )
    mark_changed(row[0] for row in rows)
    refresh(as_of=now)
    return len(rows)


def later(moment: datetime, days: int, draw: random.Random) -> datetime:
    """So many working days later, between nine and five."""
    day = moment
    while days:
        day += timedelta(days=1)
        days -= day.weekday() < 5
    return day.replace(hour=9, minute=0, second=0, microsecond=0) + timedelta(hours=draw.uniform(0, 8))


def known(moment: datetime, now: datetime) -> datetime | None:
    """A moment, once it has passed."""
    return moment if moment <= now else None
