"""Reference data that the warehouse holds: loaded anew by every migration, from include/reference and from tzdata."""

from __future__ import annotations

import csv
import importlib.resources
import re
from collections.abc import Iterator
from pathlib import Path

import psycopg2.extras

from lanecast import settings
from lanecast.warehouse.connection import Connection
from lanecast.warehouse.statements import statement

_COORDINATES = re.compile(r"([+-])(\d{2})(\d{2})(\d{2})?([+-])(\d{3})(\d{2})(\d{2})?")


def files() -> list[Path]:
    """The reference files that the warehouse holds a copy of."""
    return [settings.include() / "reference" / "countries.csv"]


def refresh(link: Connection) -> None:
    """Brings core.country in line with include/reference/countries.csv, and core.country_distance with tzdata."""
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
        cursor.execute("CREATE TEMPORARY TABLE zone_place (country text, latitude float8, longitude float8)")
        psycopg2.extras.execute_values(cursor, "INSERT INTO zone_place VALUES %s", list(zone_places()), page_size=500)
        cursor.execute(statement("reference/country_distance"))


def zone_places() -> Iterator[tuple[str, float, float]]:
    """Country, latitude and longitude (degrees) of each time zone's own place, as the package tzdata tells them."""
    table = importlib.resources.files("tzdata").joinpath("zoneinfo", "zone.tab").read_text(encoding="utf-8")
    for line in table.splitlines():
        if line.startswith("#"):
            continue
        country, told, *_ = line.split("\t")
        found = _COORDINATES.fullmatch(told)
        if found is None:
            raise ValueError(f"zone.tab of the package tzdata tells a place as {told!r}, not as degrees and minutes")
        yield country, _degrees(*found.groups()[:4]), _degrees(*found.groups()[4:])


def _degrees(sign: str, degrees: str, minutes: str, seconds: str | None) -> float:
    value = int(degrees) + int(minutes) / 60 + int(seconds or 0) / 3600
    return -value if sign == "-" else value
