"""Which lanes the learned hazard serves: a rolling backtest on the last weeks, group by group.

At the start of each of some past fortnights, hazard and life table are fitted on what was known then, and asked about
the orders of that fortnight, whose outcomes are nearly all known by now. Compared is what would have been served: the
curve of each order's lane and weekday, which knows nothing of its postcode or weight. On the same orders the pinball
losses are compared, over all of them, by destination country and by pair of countries. A group's difference leans on
that of the wider group, and the life table has the benefit of the doubt: it serves unless another is better by more
than chance. The hazard told each order's own features is held against the life table in the same way: that decides
whether open shipments of the group get curves of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from lanecast.delivery.learned import mix
from lanecast.delivery.learned.fitting import by_age, fit, floor_of, parts
from lanecast.delivery.learned.store import Fit, Score
from lanecast.delivery.model.choice import Choice
from lanecast.delivery.model.choice import choose as choose_memories
from lanecast.delivery.model.exposure import scale
from lanecast.delivery.model.recalibration import Issued, Recalibration, recalibration
from lanecast.delivery.model.shipments import Flags, Floats, Integers, Shipments

FORTNIGHTS = 4
"""Times that both are fitted anew."""
LEAST_ORDERS = 200
"""Orders compared, of all lanes, before anything is chosen."""
LEAST_GROUP = 100
"""Orders compared before a country or a pair of countries has a choice of its own."""
SHRINKAGE = 200.0
"""Orders' worth of trust in the wider group's difference."""
SURELY = 1.64
"""Standard errors by which the life table has to be beaten: once in twenty by chance."""
MOST_ORDERS = 10_000
"""Orders of a fortnight that are asked about, at most."""
LEVELS = (0.1, 0.5, 0.9)
METHODS = ("floor", "mixture", "learned")
SHARES = {"floor": 0.0, "mixture": 0.5, "learned": 1.0}
"""The weight of the learned hazard in each."""
_FORTNIGHT = 14.0


@dataclass(frozen=True)
class Compared:
    """Orders compared, in the order of their start: countries ("" unknown), and by method (columns as METHODS) the sum
    of the three losses, whether it came within the range, and the range's width (days)."""

    origin: Sequence[str]
    destination: Sequence[str]
    loss: Floats
    within: Flags
    width: Floats
    informed: Floats
    """The sum of losses of the hazard that is told each order's own features, as open shipments are."""

    def __len__(self) -> int:
        return len(self.loss)


@dataclass(frozen=True)
class Backtest:
    """Orders compared, and what their outcomes teach about reading the hazard's curves."""

    compared: Compared
    recalibration: Recalibration


def compare(known: Shipments, now: float, ages: Floats, say: Callable[[str], None] = lambda _: None) -> Backtest:
    """The rolling backtest on what is known at `now` (days since 1970-01-01), of curves known at `ages` (days).

    Memories are chosen once, by what was known before the first fortnight. Raises NoLightGBM where it can't be loaded.
    """
    found: list[Compared] = []
    issued = Issued()
    memories: Choice | None = None
    for number, (since, until) in enumerate(periods(known, now), 1):
        rows = np.flatnonzero((known.ordered >= since) & (known.ordered < until) & known.sound())
        rows = rows[:: max(1, -(-len(rows) // MOST_ORDERS))]
        before = known.known_at(since)
        if not len(rows) or np.isfinite(before.delivered).sum() < LEAST_ORDERS:
            continue
        say(f"comparing, fortnight {number} of {FORTNIGHTS}: {len(rows):,} orders")
        memories = memories or choose_memories(before, since)
        if not memories.half_lives:
            continue
        unit = scale(before)
        learned = fit(before, since, memories, recalibration(issued, before, since, unit))
        asked = known.take(rows)
        fresh = asked.asked()
        table = by_age(floor_of(learned), fresh, ages)
        served = mix.served(fresh, before, mix.mix(before, since, unit), since, ages, learned)
        # One that is still under way will have taken at least as long as it has by now.
        took = np.where(np.isfinite(asked.delivered), asked.delivered, now) - asked.ordered
        shares = table, np.where(np.isnan(served), table, served)
        found.append(_compared(asked, took, shares, by_age(learned, fresh, ages), ages))
        for _, part in parts(fresh):
            issued.add(part, learned.raw_curves(part))
    return Backtest(_joined(found), recalibration(issued, known, now, scale(known)))


def periods(known: Shipments, now: float) -> Iterator[tuple[float, float]]:
    """The last fortnights of which nearly all orders have arrived by now, the oldest first."""
    took = (known.delivered - known.ordered)[known.sound() & np.isfinite(known.delivered)]
    if not len(took):
        return
    matured = now - max(7.0, float(np.quantile(took, 0.95)))
    for number in range(FORTNIGHTS, 0, -1):
        yield matured - number * _FORTNIGHT, matured - (number - 1) * _FORTNIGHT


def choose(measure: str, found: Compared) -> list[Score]:
    """The scores of all groups with enough orders, the widest first; none where there are too few at all."""
    if len(found) < LEAST_ORDERS:
        return []
    everything = np.arange(len(found))
    overall = _differences(found, everything, None)
    scores = [_score(measure, "", "", found, everything, overall)]
    for destination, rows in _grouped(found.destination, everything):
        of_country = overall
        if len(rows) < len(found):
            of_country = _differences(found, rows, overall)
            scores.append(_score(measure, "", destination, found, rows, of_country))
        for origin, narrow in _grouped(found.origin, rows):
            if len(narrow) < len(rows):
                told = _differences(found, narrow, of_country)
                scores.append(_score(measure, origin, destination, found, narrow, told))
    return scores


def share_of(shares: dict[tuple[str, str], float], origin: str, destination: str) -> float:
    """The weight of the learned hazard in what serves a lane: that of the narrowest group that holds it."""
    for key in ((origin, destination), ("", destination), ("", "")):
        if key in shares:
            return shares[key]
    return 0.0


def _compared(
    asked: Shipments, took: Floats, shares: tuple[Floats, Floats], informed: Floats, ages: Floats
) -> Compared:
    """`shares`: delivered by `ages` according to the life table, and to the learned curves (rows x ages)."""
    weights = [SHARES[method] for method in METHODS]
    told = [_losses(took, (1 - weight) * shares[0] + weight * shares[1], ages) for weight in weights]
    return Compared(
        _told(asked, "origin_country"),
        _told(asked, "destination_country"),
        np.column_stack([loss for loss, _, _ in told]),
        np.column_stack([within for _, within, _ in told]),
        np.column_stack([width for _, _, width in told]),
        _losses(took, informed, ages)[0],
    )


def _losses(took: Floats, share: Floats, ages: Floats) -> tuple[Floats, Flags, Floats]:
    """The sum of pinball losses of each row's curve, whether it came within the range, and the range's width."""
    limits = [quantile(share, ages, level) for level in LEVELS]
    loss = np.zeros(len(took))
    for limit, level in zip(limits, LEVELS, strict=True):
        loss += np.maximum(level * (took - limit), (level - 1) * (took - limit))
    return loss, (took >= limits[0]) & (took <= limits[-1]), limits[-1] - limits[0]


def quantile(share: Floats, ages: Floats, level: float) -> Floats:
    """The age (days) by which `level` of each row's parcels (rows x ages) is delivered, as serving.quantile() reads it:
    linear within the bin; the last age where it is never reached."""
    place = np.minimum((share < level).sum(axis=1), share.shape[1] - 1)
    rows = np.arange(len(share))
    first = place == 0
    before = np.where(first, 0.0, share[rows, np.maximum(place - 1, 0)])
    begins = np.where(first, 0.0, ages[np.maximum(place - 1, 0)])
    within = np.clip((level - before) / np.maximum(share[rows, place] - before, 1e-12), 0.0, 1.0)
    found: Floats = begins + within * (ages[place] - begins)
    return found


def _told(asked: Shipments, column: str) -> list[str]:
    text = asked.lane[column]
    return [text.labels[code] for code in text.codes.tolist()]


def _joined(parts: Sequence[Compared]) -> Compared:
    size = len(METHODS)
    empty = np.zeros((0, size))
    return Compared(
        [one for part in parts for one in part.origin],
        [one for part in parts for one in part.destination],
        np.concatenate([empty, *(part.loss for part in parts)]),
        np.concatenate([empty.astype(bool), *(part.within for part in parts)]),
        np.concatenate([empty, *(part.width for part in parts)]),
        np.concatenate([empty[:, 0], *(part.informed for part in parts)]),
    )


def _grouped(names: Sequence[str], rows: Integers) -> Iterator[tuple[str, Integers]]:
    """The groups of `rows` by name that have enough of them, in alphabetical order; the unknown is none."""
    told = np.array(names, dtype=object)[rows]
    for name in sorted(set(told.tolist()) - {""}):
        found = rows[told == name]
        if len(found) >= LEAST_GROUP:
            yield name, found


def _differences(found: Compared, rows: Integers, wider: Floats | None) -> Floats:
    """Mean loss of each method above the life table's, leaning on that of the wider group, and its standard error:
    2 x methods, and a last column for the hazard told each order's own features."""
    losses = np.column_stack([found.loss[rows], found.informed[rows]])
    above = losses - losses[:, :1]
    mean, error = above.mean(axis=0), above.std(axis=0) / np.sqrt(len(rows))
    if wider is not None:
        own = len(rows) / (len(rows) + SHRINKAGE)
        mean = own * mean + (1 - own) * wider[0]
        error = np.hypot(own * error, (1 - own) * wider[1])
    return np.stack([mean, error])


def _score(measure: str, origin: str, destination: str, found: Compared, rows: Integers, above: Floats) -> Score:
    mean, error = above
    fits = {
        method: Fit(
            float(found.loss[rows, place].mean()),
            float(found.within[rows, place].mean()),
            float(found.width[rows, place].mean()),
        )
        for place, method in enumerate(METHODS)
    }
    best = min(range(1, len(METHODS)), key=lambda place: mean[place])
    sure = mean[best] + SURELY * error[best] < 0
    chosen = METHODS[best] if sure else "floor"
    against = f"{fits[METHODS[best]].pinball:.3f} days against {fits['floor'].pinball:.3f} of the life table"
    name = "the mixture" if METHODS[best] == "mixture" else "the learned hazard"
    why = f"{name} loses {against}, over {len(rows)} orders"
    if not sure:
        why += ": not better by more than chance"
    return Score(
        measure,
        origin,
        destination,
        len(rows),
        fits["floor"],
        fits["learned"],
        fits["mixture"],
        float(found.informed[rows].mean()),
        SHARES[chosen],
        why,
        *_informed(found, rows, above, METHODS.index(chosen)),
    )


def _informed(found: Compared, rows: Integers, above: Floats, chosen: int) -> tuple[bool, str]:
    """Whether shipments of the group are told by curves of their own, and why: where these are better than the life
    table by more than chance, and no worse than what was chosen for the lanes."""
    mean, error = above[:, -1]
    told, table = found.informed[rows].mean(), found.loss[rows, 0].mean()
    against = f"{told:.3f} days against {table:.3f} of the life table, over {len(rows)} orders"
    why = f"told the parcel's own features it loses {against}"
    if mean + SURELY * error >= 0:
        return False, why + ": not better by more than chance"
    if mean > above[0, chosen]:
        return False, why + ": better, but not than what serves the lanes"
    return True, why
