"""Reading stored answers of a carrier as events: what `lanecast parse` prints."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from pathlib import Path
from typing import Any

from lanecast.carriers.base import Parsed
from lanecast.carriers.clocks import offset_text
from lanecast.carriers.registry import adapter
from lanecast.tracking import Parcel, TrackingEvent


def parse_file(carrier: str, source: Path | str | bytes) -> Iterator[Parsed]:
    """The parcels of one answer body, given as a file or as bytes; what was asked for is unknown then.

    UnknownCarrierError for a carrier without adapter; OSError if the file cannot be read.
    """
    reader = adapter(carrier)
    body = source if isinstance(source, bytes) else Path(source).read_bytes()
    return reader.parse(body, ())


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
