"""One picture of a replay: coverage and width week by week, and coverage by destination with what chance allows."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lanecast.delivery.backtest.measures import tolerance
from lanecast.delivery.backtest.run import OURS, Outcome

_MOST_GROUPS = 24
_GREY, _BLUE = "#6b7280", "#1d4ed8"
FORMATS = (".png", ".svg", ".pdf")


class PlotError(ValueError):
    """The picture can't be drawn as asked."""


def check(path: Path) -> None:
    """Raises PlotError for a name that matplotlib can't write, before any work is done."""
    if path.suffix.lower() not in FORMATS:
        raise PlotError(f"{path.name}: a plot is written as {', '.join(FORMATS)}; give it such an ending")


def draw(outcome: Outcome, path: Path) -> None:
    """Writes the picture."""
    from matplotlib.figure import Figure

    confidence = outcome.levels[-1] - outcome.levels[0]
    figure = Figure(figsize=(11, 7.5), layout="constrained")
    weekly, groups = figure.subplots(2, 1)
    weeks = {week: one for week, one in outcome.weeks.items() if one.n}
    at = np.arange(len(weeks))
    weekly.axhline(confidence, color=_GREY, linewidth=1)
    weekly.plot(at, [one.coverage for one in weeks.values()], color=_BLUE, marker="o", markersize=3, label="coverage")
    weekly.set_ylim(0, 1)
    weekly.set_ylabel("share within the range")
    weekly.set_xlabel("week of the order")
    step = max(1, len(weeks) // 12)
    weekly.set_xticks(at[::step], list(weeks)[::step], rotation=30, ha="right")
    width = weekly.twinx()
    width.plot(at, [one.width for one in weeks.values()], color=_GREY, linestyle=":", label="mean width, days (right)")
    width.set_ylim(bottom=0)
    lines = [*weekly.get_lines()[1:], *width.get_lines()]
    weekly.legend(lines, [str(line.get_label()) for line in lines], loc="lower left", frameon=False)
    ours = outcome.scores[OURS]
    weekly.set_title(
        f"{ours.n:,} orders: {ours.coverage:.1%} within a range of {confidence:.0%}, mean width {ours.width:.1f} days"
    )
    told = {**{f"quintile {name}": one for name, one in sorted(outcome.quintiles[OURS].items())}}
    told |= dict(list(outcome.regions[OURS].items())[:_MOST_GROUPS])
    place = np.arange(len(told))
    allowed = [tolerance(one.n, confidence) for one in told.values()]
    groups.axhline(confidence, color=_GREY, linewidth=1)
    groups.errorbar(
        place, np.full(len(told), confidence), yerr=allowed, fmt="none", ecolor=_GREY, elinewidth=5, alpha=0.3
    )
    groups.scatter(place, [one.coverage for one in told.values()], color=_BLUE, s=18, zorder=3)
    groups.set_xticks(place, [f"{name}\n{one.n:,}" for name, one in told.items()], rotation=60, ha="right", fontsize=8)
    groups.set_ylabel("coverage; grey: tolerance")
    figure.savefig(path, dpi=120)
