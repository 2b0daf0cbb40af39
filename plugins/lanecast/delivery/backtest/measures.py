"""How ranges did: coverage, width and pinball loss, over all and by group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lanecast.delivery.model.shipments import Flags, Floats, Integers

LEAST = 50
"""Parcels that a group needs to be told."""


@dataclass(frozen=True)
class Score:
    """Of `n` delivered parcels: shares within, before and after the range; its mean width in days; pinball loss in days
    at each level, and their sum."""

    n: int
    coverage: float
    below: float
    above: float
    width: float
    pinball: tuple[float, ...]
    pinball_sum: float


def score(took: Floats, days: Floats, levels: Sequence[float]) -> Score:
    """Of parcels that took `took` days, their `days` (rows x levels). Zeros where there is none."""
    if not len(took):
        return Score(0, 0.0, 0.0, 0.0, 0.0, tuple(0.0 for _ in levels), 0.0)
    short, late = took < days[:, 0], took > days[:, -1]
    miss = took[:, None] - days
    level = np.array(levels)
    losses = np.maximum(level * miss, (level - 1) * miss).mean(axis=0)
    return Score(
        len(took),
        float(np.mean(~short & ~late)),
        float(short.mean()),
        float(late.mean()),
        float(np.mean(days[:, -1] - days[:, 0])),
        tuple(losses.tolist()),
        float(losses.sum()),
    )


def quintiles(lane: Integers, volume: Integers) -> Integers:
    """1 (few) to 5 (many) for each row, by the volume of its lane; equal parts, ties in the rows' order."""
    order = np.argsort(volume[lane], kind="stable")
    found = np.empty(len(lane), dtype=np.int64)
    found[order] = np.arange(len(lane)) * 5 // max(len(lane), 1) + 1
    return found


def by_group(took: Floats, days: Floats, levels: Sequence[float], groups: Sequence[str]) -> dict[str, Score]:
    """The score of each group that has enough parcels, largest first."""
    told = np.array(groups, dtype=object)
    found: dict[str, Score] = {}
    for name in sorted(set(groups)):
        rows: Flags = told == name
        if rows.sum() >= LEAST:
            found[name] = score(took[rows], days[rows], levels)
    return dict(sorted(found.items(), key=lambda one: -one[1].n))


def tolerance(n: int, confidence: float) -> float:
    """How far a group's coverage may be from the confidence: 4 points, or what chance does (2.9 standard errors)."""
    return max(0.04, 2.9 * float(np.sqrt(confidence * (1 - confidence) / max(n, 1))))
