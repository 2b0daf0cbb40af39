"""`lanecast key`, `erase customer`, `experience`: whom the shop serves, and how delivery was for them."""

from __future__ import annotations

from dataclasses import asdict

import click

from lanecast.cli.base import as_country, as_json, cli, in_warehouse, print_json


@cli.command()
@click.argument("customer_ids", nargs=-1, required=True, metavar="CUSTOMER_ID...")
@as_json
def key(customer_ids: tuple[str, ...], as_json: bool) -> None:
    """Print the pseudonymous keys of customers whom the shop calls CUSTOMER_ID: by these the warehouse knows them."""
    from lanecast.customers import agreement

    keys = in_warehouse(lambda: agreement.keys_of(customer_ids))
    if as_json:
        print_json({"keys": keys})
    else:
        for one in keys:
            click.echo(f"{one['key']}  {one['customer_id']}")


@cli.group()
def erase() -> None:
    """Take out of the warehouse what it knows of somebody."""


@erase.command("customer")
@click.argument("customers", nargs=-1, required=True, metavar="CUSTOMER...")
@click.option("--dry-run", is_flag=True, help="Say what would go, and change nothing.")
@as_json
def erase_customer(customers: tuple[str, ...], dry_run: bool, as_json: bool) -> None:
    """Erase customers, told by the shop's ids or by their keys (`lanecast key`), in one transaction.

    What is told of them later is loaded as nobody's. docs/privacy.md says what remains elsewhere, and for how long.
    """
    from lanecast.customers import erasure

    def work() -> erasure.Erased:
        return erasure.erase(erasure.keys_for(customers), dry_run)

    try:
        erased = in_warehouse(work)
    except erasure.ErasureError as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        print_json(asdict(erased))
    else:
        for line in erasure.lines(erased):
            click.echo(line)


@cli.command()
@click.option(
    "--country",
    metavar="XX",
    callback=as_country,
    help="One destination country, ISO 3166-1 alpha-2; all together by default.",
)
@click.option(
    "--segment", default="all", show_default=True, help="A customer's history, as in mart.delivery_experience."
)
@as_json
def experience(country: str | None, segment: str, as_json: bool) -> None:
    """Tell how customers experienced delivery against the promise, and what they did after it: what lateness costs."""
    from lanecast.customers import experience_console

    found = in_warehouse(lambda: experience_console.read(country, segment))
    if as_json:
        print_json({"experience": found})
    else:
        for line in experience_console.lines(found, country, segment):
            click.echo(line)
