"""Curves of delivery time: the share delivered by each age, of those delivered within the horizon."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lanecast.delivery.model.shipments import Floats, Integers, Shipments

_POINTS = np.linspace(0.0, 1.0, 201)


@dataclass(frozen=True)
class Curves:
    """One curve a row. `share` (rows x cells) is the share delivered by the end of each cell of `cells` (days, local
    midnight to midnight), `clock` the 201 quantiles of the time of day of deliveries, `started` the share of its day
    that had passed at the start. Ages in and out are days since the start."""

    cells: Integers
    share: Floats
    clock: Floats
    started: Floats

    def __len__(self) -> int:
        return len(self.share)

    def quantile(self, level: float | Floats) -> Floats:
        """The age by which a share `level` (one number, or one a row; 0 to 1) is delivered."""
        count = len(self)
        level = np.broadcast_to(np.asarray(level, dtype=float), count)
        cell = np.minimum((self.share < level[:, None]).sum(axis=1), self.share.shape[1] - 1)
        rows = np.arange(count)
        before = np.where(cell > 0, self.share[rows, np.maximum(cell - 1, 0)], 0.0)
        within = np.clip((level - before) / np.maximum(self.share[rows, cell] - before, 1e-12), 0, 1)
        width = np.diff(self.cells)[cell]
        days = np.minimum(np.floor(within * width), width - 1)
        of_day = np.interp(within * width - days, _POINTS, self.clock)
        age = self.cells[cell] + days + of_day - self.started
        # On the day of the start only the hours after it are left.
        first = (cell == 0) & (days == 0)
        floor = np.interp(self.started, self.clock + _POINTS * 1e-9, _POINTS)
        later = np.interp(floor + (1 - floor) * within * width, _POINTS, self.clock) - self.started
        found: Floats = np.maximum(np.where(first, later, age), 0.0)
        return found

    def by(self, ages: Floats) -> Floats:
        """The share delivered by `ages`: one age a row, or rows x ages."""
        ages = np.asarray(ages, dtype=float)
        told = ages[:, None] if ages.ndim == 1 else ages
        moment = told + self.started[:, None]
        day = np.clip(np.floor(moment), 0, self.cells[-1])
        clock = self.clock + _POINTS * 1e-9
        of_day = np.interp(moment - day, clock, _POINTS)
        floor = np.interp(self.started, clock, _POINTS)[:, None]
        of_day = np.where(day == 0, np.clip((of_day - floor) / np.maximum(1 - floor, 1e-9), 0, 1), of_day)
        cell = np.clip(np.searchsorted(self.cells, day, side="right") - 1, 0, self.share.shape[1] - 1)
        rows = np.arange(len(self))[:, None]
        before = np.where(cell > 0, self.share[rows, np.maximum(cell - 1, 0)], 0.0)
        within = np.clip((day - self.cells[cell] + of_day) / np.diff(self.cells)[cell], 0, 1)
        found = np.clip(before + (self.share[rows, cell] - before) * within, 0, 1)
        shares: Floats = found[:, 0] if ages.ndim == 1 else found
        return shares

    def mixed(self, other: Curves, weight: Floats) -> Curves:
        """`weight` (one a row) of these, the rest of the other's, which have the same cells."""
        share: Floats = weight[:, None] * self.share + (1 - weight[:, None]) * other.share
        return Curves(self.cells, share, self.clock, self.started)


def from_hazards(cells: Integers, hazards: Floats, clock: Floats, asked: Shipments) -> Curves:
    """Curves from the chances (rows x cells) to arrive within a cell of those still under way at its start."""
    left = np.cumprod(1 - np.clip(hazards, 1e-9, 1 - 1e-9), axis=1)
    share: Floats = np.asarray(1 - left, dtype=float)
    share /= share[:, -1:]
    return Curves(cells, share, clock, asked.start_share())


def time_of_day(known: Shipments, now: float, since: float) -> Floats:
    """The 201 quantiles of the local time of day (0 to 1) of deliveries since then; even where fewer than 30 are."""
    used = (known.delivered < now) & (known.delivered >= since) & known.sound()
    if used.sum() < 30:
        return _POINTS
    return np.quantile((known.delivered + known.offset)[used] % 1.0, _POINTS)
