"""The backtest at the terminal: progress on stderr, tables on stdout."""

from __future__ import annotations

import sys
import time
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from lanecast.recommend.backtest.run import OURS, Outcome
from lanecast.recommend.evaluation import REPORT


class Progress:
    """A line on stderr for each step, with the seconds since the start."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    def __call__(self, what: str) -> None:
        sys.stderr.write(f"{time.monotonic() - self._start:6.1f} s  {what}\n")


def show(outcome: Outcome) -> None:
    """Prints what was read, what serves and why, and how it did, beside the others."""
    console = Console(highlight=False)
    # Piped, it is taken for 80 columns, which breaks every row of these tables.
    console.width = max(console.width, 120)
    console.print(
        f"{outcome.rows:,} rows; lists of {outcome.customers:,} customers from {outcome.products:,} products. "
        f"{outcome.guests:,} rows have no customer, {outcome.unusable:,} no product or no time that can be read."
    )
    for problem in outcome.problems:
        console.print(problem, markup=False)
    for slot, why in outcome.chosen.items():
        console.print(f"{slot:10} {why}")
    table = Table(
        "report window", "model", "customers", f"recall@{outcome.k}", "ndcg", "coverage", "beyond popularity", box=None
    )
    for row in outcome.evaluation:
        if row.window == REPORT:
            beyond = f"{row.difference:+.4f} [{row.low:+.4f}, {row.high:+.4f}]"
            name = f"{row.model} *" if row.serves else row.model
            table.add_row(
                *(
                    row.slot,
                    name,
                    f"{row.customers:,}",
                    f"{row.recall:.4f}",
                    f"{row.ndcg:.4f}",
                    f"{row.coverage:.2f}",
                    beyond,
                )
            )
    if outcome.evaluation:
        console.print(table)
    table = Table(
        "after the cut", "method", "customers", f"recall@{outcome.k}", "ndcg", "ours beyond it, 95 %", box=None
    )
    for slot, methods in outcome.scores.items():
        for name, one in methods.items():
            beyond = "" if name == OURS else f"{one.beyond:+.4f} [{one.low:+.4f}, {one.high:+.4f}]"
            table.add_row(slot, name, f"{one.customers:,}", f"{one.recall:.4f}", f"{one.ndcg:.4f}", beyond)
    console.print(table if outcome.scores else "nothing of known customers and products follows the cut")


def as_dict(outcome: Outcome) -> dict[str, Any]:
    """The outcome for JSON."""
    return asdict(outcome)
