"""Working days and public holidays of countries, as arrays: days are days since 1970-01-01."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from lanecast.calendars import SATURDAY_SUNDAY, public_holidays, weekend
from lanecast.delivery.model.shipments import Flags, Integers, Text

_FIRST_YEAR, _LAST_YEAR = 1998, 2040


@lru_cache(maxsize=1)
def _span() -> tuple[int, int]:
    days = np.array([f"{_FIRST_YEAR}-01-01", f"{_LAST_YEAR + 1}-01-01"], dtype="datetime64[D]").astype(np.int64)
    return int(days[0]), int(days[1])


@lru_cache(maxsize=512)
def _country(code: str) -> tuple[Flags, Integers]:
    """For each day of the span: whether it is a public holiday, and the working days before it."""
    first, end = _span()
    days = np.arange(first, end)
    holiday = np.zeros(len(days), dtype=bool)
    years = range(_FIRST_YEAR, _LAST_YEAR + 1) if code else ()
    found = {day for year in years for day in public_holidays(code, year)}
    marked = np.array(sorted(found), dtype="datetime64[D]").astype(np.int64)
    holiday[marked[(marked >= first) & (marked < end)] - first] = True
    off = weekend(code) if code else SATURDAY_SUNDAY
    working = ~np.isin((days + 3) % 7, sorted(off)) & ~holiday
    return holiday, np.concatenate([[0], np.cumsum(working)])[:-1]


class Days:
    """The calendars of a column of countries, looked up row by row."""

    def __init__(self, country: Text) -> None:
        used = np.unique(country.codes)
        tables = [_country(country.labels[code]) for code in used]
        self._row = np.searchsorted(used, country.codes)
        first, end = _span()
        nothing = np.zeros((0, end - first))
        self._holiday = np.stack([table[0] for table in tables]) if tables else nothing.astype(bool)
        self._working = np.stack([table[1] for table in tables]) if tables else nothing.astype(np.int64)

    def holiday(self, row: Integers, day: Integers) -> Flags:
        """Whether `day` is a public holiday in the country of that row."""
        return self._holiday[self._row[row], _index(day)]

    def working(self, row: Integers, since: Integers, until: Integers) -> Integers:
        """Working days from `since` (included) to `until` (not included) in the country of that row."""
        at = self._row[row]
        return self._working[at, _index(until)] - self._working[at, _index(since)]


def _index(day: Integers) -> Integers:
    first, end = _span()
    return np.clip(day - first, 0, end - first - 1)
