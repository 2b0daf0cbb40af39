"""Shipments of the warehouse as the columns that the learned hazard takes, read a few thousand at a time.

Memory is bounded: texts are numbered as they come, so that each is kept once; a column with too many different texts
is an identifier and is left out; and where all shipments together have lived more days than a training may hold, an
even sample of them is read, for without the old ones there would be no past weeks to compare by.
"""

from __future__ import annotations

import logging
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import numpy as np

from lanecast.delivery.levels import LANE_COLUMNS
from lanecast.delivery.life_table import CLOCKS, UNDELIVERED
from lanecast.delivery.model.shipments import Floats, Shipments, Text, shipments
from lanecast.warehouse import connection as warehouse
from lanecast.warehouse.connection import only_row
from lanecast.warehouse.statements import statement

log = logging.getLogger(__name__)

MOST = 300_000
"""Shipments read at most."""
MOST_DAYS = 450_000
"""Days lived by those shipments at most: what a training holds in memory grows with them."""
LONGEST = 20_000
"""Days back that are read, unless told otherwise: all of it."""
_DAYS_EACH = 60.0
"""Days that one shipment counts at most: beyond them the cells of age are wider than a day."""
_COLUMNS = 48
_TEXTS = 100_000
_BATCH = 5_000
_ENDED = sorted({*UNDELIVERED, "tracking_expired", "cancelled"})
"""What ended otherwise than at the door, or out of sight."""


@dataclass
class _Column:
    """Texts numbered in the order in which they came; the empty one is 0."""

    known: dict[str, int] = field(default_factory=lambda: {"": 0})
    codes: array[int] = field(default_factory=lambda: array("i"))

    def add(self, row: int, text: str) -> None:
        """The text of a row; rows in between have none."""
        self.codes.extend([0] * (row - len(self.codes)))
        self.codes.append(self.known.setdefault(text, len(self.known)))

    def text(self, rows: int) -> Text:
        """The column, its texts in alphabetical order."""
        self.codes.extend([0] * (rows - len(self.codes)))
        labels = sorted(self.known)
        place = np.empty(len(labels), dtype=np.int64)
        place[[self.known[label] for label in labels]] = np.arange(len(labels))
        return Text(tuple(labels), place[np.frombuffer(self.codes, dtype=np.int32)])


@dataclass(frozen=True)
class Read:
    """What was read, newest first. `is_all`: nothing was left out for want of room."""

    now: float
    as_of: datetime
    shipment_id: np.ndarray[Any, np.dtype[np.int64]]
    ordered: Floats
    shipped: Floats
    delivered: Floats
    lane: Mapping[str, Text]
    extra: Mapping[str, Text]
    is_all: bool

    def __len__(self) -> int:
        return len(self.ordered)

    def by(self, measure: str) -> Shipments:
        """The shipments on one clock, in the order of its start: those of which it has begun."""
        if measure not in CLOCKS:
            raise ValueError(f"{measure!r} is no clock: give one of {', '.join(CLOCKS)}")
        of_order = measure == CLOCKS[0]
        start = self.ordered if of_order else self.shipped
        used = np.flatnonzero(start < self.now)
        used = used[np.lexsort((self.shipment_id[used], start[used]))]
        told = shipments(
            # as wide as a bigint, so that the order of the texts is that of the numbers
            [f"{one:019d}" for one in self.shipment_id[used].tolist()],
            start[used],
            np.where(self.shipped[used] < self.now, self.shipped[used], np.nan)
            if of_order
            else np.full(len(used), np.nan),
            np.where(self.delivered[used] < self.now, self.delivered[used], np.nan),
            {name: [text.labels[code] for code in text.codes[used].tolist()] for name, text in self.lane.items()},
        )
        return replace(told, extra={name: text.take(used) for name, text in self.extra.items()})


def read(
    address: str | None = None,
    as_of: datetime | None = None,
    most: int = MOST,
    most_days: float = MOST_DAYS,
    days: int = LONGEST,
) -> Read:
    """Shipments under way or delivered that began within the last `days`, newest first: at most `most`, and about as
    many of these as have lived `most_days` together. The log says where that is not all.

    Raises NoWarehouse where the warehouse can't be reached.
    """
    with warehouse.connect(address=address, as_of=as_of) as link:
        with link.cursor() as cursor:
            cursor.execute("SELECT ops.as_of()")
            moment: datetime = only_row(cursor)[0]
        now = moment.timestamp() / 86_400
        with link.cursor(name="shipments_of_the_model") as cursor:
            cursor.itersize = _BATCH
            limits = {"days": days, "most": most, "most_days": most_days, "days_each": _DAYS_EACH}
            cursor.execute(statement("delivery_model/shipments"), limits | {"ended": _ENDED})
            return _read(cursor, now, moment)


def without_curve(address: str | None = None, as_of: datetime | None = None, after: int = 0, most: int = 4_000) -> Read:
    """Open shipments with a greater number than `after` that want a curve of their own, by number: `most` clocks of
    them. `ordered` and `shipped` are NaN where that clock wants none."""
    with warehouse.connect(address=address, as_of=as_of) as link, link.cursor() as cursor:
        cursor.execute("SELECT ops.as_of()")
        moment: datetime = only_row(cursor)[0]
        cursor.execute(statement("delivery_model/choose_own"), {"after": after, "most": most})
        return _read(cursor, moment.timestamp() / 86_400, moment)


def _read(rows: Iterable[tuple[Any, ...]], now: float, as_of: datetime) -> Read:
    ids, times = array("q"), tuple(array("d") for _ in range(3))
    lane = {name: _Column() for name in LANE_COLUMNS}
    extra: dict[str, _Column] = {}
    dropped: set[str] = set()
    is_all = True
    for number, (shipment_id, ordered, shipped, delivered, *told, attributes, nothing_left_out) in enumerate(rows):
        is_all = nothing_left_out
        ids.append(shipment_id)
        for column, value in zip(times, (ordered, shipped, delivered), strict=True):
            column.append(float("nan") if value is None else value)
        # The order of the columns in the statement is that of LANE_COLUMNS.
        for name, value in zip(LANE_COLUMNS, told, strict=True):
            lane[name].add(number, value or "")
        for name, value in (attributes or {}).items():
            _feature(extra, dropped, number, name, value)
    if not is_all:
        log.info("more shipments than there is room for: %s are taken, an even sample of the newest", len(ids))
    if dropped:
        log.info("left out, for they have too many different values: %s", ", ".join(sorted(dropped)))
    size = len(ids)
    moments = [np.frombuffer(column, dtype=np.float64) if size else np.zeros(0) for column in times]
    return Read(
        now,
        as_of,
        np.frombuffer(ids, dtype=np.int64) if size else np.zeros(0, dtype=np.int64),
        moments[0],
        moments[1],
        moments[2],
        {name: column.text(size) for name, column in lane.items()},
        {name: extra[name].text(size) for name in sorted(extra)},
        is_all,
    )


def _feature(extra: dict[str, _Column], dropped: set[str], row: int, name: str, value: object) -> None:
    """Notes one of a shipment's other columns, unless it holds too much or is no plain value."""
    if value is None or isinstance(value, dict | list) or name in dropped:
        return
    if name not in extra:
        if len(extra) >= _COLUMNS:
            dropped.add(name)
            return
        extra[name] = _Column()
    column = extra[name]
    column.add(row, str(value)[:80])
    if len(column.known) > _TEXTS:
        del extra[name]
        dropped.add(name)
