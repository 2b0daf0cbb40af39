"""Reading a carrier's answers as parcels and events: what is staged, and what `lanecast parse` prints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC
from pathlib import Path
from typing import Any

from lanecast.carriers.base import Parsed
from lanecast.carriers.clocks import offset_text
from lanecast.carriers.registry import adapter
from lanecast.tracking import Parcel, TrackingEvent, Unreadable

NO_EVENT = "the carrier knows the parcel and tells no event of it"


def parsed(carrier: str, body: bytes, requested: Sequence[str]) -> Iterator[Parsed]:
    """The parcels of one answer, as the carrier's adapter reads them; never raises for any bytes.

    A parcel that is known, but of which neither an event nor a complaint comes, is told as Unreadable too: where a
    timeline is missing, the answer may have changed its shape. UnknownCarrierError for a carrier without adapter.
    """
    silent: dict[str, None] = {}
    told: set[str | None] = set()
    for one in adapter(carrier).parse(body, requested):
        yield one
        if isinstance(one, Unreadable):
            told.add(one.tracking_number)
        elif one.found and not one.events:
            silent[one.tracking_number] = None
        else:
            told |= {one.tracking_number}
    for number in silent:
        if number not in told:
            yield Unreadable(problem=NO_EVENT, tracking_number=number)


def parse_file(carrier: str, source: Path | str | bytes) -> Iterator[Parsed]:
    """The parcels of one answer body, given as a file or as bytes; what was asked for is unknown then.

    UnknownCarrierError for a carrier without adapter; OSError if the file cannot be read.
    """
    adapter(carrier)
    return parsed(carrier, source if isinstance(source, bytes) else Path(source).read_bytes(), ())


def event_record(carrier: str, parcel: Parcel, event: TrackingEvent) -> dict[str, Any]:
    """One event as a flat record. Times are ISO 8601, `occurred_at` in UTC, `utc_offset` like "+08:00"."""
    return {
        "carrier": carrier,
        "tracking_number": parcel.tracking_number,
        "occurred_at": event.occurred_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "local_time": event.local_time.isoformat(),
        "utc_offset": offset_text(event.utc_offset_minutes),
        "tz_known": event.tz_known,
        "code": event.code,
        "description": event.description,
        "milestone": event.milestone,
        "reason": event.reason,
        "country": event.country,
        "region": event.region,
        "city": event.city,
    }
