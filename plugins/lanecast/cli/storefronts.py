"""`lanecast storefront`: what orders, products and behaviour are read from."""

from __future__ import annotations

import sys

import click

from lanecast.cli.base import as_json, cli, in_warehouse, print_json


@cli.group()
def storefront() -> None:
    """Storefronts: what orders, products and behaviour are read from, and how far."""


@storefront.command("list")
@as_json
def storefront_list(as_json: bool) -> None:
    """The sources that include/storefronts.yaml declares: how each is reached, its watermark, its last read."""
    from lanecast.storefronts import console
    from lanecast.storefronts.config import ConfigError

    try:
        told = in_warehouse(console.overview)
    except ConfigError as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        print_json({"sources": told})
        return
    for one in told:
        until = f"until {one['watermark']:%Y-%m-%d %H:%M} UTC" if one["watermark"] else "never read"
        came = "" if one["fetched"] is None else f"  last read {one['fetched']} of {one['told']}"
        why = one["problem"] or one["why_skipped"]
        click.echo(
            f"{one['source']:16} {one['stream']:13} {one['kind']:12} {one['reached_by']:11} {until}{came}"
            f"{f'  ({why})' if why else ''}"
        )


@storefront.command("pull")
@click.argument("source", required=False)
@click.option("--full", is_flag=True, help="Read everything, not only what is new.")
@as_json
def storefront_pull(source: str | None, full: bool, as_json: bool) -> None:
    """Read what is new in SOURCE, or in all sources, and load it. Exit 1 where one can't be read."""
    from lanecast.storefronts import console
    from lanecast.storefronts.config import ConfigError
    from lanecast.storefronts.runs import NothingToRead

    console.show_progress()
    try:
        told = in_warehouse(lambda: console.pull_all(source, full, lambda text: click.echo(text, err=True)))
    except (ConfigError, NothingToRead) as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        print_json({"sources": told})
    sys.exit(1 if any(one["error"] for one in told) else 0)
