"""What a carrier's status code means: a milestone and perhaps a reason, from `include/reference/status_codes`."""

from __future__ import annotations

import csv
import re
from functools import cache
from typing import Literal, NamedTuple

from lanecast import settings
from lanecast.carriers.places import customs_union
from lanecast.tracking import MILESTONES, REASONS

CUSTOMS_STARTED = "customs_started"
CUSTOMS_CLEARED = "customs_cleared"
CUSTOMS = frozenset({CUSTOMS_STARTED, CUSTOMS_CLEARED})
"""Milestones of the code tables that the event's country turns into export or import."""


TROUBLES = frozenset({"customs_hold", "failed_attempt", "delayed", "damaged", "lost", "returning", "returned"})
"""Milestones that have reasons."""


class Status(NamedTuple):
    """What a code means. `milestone` may be one of CUSTOMS; `mapped` is False where no table knows the code."""

    milestone: str
    reason: str | None
    mapped: bool = True


UNKNOWN = Status("in_transit", None, mapped=False)
"""A code that no table knows: the parcel is under way, at most."""


class StatusTable(NamedTuple):
    """A carrier's table: codes, codes that give a reason alone, and phrases, of which the first that fits holds."""

    codes: dict[str, Status]
    reasons: dict[str, str]
    texts: tuple[tuple[re.Pattern[str], Status], ...]
    reason_texts: tuple[tuple[re.Pattern[str], str], ...]

    def by_text(self, text: str) -> Status | None:
        """The meaning of the first documented phrase that a status text holds, whatever its case."""
        return next((status for phrase, status in self.texts if phrase.search(text)), None)

    def with_reason(self, status: Status, text: str | None) -> Status:
        """A status with the reason that a phrase in its text gives; only where something went wrong."""
        if not text or not status.mapped or status.milestone not in TROUBLES:
            return status
        reason = next((reason for phrase, reason in self.reason_texts if phrase.search(text)), None)
        return status._replace(reason=reason) if reason else status


@cache
def status_table(carrier: str) -> StatusTable:
    """The code table of a carrier, read once. ValueError names the row that is wrong."""
    path = settings.include() / "reference" / "status_codes" / f"{carrier}.csv"
    codes: dict[str, Status] = {}
    reasons: dict[str, str] = {}
    texts: list[tuple[re.Pattern[str], Status]] = []
    reason_texts: list[tuple[re.Pattern[str], str]] = []
    with path.open(encoding="utf-8", newline="") as file:
        for line, row in enumerate(csv.DictReader(file), start=2):
            code, milestone, reason = row["code"], row["milestone"], row["reason"] or None
            if reason and reason not in REASONS:
                raise ValueError(f"{path}, line {line}: {reason!r} is no reason; see lanecast.tracking")
            phrase = None
            if code.startswith("text/"):
                phrase = re.compile(rf"\b{re.escape(code.removeprefix('text/'))}\b", re.IGNORECASE)
            if not milestone and reason:
                if phrase:
                    reason_texts.append((phrase, reason))
                else:
                    reasons[code] = reason
                continue
            if milestone not in MILESTONES and milestone not in CUSTOMS:
                raise ValueError(f"{path}, line {line}: {milestone!r} is no milestone; see lanecast.tracking")
            status = Status(milestone, reason)
            if phrase:
                texts.append((phrase, status))
            else:
                codes[code] = status
    return StatusTable(codes, reasons, tuple(texts), tuple(reason_texts))


_CLEARED = frozenset({CUSTOMS_CLEARED, "export_cleared", "import_cleared"})
_STARTED = frozenset({CUSTOMS_STARTED, "export_customs_started", "import_customs_started"})
_EXPORT_WORDS = re.compile(r"\bexport(?:ation)?\b", re.IGNORECASE)
_IMPORT_WORDS = re.compile(r"\bimport(?:ation)?\b", re.IGNORECASE)


def resolve_customs(
    milestone: str,
    event_country: str | None,
    origin_country: str | None,
    destination_country: str | None,
    words: str | None = None,
) -> str:
    """A milestone with export and import customs told apart; others pass unchanged.

    Customs in the origin's country is export, in the destination's import, and a customs union is one country for it:
    goods for Germany are imported in Belgium. That holds also for a milestone that is resolved, for it may have been so
    when less was known of the journey. Where the country leaves it open the words tell, if they say export or import.
    In a third country it is neither: `in_transit`. Else import: that is the clearance carriers print.
    """
    if milestone not in _CLEARED and milestone not in _STARTED:
        return milestone
    side = _side(event_country, origin_country, destination_country)
    if side is None:
        if milestone not in CUSTOMS:
            return milestone
        says_export, says_import = (bool(words and say.search(words)) for say in (_EXPORT_WORDS, _IMPORT_WORDS))
        if says_export != says_import:
            side = "export" if says_export else "import"
        elif event_country and origin_country and destination_country and event_country != destination_country:
            return "in_transit"
    side = side or "import"
    return f"{side}_cleared" if milestone in _CLEARED else f"{side}_customs_started"


def _side(
    event_country: str | None, origin_country: str | None, destination_country: str | None
) -> Literal["export", "import"] | None:
    """Which customs it is, where the event's country tells."""
    if not event_country or origin_country == destination_country:
        return None
    if event_country == origin_country:
        return "export"
    if event_country == destination_country:
        return "import"
    union = customs_union(event_country)
    if union is None or customs_union(origin_country) == customs_union(destination_country):
        return None
    if customs_union(destination_country) == union and origin_country:
        return "import"
    return "export" if customs_union(origin_country) == union and destination_country else None
