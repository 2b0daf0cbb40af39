"""MyDHL API (DHL Express): requests, clocks, places and milestones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lanecast.carriers.base import Account, Wanted
from lanecast.carriers.mydhl import Mydhl
from lanecast.carriers.parse import parse_file
from lanecast.tracking import Parcel, TrackingEvent, Unreadable

SAMPLE = Path(__file__).resolve().parents[4] / "shared" / "fixtures" / "carriers" / "mydhl" / "TrackingResponse.json"
NUMBER = "4182736450"


def event(**changes: Any) -> dict[str, Any]:
    return {
        "date": "2026-03-05",
        "time": "09:15:00",
        "GMTOffset": "+08:00",
        "typeCode": "PL",
        "description": "Processed",
        "serviceArea": [{"code": "SHA", "description": "SHANGHAI-CHINA MAINLAND"}],
    } | changes


def party(country: str, area: str) -> dict[str, Any]:
    return {"postalAddress": {"countryCode": country}, "serviceArea": [{"code": area, "description": ""}]}


def body(*events: Any, **changes: Any) -> bytes:
    shipment = {
        "shipmentTrackingNumber": NUMBER,
        "status": "Success",
        "shipperDetails": party("CN", "SHA"),
        "receiverDetails": party("DE", "MUC"),
        "events": list(events),
    }
    return json.dumps({"shipments": [shipment | changes]}).encode()


def events_of(answer: bytes) -> list[TrackingEvent]:
    (parcel,) = Mydhl().parse(answer, [NUMBER])
    assert isinstance(parcel, Parcel)
    assert parcel.found
    return parcel.events


def only(**changes: Any) -> TrackingEvent:
    (found,) = events_of(body(event(**changes)))
    return found


@pytest.mark.skipif(not SAMPLE.is_file(), reason=f"the sample answer is not at {SAMPLE}")
def test_the_sample_is_read_in_full() -> None:
    (parcel,) = parse_file("mydhl", SAMPLE)
    assert isinstance(parcel, Parcel)
    told = [(one.code, one.milestone, one.region, one.utc_offset_minutes, one.mapped) for one in parcel.events]
    assert told == [("OK", "delivered", "US-NY", -300, True), ("PU", "picked_up", "US-CA", -480, True)]


def test_a_request_asks_for_offsets_and_proves_who_asks_in_a_header() -> None:
    account = Account(carrier="mydhl", base_url="https://express.api.dhl.com/mydhlapi", login="me", password="hush")
    spec = Mydhl().build(account, [Wanted(" 41/8 ")], None)
    assert (spec.method, spec.path) == ("GET", "/shipments/41%2F8/tracking")
    assert spec.params is not None
    assert spec.params["requestGMTOffsetPerEvent"] == "true"
    assert spec.params["trackingView"] == "all-checkpoints"
    assert "hush" not in repr(spec)
    assert Mydhl().authorization(account, None) == {"Authorization": "Basic bWU6aHVzaA=="}


@pytest.mark.parametrize(
    ("code", "milestone", "reason"),
    [
        ("SD", "info_received", None),
        ("WC", "out_for_delivery", None),
        ("OK", "delivered", None),
        ("DD", "delivered", None),
        ("PD", "in_transit", None),
        ("CC", "available_for_pickup", None),
        ("HP", "customs_hold", "customs_duty"),
        ("UD", "customs_hold", None),
        ("NH", "failed_attempt", "recipient_absent"),
        ("BA", "failed_attempt", "address"),
        ("RD", "failed_attempt", "refused"),
        ("RT", "returned", None),
        ("DS", "destroyed", None),
        ("TI", "delayed", None),
        ("CI", "hub_arrived", None),
    ],
)
def test_codes_mean(code: str, milestone: str, reason: str | None) -> None:
    found = only(typeCode=code, description="")
    assert (found.code, found.milestone, found.reason, found.mapped) == (code, milestone, reason, True)


def test_delivered_after_a_return_is_returned() -> None:
    told = body(event(typeCode="OK", date="2026-03-07"), event(typeCode="RT"), event(typeCode="OK", date="2026-03-01"))
    assert [one.milestone for one in events_of(told)] == ["returned", "returned", "delivered"]


@pytest.mark.parametrize(
    ("area", "milestone"),
    [
        ({"code": "SHA", "description": "SHANGHAI-CHINA MAINLAND"}, "export_cleared"),
        ({"code": "SHA", "description": "GATEWAY EAST"}, "export_cleared"),
        ({"code": "LEJ", "description": "LEIPZIG-GERMANY"}, "import_cleared"),
        ({"code": "HKG", "description": "HONG KONG-HONG KONG"}, "in_transit"),
    ],
)
def test_customs_is_told_apart_by_the_service_area(area: dict[str, str], milestone: str) -> None:
    assert only(typeCode="CR", serviceArea=[area]).milestone == milestone


@pytest.mark.parametrize(
    ("offset", "area", "minutes", "known"),
    [
        ("+09:00", "BRISBANE-AU", 540, "offset"),
        ("+00:00", "LEIPZIG-GERMANY", 0, "offset"),
        (None, "BADEN-BADEN-GERMANY", 60, "place"),
        (None, "LOS ANGELES GATEWAY,CA-USA", -480, "place"),
        ("nonsense", "LONDON-HEATHROW-UK", 0, "place"),
        (None, "CINCINNATI HUB-USA", -300, "assumed"),
    ],
)
def test_an_offset_holds_and_else_the_place(offset: str | None, area: str, minutes: int, known: str) -> None:
    found = only(GMTOffset=offset, serviceArea=[{"code": "XXX", "description": area}])
    assert (found.utc_offset_minutes, found.tz_known) == (minutes, known)
    assert found.local_time.isoformat() == "2026-03-05T09:15:00"
    assert (found.local_time - found.occurred_at.replace(tzinfo=None)).total_seconds() == minutes * 60


def test_summer_time_follows_the_place() -> None:
    area = [{"code": "NYC", "description": "NEW YORK,NY-USA"}]
    told = body(*(event(GMTOffset=None, serviceArea=area, date=day) for day in ("2026-03-07", "2026-03-09")))
    assert [one.utc_offset_minutes for one in events_of(told)] == [-300, -240]


def test_pieces_tell_where_the_shipment_does_not_and_share_their_scans() -> None:
    pieces = [{"trackingNumber": "JD01", "events": [event(), event(typeCode="WC")]}, {"events": [event()]}]
    assert [one.code for one in events_of(body(events=[], pieces=pieces))] == ["PL", "WC"]
    (parcel,) = Mydhl().parse(body(pieces=pieces), ["jd01"])
    assert isinstance(parcel, Parcel)
    assert parcel.requested_number == "jd01"


@pytest.mark.parametrize(
    "answer",
    [
        b'{"status": "404", "title": "Not data found", "detail": "No data found"}',
        b'{"shipments": []}',
        body(status="No Shipments Found", events=None),
    ],
)
def test_an_unknown_number_is_not_found(answer: bytes) -> None:
    (parcel,) = Mydhl().parse(answer, [NUMBER])
    assert parcel == Parcel(
        tracking_number=NUMBER,
        requested_number=NUMBER,
        found=False,
    )


@pytest.mark.parametrize(
    "answer",
    [b"", b"<html>", b"[]", b'{"status": 400, "detail": "Missing parameters"}', b'{"shipments": "none"}'],
)
def test_other_answers_are_unreadable(answer: bytes) -> None:
    found = list(Mydhl().parse(answer, [NUMBER]))
    assert found
    assert all(isinstance(one, Unreadable) and one.tracking_number == NUMBER for one in found)


def test_a_malformed_event_costs_only_itself_and_an_unknown_code_is_kept() -> None:
    told = body(event(typeCode="ZZ", description="Odd"), "PL", event(date="2026-02-31"), event(date=None, typeCode=3))
    found = list(Mydhl().parse(told, [NUMBER]))
    assert sum(isinstance(one, Unreadable) for one in found) == 3
    (parcel,) = (one for one in found if isinstance(one, Parcel))
    assert [(one.code, one.milestone, one.mapped) for one in parcel.events] == [("ZZ", "in_transit", False)]
