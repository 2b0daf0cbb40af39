"""`lanecast recommend`: what to show a customer, or beside a product."""

from __future__ import annotations

import click

from lanecast.cli.base import as_country, as_json, cli, in_warehouse, print_json


@cli.group("recommend", invoke_without_command=True)
@click.option("--customer", metavar="ID", help="Whom: the shop's id of the customer, or the key.")
@click.option("--product", metavar="ID", help="Beside which product.")
@click.option("--slot", type=click.Choice(["discover", "buy_again"]), help="This one alone.")
@click.option(
    "--country",
    metavar="XX",
    callback=as_country,
    help="Whose popular products somebody new is shown; the customer's own else.",
)
@click.option("-n", "how_many", type=click.IntRange(1, 100), default=20, show_default=True, help="How many at most.")
@as_json
@click.pass_context
def recommend(
    context: click.Context,
    customer: str | None,
    product: str | None,
    slot: str | None,
    country: str | None,
    how_many: int,
    as_json: bool,
) -> None:
    """Say what to show a customer, to discover and to buy again, or beside a product.

    With --country alone: somebody who is not known.
    """
    if context.invoked_subcommand is not None:
        return
    if product is not None and (customer or country or slot):
        raise click.UsageError("--product is asked for alone")
    if not (product or customer or country):
        raise click.UsageError("give --customer, --product or --country")
    from lanecast.recommend import console
    from lanecast.recommend.asking import NoAnswer

    try:
        found = in_warehouse(lambda: console.ask(customer, product, slot, how_many, country))
    except NoAnswer as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        print_json(found)
    else:
        for line in console.lines(found):
            click.echo(line)


@recommend.command("restore")
@click.argument("run", required=False)
@as_json
def recommend_restore(run: str | None, as_json: bool) -> None:
    """Put the lists of RUN (mart.recommendation_run) in use again, by default of the one before, until the next run."""
    from lanecast.recommend.store import PREVIOUS, NoRun, put_in_use

    try:
        version = in_warehouse(lambda: put_in_use(run or PREVIOUS))
    except NoRun as error:
        raise click.ClickException(str(error)) from None
    print_json({"version": version}) if as_json else click.echo(f"run {version} serves")
