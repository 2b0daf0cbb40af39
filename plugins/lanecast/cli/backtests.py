"""`lanecast backtest`: how right it would have been. Needs no database."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from lanecast.cli.base import as_day, as_json, cli, tell


@cli.group()
def backtest() -> None:
    """Replay the past week by week, from what was known then, and say how well it would have gone."""


@backtest.command("delivery")
@click.option("--shipments", required=True, help="A shipments file: CSV (gz too), Parquet or JSON Lines.")
@click.option("--mapping", help="A mapping file, or the name of one that ships with Lanecast (olist, scms).")
@click.option("--cut", required=True, callback=as_day, metavar="DATE", help="Predict orders from this day on (UTC).")
@click.option("--until", callback=as_day, metavar="DATE", help="Predict orders before this day; by default, all.")
@click.option("--confidence", type=click.FloatRange(0, 1, min_open=True, max_open=True), default=0.8, show_default=True)
@click.option(
    "--predictions", required=True, type=click.Path(dir_okay=False, path_type=Path), help="Write them here, CSV."
)
@click.option("--plot", type=click.Path(dir_okay=False, path_type=Path), help="Draw the outcome: .png, .svg or .pdf.")
@click.option("--baselines/--no-baselines", default=True, help="Whether other methods are replayed for comparison.")
@as_json
def backtest_delivery(
    shipments: str,
    mapping: str | None,
    cut: datetime,
    until: datetime | None,
    confidence: float,
    predictions: Path,
    plot: Path | None,
    baselines: bool,
    as_json: bool,
) -> None:
    """Predict the delivery time of every order from --cut on, as it would have been told at the order.

    Weeks are counted from the cut. At the start of each, the model is fitted on what was known then: orders placed
    before, handovers and deliveries that had passed. Needs no database.
    """
    from lanecast.delivery.backtest import console, plotting, run
    from lanecast.delivery.backtest.history import day
    from lanecast.files.errors import FileError

    try:
        if plot is not None:
            plotting.check(plot)
        with console.Bar() as say:
            outcome = run.backtest(
                shipments,
                day(cut),
                float("inf") if until is None else day(until),
                confidence,
                predictions,
                mapping,
                baselines,
                say,
            )
        if plot is not None:
            plotting.draw(outcome, plot)
    except (FileError, FileNotFoundError, run.CutError, plotting.PlotError) as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise click.ClickException(f"can't write: {error}") from None
    tell(outcome, as_json, console)


@backtest.command("recommend")
@click.option("--interactions", required=True, help="An interactions file: CSV (gz too), Parquet or JSON Lines.")
@click.option("--cut", required=True, callback=as_day, metavar="DATE", help="Recommend as of this day, 00:00 UTC.")
@click.option("-k", "k", type=click.IntRange(1, 1000), default=20, show_default=True, help="Products in a list.")
@click.option(
    "--predictions", required=True, type=click.Path(dir_okay=False, path_type=Path), help="Write them here, CSV."
)
@click.option("--baselines/--no-baselines", default=False, help="Whether other methods are asked for comparison.")
@click.option("--plot", type=click.Path(dir_okay=False, path_type=Path), help="Draw the outcome: .png, .svg or .pdf.")
@as_json
def backtest_recommend(
    interactions: str, cut: datetime, k: int, predictions: Path, baselines: bool, plot: Path | None, as_json: bool
) -> None:
    """Recommend to every customer known before --cut, from what was known then, and say how well it held.

    Models are chosen on windows that lie before the cut. Customers are told as the file names them. Needs no database.
    """
    from lanecast.delivery.backtest.plotting import PlotError, check
    from lanecast.files.errors import FileError
    from lanecast.recommend.backtest import console, plotting, run

    try:
        if plot is not None:
            check(plot)
        outcome = run.backtest(interactions, cut, k, predictions, baselines, console.Progress())
        if plot is not None:
            plotting.draw(outcome, plot)
    except (FileError, FileNotFoundError, run.CutError, PlotError) as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise click.ClickException(f"can't write: {error}") from None
    tell(outcome, as_json, console)
