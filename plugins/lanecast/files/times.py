"""Times as files write them: ISO 8601 with or without offset, or by the formats that a mapping names."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache

from lanecast.files.values import Defect
from lanecast.tracking import TimeKnowledge

EventTime = tuple[str, str, int, TimeKnowledge]
"""reported_at (local clock, cut to the minute), occurred_at (with its offset), utc_offset_minutes, tz_known."""

_CACHED = 1 << 15
_LARGEST_OFFSET = 840
_ENDING = re.compile(r"(Z|[+-]\d\d:\d\d)?", re.ASCII)
_EXAMPLE = "2024-03-05T14:30:00+01:00"
_BEYOND = "out of the calendar"
_EDGES = ("0001", "9999")
"""Years of which some moments lie, in UTC, before the first or after the last."""


def timestamp_converter(zone: tzinfo, formats: Sequence[str] = ()) -> Callable[[str], str | None]:
    """Reads a time as an ISO 8601 instant in UTC; one without an offset is told by `zone`'s clock.

    A clock reading that occurs twice (the hour after summer time) is the first of the two.
    """
    endings: dict[str, timedelta | None] = {}

    def timestamp(text: str) -> str | None:
        if text[19:] not in endings or not _usual(text):
            return slowly(text)
        try:
            moment = datetime.fromisoformat(text[:19])
        except ValueError:
            raise Defect(f"not a time like {_EXAMPLE}") from None
        offset = endings[text[19:]]
        if offset is None:
            return f"{text[:10]}T{text[11:19]}+00:00"
        try:
            return f"{(moment - offset).isoformat()}+00:00"
        except OverflowError:
            raise Defect(_BEYOND) from None

    @lru_cache(maxsize=_CACHED)
    def slowly(text: str) -> str | None:
        if not text.strip():
            return None
        given = _parse(text, formats)
        moment = _in_zone(given, zone)
        if _fixed(text, given, zone, formats):
            endings[text[19:]] = moment.utcoffset() or None
        return _utc(moment).isoformat()

    return timestamp


def event_time_converter(zone: tzinfo, formats: Sequence[str] = ()) -> Callable[[str], EventTime | None]:
    """Reads a time as an event keeps it. Without an offset it is told by `zone`'s clock, and marked `assumed`."""
    endings: dict[str, tuple[str, int, TimeKnowledge]] = {}

    def event_time(text: str) -> EventTime | None:
        ending = endings.get(text[19:])
        if ending is not None and _usual(text) and text[:4] not in _EDGES:
            try:
                datetime.fromisoformat(text)
            except ValueError:
                raise Defect(f"not a time like {_EXAMPLE}") from None
            offset, minutes, known = ending
            return text[:16], text + offset, minutes, known
        return slowly(text)

    @lru_cache(maxsize=_CACHED)
    def slowly(text: str) -> EventTime | None:
        if not text.strip():
            return None
        given = _parse(text, formats)
        moment = _in_zone(given, zone)
        _ = _utc(moment)
        offset = moment.utcoffset()
        minutes = int(offset.total_seconds() // 60) if offset else 0
        known: TimeKnowledge = "assumed" if given.tzinfo is None else "utc" if text.rstrip()[-1] in "ZC" else "offset"
        told = moment.isoformat()
        if _fixed(text, given, zone, formats):
            endings[text[19:]] = ("" if given.tzinfo else told[-6:], minutes, known)
        return told[:16], told, minutes, known

    return event_time


def _usual(text: str) -> bool:
    """Whether a text is shaped like 2024-03-05T14:30:00, up to there: its digits are left to the parser."""
    return text[16:17] == ":" and text[13] == ":" and text[10] in "T " and text[7] == "-" and text[4] == "-"


def _fixed(text: str, given: datetime, zone: tzinfo, formats: Sequence[str]) -> bool:
    """Whether all usual texts with this one's ending have its offset."""
    return not formats and _ENDING.fullmatch(text[19:]) is not None and bool(given.tzinfo or isinstance(zone, timezone))


def _in_zone(moment: datetime, zone: tzinfo) -> datetime:
    if moment.tzinfo is None:
        return moment.replace(tzinfo=zone)
    offset = moment.utcoffset()
    seconds = offset.total_seconds() if offset else 0
    if abs(seconds) > _LARGEST_OFFSET * 60 or seconds % 60:
        raise Defect("its offset is none that a clock on earth has")
    return moment


def _utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise Defect(_BEYOND) from None


def _parse(text: str, formats: Sequence[str]) -> datetime:
    text = text.strip()
    for form in formats:
        if form != "iso":
            try:
                return datetime.strptime(text, form)  # noqa: DTZ007 (the zone follows)
            except ValueError:
                continue
        try:
            return _iso(text)
        except ValueError:
            continue
    if formats:
        raise Defect(f"not a time written as {' or '.join(formats)}")
    try:
        return _iso(text)
    except ValueError:
        raise Defect(f"not a time like {_EXAMPLE}") from None


def _iso(text: str) -> datetime:
    if text.endswith((" UTC", " Z")):
        text = text.rpartition(" ")[0] + "Z"
    elif " +" in text or " -" in text:
        text = text.replace(" +", "+").replace(" -", "-")
    # Only the extended form: the basic one (20240305) can't be told from a number.
    if text[4:5] != "-" or text[7:8] != "-" or text[10:11] not in ("", "T", "t", " "):
        raise ValueError(text)
    return datetime.fromisoformat(text)
