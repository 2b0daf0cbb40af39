"""Evaluates every model on two windows of the past, and says which serves in each slot, and why."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lanecast.delivery.model.hazard import NoLightGBM
from lanecast.recommend.deeds import Catalogue, Deeds
from lanecast.recommend.evaluation import REPORT, VALIDATION, Evaluated, EvaluationRow
from lanecast.recommend.features import Features
from lanecast.recommend.history import Aim, Floats, past
from lanecast.recommend.judging import FLOOR, LEARNED, MEASURE, POPULARITY, SPREAD, TRIED, Judged, judge
from lanecast.recommend.learned import Learned, Lesson, learn
from lanecast.recommend.lists import BUY_AGAIN
from lanecast.recommend.metrics import interval
from lanecast.recommend.signals import LEAN, Signals
from lanecast.recommend.windows import wanted, windows

Say = Callable[[str], None]
_MOST_COST = 0.002
Told = dict[tuple[str, str], Judged]


def evaluate(
    deeds: Deeds,
    catalogue: Catalogue,
    now: int,
    say: Say = lambda _: None,
    aim: Aim = Aim.PURCHASES,
    k: int = 20,
) -> Evaluated:
    """Judges every model on windows before `now` (seconds since 1970 UTC) and chooses what serves in each slot.

    Models are ordered by the slot's measure (MEASURE) on the validation window. The first of them serves whose 95 %
    interval of that beyond popularity's (paired bootstrap of customers), on the later report window, is above 0; else
    the floor.
    """
    spans = windows(deeds, now, aim)
    if spans is None:
        return Evaluated([], _floor())
    lessons: list[Lesson] = []
    told: list[Told] = []
    for place, (start, end) in enumerate(zip(spans.starts, spans.ends, strict=True)):
        say(f"learning from what was known {spans.length // 86_400 * (3 - place)} days before the end")
        then = past(deeds, catalogue, start, aim)
        asked, took = wanted(deeds, then, end, aim)
        signals = Signals(then, aim)
        features = Features(signals, spans.length)
        learned = _learn(lessons, signals.lean, say) if place else None
        lesson = Lesson()
        say(f"judging on {len(asked):,} customers of the window that follows")
        judged = judge(signals, features, learned, asked, took, k, lesson, place > 0, bool((then.category >= 0).any()))
        lessons.append(lesson)
        if place:
            told.append(judged)
        # These hold whole matrices: the next window's must not be made beside them.
        del then, signals, features, learned
    times = dict(zip((VALIDATION, REPORT), zip(spans.starts[1:], spans.ends[1:], strict=True), strict=True))
    served = {slot: _chosen(slot, told[0], told[1], k) for slot in TRIED}
    rows = [
        _row(model, slot, window, judged, times[window], k, len(catalogue.available), served[slot])
        for window, judged in zip((VALIDATION, REPORT), told, strict=True)
        for model, slot in judged
    ]
    chosen: dict[str, Any] = {slot: {"model": model, "why": why} for slot, (model, why) in served.items()}
    for slot, one in chosen.items():
        one["spread"] = _costs_little(slot, told[0])
    if any(one["model"] == LEARNED for one in chosen.values()):
        final = _learn(lessons, len(deeds.customers) > LEAN, say)
        chosen["learned"] = None if final is None else {"window": spans.length, "boosters": final.told()}
    return Evaluated(rows, chosen)


def _floor() -> dict[str, Any]:
    return {
        slot: {"model": model, "why": f"{_named(model, slot)} serves: too little is known to judge any other model"}
        for slot, model in FLOOR.items()
    }


def _named(floor: str, slot: str) -> str:
    """The floor as people are told of it."""
    return f"{floor} (of what the customer bought before)" if slot == BUY_AGAIN else floor


def _learn(lessons: list[Lesson], lean: bool, say: Say) -> Learned | None:
    try:
        return learn(lessons, lean)
    except NoLightGBM as error:
        say(str(error))
        return None


def _beyond(model: str, slot: str, judged: Told) -> Floats:
    """What the slot is measured by, beyond popularity's, by customer of whom anything was wanted."""
    return judged[model, slot].measured(slot) - judged[POPULARITY, slot].measured(slot)


def _chosen(slot: str, validation: Told, report: Told, k: int) -> tuple[str, str]:
    """What serves, and why: the first in the order of the validation window that is beyond popularity on the later
    one for certain."""
    measure, passed, ordered = f"{MEASURE[slot]}@{k}", "", _ordered(slot, validation)
    for model, value in ordered:
        if model == POPULARITY or (model, slot) not in report:
            continue
        beyond = _beyond(model, slot, report)
        low, high = interval(beyond[np.isfinite(beyond)])
        if low > 0:
            return model, (
                f"{model} serves: {measure} of {value:.4f} on the validation window, and {low:+.4f} to {high:+.4f} "
                f"beyond popularity on the later one{passed}"
            )
        passed = passed or f"; {model} led ({value:.4f}), but its {low:+.4f} to {high:+.4f} does not exclude 0"
    means = dict(ordered)
    floor = POPULARITY if means.get(POPULARITY, 0) > means.get(FLOOR[slot], 0) else FLOOR[slot]
    return (
        floor,
        f"{_named(floor, slot)} serves: no model's {measure} beyond popularity excludes 0 on the report window{passed}",
    )


def _costs_little(slot: str, validation: Told) -> bool:
    """Whether half of a list at most may be of one category: where that costs the blend 0.002 of Recall@k at most."""
    if (SPREAD, slot) not in validation:
        return False
    cost = validation["blend", slot].recalls() - validation[SPREAD, slot].recalls()
    cost = cost[np.isfinite(cost)]
    return bool(len(cost)) and float(cost.mean()) <= _MOST_COST


def _ordered(slot: str, validation: Told) -> list[tuple[str, float]]:
    """Models by the slot's measure on the validation window, best first; of equals the simpler one."""
    values = {model: validation[model, slot].measured(slot) for model in TRIED[slot] if (model, slot) in validation}
    values = {model: value[np.isfinite(value)] for model, value in values.items()}
    means = {model: float(value.mean()) if len(value) else 0.0 for model, value in values.items()}
    ranked = dict(means)
    if LEARNED in ranked and len(values[LEARNED]):
        # One standard error, so that chance alone does not put what is learned before what is simpler.
        rival = max((model for model in means if model != LEARNED), key=lambda model: means[model])
        ahead = values[LEARNED] - values[rival]
        ranked[LEARNED] -= float(ahead.std()) / len(ahead) ** 0.5
    return [(model, means[model]) for model in sorted(ranked, key=lambda model: -ranked[model])]


def _row(
    model: str,
    slot: str,
    window: str,
    judged: Told,
    time: tuple[int, int],
    k: int,
    products: int,
    served: tuple[str, str],
) -> EvaluationRow:
    one = judged[model, slot]
    value, gain = one.recalls(), one.ndcgs()
    there = np.isfinite(value)
    beyond = _beyond(model, slot, judged)[there]
    low, high = interval(beyond) if model != POPULARITY else (0.0, 0.0)
    n = int(there.sum())
    serves = served[0] == model
    return EvaluationRow(
        model,
        slot,
        window,
        *time,
        k,
        n,
        float(value[there].mean()) if n else 0.0,
        float(gain[there].mean()) if n else 0.0,
        len(one.reached) / max(products, 1),
        float(beyond.mean()) if n else 0.0,
        low,
        high,
        serves,
        served[1] if serves else f"{served[0]} serves in this slot",
    )
