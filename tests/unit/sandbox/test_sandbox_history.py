"""The history export: what was known at the start, with its few broken rows, the same over HTTP and on disk."""

from __future__ import annotations

import csv
import gzip
import io
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from lanecast.sandbox.description import Description, Dirt, Orders
from lanecast.sandbox.history import (
    EVENT_COLUMNS,
    SHIPMENT_COLUMNS,
    events_csv_gz,
    new_shipments_csv_gz,
    shipments_csv_gz,
    write_history,
)
from lanecast.sandbox.world import World
from lanecast.tracking import FINAL_MILESTONES

START = datetime(2026, 5, 20, 12, tzinfo=UTC)
Rows = list[dict[str, str]]


def small(description: Description, dirt: float) -> World:
    orders = Orders(per_day=12, weekdays=[1.0] * 7, multi_piece=0.1)
    return World(
        msgspec.structs.replace(description, orders=orders, history_days=90, dirt=Dirt(answers=0, history=dirt)), START
    )


def rows_of(pieces: Iterable[bytes]) -> Rows:
    return list(csv.DictReader(io.StringIO(gzip.decompress(b"".join(pieces)).decode())))


@pytest.fixture
def clean(description: Description) -> World:
    return small(description, 0.0)


def test_files_on_disk_equal_those_over_http(clean: World, tmp_path: Path) -> None:
    written = write_history(clean, tmp_path)
    assert rows_of([written.shipments_file.read_bytes()]) == rows_of(shipments_csv_gz(clean))
    assert rows_of([written.events_file.read_bytes()]) == rows_of(events_csv_gz(clean))
    assert written.shipments == len(rows_of(shipments_csv_gz(clean)))
    assert written.events == len(rows_of(events_csv_gz(clean)))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["events.csv.gz", "shipments.csv.gz"]


def test_shipments_tell_only_what_was_known_at_the_start(clean: World) -> None:
    rows = rows_of(shipments_csv_gz(clean))
    assert tuple(rows[0]) == SHIPMENT_COLUMNS
    under_way = 0
    for row, shipment in zip(rows, clean.history(), strict=True):
        truth = clean.truth(shipment)
        assert datetime.fromisoformat(row["ordered_at"]) == truth.ordered_at <= START
        for column, true in (("shipped_at", truth.shipped_at), ("delivered_at", truth.delivered_at)):
            known = true is not None and true <= START
            assert (datetime.fromisoformat(row[column]) == true) if known else row[column] == ""
        under_way += truth.finished_at > START
        assert row["destination_region"].startswith(row["destination_country"] + "-")
    assert 0 < under_way < len(rows)


def test_events_are_those_of_finished_shipments_to_the_end(clean: World) -> None:
    rows = rows_of(events_csv_gz(clean))
    assert tuple(rows[0]) == EVENT_COLUMNS
    told: dict[str, Rows] = defaultdict(list)
    for row in rows:
        told[row["tracking_number"]].append(row)
    finished = {one.number: one for one in clean.history() if one.finished_at <= START.timestamp()}
    assert told.keys() == finished.keys()
    for number, events in told.items():
        times = [datetime.fromisoformat(event["occurred_at"]).astimezone(UTC).timestamp() for event in events]
        assert times == [scan.instant for scan in finished[number].scans]
        assert events[-1]["milestone"] in FINAL_MILESTONES
        assert all(event["code"] for event in events)


def test_dirt_breaks_rows_of_finished_shipments_only(description: Description) -> None:
    clean, dirty = small(description, 0.0), small(description, 0.3)
    good, bad = rows_of(shipments_csv_gz(clean)), rows_of(shipments_csv_gz(dirty))
    changed = [(one, other) for one, other in zip(good, bad, strict=True) if one != other]
    assert any("25:61" in other["shipped_at"] for _, other in changed)
    assert any(other["delivered_at"] and other["delivered_at"] < other["shipped_at"] for _, other in changed)
    finished = {one.number for one in clean.history() if one.finished_at <= START.timestamp()}
    assert {other["tracking_number"] for _, other in changed} <= finished
    assert any("T24:61" in row["occurred_at"] for row in rows_of(events_csv_gz(dirty)))


def test_new_shipments_are_those_since(clean: World) -> None:
    since, now = START + timedelta(days=2, hours=3), START + timedelta(days=5)
    rows = rows_of(new_shipments_csv_gz(clean, since, now))
    times = [datetime.fromisoformat(row["ordered_at"]) for row in rows]
    assert times
    assert all(since < time <= now for time in times)
    assert all(row["delivered_at"] == row["shipped_at"] == "" for row in rows)
    assert rows_of(new_shipments_csv_gz(clean, now, now)) == []
