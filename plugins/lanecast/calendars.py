"""Public holidays of whole countries and their weekends, by the PyPI package `holidays`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Any

SATURDAY_SUNDAY = frozenset({5, 6})


@lru_cache(maxsize=4096)
def public_holidays(country: str, year: int) -> Mapping[date, str]:
    """The holidays' names by day, of a country (ISO 3166-1 alpha-2) and year; none of a country that is not known."""
    found = _of(country, year)
    return {} if found is None else dict(found)


@lru_cache(maxsize=512)
def weekend(country: str) -> frozenset[int]:
    """The weekdays (0 = Monday) on which a country does not work; Saturday and Sunday where it is not known."""
    found = _of(country, None)
    return SATURDAY_SUNDAY if found is None else frozenset(found.weekend) or SATURDAY_SUNDAY


def _of(country: str, year: int | None) -> Any:
    import holidays  # takes half a second

    try:
        return holidays.country_holidays(country, years=year)
    except NotImplementedError:
        return None
