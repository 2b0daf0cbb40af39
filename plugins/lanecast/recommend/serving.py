"""Every customer's lists, by what was chosen."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

import numpy as np

from lanecast.recommend.deeds import Catalogue, Deeds
from lanecast.recommend.diversity import spread_best
from lanecast.recommend.features import Features
from lanecast.recommend.history import DAY, Aim, Flags, Floats, Ints, Past, past
from lanecast.recommend.judging import LEARNED, POPULARITY, TRIED, allowed, scores
from lanecast.recommend.learned import Learned, read
from lanecast.recommend.lists import DISCOVER, SHOWN, CustomerLists
from lanecast.recommend.metrics import best
from lanecast.recommend.reasons import Reasons
from lanecast.recommend.signals import Batch, Signals, blend

_THREADS = 2
_FRESH = 21 * DAY
_FEW = 3
_MOST_FRESH = 50


def customer_lists(
    deeds: Deeds,
    catalogue: Catalogue,
    chosen: dict[str, Any],
    now: int,
    k: int = 20,
    aim: Aim = Aim.PURCHASES,
) -> Iterator[CustomerLists]:
    """Lists of all customers of `deeds.customers`, in batches, each batch once for every slot.

    Half of what is shown at most is of one category where that was found to cost little. For a shop (`aim` PURCHASES)
    the last place shown of `discover` goes to a product of the last three weeks that hardly anyone has had the chance
    to buy.
    """
    then = past(deeds, catalogue, now, aim, serving=aim is Aim.PURCHASES)
    signals = Signals(then, aim)
    told = chosen.get("learned")
    learned = read(told["boosters"]) if told else None
    features = Features(signals, int(told["window"]) if told else DAY)
    reasons = Reasons(signals)
    fresh = _fresh(then) if aim is Aim.PURCHASES else np.zeros(0, dtype=np.int32)

    def of(start: int) -> list[CustomerLists]:
        batch = signals.batch(np.arange(start, min(start + signals.size, then.customers), dtype=np.int32))
        by_model: dict[str, Floats] = {}
        made = []
        for slot in TRIED:
            model = chosen.get(slot, {}).get("model", POPULARITY)
            if model not in by_model:
                by_model[model] = _scores(model, signals, features, learned, batch)
            spread = bool(chosen.get(slot, {}).get("spread", False))
            made.append(_slot(slot, by_model[model], batch, then, reasons, fresh, k, spread))
        return made

    # What is made once for all is made before threads ask for it.
    _ = features.of_products, features.of_customers, signals.due, signals.resting
    starts = iter(range(0, then.customers, signals.size))
    with ThreadPoolExecutor(_THREADS) as pool:
        ahead = deque(pool.submit(of, start) for start in islice(starts, _THREADS + 1))
        while ahead:
            made = ahead.popleft().result()
            ahead.extend(pool.submit(of, start) for start in islice(starts, 1))
            yield from made


def _scores(model: str, signals: Signals, features: Features, learned: Learned | None, batch: Batch) -> Floats:
    found = scores(model, signals, features, learned, batch)
    if found is None:
        raise ValueError(f"{model} was chosen, but can't be fitted on this data: evaluate anew")
    # Who has done nothing that a model could read gets what is popular, whatever serves the others. The learned ranking
    # is taught by customers who bought: who has only looked gets the blend, which reads that.
    idle = np.diff(signals.past.begins)[batch.customers] == 0
    if not idle.any():
        return found
    looked = idle & batch.says["looks"].any(axis=1) if "looks" in batch.says else np.zeros_like(idle)
    found = found.copy()
    found[idle & ~looked] = batch.says["popularity"][idle & ~looked]
    if model == LEARNED:
        found[looked] = blend(batch)[looked]
    return found


def _slot(
    slot: str, score: Floats, batch: Batch, then: Past, reasons: Reasons, fresh: Ints, k: int, spread: bool
) -> CustomerLists:
    fits = allowed(batch, slot)
    found = spread_best(score, fits, then.category, k) if spread else best(score, fits, k)
    if slot == DISCOVER and len(fresh) and k > 1:
        found = _with_fresh(found, fresh, fits, batch.customers)
    told, because, support = reasons.of(batch, found, fresh)
    value = np.take_along_axis(score, np.maximum(found, 0), axis=1)
    return CustomerLists(
        slot,
        batch.customers,
        found,
        np.where(found >= 0, value, 0).astype(np.float32),
        told.astype(np.int8),
        because,
        support,
    )


def _fresh(then: Past) -> Ints:
    """Products of late that hardly anyone has bought, the newest first."""
    sold = np.bincount(then.product, minlength=then.products)
    young = then.open & (then.now - then.published < _FRESH) & (then.published <= then.now) & (sold < _FEW)
    found = np.flatnonzero(young)
    return found[np.argsort(-then.published[found], kind="stable")][:_MOST_FRESH].astype(np.int32)


def _with_fresh(found: Ints, fresh: Ints, fits: Flags, customers: Ints) -> Ints:
    """One fresh product in the last place shown, or behind the last of shorter lists: another one for every customer,
    so that all of them are seen."""
    mine = fresh[customers % len(fresh)]
    n, k = found.shape
    shown = min(k, SHOWN)
    takes = fits[np.arange(n), mine] & ~(found[:, :shown] == mine[:, None]).any(axis=1)
    others = np.where(found == mine[:, None], -1, found)
    last = np.minimum((others >= 0).sum(axis=1), shown - 1)
    place = np.concatenate([np.where(others >= 0, np.arange(k), k), last[:, None] - 0.5], axis=1)
    order = np.argsort(place, axis=1, kind="stable")[:, :k]
    moved = np.take_along_axis(np.concatenate([others, mine[:, None]], axis=1), order, axis=1)
    return np.where(takes[:, None], moved, found)
