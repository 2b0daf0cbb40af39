"""Recent speed of a place, seller or any other key: fading means that lean on wider keys where little was seen.

A row of training gets its key's mean as it stood at the start of the row's own week, from what was known by then; a
question gets it as it stands now. So the model learns from figures as good, and as stale, as those it will be given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from lanecast.delivery.model.shipments import Flags, Floats, Integers, Text

KAPPA = 2.0
"""Parcels' worth of trust in the wider key."""
_OLDEST = 50.0
"""Half-lives beyond which nothing is told apart."""


@dataclass(frozen=True)
class Events:
    """What was learned of some rows: `value` at `moment` (days), where `known`."""

    moment: Floats
    value: Floats
    known: Flags


@dataclass
class Encoding:
    """A chain of keys, widest first, and for each key its fading sum and weight at the time of fitting."""

    half_life: float
    mean: float = 0.0
    tables: list[dict[str, tuple[float, float]]] = field(default_factory=list)

    def fit(self, chain: Sequence[Text], events: Events, when: Floats, now: float) -> Floats:
        """Learns from the events before `now`; returns the value for each row as it stood at `when` (days)."""
        used = np.flatnonzero(events.known)
        self.mean = float(np.mean(events.value[used])) if len(used) else 0.0
        everything = Text(("",), np.zeros(len(when), dtype=np.int64))
        found = np.full(len(when), self.mean)
        self.tables = []
        for key in (everything, *chain):
            trust = KAPPA if self.tables else 1e-3
            total, weight = self._fading(key.codes, events, used, when, now)
            self.tables.append(self._final(key, events, used, now))
            found = (total + trust * found) / (weight + trust)
        return found

    def look_up(self, chain: Sequence[Text], count: int) -> Floats:
        """The value now of rows with these keys; keys never seen get that of the wider one."""
        found = np.full(count, self.mean)
        for place, key in enumerate((Text(("",), np.zeros(count, dtype=np.int64)), *chain)):
            trust = KAPPA if place else 1e-3
            sums = np.array([self.tables[place].get(label, (0.0, 0.0)) for label in key.labels]).reshape(-1, 2)
            found = (sums[key.codes, 0] + trust * found) / (sums[key.codes, 1] + trust)
        return found

    def _fading(
        self, codes: Integers, events: Events, used: Integers, when: Floats, now: float
    ) -> tuple[Floats, Floats]:
        if not len(used):
            return np.zeros(len(when)), np.zeros(len(when))
        first = float(events.moment[used].min())
        order = used[np.lexsort((events.moment[used], codes[used]))]
        since = events.moment[order] - first
        grown = np.exp2((events.moment[order] - now) / self.half_life)
        sums = np.concatenate([[0.0], np.cumsum(grown)])
        totals = np.concatenate([[0.0], np.cumsum(grown * events.value[order])])
        span = float(since.max()) + 2.0
        asked = np.clip(when - first, -0.5, span - 1.0)
        placed = codes[order] * span + since
        lo = np.searchsorted(placed, codes * span - 0.25, side="left")
        hi = np.maximum(np.searchsorted(placed, codes * span + asked, side="left"), lo)
        fade = np.exp2(np.clip((now - when) / self.half_life, 0.0, _OLDEST))
        return (totals[hi] - totals[lo]) * fade, np.maximum((sums[hi] - sums[lo]) * fade, 0.0)

    def _final(self, key: Text, events: Events, used: Integers, now: float) -> dict[str, tuple[float, float]]:
        weight = np.exp2((events.moment[used] - now) / self.half_life)
        sums = np.bincount(key.codes[used], weight, len(key.labels))
        totals = np.bincount(key.codes[used], weight * events.value[used], len(key.labels))
        kept = np.flatnonzero(sums > 1e-4)
        return {key.labels[place]: (float(totals[place]), float(sums[place])) for place in kept}


def joined(first: Text, second: Text) -> Text:
    """The pairs of two texts as one."""
    pairs, codes = np.unique(first.codes * len(second.labels) + second.codes, return_inverse=True)
    size = len(second.labels)
    labels = tuple(f"{first.labels[pair // size]}\x1f{second.labels[pair % size]}" for pair in pairs.tolist())
    return Text(labels, codes.reshape(-1).astype(np.int64))


def prefix(of: Text, length: int) -> Text:
    """The first characters of a text."""
    short = [label[:length] for label in of.labels]
    labels = sorted(set(short))
    place = {label: at for at, label in enumerate(labels)}
    codes = np.array([place[label] for label in short], dtype=np.int64)
    return Text(tuple(labels), codes[of.codes] if len(codes) else of.codes)
