"""Shipments as columns: what the learned model is fitted on and asked about.

Times are days since 1970-01-01 UTC (float64), NaN where there is none. Texts are numbered in the order of the alphabet,
so that what is dropped later changes neither the order of the rest nor any sum over it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from lanecast.delivery.levels import LANE_COLUMNS

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
_DAY = 86_400.0


@dataclass(frozen=True)
class Text:
    """A column of texts: `labels` in alphabetical order, and for each row the place of its text among them."""

    labels: tuple[str, ...]
    codes: Integers

    @classmethod
    def of(cls, values: Sequence[str]) -> Text:
        labels, codes = np.unique(np.array(values, dtype=object), return_inverse=True)
        return cls(tuple(str(label) for label in labels), codes.astype(np.int64).reshape(-1))

    def take(self, rows: Integers | Flags) -> Text:
        return Text(self.labels, self.codes[rows])

    def numbers(self) -> Floats:
        """The texts as numbers, NaN those that are none."""
        return np.array([_number(label) for label in self.labels], dtype=float)[self.codes]


@dataclass(frozen=True)
class Shipments:
    """Rows in the order of (ordered, order_id). `lane` has the six lane columns ("" unknown), `extra` any others.

    `offset` is the destination's main clock against UTC at the start, in days.
    """

    order_id: npt.NDArray[np.object_]
    ordered: Floats
    shipped: Floats
    delivered: Floats
    offset: Floats
    lane: Mapping[str, Text]
    extra: Mapping[str, Text]

    def __len__(self) -> int:
        return len(self.ordered)

    def take(self, rows: Integers | Flags) -> Shipments:
        """The rows asked for, in that order."""
        return Shipments(
            self.order_id[rows],
            self.ordered[rows],
            self.shipped[rows],
            self.delivered[rows],
            self.offset[rows],
            {name: text.take(rows) for name, text in self.lane.items()},
            {name: text.take(rows) for name, text in self.extra.items()},
        )

    def known_at(self, now: float) -> Shipments:
        """What was known at `now`: orders placed before it, and of those only the times that had passed."""
        known = self.take(self.ordered < now)
        return replace(
            known,
            shipped=np.where(known.shipped < now, known.shipped, np.nan),
            delivered=np.where(known.delivered < now, known.delivered, np.nan),
        )

    def asked(self) -> Shipments:
        """The same orders as they are at the moment of ordering: nothing has happened to them."""
        nothing = np.full(len(self), np.nan)
        return replace(self, shipped=nothing, delivered=nothing)

    def from_handover(self) -> Shipments:
        """The same shipments on the clock that starts at the handover: those handed over, in the order of that."""
        rows = np.flatnonzero(np.isfinite(self.shipped))
        order = np.lexsort((self.order_id[rows].astype(str), self.shipped[rows]))
        moved = self.take(rows[order])
        return replace(moved, ordered=moved.shipped, shipped=np.full(len(moved), np.nan))

    def start_day(self) -> Integers:
        """The local calendar day of the start, in days since 1970-01-01."""
        return np.floor(self.ordered + self.offset).astype(np.int64)

    def start_share(self) -> Floats:
        """How much of its local day had passed at the start, 0 to 1."""
        return (self.ordered + self.offset) % 1.0

    def sound(self) -> Flags:
        """Rows whose clocks don't run backwards. The others teach nothing: who knows which of their times is wrong."""
        found: Flags = ~(self.delivered < self.ordered) & np.isfinite(self.ordered)
        return found


def shipments(
    order_id: Sequence[str],
    ordered: Floats,
    shipped: Floats,
    delivered: Floats,
    lane: Mapping[str, Sequence[str]],
    extra: Mapping[str, Sequence[str]] | None = None,
) -> Shipments:
    """Shipments from columns of equal length; lane columns that are left out are unknown. Rows without a start are left
    out, and the others sorted."""
    ordered = np.asarray(ordered, dtype=float)
    rows = np.flatnonzero(np.isfinite(ordered))
    ids = np.array([str(one) for one in order_id], dtype=object)
    rows = rows[np.lexsort((ids[rows].astype(str), ordered[rows]))]
    count = len(ids)
    lanes = {name: Text.of(lane.get(name) or [""] * count) for name in LANE_COLUMNS}
    return Shipments(
        ids,
        ordered,
        np.asarray(shipped, dtype=float),
        np.asarray(delivered, dtype=float),
        _offsets(lanes["destination_country"], ordered),
        lanes,
        {name: Text.of(list(values)) for name, values in (extra or {}).items()},
    ).take(rows)


def _offsets(country: Text, moments: Floats) -> Floats:
    days = np.where(np.isfinite(moments), np.floor(moments), 0).astype(np.int64)
    pairs, at = np.unique(np.stack([country.codes, days], axis=1), axis=0, return_inverse=True)
    offsets = np.array([_offset(country.labels[code], int(day)) for code, day in pairs], dtype=float)
    # A start at midnight sharp is a date without a time: it stays the day that it names.
    return np.where(moments == days, 0.0, offsets[at.reshape(-1)]) if len(offsets) else np.zeros(len(moments))


@lru_cache(maxsize=1 << 16)
def _offset(country: str, day: int) -> float:
    from datetime import UTC, datetime, timedelta
    from zoneinfo import ZoneInfo

    from lanecast.carriers.places import country_zone

    zone = country_zone(country) if country else None
    if zone is None or not -700_000 < day < 2_900_000:
        return 0.0
    noon = datetime(1970, 1, 1, 12, tzinfo=UTC) + timedelta(days=day)
    offset = noon.astimezone(ZoneInfo(zone)).utcoffset()
    return offset.total_seconds() / _DAY if offset else 0.0


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return float("nan")
    return value if np.isfinite(value) and abs(value) < 1e15 else float("nan")
