"""Numbers, times and texts as pages, messages and the terminal show them."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime

_NONE = "–"


def number(value: int | None) -> str:
    """`12,345`; a dash for None."""
    return _NONE if value is None else f"{value:,}"


def counted(value: int, thing: str) -> str:
    """`1 row`, `2,000 rows`."""
    return f"{value:,} {thing}{'' if value == 1 else 's'}"


def moment(value: datetime | None) -> str:
    """`2026-05-20 12:00`, in UTC; a dash for None."""
    return _NONE if value is None else value.astimezone(UTC).strftime("%Y-%m-%d %H:%M")


def share(part: int, whole: int) -> str:
    """`0.4 %` of a whole, never rounded to none or all; a dash where there is no whole."""
    if not whole:
        return _NONE
    percent = 100 * part / whole
    if 0 < percent < 0.1:
        return "< 0.1 %"
    if 99.9 < percent < 100:
        return "> 99.9 %"
    return f"{percent:.1f} %"


def duration(seconds: float | None) -> str:
    """`0.4 s`, `2 min 5 s`, `1 h 3 min`; a dash for None."""
    if seconds is None:
        return _NONE
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds >= 0.05 or not seconds else "< 0.1 s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def shown(text: str | None, most: int = 400) -> str:
    """A text as it can be shown: cut, and with what can't be seen, or turns the text's direction, written out."""
    if not text:
        return _NONE
    found = text if len(text) <= most else f"{text[:most]}…"
    return "".join(_written(one) for one in found)


def _written(one: str) -> str:
    if one in "\n\t\r":
        return " "
    # Cc: control; Cf: format (directions, joiners of nothing); Cs: half a character; Zl, Zp: breaks.
    return f"\\u{ord(one):04x}" if unicodedata.category(one) in {"Cc", "Cf", "Cs", "Zl", "Zp"} else one
