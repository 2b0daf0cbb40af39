"""Feeds and deliveries of a steady world, written where pulls and refreshes write them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import numpy as np
import psycopg2
import psycopg2.extras

from lanecast.contracts.watch import watch

START = datetime(2026, 3, 2, tzinfo=UTC)
"""A Monday."""
Change = Callable[[str, datetime], float]


def steady(source: str, at: datetime) -> float:
    """The world as it is: nothing changes."""
    return 1.0


class FeedWorld:
    """Carriers of different sizes and habits, by the hour; `change` scales what one of them tells."""

    SOURCES: ClassVar = {"ups": 160.0, "dhl": 40.0, "usps": 12.0, "bpost": 0.6}
    """New events an hour at the busiest time."""

    def __init__(self, address: str, seed: int = 7) -> None:
        self.address = address
        self._random = np.random.default_rng(seed)
        self._runs = 0

    def hours(self, start: datetime, end: datetime, change: Change = steady, unknown: Change | None = None) -> None:
        """What pulls bring from `start` until `end`; the parcels followed grow by a half over 40 days."""
        rows = []
        at = start
        while at < end:
            for source, busiest in self.SOURCES.items():
                grown = 1 + (at - START) / timedelta(days=80)
                rate = busiest * _busy(source, at) * grown * change(source, at)
                loaded = int(self._random.poisson(rate * math.exp(self._random.normal(0, 0.15))))
                share = unknown(source, at) if unknown else 0.002
                unmapped = int(self._random.binomial(loaded, share))
                rows.append((source, at, loaded * 6, loaded, unmapped, round(busiest * 30 * grown)))
            at += timedelta(hours=1)
        with psycopg2.connect(self.address) as link, link.cursor() as cursor:
            psycopg2.extras.execute_values(cursor, "INSERT INTO quality.feed_hour VALUES %s", rows)

    def follow(self) -> None:
        """Each source has parcels that it is asked for."""
        plan = [
            (10_000 * place + number, source, source)
            for place, (source, busiest) in enumerate(self.SOURCES.items())
            for number in range(round(30 * busiest))
        ]
        with psycopg2.connect(self.address) as link, link.cursor() as cursor:
            psycopg2.extras.execute_values(
                cursor,
                "INSERT INTO ops.poll_plan (shipment_id, carrier, source, next_poll_at, reason) VALUES %s",
                [(*row, START, "for the test") for row in plan],
            )

    def watch(self, at: datetime) -> dict[str, int]:
        """A watch at that moment."""
        set_now(self.address, at)
        self._runs += 1
        return watch(f"watch-{self._runs}", self.address)

    def alerts(self) -> list[tuple[Any, ...]]:
        """Rule, subject, whether it is open, of every alert ever raised."""
        return rows(self.address, "SELECT rule, subject, is_open FROM mart.quality_alert ORDER BY alert_id")


def _busy(source: str, at: datetime) -> float:
    """By day more than by night, on weekdays more than on weekends; UPS rests on Sundays."""
    day = 0.15 if source == "ups" and at.weekday() == 6 else 0.5 if at.weekday() >= 5 else 1.0
    hour = 0.05 if at.hour < 5 else 1.0 if 8 <= at.hour < 20 else 0.4
    return day * hour


def deliveries(
    address: str,
    lane: tuple[str, str, str],
    delivered_from: datetime,
    days: Iterable[float],
    every: timedelta = timedelta(hours=2),
    first_id: int = 1,
) -> int:
    """Parcels of a lane, one delivered every so often, each with its days since the handover; returns the next id."""
    made = []
    for number, took in enumerate(days):
        at = delivered_from + number * every
        made.append((first_id + number, *lane, at - timedelta(days=float(took)), at))
    with psycopg2.connect(address) as link, link.cursor() as cursor:
        psycopg2.extras.execute_values(
            cursor,
            "INSERT INTO serving.shipment_status (shipment_id, origin_country, destination_country, carrier, "
            "shipped_at, delivered_at, epoch, milestone, refreshed_at) VALUES %s",
            [(*row, 1, "delivered", row[-1]) for row in made],
        )
    return first_id + len(made)


def set_now(address: str, at: datetime) -> None:
    """The world's clock stands at that moment."""
    from lanecast.warehouse import clock

    clock.set_clock(at, at, 0, address)


def rows(address: str, query: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The rows of a query."""
    with psycopg2.connect(address) as link, link.cursor() as cursor:
        cursor.execute(query, values)
        return cursor.fetchall()
