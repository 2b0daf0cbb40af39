"""Scans as a carrier tells them: the place's clock, its offset, and, for a few parcels, something broken."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

from lanecast.sandbox.journey import Scan
from lanecast.sandbox.network import Place

Json = dict[str, Any]
Words = TypeVar("Words", str, tuple[str, str])

NO_SUCH_COUNTRY = "ZQ"
YEARS_AHEAD = 3


class Told(NamedTuple):
    """A scan as told: local and UTC date (YYYY-MM-DD) and time (HH:MM:SS), offset in seconds, country code."""

    scan: Scan
    date: str
    time: str
    offset: int
    utc_date: str
    utc_time: str
    place: Place
    country: str


def tell(scans: list[Scan], flaw: str | None = None) -> list[Told]:
    """Scans (oldest first) as told, newest first. A flaw breaks the first scan, so it is the same on every pull."""
    told = [_tell(scan) for scan in scans]
    if told and flaw == "impossible_date":
        told[0] = told[0]._replace(date=_impossible(told[0].date), utc_date=_impossible(told[0].utc_date))
    elif told and flaw == "future_event":
        told[0] = told[0]._replace(date=_ahead(told[0].date), utc_date=_ahead(told[0].utc_date))
    elif told and flaw == "unknown_country":
        told[0] = told[0]._replace(country=NO_SUCH_COUNTRY)
    told.reverse()
    return told


def printed(scan: Scan, usual: Words, of_reasons: Mapping[str, Words]) -> Words:
    """What a carrier prints for a scan: that for its reason, if there is any; a return's reason it never tells."""
    return usual if scan.reason is None or scan.kind == "returning" else of_reasons.get(scan.reason, usual)


def stamp(instant: int) -> tuple[str, str]:
    """Date and time of seconds since 1970, as they stand (add the offset first for a local clock)."""
    day, second = divmod(instant, 86400)
    return _date(day), f"{_minute(second // 60)}:{second % 60:02d}"


@lru_cache(maxsize=256)
def offset_text(seconds: int) -> str:
    """An offset as ISO 8601 writes it, such as +08:00."""
    minutes = abs(seconds) // 60
    return f"{'-' if seconds < 0 else '+'}{minutes // 60:02d}:{minutes % 60:02d}"


def local_text(scan: Scan) -> str:
    """A scan's local time with offset, ISO 8601."""
    offset = scan.place.zone.offset(scan.instant)
    date, time = stamp(scan.instant + offset)
    return f"{date}T{time}{offset_text(offset)}"


def utc_text(instant: int) -> str:
    """Seconds since 1970 as an ISO 8601 time in UTC."""
    date, time = stamp(instant)
    return f"{date}T{time}Z"


def _tell(scan: Scan) -> Told:
    offset = scan.place.zone.offset(scan.instant)
    return Told(scan, *stamp(scan.instant + offset), offset, *stamp(scan.instant), scan.place, scan.place.country)


@lru_cache(maxsize=8192)
def _date(day: int) -> str:
    return datetime.fromtimestamp(day * 86400, UTC).strftime("%Y-%m-%d")


@lru_cache(maxsize=1440)
def _minute(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _impossible(date: str) -> str:
    return f"{date[:4]}-02-31"


def _ahead(date: str) -> str:
    return f"{int(date[:4]) + YEARS_AHEAD}-06-15"
