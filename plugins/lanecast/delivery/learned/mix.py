"""Which recent orders stand for a lane, and the lane's curves by weekday of the start.

A lane is asked about without postcode, weight or hour. Its curve is the mean over the parcels that it had of late, each
sent off anew on the coming Monday, Tuesday, ... with the holidays that then lie ahead. Of each lane a sample is drawn,
by a fixed shuffle of all orders, so that the samples of wide and narrow lanes share most of theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from zlib import crc32

import numpy as np

from lanecast import settings
from lanecast.delivery.learned.fitting import by_age
from lanecast.delivery.levels import LANE_COLUMNS, LEVELS
from lanecast.delivery.model.delivery_model import DeliveryModel
from lanecast.delivery.model.floor import lanes as lanes_of
from lanecast.delivery.model.shipments import Floats, Integers, Shipments

LEAST = 20
"""Recent orders that a lane needs for a learned curve of its own."""
MOST_LANES = 3_000
"""Lanes with a learned curve at most: those with the most recent orders."""
EACH = 64
"""Orders that stand for a lane between places, carriers and services; four times as many for world and countries."""
_WIDE = 3
"""Levels that count as wide: world, destination country, lane between countries."""
_LEAST_SPAN = 60.0


@dataclass(frozen=True)
class Lane:
    """A lane: its key as serving.lane() makes it, the countries that say which model serves it, and the rows of
    Mix.orders that stand for it."""

    key: str
    origin_country: str
    destination_country: str
    members: Integers
    recent: int


@dataclass(frozen=True)
class Mix:
    """The orders that stand for the lanes, and the lanes, widest first."""

    orders: Shipments
    lanes: tuple[Lane, ...]


def mix(known: Shipments, now: float, scale: float, wanted: Callable[[str, str], bool] = lambda *_: True) -> Mix:
    """The lanes that had enough orders of late, of those whose origin and destination country ("" any) are `wanted`.
    `scale` is the median time to delivery in days."""
    of_late = known.take(known.ordered >= now - recent(scale)).asked()
    shuffled = np.argsort(np.array([crc32(name.encode()) for name in of_late.order_id.tolist()]), kind="stable")
    found: list[tuple[int, Lane]] = []
    for place, level in enumerate(LEVELS):
        group, names = lanes_of(of_late, level.columns)
        counts = np.bincount(group, minlength=len(names))
        order = shuffled[np.argsort(group[shuffled], kind="stable")]
        ends = np.cumsum(counts)
        size = EACH * (4 if place < _WIDE else 1)
        for number in np.flatnonzero(counts >= LEAST).tolist():
            told = dict(zip(level.columns, names[number], strict=True))
            if not all(names[number]):
                continue
            key = _key(level.columns, names[number])
            ends_of = told.get("origin_country", ""), told.get("destination_country", "")
            if wanted(*ends_of):
                first = int(ends[number] - counts[number])
                found.append(
                    (
                        place,
                        Lane(key, *ends_of, order[first : first + min(size, int(counts[number]))], int(counts[number])),
                    )
                )
    if len(found) > MOST_LANES:
        found = sorted(found, key=lambda one: (-one[1].recent, one[1].key))[:MOST_LANES]
    found.sort(key=lambda one: (one[0], one[1].key))
    lanes = [lane for _, lane in found]
    used = np.unique(np.concatenate([lane.members for lane in lanes])) if lanes else np.zeros(0, dtype=np.int64)
    return Mix(of_late.take(used), tuple(replace(lane, members=np.searchsorted(used, lane.members)) for lane in lanes))


def recent(scale: float) -> float:
    """How many days back an order is recent, by the median time to delivery in days."""
    return max(_LEAST_SPAN, 6 * scale)


def by_weekday(of: Mix, now: float, ages: Floats, made: DeliveryModel) -> Iterator[tuple[int, Floats]]:
    """For each weekday (0 = Monday) the mean share delivered by `ages` (days) of each lane: lanes x ages. The weekday
    is that of the start, in the zone of each order's destination."""
    for weekday in range(7):
        moved = _moved(of.orders, now, weekday)
        share = by_age(made, moved, ages)
        means = np.array([share[lane.members].mean(axis=0) for lane in of.lanes])
        yield weekday, means.reshape(len(of.lanes), len(ages))


def served(asked: Shipments, known: Shipments, of: Mix, now: float, ages: Floats, made: DeliveryModel) -> Floats:
    """What orders are told of themselves: the curve of the narrowest lane that holds them and any of the parcels known,
    on the weekday of their start (rows x ages); NaN where that lane has none: there the life table answers."""
    place = {lane.key: number for number, lane in enumerate(of.lanes)}
    lane = np.full(len(asked), -1)
    for level in LEVELS:
        there = {name for name in lanes_of(known, level.columns)[1] if all(name)}
        group, names = lanes_of(asked, level.columns)
        exists = np.array([name in there for name in names])[group]
        numbers = np.array([place.get(_key(level.columns, name), -1) for name in names], dtype=np.int64)[group]
        lane = np.where(exists, numbers, lane)
    share = np.full((len(asked), len(ages)), np.nan)
    weekdays = (asked.start_day() + 3) % 7
    for weekday, table in by_weekday(of, now, ages, made):
        rows = np.flatnonzero((weekdays == weekday) & (lane >= 0))
        share[rows] = table[lane[rows]]
    return share


def _key(columns: Sequence[str], name: Sequence[str]) -> str:
    """The key of a lane, as serving.lane() makes it."""
    told = dict(zip(columns, name, strict=True))
    return "|".join(told.get(column, "") for column in LANE_COLUMNS)


def within(ages: Floats) -> int:
    """How many of these ages (days) lie within the horizon, at least one."""
    return max(int(np.searchsorted(ages, settings.horizon_days(), side="right")), 1)


def curve(share: Floats, within: int) -> list[float]:
    """A curve as serving.delivery_time has it, from the share delivered by each of the first `within` ages: of those
    delivered by the last of them, never falling, cut where all have arrived."""
    told = np.maximum.accumulate(np.clip(share[:within], 0.0, 1.0))
    if not told[-1] > 0:
        return []
    told = np.minimum(told / told[-1], 1.0)
    last = int(np.flatnonzero(told >= 1.0 - 1e-9)[0])
    told[last] = 1.0
    return [round(float(one), 6) for one in told[: last + 1]]


def mixed(learned: Floats, floor: Sequence[float] | None, learned_share: float) -> Floats:
    """Learned shares and the life table's curve (1 beyond its end) in one, the former with weight `learned_share`."""
    if floor is None or learned_share >= 1.0:
        return learned
    table = np.ones(len(learned))
    table[: len(floor)] = floor[: len(learned)]
    return learned_share * learned + (1.0 - learned_share) * table


def _moved(orders: Shipments, now: float, weekday: int) -> Shipments:
    """The orders, each at its time of day on the first day after today that has the weekday where it goes."""
    today = np.floor(now + orders.offset)
    ahead = (weekday - (today + 3) % 7 - 1) % 7 + 1  # day 0 was a Thursday
    return replace(orders, ordered=today + ahead + orders.start_share() - orders.offset)
