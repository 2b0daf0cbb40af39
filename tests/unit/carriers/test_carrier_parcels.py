"""Parcels of an answer: pieces, not found, order back to the sender, and each carrier's way to tell time."""

from __future__ import annotations

import json
from typing import Any

import carrier_answers as answers
import pytest

from lanecast.carriers.registry import adapter
from lanecast.tracking import Parcel, TrackingEvent, Unreadable


def read(carrier: str, body: bytes, *requested: str) -> tuple[list[Parcel], list[Unreadable]]:
    found = list(adapter(carrier).parse(body, requested))
    return [one for one in found if isinstance(one, Parcel)], [one for one in found if isinstance(one, Unreadable)]


def only_event(carrier: str, body: bytes) -> TrackingEvent:
    parcels, unreadable = read(carrier, body)
    assert not unreadable, unreadable
    return parcels[0].events[0]


def ups_event(**changes: Any) -> TrackingEvent:
    return only_event("ups", answers.ups(answers.ups_package("1Z1", answers.ups_activity(**changes))))


def test_each_ups_package_is_a_parcel_of_the_number_asked_for() -> None:
    body = answers.ups(
        answers.ups_package(answers.NUMBERS["ups"], answers.ups_activity()),
        answers.ups_package("1Z999AA10123456793", answers.ups_activity(), answers.ups_activity()),
    )
    parcels, unreadable = read("ups", body, " 1z999aa1 0123456784 ")
    assert not unreadable
    assert [parcel.tracking_number for parcel in parcels] == [answers.NUMBERS["ups"], "1Z999AA10123456793"]
    assert {parcel.requested_number for parcel in parcels} == {" 1z999aa1 0123456784 "}
    assert [len(parcel.events) for parcel in parcels] == [1, 2]
    assert (parcels[0].origin_country, parcels[0].destination_country, parcels[0].destination_region) == (
        "CN",
        "US",
        "US-NJ",
    )


def test_several_fedex_results_of_one_number_are_parcels_of_their_own() -> None:
    result = answers.fedex_result("111", answers.fedex_scan())
    result["trackResults"].append({"trackingNumberInfo": {"trackingNumber": "112"}, "scanEvents": []})
    parcels, unreadable = read("fedex", answers.fedex(result, answers.fedex_result("222")), "111", "222")
    assert not unreadable
    assert [(parcel.tracking_number, parcel.requested_number) for parcel in parcels] == [
        ("111", "111"),
        ("112", "111"),
        ("222", "222"),
    ]


def test_a_dhl_piece_shares_its_shipments_timeline() -> None:
    body = answers.dhl(answers.dhl_event(), details={"pieceIds": ["JD0001", "JD0002"]}, id=7777777770)
    parcels, unreadable = read("dhl", body, "JD0002")
    assert not unreadable
    assert [(parcel.tracking_number, len(parcel.events)) for parcel in parcels] == [("JD0002", 1)]
    assert read("dhl", body)[0][0].tracking_number == "7777777770"


NOT_FOUND = {
    "ups": {"response": {"errors": [{"code": "TW0001", "message": "Tracking Information Not Found"}]}},
    "fedex": {"errors": [{"code": "TRACKING.TRACKINGNUMBER.NOTFOUND", "message": "cannot be found"}]},
    "dhl": {"title": "No result found", "status": 404, "detail": "No shipment with given tracking number found."},
    "usps": {"apiVersion": "/tracking/v3", "error": {"code": "404", "message": "not found", "errors": []}},
}


@pytest.mark.parametrize("carrier", NOT_FOUND)
def test_not_found_is_a_parcel_that_is_not_found(carrier: str) -> None:
    parcels, unreadable = read(carrier, json.dumps(NOT_FOUND[carrier]).encode(), "N 1")
    assert not unreadable
    assert [(parcel.requested_number, parcel.found, parcel.events) for parcel in parcels] == [("N 1", False, [])]


def test_not_found_in_the_midst_of_a_fedex_answer_is_that_number_alone() -> None:
    missing = {
        "trackingNumber": "222",
        "trackResults": [{"error": {"code": "TRACKING.TRACKINGNUMBER.NOTFOUND", "message": "no"}}],
    }
    parcels, unreadable = read("fedex", answers.fedex(answers.fedex_result("111", answers.fedex_scan()), missing))
    assert not unreadable
    assert [(parcel.tracking_number, parcel.found) for parcel in parcels] == [("111", True), ("222", False)]


@pytest.mark.parametrize("carrier", answers.ONE_EVENT)
def test_a_number_that_the_answer_is_silent_about_is_unreadable(carrier: str) -> None:
    parcels, unreadable = read(carrier, answers.ONE_EVENT[carrier](), "another number 🙂")
    assert [one.tracking_number for one in unreadable] == ["another number 🙂"]
    assert "does not mention" in unreadable[0].problem
    assert [parcel.requested_number for parcel in parcels] == [answers.NUMBERS[carrier]]


def test_an_error_answer_tells_its_error() -> None:
    body = json.dumps({"response": {"errors": [{"code": "250003", "message": "Invalid Access License number"}]}})
    parcels, unreadable = read("ups", body.encode(), "1Z1")
    assert not parcels
    assert "250003 Invalid Access License number" in unreadable[0].problem


def test_ups_greenwich_fields_tell_the_offset() -> None:
    told = ups_event(gmtDate="20240305", gmtTime="14:15:00", gmtOffset="-05:00")
    assert (told.tz_known, told.utc_offset_minutes) == ("offset", -300)
    derived = ups_event(gmtDate="20240305", gmtTime="141500")
    assert (derived.tz_known, derived.utc_offset_minutes) == ("utc", -300)
    placed = ups_event()
    assert (placed.tz_known, placed.utc_offset_minutes) == ("place", -300)
    assert {event.occurred_at.isoformat() for event in (told, derived, placed)} == {"2024-03-05T14:15:00+00:00"}


def test_a_ups_time_may_have_lost_its_leading_zero_or_be_a_number() -> None:
    assert ups_event(time="74700").local_time.isoformat() == "2024-03-05T07:47:00"
    assert ups_event(date=20240305, time=74700).local_time.isoformat() == "2024-03-05T07:47:00"


def test_a_dhl_z_is_local_time_but_an_offset_is_believed() -> None:
    zulu = only_event("dhl", answers.dhl(answers.dhl_event(timestamp="2024-07-05T09:15:00Z")))
    assert (zulu.local_time.isoformat(), zulu.utc_offset_minutes, zulu.tz_known) == (
        "2024-07-05T09:15:00",
        120,
        "place",
    )
    told = only_event("dhl", answers.dhl(answers.dhl_event(timestamp="2024-07-05T09:15:00+08:00")))
    assert (told.utc_offset_minutes, told.tz_known) == (480, "offset")


def test_usps_offset_wins_where_greenwich_disagrees() -> None:
    body = answers.usps(answers.usps_event(GMTTimestamp="2024-03-05T09:15:00Z"))
    assert only_event("usps", body).occurred_at.isoformat() == "2024-03-05T14:15:00+00:00"
    without = only_event("usps", answers.usps(answers.usps_event(GMTOffset=None)))
    assert (without.tz_known, without.utc_offset_minutes) == ("utc", -300)
    bare = only_event("usps", answers.usps(answers.usps_event(GMTOffset="", GMTTimestamp=None)))
    assert (bare.tz_known, bare.utc_offset_minutes) == ("place", -300)


def test_what_is_delivered_after_turning_back_is_returned() -> None:
    body = answers.usps(
        answers.usps_event(eventCode="01", eventTimestamp="2024-03-09T10:00:00"),
        answers.usps_event(eventCode="09", eventTimestamp="2024-03-07T10:00:00"),
        answers.usps_event(eventCode="01", eventTimestamp="2024-03-06T10:00:00"),
    )
    events = read("usps", body)[0][0].events
    assert [event.milestone for event in events] == ["returned", "returning", "delivered"]


@pytest.mark.parametrize(
    ("carrier", "body"),
    [
        ("ups", answers.ups(answers.ups_package("1Z1", answers.ups_activity(location=None, status=None)))),
        ("ups", answers.ups(answers.ups_package("1Z1", answers.ups_activity(status={"type": None, "code": ""})))),
        ("fedex", answers.fedex(answers.fedex_result("1", answers.fedex_scan(eventType=None, scanLocation=None)))),
        ("dhl", answers.dhl(answers.dhl_event(location=None, statusCode=None, status=None, description=None))),
        ("usps", answers.usps(answers.usps_event(eventCode=None, eventCity="", eventType=None, eventState=""))),
    ],
)
def test_nulls_cost_only_themselves(carrier: str, body: bytes) -> None:
    event = only_event(carrier, body)
    assert (event.milestone, event.mapped, event.code) == ("in_transit", False, None)


def test_no_text_keeps_a_nul_that_postgres_refuses() -> None:
    body = answers.usps(answers.usps_event(eventCity="HER\x00NANDO", eventType="a \\u0000 b"))
    event = only_event("usps", body)
    assert event.city == "HERNANDO"
    assert event.description == "a \\u0000 b"
