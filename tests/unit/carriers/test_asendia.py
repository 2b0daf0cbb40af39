"""Asendia: token and request, both shapes of its answer, times in UTC, unknown numbers, answers that are broken."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from lanecast.carriers.base import Account, Wanted
from lanecast.carriers.parse import parse_file
from lanecast.carriers.registry import adapter
from lanecast.tracking import Parcel, TrackingEvent, Unreadable

SAMPLE = Path(__file__).resolve().parents[4] / "shared/fixtures/carriers/asendia/TrackingResponse.json"
NUMBER = "LX000000005CH"


def told(code: str, words: str | None, **changes: Any) -> dict[str, Any]:
    return {
        "id": 7,
        "code": code,
        "time": "2026-07-01T09:05:00Z",
        "locationName": "Bern",
        "carrierEventDescription": words,
        "locationCountry": "CH",
    } | changes


def read(content: object, *requested: str) -> tuple[list[Parcel], list[Unreadable]]:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    found = list(adapter("asendia").parse(body, requested or (NUMBER,)))
    return [one for one in found if isinstance(one, Parcel)], [one for one in found if isinstance(one, Unreadable)]


def event(code: str, words: str | None, **changes: Any) -> TrackingEvent:
    parcels, unreadable = read({"trackingNumber": NUMBER, "trackingEvents": [told(code, words, **changes)]})
    assert not unreadable
    return parcels[0].events[0]


def account(**extra: Any) -> Account:
    return Account(carrier="asendia", base_url="https://x", login="user", password="pass-word", extra=extra)


@pytest.mark.skipif(not SAMPLE.is_file(), reason=f"Asendia's sample answer is not at {SAMPLE}")
def test_the_public_sample_is_read_in_full() -> None:
    (parcel,) = parse_file("asendia", SAMPLE)
    assert isinstance(parcel, Parcel)
    assert parcel.tracking_number == "ASENDIA123456789"
    assert [(one.code, one.milestone, one.country, one.tz_known, one.mapped) for one in parcel.events] == [
        ("PU", "picked_up", "CH", "utc", True),
        ("IT", "in_transit", "CH", "utc", True),
        ("DL", "delivered", "US", "utc", True),
    ]
    assert parcel.events[2].occurred_at.isoformat() == "2024-04-15T11:00:00+00:00"


def test_the_token_is_asked_for_by_json_and_called_id_token() -> None:
    asendia = adapter("asendia")
    spec = asendia.token_request(account())
    assert spec is not None
    assert (spec.method, spec.path) == ("POST", "/api/authenticate")
    assert spec.json == {"username": "user", "password": "pass-word"}
    assert asendia.read_token(b'{"id_token": "abc"}', {}).access_token == "abc"
    with pytest.raises(msgspec.MsgspecError):
        asendia.read_token(b'{"access_token": "abc"}', {})
    assert asendia.authorization(account(), "abc") == {"Authorization": "Bearer abc"}


def test_a_request_names_the_customer_and_one_number() -> None:
    spec = adapter("asendia").build(account(customer_id="CH 1"), [Wanted(" LX1/2CH ")], "abc")
    assert (spec.method, spec.path) == ("GET", "/api/customers/CH%201/tracking/LX1%2F2CH")
    with pytest.raises(ValueError, match="customer_id"):
        adapter("asendia").build(account(), [Wanted("LX1")], "abc")


@pytest.mark.parametrize("shape", ["events", "parcel", "parcels"])
def test_all_shapes_of_an_answer_are_read(shape: str) -> None:
    events = [told("PU", "Picked up"), told("DL", "Delivered", time="2026-07-03T09:00:00Z")]
    parcel = {"trackingNumber": NUMBER.lower(), "trackingEvents": events}
    parcels, unreadable = read({"events": events, "parcel": parcel, "parcels": [parcel]}[shape])
    assert not unreadable
    assert [one.requested_number for one in parcels] == [NUMBER]
    assert [one.milestone for one in parcels[0].events] == ["picked_up", "delivered"]


@pytest.mark.parametrize(
    ("code", "words", "milestone", "reason"),
    [
        ("IT", "Item out for physical delivery", "out_for_delivery", None),
        ("IT", "Out for delivery", "out_for_delivery", None),
        ("IT", "Delivered", "in_transit", None),
        ("IT", "Item presented to export customs", "export_customs_started", None),
        ("IT", "Item returned from export customs", "export_cleared", None),
        ("IT", "Item returned from import customs", "import_cleared", None),
        ("IT", "Item held by import customs: duties unpaid", "customs_hold", "customs_duty"),
        ("IT", "Unsuccessful delivery: recipient absent", "failed_attempt", "recipient_absent"),
        ("IT", "Item arrival at collection point for pick-up", "available_for_pickup", None),
        ("IT", "Item refused", "failed_attempt", "refused"),
        ("IT", "Item lost", "lost", None),
        ("99", "Delivered to a neighbour", "delivered", None),
        ("99", "The item could not be delivered", "failed_attempt", None),
        ("99", "The item will be delivered tomorrow", "in_transit", None),
    ],
)
def test_codes_and_words(code: str, words: str, milestone: str, reason: str | None) -> None:
    one = event(code, words)
    assert (one.code, one.milestone, one.reason, one.mapped) == (code, milestone, reason, True)


def test_an_unknown_code_is_kept_and_marked() -> None:
    one = event("ZZ9", "Zoll")
    assert (one.code, one.milestone, one.mapped, one.description) == ("ZZ9", "in_transit", False, "Zoll")


def test_delivery_after_the_way_back_is_to_the_sender() -> None:
    events = [told("IT", "Return to sender"), told("DL", "Final delivery", time="2026-07-09T09:00:00Z")]
    assert [one.milestone for one in read(events)[0][0].events] == ["returning", "returned"]


@pytest.mark.parametrize(
    ("time", "utc", "known"),
    [
        ("2026-07-01T09:05:00Z", "2026-07-01T09:05:00+00:00", "utc"),
        ("2026-07-01T09:05:00.123+02:00", "2026-07-01T07:05:00.123000+00:00", "offset"),
        ("2026-10-25T02:30:00", "2026-10-25T00:30:00+00:00", "place"),
    ],
)
def test_z_is_utc_and_a_time_without_zone_is_the_places(time: str, utc: str, known: str) -> None:
    one = event("IT", None, time=time)
    assert (one.occurred_at.isoformat(), one.tz_known) == (utc, known)


@pytest.mark.parametrize("content", [[], {"status": 404, "title": "Not Found", "detail": "Tracking not found"}])
def test_an_unknown_number_is_not_found(content: object) -> None:
    parcels, unreadable = read(content)
    assert not unreadable
    assert [(one.requested_number, one.found) for one in parcels] == [(NUMBER, False)]


def test_broken_events_cost_only_themselves() -> None:
    events = [told("IT", "x", time="2026-02-31T00:00:00Z"), "DL", told("IT", "x", time={"a": 1}), told("PU", "x")]
    parcels, unreadable = read({"trackingNumber": NUMBER, "trackingEvents": events})
    assert [one.code for one in parcels[0].events] == ["PU"]
    assert [one.tracking_number for one in unreadable] == [NUMBER] * 3


@pytest.mark.parametrize("content", [b"", b"<html></html>", {}, {"status": 400, "title": "Bad Request"}, b"[", 7])
def test_what_is_no_answer_is_unreadable(content: object) -> None:
    parcels, unreadable = read(content)
    assert not parcels
    assert [one.tracking_number for one in unreadable] == [NUMBER]
