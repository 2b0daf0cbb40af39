"""What a benchmark found: seconds and rows per second by stage."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field

from rich import box
from rich.console import Console
from rich.table import Table


@dataclass
class Figures:
    """Seconds and rows per second by stage, and the ratio of the load's rate to the raw COPY's."""

    events: int
    stages: dict[str, dict[str, float]] = field(default_factory=dict)
    load_vs_copy: float = 0.0

    def add(self, stage: str, rows: int, seconds: float) -> None:
        """Notes a stage's rows and seconds."""
        self.stages[stage] = {"rows": rows, "seconds": round(seconds, 3), "rows_per_second": round(rows / seconds)}

    @contextmanager
    def timed(self, stage: str, rows: int) -> Iterator[None]:
        """Notes the seconds of the block."""
        began = time.monotonic()
        yield
        self.add(stage, rows, time.monotonic() - began)


def as_dict(figures: Figures) -> dict[str, object]:
    """The figures as plain values."""
    return asdict(figures)


def show(figures: Figures) -> None:
    """Prints the stages as a table, and the ratio."""
    table = Table(title=f"{figures.events:,} events", title_justify="left", box=box.SIMPLE_HEAD)
    for name in ("stage", "rows", "seconds", "rows/s"):
        table.add_column(name, justify="left" if name == "stage" else "right")
    for stage, told in figures.stages.items():
        table.add_row(stage, f"{told['rows']:,.0f}", f"{told['seconds']:.2f}", f"{told['rows_per_second']:,.0f}")
    console = Console(highlight=False)
    console.print(table)
    console.print(f"staging to core / raw COPY of the same rows: [bold]{figures.load_vs_copy}[/bold]")
