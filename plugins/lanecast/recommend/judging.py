"""How every model did on one window: customer by customer, in each slot."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lanecast.recommend.diversity import spread_best
from lanecast.recommend.features import Features
from lanecast.recommend.history import Flags, Floats, Ints
from lanecast.recommend.learned import Learned, Lesson
from lanecast.recommend.lists import ALL, BUY_AGAIN, DISCOVER
from lanecast.recommend.metrics import best, hits, ndcg, recall
from lanecast.recommend.signals import Batch, Signals, blend, score

POPULARITY, LEARNED, SPREAD = "popularity", "learned ranking", "blend, half of a category"
_OWN = ("own frequency", "own frequency, fading")
_ITEMS = ("cosine", "EASE", "EASE, fading", "EASE x popularity", "ALS", "UP-CF")
TRIED: dict[str, tuple[str, ...]] = {
    DISCOVER: (POPULARITY, *_ITEMS, "blend", LEARNED),
    BUY_AGAIN: (POPULARITY, *_OWN, "TIFU-KNN", "EASE, fading", LEARNED),
    ALL: (POPULARITY, *_OWN, "TIFU-KNN", "UP-CF", "EASE", "EASE, fading", "blend", LEARNED),
}
"""By slot, the models that are tried, simpler ones first."""

MEASURE = {DISCOVER: "Recall", BUY_AGAIN: "NDCG", ALL: "Recall"}
"""By what models are ordered and set against popularity. A list of what a customer bought before often holds all of it:
Recall is then the same whatever stands first, so that it can't tell one order from another."""

FLOOR = {DISCOVER: POPULARITY, BUY_AGAIN: POPULARITY, ALL: "own frequency"}
"""What serves where nothing is shown to be better. In `all` a customer's own products come first, then popularity: it
stands for both questions at once, and popularity alone would leave the second unanswered; but where popularity is ahead
on the validation window, it serves. In `buy_again` popularity orders what the customer bought before, and nothing
else."""


@dataclass
class Judged:
    """Recall@k and NDCG@k by customer asked (NaN where nothing was wanted), and the products that reached any list."""

    recall: list[Floats] = field(default_factory=list)
    ndcg: list[Floats] = field(default_factory=list)
    reached: set[int] = field(default_factory=set)

    def add(self, found: Ints, wanted: Flags) -> None:
        """Lists (n x k) against what was wanted (n x products)."""
        hit, of = hits(found, wanted), wanted.sum(axis=1).astype(np.int32)
        self.recall.append(recall(hit, of))
        self.ndcg.append(ndcg(hit, of))
        self.reached.update(np.unique(found[found >= 0]).tolist())

    def recalls(self) -> Floats:
        """All customers', in the order in which they were asked."""
        return np.concatenate(self.recall) if self.recall else np.zeros(0, dtype=np.float32)

    def measured(self, slot: str) -> Floats:
        """By the measure of the slot."""
        return self.ndcgs() if MEASURE[slot] == "NDCG" else self.recalls()

    def ndcgs(self) -> Floats:
        """All customers', in the order in which they were asked."""
        return np.concatenate(self.ndcg) if self.ndcg else np.zeros(0, dtype=np.float32)


def allowed(batch: Batch, slot: str) -> Flags:
    """What a slot may hold: the two are never mixed but in `all`."""
    return batch.new if slot == DISCOVER else batch.again if slot == BUY_AGAIN else batch.new | batch.again


def scores(model: str, signals: Signals, features: Features, learned: Learned | None, batch: Batch) -> Floats | None:
    """n x products by a model, None where there is no such model here."""
    if model != LEARNED:
        return score(model, batch)
    if learned is None or not learned.usable:
        return None
    chance, looked = learned.chances(features, batch)
    rest = blend(batch)
    # What was not looked at more closely comes after all that was, to fill a list that would be short.
    return np.where(looked, 1 + chance, rest / (1 + rest)).astype(np.float32)


def judge(
    signals: Signals,
    features: Features,
    learned: Learned | None,
    asked: Ints,
    wanted: Any,
    k: int,
    lesson: Lesson,
    compare: bool = True,
    spread: bool = False,
) -> dict[tuple[str, str], Judged]:
    """By model and slot; nothing where there is nothing to `compare`. The window's lesson is gathered on the way.

    `spread` asks what it costs the blend that half of a list at most is of one category (`SPREAD`).
    """
    found: dict[tuple[str, str], Judged] = {}
    for start in range(0, len(asked), signals.size):
        customers = asked[start : start + signals.size]
        batch = signals.batch(customers)
        took = wanted[customers].toarray() > 0
        told: dict[str, Floats | None] = {}
        for slot, models in TRIED.items() if compare else ():
            fits = (
                took & (batch.place < 0)
                if slot == DISCOVER
                else took & (batch.place >= 0)
                if slot == BUY_AGAIN
                else took
            )
            for model in models:
                if model not in told:
                    told[model] = scores(model, signals, features, learned, batch)
                value = told[model]
                if value is not None:
                    found.setdefault((model, slot), Judged()).add(best(value, allowed(batch, slot), k), fits)
                if spread and model == "blend" and value is not None:
                    listed = spread_best(value, allowed(batch, slot), signals.past.category, k)
                    found.setdefault((SPREAD, slot), Judged()).add(listed, fits)
        lesson.add(features, batch, took)
    return found
