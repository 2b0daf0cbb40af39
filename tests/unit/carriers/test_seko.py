"""SEKO: the request, OP-codes as identity, places and their clocks, customs at either end, answers that are broken."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lanecast.carriers.base import Account, Wanted
from lanecast.carriers.parse import parse_file
from lanecast.carriers.registry import adapter
from lanecast.tracking import Parcel, TrackingEvent, Unreadable

SAMPLES = Path(__file__).resolve().parents[4] / "shared/fixtures/carriers/seko"
NUMBER = "DG00000000001"


def told(code: str | None, words: str = "", **changes: Any) -> dict[str, Any]:
    return {
        "EventDT": "2026-07-01T09:05:00.5",
        "Code": None,
        "OmniCode": code,
        "Description": words,
        "Location": "Essen, DE",
        "Part": 1,
    } | changes


def consignment(*events: Any, number: str = NUMBER, **changes: Any) -> dict[str, Any]:
    return {"ConsignmentNo": number, "Status": "x", "Picked": None, "Events": list(events)} | changes


def read(content: object, *requested: str) -> tuple[list[Parcel], list[Unreadable]]:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    found = list(adapter("seko").parse(body, requested or (NUMBER,)))
    return [one for one in found if isinstance(one, Parcel)], [one for one in found if isinstance(one, Unreadable)]


def event(code: str | None, words: str = "", **changes: Any) -> TrackingEvent:
    parcels, unreadable = read([consignment(told(code, words, **changes))])
    assert not unreadable
    return parcels[0].events[0]


def test_a_scan_without_place_takes_the_clock_of_the_nearest_that_has_one() -> None:
    listed = [
        told("OP-1", Location="Shanghai, CN"),
        told("OP-3", Location=None),
        told("OP-4", Location=None),
        told("OP-5", Location="Essen, DE"),
    ]
    parcels, _ = read([consignment(*listed)])
    assert [(one.utc_offset_minutes, one.tz_known, one.country) for one in parcels[0].events] == [
        (480, "place", "CN"),
        (480, "assumed", None),
        (120, "assumed", None),
        (120, "place", "DE"),
    ]
    assert event("OP-1", Location=None).utc_offset_minutes == 0


@pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"SEKO's sample answers are not at {SAMPLES}")
@pytest.mark.parametrize(
    ("file", "counts"), [("TrackingResponse.json", [10]), ("TrackingResponse2.json", [2, 2, 2, 2])]
)
def test_the_public_samples_are_read_in_full(file: str, counts: list[int]) -> None:
    parcels = [one for one in parse_file("seko", SAMPLES / file) if isinstance(one, Parcel)]
    assert [len(one.events) for one in parcels] == counts
    events = [one for parcel in parcels for one in parcel.events]
    assert all(one.mapped for one in events)
    minutes = {(one.code, one.local_time.replace(second=0, microsecond=0)) for one in parcels[0].events}
    assert len(minutes) == counts[0]
    if counts == [10]:
        assert [one.milestone for one in events][-4:] == ["hub_arrived", "hub_arrived", "out_for_delivery", "delivered"]
        assert events[-1].occurred_at.isoformat() == "2024-12-24T12:31:47+00:00"
        assert (events[4].country, events[4].city) == ("DE", "Essen")


def test_a_request_is_a_list_of_numbers_with_the_key_in_a_header() -> None:
    account = Account(carrier="seko", base_url="https://x", login="", password="pass-word")
    spec = adapter("seko").build(account, [Wanted(" A1 "), Wanted("B2")], None)
    assert (spec.method, spec.path, spec.json) == ("POST", "/labels/statusv2", ["A1", "B2"])
    assert spec.params is None
    assert adapter("seko").authorization(account, None) == {"access_key": "pass-word"}


@pytest.mark.parametrize(
    ("code", "milestone", "reason"),
    [
        ("OP-1", "info_received", None),
        ("OP-21", "out_for_delivery", None),
        ("OP-24", "failed_attempt", "recipient_absent"),
        ("OP-28", "failed_attempt", "refused"),
        ("OP-29", "returning", None),
        ("OP-59", "returning", "unclaimed"),
        ("OP-90", "returned", None),
        ("OP-15", "lost", None),
        ("OP-91", "lost", None),
        ("OP-92", "destroyed", None),
        ("OP-72", "delivered", None),
        ("OP-73", "delivered", None),
        ("OP-74", "delivered", None),
        ("OP-75", "delivered", None),
        ("OP-76", "available_for_pickup", None),
        ("OP-42", "available_for_pickup", None),
        ("OP-6", "customs_hold", "customs_inspection"),
    ],
)
def test_codes(code: str, milestone: str, reason: str | None) -> None:
    one = event(code)
    assert (one.code, one.milestone, one.reason, one.mapped) == (code, milestone, reason, True)


def test_the_words_of_the_delivering_carrier_make_a_code_finer_but_no_delivery() -> None:
    assert event("OP-79", "The parcel has left the parcel center.").milestone == "hub_departed"
    assert event("OP-79", "Delivered").milestone == "in_transit"


def test_the_code_is_sekos_own_whatever_the_delivering_carriers_is() -> None:
    assert event("OP-50", Code="2.0").code == "OP-50"
    one = event("OP-999", "New thing", Code="7.7")
    assert (one.code, one.milestone, one.mapped) == ("OP-999", "in_transit", False)
    assert event(None, "Words alone", Code="7.7").code is None


def test_customs_at_the_senders_is_export_and_elsewhere_import() -> None:
    parcels, _ = read(
        [
            consignment(
                told("OP-1", Location="LONDON,EGHAM,GB"),
                told("OP-5", Location="Egham, Surrey,GB", EventDT="2026-07-02T10:00:00"),
                told("OP-5", Location="NL", EventDT="2026-07-04T10:00:00"),
            )
        ]
    )
    assert [one.milestone for one in parcels[0].events] == ["info_received", "export_cleared", "import_cleared"]


def test_a_delivery_after_the_way_back_is_to_the_sender() -> None:
    parcels, _ = read([consignment(told("OP-29"), told("OP-72", EventDT="2026-07-09T10:00:00"))])
    assert [one.milestone for one in parcels[0].events] == ["returning", "returned"]


@pytest.mark.parametrize(
    ("location", "time", "utc", "known", "place"),
    [
        ("LONDON,EGHAM,GB", "2026-07-01T09:05:00", "2026-07-01T08:05:00+00:00", "place", ("GB", None, "LONDON")),
        ("Essen, DE", "2026-12-01T09:05:00", "2026-12-01T08:05:00+00:00", "place", ("DE", None, "Essen")),
        ("NL", "2026-10-25T02:30:00", "2026-10-25T00:30:00+00:00", "place", ("NL", None, None)),
        ("CARSON, CA,US", "2026-07-01T09:05:00", "2026-07-01T16:05:00+00:00", "place", ("US", "US-CA", "CARSON")),
        ("", "2026-07-01T09:05:00", "2026-07-01T09:05:00+00:00", "assumed", (None, None, None)),
        ("Depot 7", "2026-07-01T09:05:00", "2026-07-01T09:05:00+00:00", "assumed", (None, None, "Depot 7")),
    ],
)
def test_an_events_clock_is_its_places(
    location: str, time: str, utc: str, known: str, place: tuple[str | None, ...]
) -> None:
    one = event("OP-79", Location=location, EventDT=time)
    assert (one.occurred_at.isoformat(), one.tz_known) == (utc, known)
    assert (one.country, one.region, one.city) == place


def test_numbers_that_a_whole_list_leaves_out_are_not_found() -> None:
    parcels, unreadable = read([consignment(told("OP-1"), number="a1")], "A1", "B2")
    assert not unreadable
    assert [(one.requested_number, one.found) for one in parcels] == [("A1", True), ("B2", False)]
    parcels, unreadable = read([consignment(Status=None, Events=None)])
    assert (parcels[0].found, unreadable) == (False, [])


def test_a_number_that_may_have_been_in_a_broken_piece_is_unreadable() -> None:
    parcels, unreadable = read([consignment(told("OP-1"), number="A1"), 17, {"Events": []}], "A1", "B2")
    assert [one.requested_number for one in parcels] == ["A1"]
    assert "B2" in {one.tracking_number for one in unreadable}


def test_broken_events_cost_only_themselves() -> None:
    broken = consignment(told("OP-1", EventDT="2018-28-28T17:22:43"), 3, told("OP-4", EventDT=None), told("OP-3"))
    parcels, unreadable = read([broken, consignment(told("OP-1"), number="B2")], NUMBER, "B2")
    assert [[one.code for one in parcel.events] for parcel in parcels] == [["OP-3"], ["OP-1"]]
    assert [one.tracking_number for one in unreadable] == [NUMBER] * 3


@pytest.mark.parametrize(
    "content", [b"", b"<html></html>", b"[", {}, {"Errors": [{"Property": "x", "Message": "is required"}]}, 7]
)
def test_what_is_no_list_is_unreadable_for_each_number(content: object) -> None:
    parcels, unreadable = read(content, "1", "2")
    assert not parcels
    assert [one.tracking_number for one in unreadable] == ["1", "2"]
