"""Zones and working days: when a place's clocks stand where, and when its people work. Times are Unix seconds."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from importlib import resources
from zoneinfo import ZoneInfo

from lanecast.calendars import public_holidays

DAY = 86400
_EPOCH = date(1970, 1, 1)


class Zone:
    """A time zone's offset at any instant, remembered by day."""

    def __init__(self, name: str) -> None:
        """`name` is of the IANA database."""
        self.name = name
        self._info = zone_rules(name)
        self._by_day: dict[int, int | None] = {}

    def offset(self, instant: int) -> int:
        """Seconds that local time is ahead of UTC at `instant`."""
        day = instant // DAY
        known = self._by_day.get(day, -1)
        if known == -1:
            first, last = self._exact(day * DAY), self._exact(day * DAY + DAY)
            known = self._by_day[day] = first if first == last else None
        return self._exact(instant) if known is None else known

    def _exact(self, instant: int) -> int:
        told = datetime.fromtimestamp(instant, UTC).astimezone(self._info).utcoffset()
        return int(told.total_seconds()) if told is not None else 0


class Workdays:
    """The working days of one country: neither weekend nor public holiday (PyPI `holidays`, whole country)."""

    def __init__(self, country: str, weekend: Iterable[int]) -> None:
        """`country` is ISO 3166-1 alpha-2; `weekend` holds weekdays, 0 is Monday."""
        self._country = country
        self._weekend = frozenset(weekend)
        self._open: dict[tuple[int, bool], bool] = {}

    def works(self, day: int, saturday: bool = False) -> bool:
        """Whether day `day` (since 1970) is worked; `saturday` where the service works on Saturdays too."""
        known = self._open.get((day, saturday))
        if known is None:
            on = _EPOCH + timedelta(days=day)
            weekend = self._weekend - {5} if saturday else self._weekend
            known = on.weekday() not in weekend and on not in public_holidays(self._country, on.year)
            self._open[(day, saturday)] = known
        return known

    def resume(self, instant: int, zone: Zone, opens: int, closes: int, late: int = 0, saturday: bool = False) -> int:
        """`instant` where it falls into opening hours, else `late` seconds after the next opening.

        `opens` and `closes` are seconds of the local day.
        """
        offset = zone.offset(instant)
        day, second = divmod(instant + offset, DAY)
        if self.works(day, saturday):
            if opens <= second <= closes:
                return instant
            if second > closes:
                day += 1
        while not self.works(day, saturday):
            day += 1
        local = day * DAY + opens + late
        return local - zone.offset(local - offset)


def zone_rules(name: str) -> ZoneInfo:
    """A zone's rules from the pinned `tzdata` package, so that a world is the same on every machine.

    Raises ValueError where there is no such zone.
    """
    try:
        with resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
            return ZoneInfo.from_file(file, key=name)
    except (OSError, ValueError) as problem:
        raise ValueError(f"no such time zone: {name}") from problem
