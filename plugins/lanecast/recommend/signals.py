"""What all models say of a batch of customers, side by side: n x products of each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from threadpoolctl import threadpool_limits

from lanecast.recommend.history import DAY, Aim, Flags, Floats, Ints, Past
from lanecast.recommend.models import popularity
from lanecast.recommend.models.alike import Alike
from lanecast.recommend.models.items import MOST_EASE, Ease, neighbours
from lanecast.recommend.models.latent import Latent

_CELLS = 3_000_000
"""Customers x products of a batch at most."""
LEAN = 10_000
"""Customers above which models that add little are left out, so that lists of all are made in time."""
_RESTS, _DURABLE, _DURABLE_BUYERS = 0.1, 0.03, 30


@dataclass(frozen=True)
class Batch:
    """`place` is each pair's row in the past, -1 where the customer never had the product. `says` is by model."""

    customers: Ints
    place: Ints
    says: dict[str, Floats]
    new: Flags
    again: Flags


class Signals:
    """All models, fitted on one past; `whole`: those that are left out where customers are many, too."""

    SHRINK = 10.0

    def __init__(self, past: Past, aim: Aim, threads: int = 2, whole: bool = False) -> None:
        self.past, self.aim = past, aim
        self.lean = past.customers > LEAN and not whole
        ones = np.ones(len(past.times), dtype=np.float32)
        self.bought = past.matrix(ones)
        self.faded180 = past.by_pair(past.fading(180))
        lately = past.matrix(np.minimum(self.faded180, 1))
        self.interest = lately + past.looks.minimum(1) * np.float32(0.3) if past.looks.nnz else lately
        self.popular = popularity.by_country(past)
        self.rising = popularity.rising(past)
        with threadpool_limits(threads, "blas"):
            self.ease = None if self.lean else Ease(self.bought, 500.0)
            self.ease_lately = Ease(self.interest, 200.0)
        self.cosine = neighbours(self.bought, self.SHRINK)
        self.alike = Alike(past, *((1000, 50) if self.lean else (4000, 100)))
        self.latent = Latent(self.interest) if past.products > MOST_EASE else None

    @cached_property
    def size(self) -> int:
        """Customers that a batch may hold."""
        return int(max(16, min(1024, _CELLS // max(self.past.products, 1))))

    def batch(self, customers: Ints) -> Batch:
        past = self.past
        place = np.full((len(customers), past.products), -1, dtype=np.int32)
        counts = np.diff(past.begins)[customers]
        row = np.repeat(np.arange(len(customers)), counts)
        pair = np.repeat(past.begins[customers] - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())
        place[row, past.pair_product[pair]] = pair
        own = np.zeros(place.shape, dtype=np.float32)
        own[row, past.pair_product[pair]] = self.faded180[pair]
        times = np.zeros(place.shape, dtype=np.float32)
        times[row, past.pair_product[pair]] = past.times[pair]
        basket = np.zeros(place.shape, dtype=np.float32)
        basket[row, past.pair_product[pair]] = past.faded[pair] / np.maximum(past.baskets[past.pair_customer[pair]], 1)
        near = self.alike.near(customers)
        alike, alike_baskets = self.alike.scores(near)
        popular = self.popular[np.where(past.country[customers] < 0, past.countries, past.country[customers])]
        says = {
            "popularity": popular,
            "rising": np.broadcast_to(self.rising, popular.shape),
            "times": times,
            "own": own,
            "own by basket": basket,
            "EASE, fading": self.ease_lately.scores(self.interest[customers]),
            "cosine": (self.bought[customers] @ self.cosine).toarray(),
            "alike": alike,
            "alike by basket": alike_baskets,
        }
        if self.ease is not None:
            says["EASE"] = self.ease.scores(self.bought[customers])
        if past.looks.nnz:
            says["looks"] = past.looks[customers].toarray()
        if self.latent is not None:
            says["ALS"] = self.latent.scores(customers)
        new = (place < 0) & past.open[None, :]
        again = (place >= 0) & past.open[None, :]
        if self.aim is Aim.PURCHASES:
            new &= ~self.past.sent_back[None, :]
            held = again.nonzero()
            again[held] = ~self.resting[place[held]]
        return Batch(customers, place, says, new, again)

    @cached_property
    def rhythm(self) -> Floats:
        """By product: the mean of days between purchases of one customer, NaN where nobody bought twice."""
        past = self.past
        twice = past.times > 1
        gap = (past.last - past.first)[twice] / DAY
        steps = np.bincount(past.pair_product[twice], past.times[twice] - 1, past.products)
        total = np.bincount(past.pair_product[twice], gap, past.products)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(steps > 0, total / steps, np.nan).astype(np.float32)

    @cached_property
    def rebought(self) -> Floats:
        """By product: share of its buyers that bought it more than once, leaning on that of all products."""
        past = self.past
        buyers = np.bincount(past.pair_product, minlength=past.products)
        twice = np.bincount(past.pair_product, past.times > 1, past.products)
        overall = twice.sum() / max(buyers.sum(), 1)
        share: Floats = ((twice + 5 * overall) / (buyers + 5)).astype(np.float32)
        return share

    @cached_property
    def due(self) -> Floats:
        """By pair: days since the last purchase over the days between purchases: the customer's own rhythm, leaning
        on the product's with the weight of two; NaN where nobody has bought the product twice."""
        past = self.past
        steps = past.times - 1
        usual = self.rhythm[past.pair_product]
        own = (past.last - past.first).astype(np.float64) / DAY
        gap = np.where(np.isnan(usual), own / np.maximum(steps, 1), (own + 2 * np.nan_to_num(usual)) / (steps + 2))
        with np.errstate(divide="ignore", invalid="ignore"):
            told = (past.now - past.last) / DAY / np.maximum(gap, 0.5)
        return np.where(np.isnan(usual) & (steps == 0), np.nan, told).astype(np.float32)

    @cached_property
    def resting(self) -> Flags:
        """By pair: not to be offered again yet: sent back, bought a moment ago by its rhythm, or a thing that hardly
        anyone buys twice."""
        past = self.past
        buyers = np.bincount(past.pair_product, minlength=past.products)
        durable = (self.rebought < _DURABLE) & (buyers >= _DURABLE_BUYERS)
        lasts = durable[past.pair_product] & (past.times < 2)
        return past.refused | lasts | (np.nan_to_num(self.due, nan=1.0) < _RESTS)


def score(model: str, batch: Batch) -> Floats | None:
    """n x products by one model; None where it was not fitted. Popularity settles what a model can't tell apart."""
    says = batch.says
    tie = says["popularity"] * (1e-4 / max(float(says["popularity"].max(initial=0)), 1e-9))
    found: Floats
    match model:
        case "popularity":
            found = says["popularity"]
        case "own frequency":
            found = says["times"] + tie
        case "own frequency, fading":
            found = says["own"] + tie
        case "TIFU-KNN":
            found = 0.7 * says["own by basket"] + 0.3 * says["alike by basket"] + tie * 0.01
        case "UP-CF":
            found = says["alike"] + tie * 0.01
        case "EASE x popularity" if "EASE" in says:
            found = np.maximum(says["EASE"], 0) * says["popularity"] ** 0.1 + tie * 0.01
        case "blend":
            found = blend(batch)
        case _ if model in says:
            found = says[model] + tie * 0.01
        case _:
            return None
    return found


def blend(batch: Batch) -> Floats:
    """Own frequency, EASE, similar customers and popularity, each in shares of the customer's largest.

    Kept among `says`, for several ask for it.
    """
    says = batch.says
    if "blend" in says:
        return says["blend"]
    found = np.zeros_like(says["own"])
    parts = [("own", 0.6), ("EASE, fading", 1.0), ("alike", 0.5), ("cosine", 0.2), ("popularity", 0.2)]
    for name, weight in [*parts, ("ALS", 0.5), ("looks", 0.5)]:
        if name not in says:
            continue
        largest = np.maximum(np.where(batch.new, says[name], 0).max(axis=1, initial=0), 1e-6)
        if name == "own":
            largest = np.maximum(says[name].max(axis=1, initial=0), 1e-6)
        found += says[name] * (np.float32(weight) / largest)[:, None]
    says["blend"] = found
    return found
