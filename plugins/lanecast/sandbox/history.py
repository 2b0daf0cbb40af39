"""The history export: past shipments and the events of the finished ones, as the platform's import files.

Columns and codes are those of the platform's `shipments` and `events` files. `code` is the very string that the
platform's adapter puts into an event's code (see lanecast.sandbox.wire): ups `type/code`, fedex
`eventType[:exceptionCode]`, dhl `statusCode`, usps `eventCode`; so a later pull of the same scan is a duplicate.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, NamedTuple

from lanecast.sandbox.csv_gz import Row, csv_gz
from lanecast.sandbox.dirt import Dirt
from lanecast.sandbox.journey import MILESTONE_OF
from lanecast.sandbox.shipment import Shipment
from lanecast.sandbox.wire import code_and_text
from lanecast.sandbox.wire.told import local_text, utc_text
from lanecast.sandbox.world import World

SHIPMENT_COLUMNS = (
    "order_id",
    "tracking_number",
    "carrier",
    "service",
    "origin_country",
    "origin_region",
    "destination_country",
    "destination_region",
    "ordered_at",
    "shipped_at",
    "delivered_at",
    "promised_at",
)
EVENT_COLUMNS = (
    "carrier",
    "tracking_number",
    "occurred_at",
    "code",
    "description",
    "country",
    "region",
    "city",
    "milestone",
)
_COMPRESSION = 2


class History(NamedTuple):
    """What `write_history` wrote."""

    shipments: int
    events: int
    shipments_file: Path
    events_file: Path


def write_history(world: World, folder: Path) -> History:
    """Write shipments.csv.gz and events.csv.gz of everything before the world's start into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    shipments_file, events_file = folder / "shipments.csv.gz", folder / "events.csv.gz"
    shipments = events = 0
    dirt = Dirt(world.description, world.seed)
    start = int(world.start.timestamp())
    part = {file: file.with_suffix(".part") for file in (shipments_file, events_file)}
    with _open(part[shipments_file]) as to_shipments, _open(part[events_file]) as to_events:
        shipment_writer, event_writer = csv.writer(to_shipments), csv.writer(to_events)
        shipment_writer.writerow(SHIPMENT_COLUMNS)
        event_writer.writerow(EVENT_COLUMNS)
        for shipment in world.history():
            flaw = _flaw(shipment, dirt, start)
            shipment_writer.writerow(shipment_row(shipment, start, flaw))
            shipments += 1
            if shipment.finished_at <= start:
                rows = event_rows(shipment, flaw)
                event_writer.writerows(rows)
                events += len(rows)
    for file, written in part.items():
        written.replace(file)
    return History(shipments, events, shipments_file, events_file)


def shipments_csv_gz(world: World) -> Iterator[bytes]:
    """The shipments file of the history, in pieces."""
    dirt, start = Dirt(world.description, world.seed), int(world.start.timestamp())
    return csv_gz(SHIPMENT_COLUMNS, world.history(), lambda one: [shipment_row(one, start, _flaw(one, dirt, start))])


def events_csv_gz(world: World) -> Iterator[bytes]:
    """The events file of the history, in pieces."""
    dirt, start = Dirt(world.description, world.seed), int(world.start.timestamp())
    finished = (shipment for shipment in world.history() if shipment.finished_at <= start)
    return csv_gz(EVENT_COLUMNS, finished, lambda one: event_rows(one, _flaw(one, dirt, start)))


def new_shipments_csv_gz(world: World, since: datetime, now: datetime) -> Iterator[bytes]:
    """The registrations since a time, up to now: what the shop knows when it ships, so without later times."""
    earliest = world.start - timedelta(days=world.description.history_days)
    ordered = world.ordered_between(max(since, earliest), now)
    return csv_gz(SHIPMENT_COLUMNS, ordered, lambda one: [shipment_row(one, one.ordered_at)])


def shipment_row(shipment: Shipment, known_until: int, flaw: str | None = None) -> Row:
    """A row of the shipments file, as known at a time (seconds since 1970)."""
    shipped, delivered = shipment.shipped_at, shipment.delivered_at
    shipped_text = utc_text(shipped) if shipped <= known_until else ""
    if flaw == "delivered_before_shipped" and delivered is not None:
        delivered = shipped - 3 * 86400
    elif flaw in ("delivered_before_shipped", "unreadable_date"):
        shipped_text = f"31.02.{shipped_text[:4]} 25:61"
    return (
        shipment.order_id,
        shipment.number,
        shipment.carrier,
        shipment.service,
        shipment.origin.country,
        shipment.origin.iso_region,
        shipment.destination.country,
        shipment.destination.iso_region,
        utc_text(shipment.ordered_at),
        shipped_text,
        utc_text(delivered) if delivered is not None and delivered <= known_until else "",
        "" if shipment.promised_at is None else utc_text(shipment.promised_at),
    )


def event_rows(shipment: Shipment, flaw: str | None = None) -> list[Row]:
    """A finished shipment's rows of the events file, oldest first."""
    rows: list[Row] = []
    for place, scan in enumerate(shipment.scans):
        code, text = code_and_text(shipment.carrier, scan)
        occurred_at = local_text(scan)
        if place == 1 and flaw == "unreadable_event_date":
            occurred_at = f"{occurred_at[:4]}-02-30T24:61:00"
        where = scan.place
        rows.append(
            (
                shipment.carrier,
                shipment.number,
                occurred_at,
                code,
                text,
                where.country,
                where.iso_region,
                where.city,
                MILESTONE_OF[scan.kind],
            )
        )
    return rows


def _flaw(shipment: Shipment, dirt: Dirt, start: int) -> str | None:
    """Only finished shipments' rows are broken: one under way must stay known, so that it is pulled."""
    return dirt.in_history(shipment.carrier, shipment.number) if shipment.finished_at <= start else None


def _open(path: Path) -> IO[str]:
    return io.TextIOWrapper(gzip.GzipFile(path, "wb", _COMPRESSION, mtime=0), encoding="utf-8", newline="")
