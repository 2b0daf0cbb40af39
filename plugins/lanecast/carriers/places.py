"""Places and their clocks: countries by any spelling, time zones by country, region and city.

Zones of countries with one zone come from the `tzdata` package's own `zone.tab`; those of countries with several come
from `include/reference/region_zones.csv` and `city_zones.csv`. A region `*` there stands for the whole country: what
is not listed otherwise keeps that clock. Cities are GeoNames' (https://www.geonames.org/, CC BY 4.0);
`include/reference/README.md` tells version and changes. The tables are read when they are first needed.
"""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache
from importlib import resources
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from lanecast import settings

UTC_ZONE = "UTC"


class Place(NamedTuple):
    """A place as Lanecast names it: ISO 3166-1 alpha-2 country, ISO 3166-2 region, city, and its clock."""

    country: str | None
    region: str | None
    city: str | None
    zone: ZoneInfo
    known: Literal["place", "assumed"]


class _Country(NamedTuple):
    name: str
    zone: str | None
    customs_union: str | None


def country_code(text: str | None) -> str | None:
    """The ISO 3166-1 alpha-2 code of a country written as code, name or alias, whatever its case; None if unknown."""
    if not text:
        return None
    return _country_spellings().get(_fold(text))


def country_names() -> dict[str, str]:
    """English name of every ISO 3166-1 country, by alpha-2 code."""
    return {code: country.name for code, country in _countries().items()}


def country_zone(country: str) -> str | None:
    """The main zone of a country (alpha-2), None for one that has no inhabitants or does not exist."""
    found = _countries().get(country)
    return found.zone if found else None


@cache
def customs_union(country: str | None) -> str | None:
    """The customs union that a country (alpha-2) is in (`EU`, with Monaco), None for one that is in none."""
    found = _countries().get(country or "")
    return found.customs_union if found else None


def zone_of(country: str | None, region: str | None = None, city: str | None = None) -> tuple[str, bool]:
    """The tz database name of a place's clock, and whether it is known (else assumed: main zone, or UTC).

    `country` is alpha-2; `region` an ISO 3166-2 code with or without its country, or a name; `city` free text.
    """
    if not country:
        return UTC_ZONE, False
    zones = _zone_tab().get(country, ())
    if len(zones) == 1:
        return zones[0], True
    if region and (row := _regions().get((country, _fold(region)))):
        exception = _cities().get((country, f"{_fold(city)} {row[0].casefold()}")) if city else None
        return exception or row[1], True
    if city and zones:
        for spelling in _city_spellings(city):
            if zone := _cities().get((country, spelling)):
                return zone, True
    if whole := _regions().get((country, "*")):
        return whole[1], True
    main = country_zone(country)
    return (main, False) if main else (UTC_ZONE, False)


@lru_cache(maxsize=200_000)
def place_of(country: str | None, region: str | None, city: str | None, default_country: str | None = None) -> Place:
    """A place from what a carrier prints: country as code or name, region as code or name, city with or without more.

    Where the country is missing it is read from the city's tail ("LEIPZIG - GERMANY"), else `default_country` holds.
    One that is none stays as it was printed, in upper case: the contract's rule then tells of it.
    """
    city = _clean(city)
    printed = _clean(country)
    code = country_code(country) or (printed.upper() if printed else None) or _country_of_city(city) or default_country
    zone, known = zone_of(code, region, city)
    return Place(code, region_code(code, region), city, zone_info(zone), "place" if known else "assumed")


def region_code(country: str | None, region: str | None) -> str | None:
    """A region as ISO 3166-2 ("US-NJ") from code or name; None if there is none or it is no code."""
    region = _clean(region)
    if not country or not region:
        return None
    if row := _regions().get((country, _fold(region))):
        return f"{country}-{row[0]}" if row[0] != "*" else None
    bare = region.upper().removeprefix(f"{country}-")
    return f"{country}-{bare}" if bare.isascii() and bare.isalnum() and len(bare) <= 3 else None


@cache
def zone_info(name: str) -> ZoneInfo:
    """A zone's rules from the `tzdata` package, so that every machine reads the same ones."""
    with resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


def _clean(text: str | None) -> str | None:
    return " ".join(text.split()) or None if text else None


@lru_cache(maxsize=65536)
def _fold(text: str) -> str:
    """A spelling without case, accents, or doubled spaces."""
    plain = unicodedata.normalize("NFKD", text.replace("’", "'"))
    return " ".join("".join(c for c in plain if not unicodedata.combining(c)).casefold().split())


def _country_of_city(city: str | None) -> str | None:
    return country_code(city.rpartition(" - ")[2]) if city and " - " in city else None


def _city_spellings(city: str) -> Iterator[str]:
    """A city as printed, without its tail ("MIAMI - USA"), and the last part of an address ("Oderweg 2, KOELN")."""
    folded = _fold(city)
    yield folded
    head = folded.partition(" - ")[0]
    if head != folded:
        yield head
    if "," in head:
        yield head.rpartition(",")[2].strip()
        yield head.partition(",")[0].strip()


def _rows(name: str) -> Iterator[dict[str, str]]:
    with (settings.include() / "reference" / name).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


@cache
def _countries() -> dict[str, _Country]:
    return {
        row["alpha2"]: _Country(row["name"], row["zone"] or None, row["customs_union"] or None)
        for row in _rows("countries.csv")
    }


@cache
def _country_spellings() -> dict[str, str]:
    spellings: dict[str, str] = {}
    for row in _rows("countries.csv"):
        for spelling in (row["alpha2"], row["name"], *row["aliases"].split("|")):
            if spelling:
                spellings.setdefault(_fold(spelling), row["alpha2"])
    return spellings


@cache
def _regions() -> dict[tuple[str, str], tuple[str, str]]:
    """(country, folded code or name) → (region code, zone)."""
    found: dict[tuple[str, str], tuple[str, str]] = {}
    for row in _rows("region_zones.csv"):
        told = (row["region"], row["zone"])
        for spelling in (row["region"], f"{row['country']}-{row['region']}", row["name"]):
            if spelling:
                found.setdefault((row["country"], _fold(spelling)), told)
    return found


@cache
def _cities() -> dict[tuple[str, str], str]:
    """(country, folded city) → zone; a city whose clock is not its region's also stands there as "el paso tx"."""
    # The table is large: its rows are kept out of the cache of spellings.
    fold = _fold.__wrapped__
    return {(row["country"], fold(row["city"])): row["zone"] for row in _rows("city_zones.csv")}


@cache
def _zone_tab() -> dict[str, tuple[str, ...]]:
    """Country → zones, from the tz database's zone.tab."""
    zones: dict[str, tuple[str, ...]] = {}
    text = resources.files("tzdata").joinpath("zoneinfo", "zone.tab").read_text(encoding="utf-8")
    for line in text.splitlines():
        if line and not line.startswith("#"):
            country, _, zone = line.split("\t")[:3]
            zones[country] = (*zones.get(country, ()), zone)
    return zones
