"""From a carrier's clock reading to UTC: by a printed offset, or by the clock of the place."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from lanecast.carriers.places import place_of
from lanecast.tracking import TimeKnowledge

EARLIEST_YEAR = 1970
LATEST_YEAR = 2199
WIDEST_OFFSET_MINUTES = 14 * 60
UTC_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NAIVE_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001
NO_OFFSET = timedelta(0)


def to_utc(
    local_time: datetime, country: str | None, region: str | None = None, city: str | None = None
) -> tuple[datetime, int, TimeKnowledge]:
    """(UTC, offset in minutes, how the zone is known) of a clock reading without zone, by the clock of its place.

    An hour that the clock shows twice is read as its first passing; an hour that it leaps over as if it had not leapt.
    """
    place = place_of(country, region, city)
    utc, offset = in_zone(local_time, place.zone)
    return utc, offset, place.known


def in_zone(local_time: datetime, zone: ZoneInfo) -> tuple[datetime, int]:
    """(UTC, offset in minutes) of a naive clock reading in a zone; local_time − offset = UTC, to the second."""
    # Arithmetic from an epoch: datetime.replace() alone would cost as much as reading an event.
    delta = zone.utcoffset(local_time) or NO_OFFSET
    seconds = delta.seconds
    if seconds % 60:  # local mean time, before zones were: cut to the minute, so that offset and UTC agree
        delta -= timedelta(seconds=seconds % 60)
    return UTC_EPOCH + (local_time - NAIVE_EPOCH - delta), delta.days * 1440 + seconds // 60


def at_offset(local_time: datetime, minutes: int) -> datetime:
    """UTC of a naive clock reading, given its offset in minutes."""
    return UTC_EPOCH + (local_time - NAIVE_EPOCH - offset_delta(minutes))


def split(moment: datetime) -> tuple[datetime, datetime, int]:
    """(clock reading, UTC, offset in minutes) of a time that carries its offset."""
    delta = moment.utcoffset() or NO_OFFSET
    since = moment - UTC_EPOCH
    return NAIVE_EPOCH + since + delta, UTC_EPOCH + since, delta.days * 1440 + delta.seconds // 60


@lru_cache(maxsize=4096)
def offset_delta(minutes: int) -> timedelta:
    """An offset in minutes as a timedelta."""
    return timedelta(minutes=minutes)


@lru_cache(maxsize=4096)
def offset_minutes(text: str | None) -> int | None:
    """Minutes east of Greenwich from "-05:00", "+0530", "Z" or "-5"; None if it is no offset of at most 14 hours."""
    if not text:
        return None
    text = text.strip()
    if text in {"Z", "z"}:
        return 0
    sign, digits = text[:1], text[1:].replace(":", "")
    if sign not in {"+", "-"} or not (digits.isascii() and digits.isdigit()) or len(digits) not in {1, 2, 4}:
        return None
    hours, minutes = (int(digits[:2]), int(digits[2:])) if len(digits) == 4 else (int(digits), 0)
    total = hours * 60 + minutes
    if minutes > 59 or total > WIDEST_OFFSET_MINUTES:
        return None
    return -total if sign == "-" else total


def offset_between(local_time: datetime, utc: datetime) -> int | None:
    """The offset in minutes that two readings of one moment imply, if a clock can have it (quarters of an hour)."""
    seconds = (local_time.replace(tzinfo=None) - utc.replace(tzinfo=None)).total_seconds()
    minutes = round(seconds / 900) * 15
    # Carriers print the local time without its seconds: up to a minute lies between the two readings.
    if abs(seconds - minutes * 60) > 60 or abs(minutes) > WIDEST_OFFSET_MINUTES:
        return None
    return minutes


def offset_text(minutes: int) -> str:
    """An offset as "+08:00"."""
    sign = "-" if minutes < 0 else "+"
    hours, rest = divmod(abs(minutes), 60)
    return f"{sign}{hours:02d}:{rest:02d}"
