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
from lanecast.recommend.judging import FLOOR, LEARNED, POPULARITY, TRIED, Judged, judge
from lanecast.recommend.learned import Learned, Lesson, learn
from lanecast.recommend.metrics import interval
from lanecast.recommend.signals import Signals
from lanecast.recommend.windows import wanted, windows

Say = Callable[[str], None]
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

    Models are chosen on the validation window. The one chosen serves if, on the later report window, the 95 % interval
    of its Recall@k beyond popularity's (paired bootstrap of customers) is above 0; else the floor serves.
    """
    spans = windows(deeds, now)
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
        learned = _learn(lessons, say) if place else None
        lesson = Lesson()
        say(f"judging on {len(asked):,} customers of the window that follows")
        judged = judge(signals, features, learned, asked, took, k, lesson, place > 0)
        lessons.append(lesson)
        if place:
            told.append(judged)
    times = dict(zip((VALIDATION, REPORT), zip(spans.starts[1:], spans.ends[1:], strict=True), strict=True))
    served = {slot: _chosen(slot, told[0], told[1]) for slot in TRIED}
    rows = [
        _row(model, slot, window, judged, times[window], k, len(catalogue.available), served[slot])
        for window, judged in zip((VALIDATION, REPORT), told, strict=True)
        for model, slot in judged
    ]
    chosen: dict[str, Any] = {slot: {"model": model, "why": why} for slot, (model, why) in served.items()}
    if any(one["model"] == LEARNED for one in chosen.values()):
        final = _learn(lessons, say)
        chosen["learned"] = None if final is None else {"window": spans.length, "boosters": final.told()}
    return Evaluated(rows, chosen)


def _floor() -> dict[str, Any]:
    return {
        slot: {"model": model, "why": f"{model} serves: too little is known to judge any other model"}
        for slot, model in FLOOR.items()
    }


def _learn(lessons: list[Lesson], say: Say) -> Learned | None:
    try:
        return learn(lessons)
    except NoLightGBM as error:
        say(str(error))
        return None


def _beyond(model: str, slot: str, judged: Told) -> Floats:
    """Recall beyond popularity's, by customer of whom anything was wanted."""
    return judged[model, slot].recalls() - judged[POPULARITY, slot].recalls()


def _chosen(slot: str, validation: Told, report: Told) -> tuple[str, str]:
    """What serves, and why."""
    chosen, lead = POPULARITY, 0.0
    best_so_far: Floats | None = None
    for model in TRIED[slot]:
        if (model, slot) not in validation:
            continue
        value = validation[model, slot].recalls()
        value = value[np.isfinite(value)]
        if best_so_far is None:
            best_so_far = value
            continue
        ahead = value - best_so_far
        # One standard error for the learned one, so that chance alone does not put it before what is simpler.
        margin = ahead.std() / max(len(ahead), 1) ** 0.5 if model == LEARNED and len(ahead) else 0.0
        if len(ahead) and ahead.mean() > margin:
            chosen, best_so_far, lead = model, value, float(value.mean())
    floor = FLOOR[slot]
    if chosen in (POPULARITY, floor):
        return floor, f"{floor} serves: no other model had a higher recall on the validation window"
    if (chosen, slot) not in report:
        return floor, f"{floor} serves: {chosen} led on the validation window, and can't be reported on"
    beyond = _beyond(chosen, slot, report)
    low, high = interval(beyond[np.isfinite(beyond)])
    if low > 0:
        return chosen, (
            f"{chosen} serves: highest recall on the validation window ({lead:.4f}), and {low:+.4f} to {high:+.4f} "
            "beyond popularity on the later one"
        )
    return floor, (
        f"{floor} serves: {chosen} led on the validation window, but its {low:+.4f} to {high:+.4f} beyond "
        "popularity on the later one does not exclude 0"
    )


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
