"""`lanecast backtest delivery`: replay, write the predictions, compare with what others do."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from lanecast.delivery.backtest import history
from lanecast.delivery.backtest.baselines import BASELINES
from lanecast.delivery.backtest.measures import Score, by_group, quintiles, score
from lanecast.delivery.backtest.replay import Say, Week, replay
from lanecast.delivery.model.floor import lanes
from lanecast.delivery.model.hazard import NoLightGBM
from lanecast.delivery.model.shipments import Shipments

OURS = "lanecast"
_LANE = ("origin_country", "origin_region", "destination_country", "destination_region")


class CutError(ValueError):
    """The cut leaves nothing to predict."""


@dataclass
class Outcome:
    """What a replay gave: orders, those delivered and scored, rows without a start, the share that the learned model
    told. `scores` are by method; `regions` and `quintiles` by method and group; `weeks` ours alone, by first day;
    `notes` say what could not be done."""

    orders: int
    scored: int
    undated: int
    learned: float
    levels: tuple[float, ...]
    scores: dict[str, Score]
    regions: dict[str, dict[str, Score]]
    quintiles: dict[str, dict[str, Score]]
    weeks: dict[str, Score]
    notes: list[str] = field(default_factory=list)


def levels_of(confidence: float) -> tuple[float, float, float]:
    """The three levels told: the two limits of a range that holds with this confidence, and the middle."""
    lower = round((1 - confidence) / 2, 6)
    return lower, 0.5, round(1 - lower, 6)


def column(level: float) -> str:
    """The name of a level's column: p10, p50, p97.5."""
    whole, _, part = f"{level * 100:.4f}".rstrip("0").rstrip(".").partition(".")
    return f"p{whole.zfill(2)}{'.' + part if part else ''}"


def backtest(
    path: str | Path,
    cut: float,
    until: float,
    confidence: float,
    predictions: Path,
    mapping: str | None = None,
    compare: bool = True,
    say: Say = lambda what, done, of: None,
) -> Outcome:
    """Replays the file at `path` from `cut` to before `until` (days since 1970 UTC) and writes `predictions`.

    Raises FileError for a file that is no shipments table, CutError where no order is left to predict, OSError where
    the predictions can't be written.
    """
    found = history.read(path, mapping)
    rows = found.shipments
    asked = (rows.ordered >= cut) & (rows.ordered < until)
    if not asked.any():
        raise CutError(_nothing(rows, cut, until))
    levels = levels_of(confidence)
    predictions.parent.mkdir(parents=True, exist_ok=True)
    weeks: list[Week] = []
    with predictions.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["shipment_id", "issued_at", *map(column, levels)])
        for week in replay(rows, cut, until, levels, say):
            weeks.append(week)
            issued = history.iso(week.asked.ordered)
            told = [[f"{value:.6f}" for value in row] for row in week.days.tolist()]
            writer.writerows([one, at, *row] for one, at, row in zip(week.asked.order_id, issued, told, strict=True))
    return _judge(found, rows.take(asked), weeks, levels, compare, say)


def _nothing(rows: Shipments, cut: float, until: float) -> str:
    if not len(rows):
        return "no row has an ordered_at that can be read: is it the right column, written like 2024-03-05T14:30?"
    first, last = history.iso(rows.ordered[[0, -1]])
    if cut > rows.ordered[-1]:
        return f"the cut {history.iso(np.array([cut]))[0]} is after the last order, of {last}: choose an earlier one"
    return f"no order lies between --cut and --until; those of the file are from {first} to {last}"


def _judge(
    found: history.History, scored: Shipments, weeks: list[Week], levels: tuple[float, ...], compare: bool, say: Say
) -> Outcome:
    days = np.concatenate([week.days for week in weeks])
    took = scored.delivered - scored.ordered
    arrived = np.isfinite(took)
    by_method = {OURS: days}
    notes: list[str] = []
    if compare:
        for place, (name, method) in enumerate(BASELINES.items()):
            say(name, place, len(BASELINES))
            try:
                by_method[name] = np.concatenate(
                    [method(found.shipments.known_at(week.now), week.asked, week.now, levels) for week in weeks]
                )
            except NoLightGBM as error:
                notes.append(f"{name} left out: {error}")
        say("compared", len(BASELINES), len(BASELINES))
    group, names = lanes(found.shipments, _LANE)
    volume = np.bincount(group, minlength=len(names))
    lane = group[(found.shipments.ordered >= scored.ordered[0]) & (found.shipments.ordered <= scored.ordered[-1])]
    regions = _regions(scored.take(arrived))
    fifths = [f"{fifth}" for fifth in quintiles(lane[arrived], volume)]
    issued = np.concatenate([np.full(len(week.asked), week.now) for week in weeks])[arrived]
    told = {name: values[arrived] for name, values in by_method.items()}
    took = took[arrived]
    learned = np.concatenate([week.learned for week in weeks])
    return Outcome(
        len(scored),
        int(arrived.sum()),
        found.undated,
        float(np.mean(learned > 0)) if len(learned) else 0.0,
        levels,
        {name: score(took, values, levels) for name, values in told.items()},
        {name: by_group(took, values, levels, regions) for name, values in told.items()},
        {name: by_group(took, values, levels, fifths) for name, values in told.items()},
        {
            history.iso(np.array([week]))[0][:10]: score(took[issued == week], told[OURS][issued == week], levels)
            for week in np.unique(issued)
        },
        notes,
    )


def _regions(of: Shipments) -> list[str]:
    group, names = lanes(of, ("destination_country", "destination_region"))
    told = [region or country or "unknown" for country, region in names]
    return [told[place] for place in group]
