"""Values of shops as staged: the same texts, whichever shop tells them; what can't be read is said in words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

from lanecast.carriers.places import country_code, region_code
from lanecast.files.table import clean, quoted
from lanecast.files.times import timestamp_converter
from lanecast.files.values import Defect, number

_moment = timestamp_converter(UTC)
_Value = TypeVar("_Value")


class Notes:
    """What could not be read of one record."""

    def __init__(self) -> None:
        self._told: list[str] = []

    def read(self, name: str, convert: Callable[[str], _Value], value: object) -> _Value | None:
        """A value as `convert` reads its text; None where there is none, or none that can be read."""
        if value is None or value == "":
            return None
        try:
            if isinstance(value, bool | list | dict):
                raise Defect(f"a {type(value).__name__}")
            return convert(str(value))
        except (Defect, OverflowError) as defect:
            why = str(defect) if isinstance(defect, Defect) else "out of the calendar"
            self._told.append(f"{name}: {quoted(str(value))} ({why})")
            return None

    def add(self, problem: str) -> None:
        """Notes a problem."""
        self._told.append(clean(problem))

    @property
    def text(self) -> str | None:
        """All of it, None where there is nothing to say."""
        return "; ".join(self._told) or None


def moment(text: str) -> str | None:
    """A time as ISO 8601 in UTC; one without an offset is UTC. Defect for what is none."""
    return _moment(text)


def pieces(text: str) -> str | None:
    """A number of pieces in its shortest form. Defect for what is none."""
    return number(text)


def plain(text: str) -> str | None:
    """Text without blanks around it, as any database takes it."""
    return clean(text).strip() or None


def country(text: str) -> str | None:
    """A country's ISO 3166-1 alpha-2 code; None for one that is unknown: an order stands without it."""
    return country_code(text.strip())


def region(country: str | None, text: str | None) -> str | None:
    """A region's ISO 3166-2 code; None for one that is unknown."""
    return region_code(country, text) if country and text else None


def changed(text: object, read: Callable[[str], str | None] = moment) -> datetime | None:
    """A time to go on from, as `read` reads it; None where it can't be read."""
    if not isinstance(text, str):
        return None
    try:
        told = read(text)
    except (Defect, OverflowError):
        return None
    return datetime.fromisoformat(told) if told else None
