"""The replay at the terminal: progress on stderr, tables on stdout."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from lanecast.delivery.backtest.measures import Score, tolerance
from lanecast.delivery.backtest.replay import Say
from lanecast.delivery.backtest.run import OURS, Outcome, column


class Bar:
    """A progress bar on stderr; where that is no terminal, a line a quarter of the way."""

    def __init__(self, quiet: bool = False) -> None:
        self._bar: Progress | None = None
        self._quiet = quiet
        self._told: tuple[str, int] | None = None

    def __enter__(self) -> Say:
        if sys.stderr.isatty() and not self._quiet:
            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
            self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
            self._bar.start()
            self._task = self._bar.add_task("reading", total=None)
        return self._say

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def _say(self, what: str, done: int, of: int) -> None:
        if self._bar is not None:
            self._bar.update(self._task, description=what, completed=done, total=of)
            return
        quarter = (what, 4 * done // max(of, 1))
        if not self._quiet and quarter != self._told:
            self._told = quarter
            sys.stderr.write(f"{what}: {done} of {of}\n")


def show(outcome: Outcome) -> None:
    """Prints methods side by side, then our own coverage by volume quintile and destination."""
    console = Console(highlight=False)
    confidence = outcome.levels[-1] - outcome.levels[0]
    console.print(
        f"{outcome.orders:,} orders predicted, {outcome.scored:,} of them delivered and scored; "
        f"{outcome.learned:.0%} of the ranges come from the learned model, the others from the life table"
    )
    if outcome.undated:
        console.print(f"{outcome.undated:,} rows have no ordered_at that can be read, and no prediction")
    table = Table("method", "coverage", "below", "above", "width, days", box=None, pad_edge=False)
    for level in outcome.levels:
        table.add_column(f"loss {column(level)}", justify="right")
    table.add_column("sum", justify="right")
    for name, one in outcome.scores.items():
        table.add_row(name, *_shares(one), *(f"{loss:.3f}" for loss in one.pinball), f"{one.pinball_sum:.3f}")
    console.print(table)
    for title, by_method in (("lane volume quintile", outcome.quintiles), ("destination", outcome.regions)):
        if not by_method[OURS]:
            continue
        table = Table(
            title, "orders", "coverage", "below", "above", "width, days", "loss, sum", "", box=None, pad_edge=False
        )
        groups = sorted(by_method[OURS].items()) if by_method is outcome.quintiles else by_method[OURS].items()
        for name, one in groups:
            off = abs(one.coverage - confidence) > tolerance(one.n, confidence)
            table.add_row(name, f"{one.n:,}", *_shares(one), f"{one.pinball_sum:.3f}", "off" if off else "")
        console.print(table)
    for note in outcome.notes:
        console.print(note)


def _shares(one: Score) -> tuple[str, ...]:
    return (f"{one.coverage:.3f}", f"{one.below:.3f}", f"{one.above:.3f}", f"{one.width:.2f}")


def as_dict(outcome: Outcome) -> dict[str, Any]:
    """The outcome for JSON; shares 0 to 1, days, and each group's tolerance."""
    confidence = outcome.levels[-1] - outcome.levels[0]

    def told(one: Score) -> dict[str, Any]:
        return {**asdict(one), "tolerance": round(tolerance(one.n, confidence), 4)}

    def grouped(by_method: dict[str, dict[str, Score]]) -> dict[str, Any]:
        return {method: {name: told(one) for name, one in groups.items()} for method, groups in by_method.items()}

    return {
        "orders": outcome.orders,
        "scored": outcome.scored,
        "undated": outcome.undated,
        "learned": outcome.learned,
        "confidence": confidence,
        "levels": list(outcome.levels),
        "methods": {name: told(one) for name, one in outcome.scores.items()},
        "by_destination": grouped(outcome.regions),
        "by_volume_quintile": grouped(outcome.quintiles),
        "by_week": {week: told(one) for week, one in outcome.weeks.items()},
        "notes": outcome.notes,
    }
