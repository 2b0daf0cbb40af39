"""EasyPost: trackers read, listed by pages and created; statuses with their details; times. Answers are made up."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from lanecast.carriers.base import Account, FollowUp, Wanted
from lanecast.carriers.easypost import EasyPost
from lanecast.carriers.registry import adapter
from lanecast.tracking import Parcel, TrackingEvent, Unreadable
from lanecast.web import RequestSpec

CODE = "1Z0000000000000001"
KEY = "EZAK-a-key-of-easypost"
ACCOUNT = Account(carrier="easypost", base_url="https://api.easypost.com", login="", password=KEY)
EASYPOST = adapter("easypost")


def detail(status: str | None, status_detail: str | None = None, message: str | None = None, **told: Any) -> Any:
    where = {"city": told.pop("city", None), "state": told.pop("state", None), "country": told.pop("country", None)}
    return {
        "status": status,
        "status_detail": status_detail,
        "message": message,
        "datetime": "2026-03-02T10:15:00Z",
        "tracking_location": where,
    } | told


def tracker(*details: Any, code: str = CODE, origin: str | None = "CN", to: str | None = "US", **told: Any) -> Any:
    ends = {"origin_tracking_location": {"country": origin}, "destination_tracking_location": {"country": to}}
    return {
        "id": f"trk_{code}",
        "tracking_code": code,
        "carrier": "UPS",
        "tracking_details": list(details),
        "carrier_detail": {"service": "Worldwide Saver"} | ends,
    } | told


def page(*trackers: Any, has_more: bool = False) -> bytes:
    return json.dumps({"trackers": list(trackers), "has_more": has_more}).encode()


def only(body: bytes, number: str = CODE) -> Parcel:
    (found,) = EASYPOST.parse(body, [number])
    assert isinstance(found, Parcel), found
    return found


def event(*args: Any, **told: Any) -> TrackingEvent:
    (found,) = only(page(tracker(detail(*args, **told)))).events
    return found


def follow(spec: RequestSpec, wanted: list[Wanted], body: bytes) -> list[FollowUp]:
    return EASYPOST.follow_ups(ACCOUNT, wanted, spec, body)


def test_a_request_asks_for_a_batch_with_the_key_as_user() -> None:
    spec = EASYPOST.build(ACCOUNT, [Wanted(" A1 "), Wanted("B2", "ups")], None)
    assert (spec.method, spec.path, spec.json) == ("POST", "/v2/trackers/batch", {"tracking_codes": ["A1", "B2"]})
    assert spec.basic == (KEY, "")
    assert EASYPOST.authorization(ACCOUNT, None) == {}
    assert KEY not in spec.path + json.dumps(spec.json)
    assert EasyPost.numbers_per_request == 20


def test_a_tracker_that_is_missing_is_created_with_its_carriers_name_where_that_is_certain() -> None:
    wanted = [Wanted("A1"), Wanted("B2", "royal_mail"), Wanted("C3", "dpd")]
    body = page(tracker(code="a1"))
    batch = EASYPOST.build(ACCOUNT, wanted, None)
    royal, dpd = follow(batch, wanted, body)
    assert (royal.spec.method, royal.spec.path, royal.spec.basic) == ("POST", "/v2/trackers", (KEY, ""))
    assert royal.spec.json == {"tracker": {"tracking_code": "B2", "carrier": "RoyalMail"}}
    assert dpd.spec.json == {"tracker": {"tracking_code": "C3"}}
    assert (royal.wanted, dpd.wanted) == ((wanted[1],), (wanted[2],))
    # Of what is about to be created, the batch's answer says nothing.
    assert [one.tracking_number for one in EASYPOST.parse(body, ["A1", "B2", "C3"])] == ["A1"]

    created = json.dumps(tracker(detail("delivered"), code="B2")).encode()
    assert only(created, "B2").events[0].milestone == "delivered"
    assert follow(royal.spec, [wanted[1]], created) == []
    other = list(EASYPOST.parse(created, ["C3"]))
    assert [(one.tracking_number, isinstance(one, Unreadable)) for one in other] == [("B2", False), ("C3", True)]
    unknown = only(json.dumps(tracker(code="B2", status="unknown")).encode(), "B2")
    assert (unknown.found, unknown.events) == (False, [])


def test_what_a_batch_does_not_show_is_listed_page_by_page() -> None:
    wanted = [Wanted("A1", "usps"), Wanted("B2")]
    batch = EASYPOST.build(ACCOUNT, wanted, None)
    (first,) = follow(batch, wanted, page(tracker(code="B2"), has_more=True))
    assert (first.spec.method, first.spec.path, first.wanted) == ("GET", "/v2/trackers", (wanted[0],))
    assert first.spec.params == {"tracking_code": "A1", "page_size": "100", "carrier": "USPS"}

    older = page(*[tracker(code="A1", id=f"trk_{place}") for place in range(3)], has_more=True)
    (second,) = follow(first.spec, list(first.wanted), older)
    assert second.spec.params == dict(first.spec.params) | {"before_id": "trk_2"}
    (third,) = follow(second.spec, list(second.wanted), page(tracker(code="A1", id="trk_9"), has_more=True))
    assert third.spec.params is not None
    assert third.spec.params["before_id"] == "trk_9"
    assert follow(third.spec, list(third.wanted), page(tracker(code="A1", id="trk_9"), has_more=True)) == []
    assert follow(third.spec, list(third.wanted), page()) == []

    (created,) = follow(first.spec, list(first.wanted), page())
    assert created.spec.method == "POST"


def test_a_number_with_several_trackers_is_several_parcels() -> None:
    body = page(tracker(detail("delivered"), carrier="UPSDAP"), tracker(detail("pre_transit"), carrier="DHLPaket"))
    found = [one for one in EASYPOST.parse(body, [CODE]) if isinstance(one, Parcel)]
    assert [(one.carrier, one.events[0].milestone) for one in found] == [("ups", "delivered"), ("dhl", "info_received")]
    assert (found[0].origin_country, found[0].destination_country) == ("CN", "US")
    assert found[0].service == "Worldwide Saver"


@pytest.mark.parametrize(
    ("status", "status_detail", "message", "milestone", "reason"),
    [
        ("pre_transit", "label_created", "Label", "info_received", None),
        ("in_transit", "received_at_origin_facility", "Arrived at FedEx location", "hub_arrived", None),
        ("in_transit", "received_at_origin_facility", "Picked up", "picked_up", None),
        ("in_transit", "departed_facility", "Departed FedEx location", "hub_departed", None),
        ("in_transit", "weather_delay", "Late", "delayed", "weather"),
        ("in_transit", "held", "Held in customs: invoice missing", "customs_hold", "customs_documents"),
        ("in_transit", None, None, "in_transit", None),
        ("unknown", "status_update", "Shipment arriving On-Time", "in_transit", None),
        ("unknown", "expired", None, "tracking_expired", None),
        ("out_for_delivery", "out_for_delivery", "On vehicle", "out_for_delivery", None),
        ("available_for_pickup", "arrived_at_pickup_location", "At the shop", "available_for_pickup", None),
        ("delivered", "arrived_at_destination", "Left with neighbor", "delivered", None),
        ("delivered", "arrived_at_destination", "Delivered, To Original Sender", "returned", None),
        ("delivered", "arrived_at_destination", "Package available for pickup", "available_for_pickup", None),
        ("failure", "delayed", "Delivery exception (Customer not available)", "failed_attempt", "recipient_absent"),
        ("failure", "refused", "Refused", "failed_attempt", "refused"),
        ("failure", "lost", None, "lost", None),
        ("failure", None, None, "failed_attempt", None),
        ("return_to_sender", "return", "Return to sender", "returning", None),
        ("return_to_sender", "return", "Returned to sender", "returned", None),
        ("cancelled", "cancelled", None, "cancelled", None),
        (None, "damaged", None, "damaged", None),
    ],
)
def test_statuses_with_their_details(
    status: str | None, status_detail: str | None, message: str | None, milestone: str, reason: str | None
) -> None:
    found = event(status, status_detail, message)
    assert (found.milestone, found.reason, found.mapped) == (milestone, reason, True)
    assert found.code == "/".join(filter(None, (status, status_detail)))


def test_an_unknown_status_is_kept() -> None:
    found = event("teleported", "beamed", "Beamed up")
    assert (found.code, found.milestone, found.mapped) == ("teleported/beamed", "in_transit", False)


@pytest.mark.parametrize(
    ("country", "message", "milestone"),
    [
        ("CN", "Released by customs", "export_cleared"),
        ("US", "Released by customs", "import_cleared"),
        ("CN", "Inbound into customs", "export_customs_started"),
        (None, "Customs clearance", "import_customs_started"),
    ],
)
def test_customs_is_told_apart_by_the_country(country: str | None, message: str, milestone: str) -> None:
    assert event("in_transit", "status_update", message, country=country).milestone == milestone


@pytest.mark.parametrize(
    ("told", "local", "utc", "known"),
    [
        ({}, (3, 2, 10, 15), (3, 2, 10, 15), "utc"),
        ({"datetime_local": "2026-03-02T02:15:00-08:00"}, (3, 2, 10, 15), (3, 2, 10, 15), "utc"),
        ({"geocode_confidence": "LOW"}, (3, 2, 10, 15), (3, 2, 10, 15), "assumed"),
        ({"datetime": "2026-03-02T10:15:00-05:00"}, (3, 2, 10, 15), (3, 2, 15, 15), "offset"),
    ],
)
def test_clocks(told: dict[str, Any], local: Any, utc: Any, known: str) -> None:
    found = event("in_transit", city="SEATTLE", state="WA", country="US", **told)
    assert found.local_time == datetime(2026, *local)  # noqa: DTZ001
    assert (found.occurred_at, found.tz_known) == (datetime(2026, *utc, tzinfo=UTC), known)
    assert (found.country, found.region) == ("US", "US-WA")


def test_the_postal_service_leaves_out_its_own_country() -> None:
    body = page(tracker(detail("in_transit", city="HOUSTON", state="TX"), detail("in_transit"), carrier="USPS"))
    assert [(one.country, one.region) for one in only(body).events] == [("US", "US-TX"), (None, None)]


def test_a_delivery_after_the_turn_was_to_the_sender() -> None:
    turn = detail("return_to_sender", "return", None, datetime="2026-03-01T10:00:00Z")
    assert [one.milestone for one in only(page(tracker(turn, detail("delivered")))).events] == ["returning", "returned"]


def test_an_error_is_told_with_code_and_message() -> None:
    body = b'{"error": {"code": "TRACKER.CREATE.ERROR", "message": "Unable to determine carrier", "errors": []}}'
    (told,) = EASYPOST.parse(body, [CODE])
    assert isinstance(told, Unreadable)
    assert told.problem.startswith("TRACKER.CREATE.ERROR Unable to determine carrier")
    assert follow(RequestSpec("POST", "/v2/trackers"), [Wanted(CODE)], body) == []


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b"{}", b'{"trackers": 7}', b'{"tracking_code": []}'])
def test_what_is_no_answer_is_told_for_each_number(body: bytes) -> None:
    found = list(EASYPOST.parse(body, ["A1", "B2"]))
    assert all(isinstance(one, Unreadable) for one in found)
    assert [one.tracking_number for one in found] == ["A1", "B2"]
    assert follow(RequestSpec("POST", "/v2/trackers/batch"), [Wanted("A1")], body) == []


def test_a_malformed_piece_costs_only_itself() -> None:
    broken = [None, detail("in_transit", datetime="31 Feb"), detail("delivered")]
    body = page(7, tracker(*broken, code="A1"), tracker(detail("delivered"), code="B2"), {"id": "trk_x"})
    found = list(EASYPOST.parse(body, ["A1", "B2"]))
    assert [one.tracking_number for one in found if isinstance(one, Unreadable)] == [None, "A1", "A1", None]
    assert [(one.tracking_number, len(one.events)) for one in found if isinstance(one, Parcel)] == [
        ("A1", 1),
        ("B2", 1),
    ]
