"""What a training found, for the terminal."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table

from lanecast.delivery.learned.store import Score
from lanecast.delivery.training import Published, Trained
from lanecast.words import counted


def show(trained: Trained, published: Published | None) -> None:
    """Prints the comparison group by group, and what serves from now on."""
    console = Console(highlight=False)
    if trained.scores:
        table = Table(title="80 % ranges on orders that had matured", title_justify="left", box=box.SIMPLE_HEAD)
        names = ("clock", "lanes", "orders", "life table", "learned", "own features", "coverage", "width", "serves")
        for name in names:
            table.add_column(name, justify="left" if name in {"clock", "lanes", "serves"} else "right")
        for score in trained.scores:
            table.add_row(*_row(score))
        console.print(table)
        console.print("life table, learned, own features: sum of the pinball losses of p10, p50 and p90, in days")
    console.print(f"version {trained.version}: {trained.reason}")
    show_published(published)


def show_published(published: Published | None) -> None:
    """Prints what was put in use."""
    console = Console(highlight=False)
    if published is None:
        console.print("the life table serves alone")
    else:
        console.print(
            f"version {published.version} serves {counted(published.lanes, 'lane')} "
            f"with {counted(published.curves, 'curve')}"
        )


def _row(score: Score) -> tuple[str, ...]:
    lanes = f"{score.origin_country or 'any'} → {score.destination_country or 'any'}"
    serves = {0.0: "life table", 1.0: "learned"}.get(score.learned_share, "mixture")
    chosen = {0.0: score.floor, 1.0: score.learned}.get(score.learned_share, score.mixture)
    return (
        score.measure.split("_")[0],
        lanes,
        f"{score.n:,}",
        f"{score.floor.pinball:.3f}",
        f"{score.learned.pinball:.3f}",
        f"{score.informed_pinball:.3f}",
        f"{chosen.coverage:.3f}",
        f"{chosen.width:.1f}",
        serves,
    )
