"""The `lanecast` command. Each subcommand imports what it needs when it runs, so that `--help` answers at once."""

from lanecast.cli import (  # noqa: F401, what they hold registers itself
    backtests,
    benchmarks,
    customers,
    files,
    platform,
    promising,
    quality,
    quarantine,
    recommending,
    storefronts,
    tracking,
    training,
)
from lanecast.cli.base import cli

__all__ = ["cli", "main"]


def main() -> None:
    """The entry point."""
    cli()
