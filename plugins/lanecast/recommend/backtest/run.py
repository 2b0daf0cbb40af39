"""`lanecast backtest recommend`: choose, make lists, write them, and hold them against what was done."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from lanecast.recommend.backtest.history import History, read
from lanecast.recommend.choice import evaluate
from lanecast.recommend.evaluation import EvaluationRow
from lanecast.recommend.history import Aim, Flags, Floats, Ints, past
from lanecast.recommend.judging import allowed
from lanecast.recommend.lists import ALL, DISCOVER
from lanecast.recommend.metrics import best, hits, interval, ndcg, recall
from lanecast.recommend.serving import customer_lists
from lanecast.recommend.signals import Signals, score

Say = Callable[[str], None]
OURS = "lanecast"
BASELINES: dict[str, tuple[str, ...]] = {
    ALL: ("own frequency", "own frequency, fading", "TIFU-KNN", "UP-CF", "EASE", "popularity"),
    DISCOVER: ("EASE", "EASE x popularity", "cosine", "UP-CF", "popularity"),
}


class CutError(ValueError):
    """The cut leaves nothing to learn from."""


@dataclass(frozen=True)
class Score:
    """Of `customers` of whom anything was wanted: Recall@k, NDCG@k; and how far ours is beyond it, with the 95 %
    interval of a paired bootstrap of customers (zeros for ours)."""

    customers: int
    recall: float
    ndcg: float
    beyond: float = 0.0
    low: float = 0.0
    high: float = 0.0


@dataclass
class Outcome:
    """Rows of the file: all, those that can't be read, those without a product or a time, those of guests; what could
    not be read, with the first of each; customers and products known; what serves in each slot and why; the evaluation
    it was chosen by; scores by slot and method, empty where nothing followed the cut."""

    rows: int
    unreadable: int
    unusable: int
    guests: int
    problems: list[str]
    customers: int
    products: int
    k: int
    chosen: dict[str, str]
    evaluation: list[EvaluationRow]
    scores: dict[str, dict[str, Score]] = field(default_factory=dict)


def backtest(
    path: str | Path, cut: datetime, k: int, predictions: Path, compare: bool = False, say: Say = lambda _: None
) -> Outcome:
    """Recommends at `cut` to every customer known before it, from the rows before it, and writes `predictions`.

    Every row counts, whatever its kind: as purchases, views, carts and returns are in the file, so they are foretold.
    Raises FileError for a file that is no interactions table, CutError where nothing lies before the cut, OSError where
    the predictions can't be written.
    """
    if predictions.exists() and Path(path).exists() and predictions.samefile(path):
        raise FileExistsError(f"{predictions.name} is the interactions file: name another")
    say(f"reading {Path(path).name}")
    history = read(path, cut)
    deeds, catalogue, now = history.deeds, history.catalogue, int(cut.timestamp())
    if not len(deeds) or not len(deeds.customers):
        raise CutError(_nothing(history))
    told = evaluate(deeds, catalogue, now, say, Aim.ANY, k)
    say(f"making lists of {len(deeds.customers):,} customers")
    found = _write(history, told.chosen, now, k, predictions)
    outcome = Outcome(
        history.rows,
        history.unreadable,
        history.unusable,
        history.guests,
        history.problems,
        len(deeds.customers),
        len(deeds.products),
        k,
        {slot: one["why"] for slot, one in told.chosen.items() if slot in found},
        told.rows,
    )
    if len(history.customer):
        say("holding them against what followed")
        outcome.scores = _judge(history, found, now, k, compare)
    return outcome


def _nothing(history: History) -> str:
    """Why there is nothing to learn from, and what helps."""
    said = f"none of the {history.rows:,} rows has a customer, a product and a time before the cut"
    bad = history.unreadable + history.untimed
    if history.problems:
        said = f"{said}; {'; '.join(history.problems)}"
    if history.rows and bad == history.rows:
        return f"{said}: mend the file; text is UTF-8, and times are like 2024-03-05T14:30:00+01:00"
    return f"{said}: choose a later cut, and look whether customer_id, product_id and occurred_at are the right columns"


def _write(history: History, chosen: dict[str, Any], now: int, k: int, predictions: Path) -> dict[str, Ints]:
    deeds = history.deeds
    found: dict[str, Ints] = {}
    predictions.parent.mkdir(parents=True, exist_ok=True)
    with predictions.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["customer_id", "slot", "rank", "product_id"])
        for lists in customer_lists(deeds, history.catalogue, chosen, now, k, Aim.ANY):
            whole = found.setdefault(lists.slot, np.full((len(deeds.customers), k), -1, dtype=np.int32))
            whole[lists.customer] = lists.product
            row, rank = np.nonzero(lists.product >= 0)
            names = deeds.customers[lists.customer[row]]
            products = deeds.products[lists.product[row, rank]]
            writer.writerows(
                [name, lists.slot, place, product]
                for name, place, product in zip(names, (rank + 1).tolist(), products, strict=True)
            )
    return found


def _judge(history: History, found: dict[str, Ints], now: int, k: int, compare: bool) -> dict[str, dict[str, Score]]:
    """By slot and method; methods are asked about the customers of whom anything was wanted."""
    from scipy import sparse

    then = past(history.deeds, history.catalogue, now, Aim.ANY)
    shape = (then.customers, then.products)
    ones = np.ones(len(history.customer), dtype=np.float32)
    wanted = sparse.csr_matrix((ones, (history.customer, history.product)), shape=shape)
    asked = np.unique(history.customer).astype(np.int32)
    signals = Signals(then, Aim.ANY, whole=True) if compare else None
    told: dict[tuple[str, str], list[tuple[Floats, Floats]]] = {}
    size = max(16, 3_000_000 // max(then.products, 1))
    had = then.matrix(np.ones(len(then.times), dtype=np.float32))
    for start in range(0, len(asked), size):
        customers = asked[start : start + size]
        took = wanted[customers].toarray() > 0
        new = took & ~(had[customers].toarray() > 0)
        batch = signals.batch(customers) if signals is not None else None
        for slot, fits in ((ALL, took), (DISCOVER, new)):
            told.setdefault((slot, OURS), []).append(_one(found[slot][customers], fits))
            for name in BASELINES[slot] if batch is not None else ():
                value = score(name, batch) if batch is not None else None
                if value is not None and batch is not None:
                    listed = best(value, allowed(batch, slot), k)
                    told.setdefault((slot, name), []).append(_one(listed, fits))
    scores: dict[str, dict[str, Score]] = {ALL: {}, DISCOVER: {}}
    for slot, name in told:
        scores[slot][name] = _score(told[slot, name], told[slot, OURS], name == OURS)
    return scores


def _one(listed: Ints, fits: Flags) -> tuple[Floats, Floats]:
    hit, of = hits(listed, fits), fits.sum(axis=1).astype(np.int32)
    return recall(hit, of), ndcg(hit, of)


def _score(one: list[tuple[Floats, Floats]], ours: list[tuple[Floats, Floats]], own: bool) -> Score:
    value, gain = (np.concatenate(parts) for parts in zip(*one, strict=True))
    there = np.isfinite(value)
    if not there.any():
        return Score(0, 0.0, 0.0)
    beyond = np.concatenate([first for first, _ in ours])[there] - value[there]
    low, high = (0.0, 0.0) if own else interval(beyond)
    return Score(
        int(there.sum()), float(value[there].mean()), float(gain[there].mean()), float(beyond.mean()), low, high
    )
