"""The root of the `lanecast` command, and what all of its parts share."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import click

from lanecast import __version__


def _read(value: str, like: str) -> datetime:
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        raise click.BadParameter(f"{value!r} is not a {like}") from None


def as_moment(_: click.Context, __: click.Parameter, value: str | None) -> datetime | None:
    """An option's callback: a moment with its zone."""
    if value is None:
        return None
    moment = _read(value, "time like 2026-03-01T12:00:00+00:00")
    if moment.tzinfo is None:
        raise click.BadParameter(f"{value!r} has no zone: add one, such as +00:00")
    return moment


def as_day(_: click.Context, __: click.Parameter, value: str | None) -> datetime | None:
    """An option's callback: a day, its first instant in UTC."""
    if value is None:
        return None
    moment = _read(value, "date like 2026-03-01")
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def as_country(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    """An option's callback: a country, by code or name, as its code."""
    if value is None:
        return None
    from lanecast.carriers.places import country_code

    code = country_code(value.strip())
    if code is None:
        raise click.BadParameter(f"{value!r} is no country: give one like BR or Brazil")
    return code


as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="lanecast")
def cli() -> None:
    """A data cloud for e-commerce whose goods travel."""


def confirm(question: str) -> bool:
    """Whether somebody at a terminal says yes; False where nobody sits there."""
    return sys.stdin.isatty() and click.confirm(question)


def in_warehouse(work: Callable[[], Any]) -> Any:
    """Runs `work` against the warehouse; errors that a user can mend become one line."""
    from lanecast.customers.keys import CustomerKeyError
    from lanecast.files.errors import FileError
    from lanecast.local.postgres import PostgresError
    from lanecast.local.session import open_warehouse
    from lanecast.quarantine.errors import QuarantineError
    from lanecast.warehouse.connection import NoWarehouse

    try:
        with open_warehouse():
            return work()
    except (CustomerKeyError, FileError, NoWarehouse, PostgresError, QuarantineError, FileNotFoundError) as error:
        raise click.ClickException(str(error)) from None


def print_json(value: object) -> None:
    """One JSON object on standard output."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def tell(outcome: Any, as_json: bool, by: Any) -> None:
    """What a command found: one JSON object, or as the module `by` shows it (its `as_dict` and `show`)."""
    if as_json:
        print_json(by.as_dict(outcome))
    else:
        by.show(outcome)
