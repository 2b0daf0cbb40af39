"""Reference data that the warehouse holds: loaded anew by every migration from include/reference."""

from __future__ import annotations

import csv
from pathlib import Path

import psycopg2.extras

from lanecast import settings
from lanecast.warehouse.connection import Connection


def files() -> list[Path]:
    """The reference files that the warehouse holds a copy of."""
    return [settings.include() / "reference" / "countries.csv"]


def refresh(link: Connection) -> None:
    """Brings core.country in line with include/reference/countries.csv."""
    with files()[0].open(encoding="utf-8", newline="") as lines:
        rows = [(row["alpha2"], row["name"], row["zone"] or None) for row in csv.DictReader(lines)]
    with link.cursor() as cursor:
        psycopg2.extras.execute_values(
            cursor,
            "INSERT INTO core.country (country, name, zone) VALUES %s "
            "ON CONFLICT (country) DO UPDATE SET name = excluded.name, zone = excluded.zone",
            rows,
            page_size=500,
        )
