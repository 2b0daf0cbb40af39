"""`lanecast parse`, `where`, `replay raw`, `carrier`: what carriers tell."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import click

from lanecast.cli.base import as_json, as_moment, cli, confirm, in_warehouse, print_json


@cli.command()
@click.option("--carrier", required=True, help="Whose answers these are.")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def parse(carrier: str, files: tuple[Path, ...]) -> None:
    """Print the events of stored answers as JSON Lines, and one line of counts on stderr."""
    from lanecast.carriers.parse import event_record, parse_file
    from lanecast.carriers.registry import UnknownCarrierError
    from lanecast.tracking import Unreadable

    parcels = events = unreadable = 0
    for path in files:
        try:
            for parsed in parse_file(carrier, path):
                if isinstance(parsed, Unreadable):
                    unreadable += 1
                    click.echo(f"{path}: {parsed.tracking_number or 'unknown parcel'}: {parsed.problem}", err=True)
                    continue
                parcels += 1
                for event in parsed.events:
                    events += 1
                    click.echo(json.dumps(event_record(carrier, parsed, event), ensure_ascii=False))
        except UnknownCarrierError as error:
            raise click.ClickException(str(error)) from None
    click.echo(f"{len(files)} files: {parcels} parcels, {events} events, {unreadable} unreadable", err=True)


@cli.command()
@click.argument("number")
@as_json
def where(number: str, as_json: bool) -> None:
    """Say where a parcel is: by tracking number, or by order id."""
    from lanecast.follow import where as lookup

    found = in_warehouse(lambda: lookup.where(number))
    if not found:
        raise click.ClickException(f"no shipment has the tracking number or order id {number!r}")
    if as_json:
        print_json({"shipments": found})
    else:
        for line in lookup.lines(found):
            click.echo(line)


@cli.group()
def replay() -> None:
    """Read again what was received before, with today's code and tables."""


@replay.command("raw")
@click.option("--since", callback=as_moment, metavar="TIME", help="Answers stored from this moment on; all by default.")
@click.option("--until", callback=as_moment, metavar="TIME", help="Answers stored before this moment.")
@click.option("--carrier", metavar="NAME", help="Answers of this carrier or aggregator alone.")
@click.option("--apply", "apply_", is_flag=True, help="Carry the changes out; without, they are only told.")
@as_json
def replay_raw(
    since: datetime | None, until: datetime | None, carrier: str | None, apply_: bool, as_json: bool
) -> None:
    """Parse stored answers of carriers again, tell what that would change, and with --apply change it.

    A corrected status table or parser so corrects history: events are changed in place, what is no longer read is
    withdrawn. Asks before it changes anything where it runs in a terminal.
    """
    from lanecast.carriers.registry import UnknownCarrierError
    from lanecast.follow import replay_console

    try:
        told = in_warehouse(
            lambda: replay_console.replay(since, until, carrier, apply_, quiet=as_json, confirm=confirm)
        )
    except UnknownCarrierError as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        print_json(told)


@cli.group()
def carrier() -> None:
    """Carriers: what can be asked, and adding one."""


@carrier.command("list")
@as_json
def carrier_list(as_json: bool) -> None:
    """The carriers and aggregators that can be asked, and as whom."""
    from lanecast.carriers import accounts, registry

    told = []
    for row in registry.rows().values():
        try:
            account = "sandbox" if accounts.account(row.name).is_sandbox else f"connection lanecast_{row.name}"
        except accounts.NoAccountError:
            account = "none"
        told.append({"name": row.name, "title": row.title, "kind": row.kind, "account": account})
    if as_json:
        print_json({"carriers": told})
    else:
        for one in told:
            click.echo(f"{one['name']:16} {one['kind']:11} {one['account']:28} {one['title']}")


@carrier.command("new")
@click.argument("name")
@click.option("--title", help="The carrier's own name; made from NAME by default.")
@as_json
def carrier_new(name: str, title: str | None, as_json: bool) -> None:
    """Write the skeleton of a carrier called NAME: module, code table, stand-in, test and registry row.

    NAME is small letters, digits and _. What it writes works: `lanecast parse --carrier NAME` reads the stand-in's
    answers, and its test passes. Then change it into the carrier's own wire format, as docs/adding-a-carrier.md tells.
    """
    from lanecast.carriers import scaffold

    try:
        written = scaffold.new(name, title)
    except scaffold.CannotScaffold as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        print_json({"written": written})
    else:
        for path in written:
            click.echo(f"wrote {path}")
        click.echo(f"next: .venv/bin/python -m pytest {written[-1]}, then docs/adding-a-carrier.md")
