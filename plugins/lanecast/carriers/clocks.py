"""From a carrier's clock reading to UTC: by a printed offset, or by the clock of the place.

Arithmetic runs from an epoch and with offsets kept ready: datetime.replace() would cost as much as reading an event.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import msgspec

from lanecast.carriers.places import Place, place_of
from lanecast.tracking import TimeKnowledge, TrackingEvent

EARLIEST_YEAR = 1970
LATEST_YEAR = 2199
WIDEST_OFFSET_MINUTES = 14 * 60
UTC_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NAIVE_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001
NO_OFFSET = timedelta(0)
SAME_MOMENT = timedelta(minutes=2)
"""How far two readings of one moment may lie apart: carriers cut one to the minute and print the other in seconds."""
_SAME_MOMENT_BEFORE = -SAME_MOMENT
_MINUTE = timedelta(minutes=1)


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
    start, minutes = _whole(zone.utcoffset(local_time) or NO_OFFSET)
    return start + (local_time - NAIVE_EPOCH), minutes


def at_offset(local_time: datetime, minutes: int) -> datetime:
    """UTC of a naive clock reading, given its offset in minutes."""
    return _start(minutes) + (local_time - NAIVE_EPOCH)


def by_offset(local_time: datetime, printed: str | None) -> tuple[datetime, int] | None:
    """(UTC, offset in minutes) of a naive clock reading and its offset as printed; None where that is no offset."""
    told = _printed(printed)
    return None if told is None else (told[0] + (local_time - NAIVE_EPOCH), told[1])


def split(moment: datetime) -> tuple[datetime, datetime, int]:
    """(clock reading, UTC, offset in minutes) of a time of this age that carries its offset, cut to the minute."""
    delta = moment.utcoffset() or NO_OFFSET
    since = moment - UTC_EPOCH + delta
    start, minutes = _whole(delta)
    return NAIVE_EPOCH + since, start + since, minutes


def clock_and_zone(text: str) -> tuple[datetime, str]:
    """(clock reading, zone as printed: "-07:00", "Z", or "" for none) of an ISO 8601 time.

    Whether the zone is an offset that a clock can have, offset_minutes() tells. ValueError or TypeError if the rest is
    no time.
    """
    zone = text[19:]
    if not zone or zone[0] in "+-Z":
        local = datetime.fromisoformat(text[:19])
        if local.tzinfo is None:
            return local, zone
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        return moment, ""
    # Not by split(): any year may be printed, and one at an end of the calendar has no moment in UTC.
    _, minutes = _whole(moment.utcoffset() or NO_OFFSET)
    return moment.replace(tzinfo=None), "Z" if text[-1] == "Z" else offset_text(minutes)


def disagree(utc: datetime, greenwich: datetime | None) -> bool:
    """Whether a moment and the carrier's own reading of it in UTC (None for none) are not the same moment."""
    if greenwich is None:
        return False
    apart = utc - (greenwich if greenwich.tzinfo else at_offset(greenwich, 0))
    return not _SAME_MOMENT_BEFORE <= apart <= SAME_MOMENT


def by_greenwich(
    local_time: datetime, greenwich: datetime | None, place: Place
) -> tuple[datetime, int, TimeKnowledge, bool]:
    """(UTC, offset in minutes, how it is known, whether the readings disagree) of a clock reading without offset.

    `greenwich` is the carrier's own reading in UTC. It tells the offset, unless no clock can have that one, or unless
    it only repeats the local time, at a place whose clock is known to differ: then the place's clock holds.
    """
    utc, minutes = in_zone(local_time, place.zone)
    if greenwich is None:
        return utc, minutes, place.known, False
    between = offset_between(local_time, greenwich)
    if between is None or (between == 0 and minutes != 0 and place.known == "place"):
        return utc, minutes, place.known, True
    return at_offset(local_time, between), between, "utc", False


def settle(events: list[TrackingEvent]) -> list[TrackingEvent]:
    """A parcel's events in the carrier's order (newest or oldest first), doubled hours settled by that order.

    An hour that the place's clock shows twice has been read as its first passing. Where that lies before an event that
    the carrier lists as earlier, and the second passing does not, nor after those that it lists as later, the second
    holds. Only events whose zone is known from their place are moved.
    """
    times = [event.occurred_at for event in events]
    if times == sorted(times, reverse=True) or times == sorted(times):
        return events  # in order: nothing speaks for a second passing
    falling = sum(first > second for first, second in pairwise(times))
    newest_first = falling * 2 >= len(times) - 1
    settled = list(reversed(events) if newest_first else events)
    latest = [_second_pass(event) for event in settled]
    for index, second in enumerate(latest):
        if second is None or index == 0:
            continue
        following = index + 1 if index + 1 < len(settled) else None
        bound = None if following is None else (latest[following] or settled[following]).occurred_at
        before = settled[index - 1].occurred_at
        if settled[index].occurred_at < before <= second.occurred_at and (bound is None or second.occurred_at <= bound):
            settled[index] = second
    return settled[::-1] if newest_first else settled


def _second_pass(event: TrackingEvent) -> TrackingEvent | None:
    """An event of a doubled hour, read as the hour's second passing; None for any other."""
    if event.tz_known != "place":
        return None
    zone = place_of(event.country, event.region, event.city).zone
    _, first = in_zone(event.local_time, zone)
    utc, second = in_zone(event.local_time.replace(fold=1), zone)
    # Where the clock leaps ahead instead, the later offset is the greater one.
    if first != event.utc_offset_minutes or second >= first:
        return None
    return msgspec.structs.replace(event, occurred_at=utc, utc_offset_minutes=second)


@lru_cache(maxsize=4096)
def _start(minutes: int) -> datetime:
    """The moment at which clocks at an offset showed the start of 1970."""
    return UTC_EPOCH - timedelta(minutes=minutes)


@lru_cache(maxsize=4096)
def _printed(offset: str | None) -> tuple[datetime, int] | None:
    """(_start, minutes) of an offset as printed."""
    minutes = offset_minutes(offset)
    return None if minutes is None else (_start(minutes), minutes)


@lru_cache(maxsize=4096)
def _whole(offset: timedelta) -> tuple[datetime, int]:
    """(_start, minutes) of an offset; local mean time, older than zones, is cut to the minute to agree with UTC."""
    minutes = offset // _MINUTE
    return _start(minutes), minutes


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
