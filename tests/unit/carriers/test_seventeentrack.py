"""17TRACK: registration, rejections, sub-statuses, times, and customs at either end. Answers are made up."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from lanecast.carriers import carrier_keys
from lanecast.carriers.base import Account, FollowUp, Wanted
from lanecast.carriers.registry import adapter
from lanecast.carriers.seventeentrack import SeventeenTrack
from lanecast.tracking import Parcel, TrackingEvent, Unreadable
from lanecast.web import RequestSpec

NUMBER = "LX123456785CN"
KEY = "a-key-of-17track"
ACCOUNT = Account(carrier="seventeentrack", base_url="https://api.17track.net", login="", password=KEY)
TRACK = adapter("seventeentrack")


def answer(*accepted: Any, rejected: Any = (), code: int = 0, **data: Any) -> bytes:
    return json.dumps({"code": code, "data": {"accepted": list(accepted), "rejected": list(rejected)} | data}).encode()


def scan(sub_status: str | None, time: str | None = "2026-03-02T10:15:00+08:00", **told: Any) -> dict[str, Any]:
    return {"time_iso": time, "sub_status": sub_status, "description": "as printed", "stage": None} | told


def at(country: str | None, city: str | None = None) -> dict[str, Any]:
    return {"country": country, "state": None, "city": city, "coordinates": {"longitude": None, "latitude": None}}


def parcel(
    *events: Any, others: Any = (), origin: str = "CN", destination: str = "DE", number: str = NUMBER, **told: Any
) -> dict[str, Any]:
    providers = [{"provider": {"key": 3011}, "events": list(events)}, *[{"events": list(one)} for one in others]]
    ends = {"shipper_address": at(origin), "recipient_address": at(destination)}
    info = {"shipping_info": ends, "misc_info": {"service_type": "ePacket"}, "tracking": {"providers": providers}}
    return {"number": number, "carrier": 3011, "track_info": info} | told


def rejection(number: str, code: int, message: str = "as 17TRACK says") -> dict[str, Any]:
    return {"number": number, "carrier": 0, "error": {"code": code, "message": message}}


def only(body: bytes, number: str = NUMBER) -> Parcel:
    (found,) = TRACK.parse(body, [number])
    assert isinstance(found, Parcel), found
    return found


def event(**told: Any) -> TrackingEvent:
    (found,) = only(answer(parcel(scan(**{"sub_status": "InTransit_Other"} | told)))).events
    return found


def test_a_request_has_the_key_in_a_header_and_each_carriers_number_where_it_is_certain() -> None:
    wanted = [Wanted(" 1Z999 ", "ups"), Wanted("JJD01", "dhl"), Wanted("X1", "no_such"), Wanted("X2")]
    spec = TRACK.build(ACCOUNT, wanted, None)
    assert (spec.method, spec.path) == ("POST", "/track/v2.4/gettrackinfo")
    assert spec.json == [
        {"number": "1Z999", "carrier": 100002},
        {"number": "JJD01"},
        {"number": "X1"},
        {"number": "X2"},
    ]
    assert TRACK.authorization(ACCOUNT, None) == {"17token": KEY}
    assert KEY not in json.dumps(spec._asdict())
    assert SeventeenTrack.numbers_per_request == 40


@pytest.mark.parametrize(("key", "slug"), [("100001", "mydhl"), ("7041", "dhl"), ("100010", "dpd"), ("3011", None)])
def test_keys_are_told_back_as_our_carriers(key: str, slug: str | None) -> None:
    assert carrier_keys.carrier_of("seventeentrack", key) == slug
    assert only(answer(parcel(scan("Delivered_Other"), carrier=int(key)))).carrier == slug


def follow(spec: RequestSpec, numbers: list[str], body: bytes) -> list[FollowUp]:
    return TRACK.follow_ups(ACCOUNT, [Wanted(number, "usps") for number in numbers], spec, body)


def test_unregistered_numbers_are_registered_and_asked_for_once_more() -> None:
    numbers = ["A00001", "B00002", "C00003", "D00004"]
    first = TRACK.build(ACCOUNT, [Wanted(number) for number in numbers], None)
    told = answer(
        parcel(scan("Delivered_Other"), number="A00001"),
        rejected=[rejection("B00002", -18019902), rejection("c00003", -18019902), rejection("D00004", -18019909)],
    )
    (register,) = follow(first, numbers, told)
    assert register.spec.path == "/track/v2.4/register"
    assert register.spec.json == [{"number": "B00002", "carrier": 21051}, {"number": "C00003", "carrier": 21051}]
    assert [one.number for one in register.wanted] == ["B00002", "C00003"]
    # What is to be registered says nothing yet; what 17TRACK knows nothing of is not found.
    assert [(one.tracking_number, getattr(one, "found", None)) for one in TRACK.parse(told, numbers)] == [
        ("A00001", True),
        ("D00004", False),
    ]

    registered = answer(
        {"origin": 2, "number": "B00002", "carrier": 21051}, rejected=[rejection("C00003", -18019901, "repeated")]
    )
    assert list(TRACK.parse(registered, ["B00002", "C00003"])) == []
    (again,) = follow(register.spec, ["B00002", "C00003"], registered)
    assert again.spec.path == first.path
    assert again.spec.json == [{"number": "B00002"}, {"number": "C00003"}]
    for code in (-18019902, -18019909):
        assert follow(again.spec, ["B00002"], answer(rejected=[rejection("B00002", code)])) == []


def test_a_batch_of_forty_is_registered_whole() -> None:
    numbers = [f"N{place:05d}" for place in range(40)]
    first = TRACK.build(ACCOUNT, [Wanted(number) for number in numbers], None)
    (register,) = follow(first, numbers, answer(rejected=[rejection(number, -18019902) for number in numbers]))
    assert len(register.wanted) == len(register.spec.json) == 40


@pytest.mark.parametrize("code", [-18010012, -18019903, -18019908, -18019911])
def test_what_is_rejected_for_good_is_told_with_code_and_message(code: int) -> None:
    body = answer(rejected=[rejection("A00001", code, "no quota left")])
    assert list(TRACK.parse(body, ["A00001"])) == [
        Unreadable(problem=f"rejected: {code} no quota left", tracking_number="A00001")
    ]
    for path in ("/track/v2.4/gettrackinfo", "/track/v2.4/register"):
        assert follow(RequestSpec("POST", path), ["A00001"], body) == []


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b'{"data":7}', b'{"data":{"rejected":[7,{"number":8}]}}'])
def test_no_answer_calls_for_anything_by_mistake(body: bytes) -> None:
    assert follow(RequestSpec("POST", "/track/v2.4/gettrackinfo"), ["A00001"], body) == []
    assert [one.tracking_number for one in TRACK.parse(body, ["A00001"])][-1:] == ["A00001"]


def test_an_answer_without_numbers_is_told_by_its_errors() -> None:
    body = json.dumps({"code": -18010013, "data": {"errors": [{"code": -18010013, "message": "Submitted data"}]}})
    (told,) = TRACK.parse(body.encode(), ["A00001"])
    assert isinstance(told, Unreadable)
    assert told.problem.startswith("-18010013 Submitted data")


@pytest.mark.parametrize(
    "told", [parcel(), parcel(track_info=None), parcel(track_info={"latest_status": {"status": "NotFound"}})]
)
def test_a_followed_number_without_any_scan_is_not_found(told: dict[str, Any]) -> None:
    found = only(answer(told))
    assert (found.found, found.events) == (False, [])


@pytest.mark.parametrize(
    ("sub_status", "milestone", "reason"),
    [
        ("InfoReceived", "info_received", None),
        ("InTransit_PickedUp", "picked_up", None),
        ("InTransit_Departure", "hub_departed", None),
        ("InTransit_Arrival", "destination_country_arrived", None),
        ("InTransit_CustomsRequiringInformation", "customs_hold", "customs_documents"),
        ("OutForDelivery_Other", "out_for_delivery", None),
        ("AvailableForPickup_Other", "available_for_pickup", None),
        ("DeliveryFailure_NoBody", "failed_attempt", "recipient_absent"),
        ("DeliveryFailure_Rejected", "failed_attempt", "refused"),
        ("DeliveryFailure_InvalidAddress", "failed_attempt", "address"),
        ("Delivered_Other", "delivered", None),
        ("Exception_Returning", "returning", None),
        ("Exception_Returned", "returned", None),
        ("Exception_Lost", "lost", None),
        ("Exception_Destroyed", "destroyed", None),
        ("Exception_Cancel", "cancelled", None),
        ("Expired_Other", "tracking_expired", None),
    ],
)
def test_sub_statuses_mean_what_they_say(sub_status: str, milestone: str, reason: str | None) -> None:
    found = event(sub_status=sub_status)
    assert (found.code, found.milestone, found.reason, found.mapped) == (sub_status, milestone, reason, True)


@pytest.mark.parametrize(
    ("told", "code", "milestone", "mapped"),
    [
        ({"sub_status": None, "stage": "Returning"}, "Returning", "returning", True),
        ({"sub_status": None, "description": "Out for delivery, van 4"}, None, "out_for_delivery", True),
        ({"sub_status": None, "description": "could not be delivered"}, None, "in_transit", False),
        ({"sub_status": "InTransit_Hovering", "description": None}, "InTransit_Hovering", "in_transit", False),
        ({"description": "Arrived at sorting center"}, "InTransit_Other", "hub_arrived", True),
        ({"description": "已揽收", "description_translation": {"description": "Picked up"}}, None, "picked_up", True),
        ({"sub_status": "Delivered_Other", "description": "Delivered to a neighbour"}, None, "delivered", True),
        ({"sub_status": "Delivered_Other", "description": "Delivered, To Original Sender"}, None, "returned", True),
    ],
)
def test_where_the_sub_status_says_little_the_words_tell(
    told: dict[str, Any], code: str | None, milestone: str, mapped: bool
) -> None:
    found = event(**told)
    assert (found.milestone, found.mapped) == (milestone, mapped)
    assert found.description == told.get("description", "as printed")
    if code:
        assert found.code == code


@pytest.mark.parametrize(
    ("where", "milestone"),
    [
        ({"address": at("CN", "Zhengzhou"), "location": "Zhengzhou"}, "export_cleared"),
        ({"address": at(None), "location": "Zhengzhou, China"}, "export_cleared"),
        ({"location": "CN Zhengzhou"}, "export_cleared"),
        ({"address": at("DE", "Leipzig")}, "import_cleared"),
        ({"location": "Leipzig, Germany"}, "import_cleared"),
        ({"address": at("BE", "Liege")}, "import_cleared"),
        ({"address": at("KZ", "Khorgos")}, "in_transit"),
        ({"address": at(None), "location": "", "description": "Export customs clearance completed"}, "export_cleared"),
        ({"address": at(None), "location": "", "description": "Released from import customs"}, "import_cleared"),
    ],
)
def test_customs_released_in_zhengzhou_on_the_way_from_china_to_germany_is_export(
    where: dict[str, Any], milestone: str
) -> None:
    found = event(sub_status="InTransit_CustomsReleased", **where)
    assert (found.code, found.milestone) == ("InTransit_CustomsReleased", milestone)


def test_customs_processing_is_told_apart_alike_and_us_states_are_no_countries() -> None:
    assert event(sub_status="InTransit_CustomsProcessing", address=at("CN")).milestone == "export_customs_started"
    assert event(sub_status="InTransit_CustomsProcessing", address=at("DE")).milestone == "import_customs_started"
    for location in ("Los Angeles, CA", "IN TRANSIT", "CURITIBA, PR"):
        assert event(location=location).country is None


RAW = {"date": "2026-03-29", "time": "10:30:00", "timezone": None}


@pytest.mark.parametrize(
    ("told", "local", "utc", "known", "disagrees"),
    [
        ({"time": "2026-03-02T10:15:00+08:00"}, (3, 2, 10, 15), (3, 2, 2, 15), "offset", False),
        (
            {"time": "2026-03-02T10:15:00+08:00", "time_utc": "2026-03-02T10:15:00Z"},
            (3, 2, 10, 15),
            (3, 2, 2, 15),
            "offset",
            True,
        ),
        ({"time": None, "time_raw": RAW, "address": at("DE")}, (3, 29, 10, 30), (3, 29, 8, 30), "place", False),
        (
            {"time": None, "time_raw": RAW | {"timezone": "-03:00"}},
            (3, 29, 10, 30),
            (3, 29, 13, 30),
            "offset",
            False,
        ),
        (
            {"time": None, "time_raw": RAW, "time_utc": "2026-03-29T08:30:00Z"},
            (3, 29, 10, 30),
            (3, 29, 8, 30),
            "utc",
            False,
        ),
        ({"time": None, "time_utc": "2026-03-29T08:30:00Z"}, (3, 29, 8, 30), (3, 29, 8, 30), "utc", False),
    ],
)
def test_clocks(told: dict[str, Any], local: Any, utc: Any, known: str, disagrees: bool) -> None:
    found = event(**told)
    assert found.local_time == datetime(2026, *local)  # noqa: DTZ001
    assert found.occurred_at == datetime(2026, *utc, tzinfo=UTC)
    assert (found.tz_known, found.clock_disagrees) == (known, disagrees)


def test_two_posts_that_tell_one_scan_make_one_event_and_each_its_own_are_merged() -> None:
    origin = [scan("InTransit_Arrival", "2026-03-09T04:00:30+08:00", address=at("DE")), scan("InTransit_PickedUp")]
    destination = [
        scan("InTransit_Arrival", "2026-03-08T21:00:00+01:00", description="Angekommen"),
        scan("Delivered_Other", "2026-03-11T12:00:00+01:00"),
    ]
    found = only(answer(parcel(*origin, others=[destination, []])))
    assert [(one.code, one.description) for one in found.events] == [
        ("Delivered_Other", "as printed"),
        ("InTransit_Arrival", "as printed"),
        ("InTransit_PickedUp", "as printed"),
    ]
    assert (found.origin_country, found.destination_country, found.service) == ("CN", "DE", "ePacket")


def test_a_delivery_after_the_turn_was_to_the_sender() -> None:
    events = [
        scan("Delivered_Other", "2026-03-20T10:00:00+08:00"),
        scan("Exception_Returning", "2026-03-10T10:00:00+08:00"),
    ]
    assert [one.milestone for one in only(answer(parcel(*events))).events] == ["returned", "returning"]


def test_the_latest_event_stands_in_for_a_missing_timeline() -> None:
    info = {"latest_event": scan("Delivered_Other"), "tracking": {"providers": []}}
    assert [one.milestone for one in only(answer(parcel(track_info=info))).events] == ["delivered"]


@pytest.mark.parametrize(
    ("broken", "kept"),
    [
        (lambda told: told.update(track_info="gone"), 0),
        (lambda told: told["track_info"]["tracking"]["providers"][0]["events"].insert(0, "x"), 1),
        (lambda told: told["track_info"]["tracking"]["providers"][0]["events"].insert(0, scan("X", "31 Feb")), 1),
        (lambda told: told["track_info"]["tracking"]["providers"].insert(0, 17), 1),
    ],
)
def test_a_malformed_piece_costs_only_itself(broken: Callable[[dict[str, Any]], None], kept: int) -> None:
    spoilt, whole = parcel(scan("Delivered_Other")), parcel(scan("Delivered_Other"), number="B00002")
    broken(spoilt)
    found = list(TRACK.parse(answer(spoilt, whole), [NUMBER, "B00002"]))
    assert [one.tracking_number for one in found if isinstance(one, Unreadable)] == [NUMBER]
    events = {one.tracking_number: len(one.events) for one in found if isinstance(one, Parcel)}
    assert events.pop(NUMBER, 0) == kept
    assert events == {"B00002": 1}
