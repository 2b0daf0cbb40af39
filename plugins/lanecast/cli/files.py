"""`lanecast import`: files into the warehouse."""

from __future__ import annotations

import sys
from datetime import datetime

import click

from lanecast.cli.base import as_json, as_moment, cli, in_warehouse, print_json


@cli.command("import")
@click.argument("dataset", type=click.Choice(["shipments", "events", "orders", "interactions", "products"]))
@click.argument("path")
@click.option(
    "--mapping", help="A mapping file, or the name of one that ships with Lanecast (olist, online_retail, scms)."
)
@click.option("--as-of", callback=as_moment, metavar="TIME", help="Load as of this moment instead of now.")
@as_json
def import_(dataset: str, path: str, mapping: str | None, as_of: datetime | None, as_json: bool) -> None:
    """Load DATASET from a CSV (gz too), Parquet or JSON Lines file, through the same gate as everything else.

    Every row received ends as loaded, duplicate or quarantined. Exit 1 where a batch rule stopped the file.
    """
    from lanecast.files import console

    result = in_warehouse(lambda: console.import_file(dataset, path, mapping, as_of, quiet=as_json))
    if as_json:
        print_json(result)
    else:
        console.show(result)
    sys.exit(1 if result["stopped"] else 0)
