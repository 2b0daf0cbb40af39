"""`lanecast report`, `alerts`, `contract`: whether the data can be trusted."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from lanecast.cli.base import as_json, cli, in_warehouse, print_json
from lanecast.words import counted


@cli.command()
@click.argument("run", required=False)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write it here.")
@as_json
def report(run: str | None, output: Path | None, as_json: bool) -> None:
    """Write the quality report of RUN, by default the last that ended, as one HTML file, and print where it lies.

    RUN is the run's id, as in mart.data_quality. With --json, its content is printed, and a file is written to -o only.
    """
    from lanecast.report import files, reading
    from lanecast.warehouse import connection as warehouse
    from lanecast.warehouse.snapshot import Unavailable

    try:
        told = in_warehouse(lambda: reading.read(warehouse.dsn, run))
        path = None if as_json and output is None else files.write(told, output)
    except reading.UnknownRun as error:
        raise click.ClickException(f"{error}; mart.data_quality lists the runs") from None
    except Unavailable as error:
        raise click.ClickException(f"{error.problem} {error.remedy}") from None
    except OSError as error:
        raise click.ClickException(f"the report can't be written: {error}; -o FILE writes it elsewhere") from None
    if as_json:
        print_json(told.model_dump(mode="json"))
    else:
        click.echo(path)


@cli.command("alerts")
@click.option("--all", "everything", is_flag=True, help="Those that have ended, too.")
@as_json
def alerts(everything: bool, as_json: bool) -> None:
    """List what is wrong now, and since when. docs/operations.md says what to do about each kind."""
    from lanecast.alerts import book, message

    found = in_warehouse(lambda: book.entries(everything))
    if as_json:
        print_json({"alerts": found})
    else:
        for line in message.lines(found):
            click.echo(line)


@cli.group("contract")
def contract_group() -> None:
    """Contracts of datasets: what they promise, and whether a change keeps it."""


@contract_group.command("list")
@as_json
def contract_list(as_json: bool) -> None:
    """The datasets, with version, owner and number of rules."""
    from lanecast.contracts import compatibility
    from lanecast.contracts.reader import contract, datasets

    record = compatibility.recorded()
    told = []
    for name in datasets():
        terms = contract(name)
        told.append(
            {
                "dataset": name,
                "relation": terms.table.physical_name,
                "version": terms.version,
                "published": record[name].interface.version if name in record else None,
                "status": terms.status,
                "owner": terms.team.name,
                "rules": len(terms.rules),
            }
        )
    if as_json:
        print_json({"contracts": told})
    else:
        for one in told:
            click.echo(
                f"{one['relation']:24} {one['version']:8} {one['status']:10} {one['rules']:3} rules  {one['owner']}"
            )


@contract_group.command("check")
@click.option("--against", metavar="REF", help="Compare with the record where this branch left REF, too.")
@as_json
def contract_check(against: str | None, as_json: bool) -> None:
    """See that no contract changed without its version, and that the record of them is current. Exit 1 where not.

    A change that breaks readers (column gone, type narrowed, grain or key changed) needs a higher major version, an
    addition a higher minor version. Where REF can't be compared with, that is said and passed over.
    """
    from lanecast.contracts import compatibility

    present = _contracts(compatibility.of_today)
    problems = _contracts(lambda: compatibility.check(compatibility.recorded(), present))
    passed_over = None
    if against is not None:
        try:
            earlier = _contracts(lambda: compatibility.recorded_at(against))
            problems += [f"{one} (since {against})" for one in compatibility.refusals(earlier, present)]
        except compatibility.NoComparison as error:
            passed_over = f"not compared with {against}: {error}"
    if as_json:
        print_json({"contracts": len(present), "problems": problems, "passed_over": passed_over})
    else:
        for line in [*problems, *([passed_over] if passed_over else [])]:
            click.echo(line)
        click.echo(f"{counted(len(present), 'contract')}, {counted(len(problems), 'problem')}")
    sys.exit(1 if problems else 0)


@contract_group.command("publish")
@as_json
def contract_publish(as_json: bool) -> None:
    """Write today's interfaces to include/contracts/published.json, with what changed. Refuses a breaking change
    without a higher major version, and an addition without a higher minor version."""

    from lanecast.contracts import compatibility

    before = _contracts(compatibility.recorded)
    present = _contracts(compatibility.of_today)
    after = _contracts(lambda: compatibility.published_now(before, present, datetime.now(UTC).date()))
    compatibility.path().write_text(compatibility.dump(after), encoding="utf-8")
    news = {name: one.history[-1] for name, one in after.items() if before.get(name) != one}
    if as_json:
        print_json({"published": {name: {"version": v.version, "changes": v.changes} for name, v in news.items()}})
    else:
        for name, version in news.items():
            click.echo(f"{name} {version.version}: {'; '.join(version.changes) or 'words only'}")
        click.echo(f"published {len(news)} of {len(after)} datasets" if news else "nothing to publish")


def _contracts(work: Callable[[], Any]) -> Any:
    """Runs `work`; what is wrong with a contract becomes one message."""
    from lanecast.contracts.reader import ContractError

    try:
        return work()
    except ContractError as error:
        raise click.ClickException(str(error)) from None
