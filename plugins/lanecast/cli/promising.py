"""`lanecast promise` and `tune`: when a parcel arrives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from lanecast.cli.base import as_json, as_moment, cli, in_warehouse, print_json


@cli.command()
@click.option("--from", "origin", help="A country (CN) or a region (BR-SP).")
@click.option("--to", "destination", help="A country (BR) or a region (BR-SP).")
@click.option("--carrier")
@click.option("--service")
@click.option(
    "--starts-at", callback=as_moment, metavar="TIME", help="When it is ordered or handed over; now by default."
)
@click.option("--confidence", type=click.FloatRange(0, 1, min_open=True, max_open=True), default=0.8, show_default=True)
@click.option("--clock", type=click.Choice(["order", "handover"]), default="order", show_default=True)
@click.option("--order-id", help="Keep the promise as given to this order, in mart.promise_log.")
@click.option("--tracking-number", help="Keep the promise as given to this parcel.")
@click.option("--late-day-cost", type=float, help="What a parcel's day beyond the promise costs: choose the best day.")
@click.option(
    "--earlier-day-value", type=float, help="What promising a parcel a day earlier is worth, in the same money."
)
@click.option(
    "--plot", type=click.Path(dir_okay=False, path_type=Path), help="Draw the trade-off of all days as SVG, too."
)
@as_json
def promise(
    as_json: bool,
    order_id: str | None,
    tracking_number: str | None,
    late_day_cost: float | None,
    earlier_day_value: float | None,
    plot: Path | None,
    **asked: Any,
) -> None:
    """Say when a parcel will arrive, as a range that can be printed on a product page.

    With --order-id or --tracking-number it is kept as given. With --late-day-cost and --earlier-day-value, the day is
    chosen that is worth most.
    """
    from lanecast.delivery import promise as promises
    from lanecast.warehouse import connection as warehouse

    question = promises.Question(**asked)
    chooses = late_day_cost is not None and earlier_day_value is not None
    if not chooses and (late_day_cost is not None or earlier_day_value is not None or plot is not None):
        raise click.UsageError("choosing a day takes both --late-day-cost and --earlier-day-value")
    if chooses and (order_id is not None or tracking_number is not None):
        raise click.UsageError("a chosen day is no range: it is not kept under --order-id or --tracking-number")

    def answer() -> Any:
        with warehouse.connect() as link:
            if late_day_cost is not None and earlier_day_value is not None:
                return promises.trade_off(link, question, late_day_cost, earlier_day_value)
            if order_id is not None or tracking_number is not None:
                return promises.issue(link, question, order_id, tracking_number)
            return promises.ask(link, question)

    try:
        found = in_warehouse(answer)
    except promises.NoPromise as error:
        raise click.ClickException(str(error)) from None
    if chooses:
        _show_days(found, plot, as_json)
    elif as_json:
        print_json(dict(found))
    elif found["likely"] is None:
        click.echo(f"There is no range to promise: {found['basis']}.")
    else:
        click.echo(f"{found['earliest']} to {found['latest']}, most likely by {found['likely']}   ({found['basis']})")
        if found["coverage"] is not None:
            click.echo(f"{100 * found['coverage']:.0f} % of such promises were kept in the last 90 days")
        if found.get("promise_id"):
            click.echo(f"kept as promise {found['promise_id']}")


def _show_days(choices: list[Any], plot: Path | None, as_json: bool) -> None:
    from lanecast.delivery import promise_console

    if not choices:
        raise click.ClickException("no parcel was delivered yet, so no day is better than another")
    if plot is not None:
        try:
            promise_console.write_plot(choices, plot)
        except OSError as error:
            raise click.ClickException(f"the plot can't be written: {error}") from None
    if as_json:
        print_json({"best": next(one for one in choices if one["is_best"]), "days": choices})
    else:
        for line in promise_console.lines(choices):
            click.echo(line)


@cli.command("tune")
@as_json
def tune(as_json: bool) -> None:
    """Choose how fast evidence of delivery times ages, and how much lanes lean on wider ones, by held-out weeks.

    Maintenance does so daily. The next refresh uses the choice.
    """
    from lanecast.delivery import tuning

    tuned = in_warehouse(tuning.tune)
    if as_json:
        print_json(tuning.as_dict(tuned))
    elif tuned.choice is None:
        click.echo("too few parcels were delivered in the last weeks to choose by: what was in use stays")
    else:
        kappas = ", ".join(f"{kappa:g}" for kappa in tuned.choice.kappas[1:])
        click.echo(f"half-life {tuned.choice.half_life_days:g} days; lanes lean on wider ones by {kappas} parcels")
        click.echo(f"log-likelihood a parcel and age bin: {tuned.score:.5f}; of the defaults {tuned.default_score:.5f}")
