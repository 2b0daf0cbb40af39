"""`lanecast quarantine`: rows that broke a rule, and what becomes of them."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Literal

import click

from lanecast.cli.base import as_json, as_moment, cli, confirm, in_warehouse, print_json
from lanecast.words import counted


@cli.group()
def quarantine() -> None:
    """Rows that a rule put aside: look at them, mend them, send them through the gate again."""


@quarantine.command("list")
@click.option("--dataset", help="Rows of this dataset alone.")
@click.option("--rule", help="Rows under this rule alone; they are listed too.")
@click.option("--run", "run_id", metavar="RUN", help="Rows that came, or were replayed, in this run; listed too.")
@click.option(
    "--status",
    type=click.Choice(["open", "replayed", "superseded", "dismissed", "all"]),
    default="open",
    show_default=True,
)
@click.option("--since", callback=as_moment, metavar="TIME", help="Rows seen from this moment on.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="Rows listed.")
@as_json
def quarantine_list(
    dataset: str | None,
    rule: str | None,
    run_id: str | None,
    status: str,
    since: datetime | None,
    limit: int,
    as_json: bool,
) -> None:
    """What lies in quarantine, by dataset and rule. Values that tell of a person are masked."""
    from lanecast.quarantine import console
    from lanecast.quarantine.listing import Filter

    chosen = Filter(dataset, rule, run_id, None if status == "all" else status, since)
    told = in_warehouse(lambda: console.listed(chosen, limit))
    if as_json:
        print_json(told)
    else:
        console.show_list(told, status)


@quarantine.command("show")
@click.argument("row_id", type=click.IntRange(1, 2**63 - 1), metavar="ID")
@click.option("--raw", is_flag=True, help="The stored answer that it came in, too.")
@click.option("--unmasked", is_flag=True, help="Show values that tell of a person.")
@as_json
def quarantine_show(row_id: int, raw: bool, unmasked: bool, as_json: bool) -> None:
    """One row: why it was put aside, its data, where its raw bytes lie, what became of it, what to do next."""
    from lanecast.quarantine import console, listing

    row = in_warehouse(lambda: listing.one(row_id, unmasked, raw))
    if as_json:
        print_json(row)
    else:
        console.show_one(row)


@quarantine.command("replay")
@click.argument("ids", nargs=-1, type=click.IntRange(1, 2**63 - 1), metavar="[ID]...")
@click.option("--dataset", help="Open rows of this dataset.")
@click.option("--rule", help="Open rows under this rule.")
@click.option("--run", "run_id", metavar="RUN", help="Open rows that came in this run.")
@click.option("--origin", type=click.Choice(["pull", "file"]), help="Rows that came in answers, or in files.")
@click.option(
    "--patch",
    type=click.Path(exists=True, dir_okay=False),
    help="CSV or JSON Lines: quarantined_row_id, and the columns to set. An empty cell stays as it is, \\N is null.",
)
@click.option("--waive", multiple=True, metavar="RULE", help="A batch rule not to be held against the rows.")
@click.option("--apply", "apply_", is_flag=True, help="Carry it out; without, it is only told (a terminal asks).")
@click.option("--dry-run", is_flag=True, help="Only tell what would become of the rows; never ask.")
@as_json
def quarantine_replay(
    ids: tuple[int, ...],
    dataset: str | None,
    rule: str | None,
    run_id: str | None,
    origin: Literal["pull", "file"] | None,
    patch: str | None,
    waive: tuple[str, ...],
    apply_: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Send rows through the same gate again: as they are, after a fix of rule or code table, or mended by a patch.

    Choose them by ID, --dataset, --rule, --run, or by a patch alone. Exit 1 where a batch rule stopped them.
    """
    from lanecast.quarantine import console
    from lanecast.quarantine.selection import Selection

    if apply_ and dry_run:
        raise click.UsageError("--apply and --dry-run contradict each other")
    selection = Selection(ids, dataset, rule, run_id, origin, patch, waive)
    told = in_warehouse(lambda: console.replay(selection, apply_, dry_run, quiet=as_json, confirm=confirm))
    if as_json:
        print_json(told)
    sys.exit(1 if told.get("stopped") and told["applied"] else 0)


@quarantine.command("dismiss")
@click.argument("ids", nargs=-1, type=click.IntRange(1, 2**63 - 1), metavar="[ID...]")
@click.option("--dataset", metavar="NAME", help="Open rows of this dataset.")
@click.option("--rule", metavar="NAME", help="Open rows under this rule.")
@click.option("--run", metavar="ID", help="Open rows that came in this run.")
@click.option("--reason", required=True, help="Why they are not wanted.")
@as_json
def quarantine_dismiss(
    ids: tuple[int, ...], dataset: str | None, rule: str | None, run: str | None, reason: str, as_json: bool
) -> None:
    """Mark rows as looked at and not wanted. They stay, and are counted where they come again."""
    from lanecast.quarantine import listing

    chosen = listing.Filter(dataset, rule, run)
    rows = in_warehouse(lambda: listing.dismiss(list(ids), chosen, reason))
    print_json({"dismissed": rows}) if as_json else click.echo(f"{counted(rows, 'row')} dismissed")
