"""Countries written as ISO 3166-1 alpha-3 (`GBR`), from `include/reference/country_alpha3.csv`."""

from __future__ import annotations

import csv
from functools import cache, lru_cache

from lanecast import settings
from lanecast.carriers.places import country_code


@lru_cache(maxsize=4096)
def alpha2_of(text: str | None) -> str | None:
    """The ISO 3166-1 alpha-2 code of a country written as alpha-3, alpha-2 or name; None if it is none of these."""
    return _alpha2().get(text.strip().upper()) or country_code(text) if text else None


def alpha3_of(country: str) -> str | None:
    """The alpha-3 code of an alpha-2 code; None if there is no such country."""
    return _alpha3().get(country)


@cache
def _alpha3() -> dict[str, str]:
    path = settings.include() / "reference" / "country_alpha3.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return {row["alpha2"]: row["alpha3"] for row in csv.DictReader(file)}


@cache
def _alpha2() -> dict[str, str]:
    return {alpha3: alpha2 for alpha2, alpha3 in _alpha3().items()}
