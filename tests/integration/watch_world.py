"""Feeds and deliveries of a steady world, written where pulls and refreshes write them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
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
                followed = round(busiest * 30 * grown)
                rows.append((source, at, loaded * 6, loaded, unmapped, followed, [loaded], [float(followed)]))
            at += timedelta(hours=1)
        write_hours(self.address, rows)

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


@dataclass
class Parcels:
    """Journeys of one carrier, from which follow the hours of its feed as pulls that ask every hour bring them."""

    followed_from: list[datetime] = field(default_factory=list)
    scans: list[list[datetime]] = field(default_factory=list)
    """Of each parcel: its label, the carrier's first scan, what follows, the delivery."""

    def handed_over(
        self,
        draw: np.random.Generator,
        day: datetime,
        parcels: int,
        waits_hours: float = 12,
        told: Callable[[datetime], float] = lambda at: 1.0,
    ) -> None:
        """Parcels of a day: scanned often at first, seldom between, often at the end; of scans a share is told."""
        for _ in range(parcels):
            label = day + timedelta(hours=float(draw.uniform(0, 24)))
            first = label + timedelta(hours=waits_hours * float(draw.uniform(0.7, 1.3)))
            pace = float(draw.lognormal(0, 0.15))
            days = np.array([0.2, 0.5, 0.9, 1.4, 2.1, 4.5, 6.5, 8.2, 8.8, 9.3]) * pace + draw.uniform(0, 0.3, 10)
            later = [first + timedelta(days=float(one)) for one in days]
            self.followed_from.append(label)
            self.scans.append([label, first, *(at for at in later[:-1] if draw.random() < told(at)), later[-1]])

    def write(self, address: str, until: datetime) -> None:
        """The hours of the feed from START on: what quality.feed_hour is after the pulls."""
        hours = int((until - START) / timedelta(hours=1))
        bounds = np.array([0, 1, 2, 3, 5, 8, 12, 20, 10_000])
        loaded, followed = np.zeros(hours, int), np.zeros(hours, int)
        scans, exposure = np.zeros((hours, 8), int), np.zeros((hours, 8))
        for since, told in zip(self.followed_from, self.scans, strict=True):
            at = np.array([(one - START) / timedelta(hours=1) for one in told])
            asked = max(0, math.ceil((since - START) / timedelta(hours=1)))  # its first answer tells the past
            ends = at[-1]
            for moment in at:
                seen = max(asked, math.floor(moment) + 1)
                if seen < hours:
                    loaded[seen] += 1
                age = (moment - at[1]) / 24
                if seen > asked and moment > at[1] and moment > asked - 24 and seen < hours:
                    scans[seen, int(np.searchsorted(bounds, age, side="right")) - 1] += 1
            hour = np.arange(asked + 1, min(hours, math.floor(ends) + 2))
            begins, stops = at[1] + 24 * bounds[:-1], at[1] + 24 * bounds[1:]
            overlap = np.minimum(np.minimum(hour, ends)[:, None], stops) - np.maximum(hour[:, None] - 1, begins)
            exposure[hour] += np.maximum(overlap, 0)
            followed[asked : max(asked, min(hours, math.floor(ends) + 72))] += 1
        write_hours(
            address,
            [
                (
                    *("ups", START + timedelta(hours=hour), int(loaded[hour]) * 6, int(loaded[hour]), 0),
                    *(int(followed[hour]), scans[hour].tolist(), exposure[hour].tolist()),
                )
                for hour in range(hours)
            ],
        )
        with psycopg2.connect(address) as link, link.cursor() as cursor:
            cursor.execute(
                "INSERT INTO ops.poll_plan (shipment_id, carrier, source, next_poll_at, reason) "
                "SELECT number, 'ups', 'ups', %s, 'test' FROM generate_series(1, 500) AS number",
                (START,),
            )


def write_hours(address: str, hours: list[tuple[Any, ...]]) -> None:
    """Rows of quality.feed_hour, and in the ledger the pulls that brought them."""
    with psycopg2.connect(address) as link, link.cursor() as cursor:
        psycopg2.extras.execute_values(cursor, "INSERT INTO quality.feed_hour VALUES %s", hours)
        psycopg2.extras.execute_values(
            cursor,
            "INSERT INTO ops.run (run_id, kind, dataset, source, state, as_of) VALUES %s",
            [
                (f"pull-{at:%Y%m%d%H}", "pull", "tracking_event", "carriers", "loaded", at + timedelta(minutes=55))
                for at in sorted({row[1] for row in hours})
            ],
        )


def handovers(
    address: str, lane: tuple[str, str, str], handed_over: Iterable[datetime], days: Iterable[float], first_id: int = 1
) -> int:
    """Parcels of a lane by their handover, each with the days until its delivery; returns the next id."""
    made = [
        (first_id + number, *lane, at, at + timedelta(days=float(took)))
        for number, (at, took) in enumerate(zip(handed_over, days, strict=True))
    ]
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
