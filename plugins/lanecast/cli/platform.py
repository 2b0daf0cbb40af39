"""`lanecast up`, `down`, `status`, `migrate`, `doctor`: the platform of this machine and its warehouse."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from lanecast.cli.base import as_json, cli, in_warehouse, print_json


@cli.command()
@click.option("--once", is_flag=True, help="End after the summary: 0 only if all of it worked.")
@click.option(
    "--world", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="The sandbox's world, YAML."
)
@click.option("--seed", type=int, help="The sandbox's seed.")
def up(once: bool, world: Path | None, seed: int | None) -> None:
    """Start the whole platform on this machine, run the main job, print what came out, serve until Ctrl-C."""
    from lanecast.local import platform

    sys.exit(platform.up(once=once, world=world, seed=seed))


@cli.command()
def down() -> None:
    """End the platform of this checkout, and whatever a killed one left."""
    from lanecast import settings
    from lanecast.local import control

    click.echo("ended" if control.down(settings.state()) else "nothing was running")


@cli.command()
@as_json
def status(as_json: bool) -> None:
    """Say whether the platform is up, where, and how its parts are. Exit 1 where it is not up."""
    from lanecast import settings
    from lanecast.local import control

    told = control.status(settings.state())
    if as_json:
        print_json(told)
    elif told["running"]:
        click.echo(f"Airflow  {told['url']}   user {told['login']['username']}   password {told['login']['password']}")
        click.echo(f"SQL      {told['dsn']}")
        for part in told["parts"]:
            click.echo(f"{part['name']:14} {part['health']:10} restarts {part['restarts']}")
    else:
        click.echo(f"not running (state in {told['state']}): start it with `lanecast up`")
    sys.exit(0 if told["running"] else 1)


@cli.command()
@click.option("--down-to", metavar="REVISION", help="Go back to this revision (base: to an empty database).")
@as_json
def migrate(down_to: str | None, as_json: bool) -> None:
    """Bring the warehouse's schema up to date, or back to an earlier revision."""
    from lanecast.warehouse import migrations

    if down_to is not None:
        in_warehouse(lambda: migrations.downgrade(down_to))
        print_json({"revision": down_to}) if as_json else click.echo(f"back at {down_to}")
        return
    changed = in_warehouse(lambda: migrations.migrate())
    print_json({"changed": changed}) if as_json else click.echo("migrated" if changed else "up to date")


@cli.command()
@as_json
def doctor(as_json: bool) -> None:
    """Check what the platform needs: folders, database, contracts, carriers. Exit 1 where something fails."""
    from lanecast.local import doctor as checks

    found = checks.examine()
    if as_json:
        print_json({"checks": found})
    else:
        for check in found:
            click.echo(f"{'ok  ' if check['ok'] else 'FAIL'} {check['name']:22} {check['detail']}")
    sys.exit(0 if all(check["ok"] for check in found) else 1)
