"""The carriers' own sample answers, where they are at hand, read in full."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from lanecast.carriers.parse import event_record, parse_file
from lanecast.tracking import MILESTONES, Parcel

SAMPLES = Path(__file__).resolve().parents[4] / "shared" / "fixtures" / "carriers"
pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"the carriers' sample answers are not at {SAMPLES}")

FILES = {
    "ups": ("ups/TrackingResponseJSON.json", 1),
    "fedex": ("fedex/TrackingResponse.json", 1),
    "dhl": ("dhl_universal/TrackingResponseJSON.json", 1),
    "usps": ("usps/TrackingResponse.json", 12),
}


def parcels(carrier: str) -> list[Parcel]:
    found = list(parse_file(carrier, SAMPLES / FILES[carrier][0]))
    assert all(isinstance(one, Parcel) for one in found), found
    return [one for one in found if isinstance(one, Parcel)]


@pytest.mark.parametrize("carrier", FILES)
def test_every_event_of_a_sample_is_read_and_mapped(carrier: str) -> None:
    events = [event for parcel in parcels(carrier) for event in parcel.events]
    assert len(events) == FILES[carrier][1]
    for event in events:
        assert event.mapped
        assert event.milestone in MILESTONES
        seconds = (event.local_time - event.occurred_at.replace(tzinfo=None)).total_seconds()
        assert seconds == event.utc_offset_minutes * 60


def test_a_ups_event_takes_the_zone_of_its_place() -> None:
    parcel = parcels("ups")[0]
    record = event_record("ups", parcel, parcel.events[0])
    assert parcel.requested_number == "1Z023E2X0214323462"
    assert record["occurred_at"] == "2021-02-10T12:13:56Z"
    assert record["local_time"] == "2021-02-10T07:13:56"
    assert (record["utc_offset"], record["tz_known"]) == ("-05:00", "place")
    assert (record["code"], record["milestone"]) == ("X/SR", "import_cleared")
    assert (record["country"], record["region"], record["city"]) == ("US", "US-NJ", "Wayne")
    assert list(record)[:6] == ["carrier", "tracking_number", "occurred_at", "local_time", "utc_offset", "tz_known"]
    assert list(record)[6:] == ["code", "description", "milestone", "reason", "country", "region", "city"]


def test_a_fedex_event_keeps_its_offset_and_the_unknown_number_is_not_found() -> None:
    known, unknown = parcels("fedex")
    assert known.requested_number == "123456789012"
    assert (known.events[0].utc_offset_minutes, known.events[0].tz_known) == (-420, "offset")
    assert (known.events[0].milestone, known.events[0].reason) == ("picked_up", None)
    assert not unknown.found
    assert unknown.events == []


def test_a_dhl_event_without_zone_is_local_to_its_place() -> None:
    event = parcels("dhl")[0].events[0]
    assert event.local_time == datetime(2018, 3, 2, 7, 53, 47)  # noqa: DTZ001
    assert (event.utc_offset_minutes, event.tz_known, event.milestone) == (60, "place", "info_received")


def test_usps_offsets_win_over_greenwich_seconds() -> None:
    event = parcels("usps")[0].events[0]
    assert event.occurred_at.isoformat() == "2024-11-22T18:58:00+00:00"
    assert (event.milestone, event.code, event.region) == ("delivered", "01", "US-FL")
