"""One picture of a backtest: Recall@k of every method in each slot, with what lies between ours and it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lanecast.recommend.backtest.run import OURS, Outcome

_GREY, _BLUE = "#6b7280", "#1d4ed8"


def draw(outcome: Outcome, path: Path) -> None:
    """Writes the picture (.png, .svg or .pdf)."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 5), layout="constrained")
    axes = np.atleast_1d(figure.subplots(1, max(len(outcome.scores), 1)))
    for axis, (slot, methods) in zip(axes, outcome.scores.items(), strict=False):
        names = list(methods)[::-1]
        values = [methods[name].recall for name in names]
        axis.barh(names, values, color=[_BLUE if name == OURS else _GREY for name in names])
        for at, name in enumerate(names):
            one = methods[name]
            if name != OURS:
                # The interval of the difference, drawn where ours stands: clear of the bar's end where ours is better.
                own = methods[OURS].recall
                axis.plot([own - one.high, own - one.low], [at, at], color="black", linewidth=1.5)
        axis.set_title(f"{slot}: {methods[OURS].customers:,} customers")
        axis.set_xlabel(f"Recall@{outcome.k}; line: ours less the 95 % interval of the difference")
    figure.savefig(path, dpi=120)
