"""Australia Post: requests, items and consignments, words and their places."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lanecast.carriers.australia_post import AustraliaPost
from lanecast.carriers.base import Account, Wanted
from lanecast.carriers.parse import parse_file
from lanecast.tracking import MILESTONES, Parcel, TrackingEvent, Unreadable

SAMPLES = Path(__file__).resolve().parents[4] / "shared" / "fixtures" / "carriers"
SAMPLE = SAMPLES / "australiapost" / "TrackingResponse.json"
NUMBER = "7AB1234567"


def event(**changes: Any) -> dict[str, Any]:
    told = {"location": "KEW VIC", "description": "Item processed at facility", "date": "2026-03-05T09:15:00+11:00"}
    return told | changes


def result(*items: Any, number: str = NUMBER, **changes: Any) -> dict[str, Any]:
    return {"tracking_id": number, "trackable_items": list(items)} | changes


def article(*events: Any, number: str = NUMBER) -> dict[str, Any]:
    return {"article_id": number, "product_type": "Parcel Post", "events": list(events)}


def body(*results: Any) -> bytes:
    return json.dumps({"tracking_results": list(results)}).encode()


def events_of(*events: Any, number: str = NUMBER) -> list[TrackingEvent]:
    (parcel,) = AustraliaPost().parse(body(result(article(*events, number=number), number=number)), [number])
    assert isinstance(parcel, Parcel)
    return parcel.events


@pytest.mark.skipif(not SAMPLE.is_file(), reason=f"the sample answer is not at {SAMPLE}")
def test_the_sample_is_read_in_full() -> None:
    parcels = [one for one in parse_file("australia_post", SAMPLE) if isinstance(one, Parcel)]
    assert [len(parcel.events) for parcel in parcels] == [8, 9, 10]
    assert [parcel.origin_country for parcel in parcels] == ["AU", "US", None]
    for told in (one for parcel in parcels for one in parcel.events):
        assert told.mapped
        assert told.milestone in MILESTONES
        assert (told.utc_offset_minutes, told.tz_known) == (660, "offset")
    assert [parcel.events[0].milestone for parcel in parcels] == ["in_transit", "delivered", "delivered"]


def test_a_request_asks_for_ten_and_names_the_account_in_headers() -> None:
    account = Account(
        carrier="australia_post",
        base_url="https://digitalapi.auspost.com.au",
        login="me",
        password="hush",
        extra={"account_number": "0001234567"},
    )
    spec = AustraliaPost().build(account, [Wanted(" A1 "), Wanted("B2")], None)
    assert (spec.method, spec.path, spec.params) == ("GET", "/shipping/v1/track", {"tracking_ids": "A1,B2"})
    assert AustraliaPost.numbers_per_request == 10
    headers = AustraliaPost().authorization(account, None)
    assert headers == {"Authorization": "Basic bWU6aHVzaA==", "Account-Number": "0001234567"}


@pytest.mark.parametrize(
    ("words", "code", "milestone", "reason"),
    [
        ("Shipping information received by Australia Post", None, "info_received", None),
        ("Onboard for delivery", None, "out_for_delivery", None),
        ("With Australia Post for delivery today", None, "out_for_delivery", None),
        ("Delivered - Left in a safe place", None, "delivered", None),
        ("Delivered to a neighbour", None, "delivered", None),
        ("Leave in a safe place requested by Receiver", None, "in_transit", None),
        ("Awaiting collection at INALA HEIGHTS LPO", "Awaiting collection", "available_for_pickup", None),
        ("In transit to next facility in DARRA QLD", "In transit to next facility", "in_transit", None),
        ("Attempted delivery - Unable to gain access", None, "failed_attempt", "access"),
        ("Attempted delivery - Refused", None, "failed_attempt", "refused"),
        ("Cannot be delivered", None, "failed_attempt", None),
        ("Could not be delivered: return to sender", None, "returning", None),
        ("Returned to sender", None, "returned", None),
        ("Article damaged", None, "damaged", None),
        ("Item lost", None, "lost", None),
        ("Possible delay", None, "delayed", None),
    ],
)
def test_words_mean(words: str, code: str | None, milestone: str, reason: str | None) -> None:
    (found,) = events_of(event(description=words))
    assert (found.code, found.description) == (code or words, words)
    assert (found.milestone, found.reason, found.mapped) == (milestone, reason, True)


def test_delivered_after_a_return_is_returned() -> None:
    told = events_of(
        event(description="Delivered", date="2026-03-09T10:00:00+11:00"), event(description="Return to sender")
    )
    assert [one.milestone for one in told] == ["returned", "returning"]


@pytest.mark.parametrize(
    ("number", "location", "milestone"),
    [
        ("LX123456785US", "SYDNEY NSW", "import_cleared"),
        ("LX123456785US", "CHICAGO (US)", "export_cleared"),
        ("LX123456785AU", "SYDNEY NSW", "export_cleared"),
        ("LX123456785AU", "Transit Scan", "import_cleared"),
    ],
)
def test_customs_is_told_apart_by_where_the_item_was_posted(number: str, location: str, milestone: str) -> None:
    (found,) = events_of(event(description="Item cleared by Customs", location=location), number=number)
    assert found.milestone == milestone


@pytest.mark.parametrize(
    ("location", "place"),
    [
        ("OAKLEIGH SOUTH VIC", ("AU", "AU-VIC", "OAKLEIGH SOUTH")),
        ("Sydney,NSW", ("AU", "AU-NSW", "Sydney")),
        ("SYDNEY (AU)", ("AU", None, "SYDNEY")),
        ("US-60199, UNITED STATES", ("US", None, None)),
        ("NZ", ("NZ", None, None)),
        ("Transit Scan", (None, None, None)),
        (None, (None, None, None)),
    ],
)
def test_places_are_read(location: str | None, place: tuple[str | None, ...]) -> None:
    (found,) = events_of(event(location=location))
    assert (found.country, found.region, found.city) == place


def test_the_offset_is_the_clock_even_abroad_and_without_one_it_is_the_state_s() -> None:
    dates = ["2026-03-05T09:15:00+11:00", "2026-07-05T09:15:00+10:00", "2026-01-05 09:15:00", "2026-07-05 09:15:00"]
    told = events_of(*(event(location="CHICAGO (US)", date=date) for date in dates))
    assert [one.utc_offset_minutes for one in told] == [660, 600, 660, 600]
    (found,) = events_of(event(location="REDBANK QLD", date="2026-01-05 09:15:00"))
    assert (found.utc_offset_minutes, found.tz_known) == (600, "place")


def test_a_consignment_s_articles_are_parcels_and_share_its_events() -> None:
    consignment = {"consignment_id": NUMBER, "items": [article(event(), number="A1"), article(number="A2")]}
    told = body(result(consignment, consignment={"events": [event(description="Awaiting collection")]}))
    parcels = [one for one in AustraliaPost().parse(told, [NUMBER]) if isinstance(one, Parcel)]
    assert [(one.tracking_number, one.requested_number) for one in parcels] == [("A1", NUMBER), ("A2", NUMBER)]
    assert [one.events[0].milestone for one in parcels] == ["hub_arrived", "available_for_pickup"]


@pytest.mark.parametrize("code", ["ESB-10001", "ESB-10002"])
def test_unknown_numbers_are_not_found_beside_known_ones(code: str) -> None:
    told = body(result(article(event())), {"tracking_id": "X1", "errors": [{"code": code, "name": "Invalid"}]})
    known, unknown = AustraliaPost().parse(told, [NUMBER, "x1"])
    assert isinstance(known, Parcel)
    assert isinstance(unknown, Parcel)
    assert (known.found, unknown.found, unknown.requested_number) == (True, False, "x1")


@pytest.mark.parametrize(
    ("answer", "numbers"),
    [
        (b"", [NUMBER]),
        (b"<html>", [NUMBER]),
        (b'{"errors": [{"error_code": "API_002", "message": "Too many requests"}]}', [NUMBER]),
        (b'{"errors": [{"code": "51104", "name": "INVALID_TRACKING_ID"}]}', [NUMBER, "X1"]),
        (body({"tracking_id": NUMBER, "errors": [{"code": "ESB-20010"}]}), [NUMBER]),
        (body(result(article(event()), number="other")), [NUMBER]),
    ],
)
def test_other_answers_are_unreadable(answer: bytes, numbers: list[str]) -> None:
    found = [one.tracking_number for one in AustraliaPost().parse(answer, numbers) if isinstance(one, Unreadable)]
    assert found == numbers


def test_a_malformed_piece_costs_only_itself_and_unknown_words_are_kept() -> None:
    broken = article(event(description="Something else"), event(date="2026-02-31T00:00:00+11:00"), 7)
    found = list(AustraliaPost().parse(body(3, result(broken)), [NUMBER]))
    assert sum(isinstance(one, Unreadable) for one in found) == 3
    (parcel,) = (one for one in found if isinstance(one, Parcel))
    assert [(one.code, one.milestone, one.mapped) for one in parcel.events] == [("Something else", "in_transit", False)]
