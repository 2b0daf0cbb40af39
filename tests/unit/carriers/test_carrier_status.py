"""Code tables: every row is sound, known codes mean what the carriers say, unknown ones are in transit at most."""

from __future__ import annotations

import carrier_answers as answers
import pytest

from lanecast.carriers.registry import adapter, names
from lanecast.carriers.status import resolve_customs, status_of, status_table
from lanecast.tracking import MILESTONES, Parcel, TrackingEvent


def event_of(carrier: str, body: bytes) -> TrackingEvent:
    parcel = next(iter(adapter(carrier).parse(body, ())))
    assert isinstance(parcel, Parcel)
    return parcel.events[0]


def ups(kind: str, code: str, status_code: str = "", description: str = "") -> TrackingEvent:
    status = {"type": kind, "code": code, "statusCode": status_code, "description": description}
    return event_of("ups", answers.ups(answers.ups_package("1Z1", answers.ups_activity(status=status))))


def fedex(**changes: object) -> TrackingEvent:
    return event_of("fedex", answers.fedex(answers.fedex_result("1", answers.fedex_scan(**changes))))


def dhl(code: str, status: str, description: str = "") -> TrackingEvent:
    event = answers.dhl_event(statusCode=code, status=status, description=description)
    return event_of("dhl", answers.dhl(event))


def usps(code: str, text: str = "") -> TrackingEvent:
    return event_of("usps", answers.usps(answers.usps_event(eventCode=code, eventType=text)))


@pytest.mark.parametrize("carrier", names())
def test_every_carrier_has_a_table_with_the_ends_of_a_journey(carrier: str) -> None:
    table = status_table(carrier)
    milestones = {status.milestone for status in table.codes.values()}
    assert {"info_received", "in_transit", "delivered"} <= milestones
    assert milestones <= {*MILESTONES, "customs_started", "customs_cleared"}


@pytest.mark.parametrize(
    ("kind", "code", "status_code", "milestone"),
    [
        ("M", "MP", "003", "info_received"),
        ("P", "PU", "", "picked_up"),
        ("I", "DP", "005", "hub_departed"),
        ("I", "OT", "021", "out_for_delivery"),
        ("X", "48", "060", "failed_attempt"),
        ("X", "RS", "", "returning"),
        ("X", "Q1", "068", "lost"),
        ("D", "Q9", "", "delivered"),
    ],
)
def test_ups_codes(kind: str, code: str, status_code: str, milestone: str) -> None:
    event = ups(kind, code, status_code)
    assert (event.code, event.milestone, event.mapped) == (f"{kind}/{code}", milestone, True)


@pytest.mark.parametrize(
    ("code", "milestone"),
    [
        ("OC", "info_received"),
        ("PU", "picked_up"),
        ("AR", "hub_arrived"),
        ("DP", "hub_departed"),
        ("IT", "in_transit"),
        ("OD", "out_for_delivery"),
        ("DL", "delivered"),
        ("DE", "failed_attempt"),
        ("CD", "customs_hold"),
        ("SE", "delayed"),
        ("RS", "returning"),
        ("HL", "available_for_pickup"),
        ("CA", "cancelled"),
    ],
)
def test_fedex_codes(code: str, milestone: str) -> None:
    assert fedex(eventType=code).milestone == milestone


def test_fedex_reasons() -> None:
    assert fedex(eventType="DE", exceptionCode="08").reason == "recipient_absent"
    assert fedex(eventType="DE", exceptionCode="07").reason == "refused"
    assert fedex(eventType="DE", exceptionCode="07").code == "DE:07"
    assert fedex(eventType="PU", exceptionCode="A25").code == "PU"
    assert fedex(eventType="SE", delayDetail={"type": "WEATHER", "status": "DELAYED"}).reason == "weather"


@pytest.mark.parametrize(
    ("code", "status", "milestone"),
    [
        ("pre-transit", "DELIVERED", "info_received"),
        ("transit", "Processed at LEIPZIG - GERMANY", "in_transit"),
        ("transit", "WC", "out_for_delivery"),
        ("transit", "Delivered soon", "in_transit"),
        ("transit", "Arrived at DHL facility LOST HILLS", "hub_arrived"),
        ("delivered", "Delivered", "delivered"),
        ("failure", "Delivery attempted; recipient not home", "failed_attempt"),
        ("failure", "Returned to sender", "returned"),
        ("unknown", "on hold", "in_transit"),
    ],
)
def test_dhl_codes(code: str, status: str, milestone: str) -> None:
    event = dhl(code, status)
    assert (event.milestone, event.mapped) == (milestone, True)


@pytest.mark.parametrize(
    ("code", "milestone", "reason"),
    [
        ("GX", "info_received", None),
        ("03", "picked_up", None),
        ("T1", "hub_departed", None),
        ("OF", "out_for_delivery", None),
        ("05", "failed_attempt", "address"),
        ("09", "returning", None),
        ("27", "returning", "unclaimed"),
        ("01", "delivered", None),
    ],
)
def test_usps_codes(code: str, milestone: str, reason: str | None) -> None:
    event = usps(code)
    assert (event.code, event.milestone, event.reason) == (code, milestone, reason)


@pytest.mark.parametrize(
    "event",
    [ups("I", "ZZ"), ups("Q", "ZZ", "999"), fedex(eventType="ZZ"), dhl("vanished", "x"), usps("ZZ", "Delivered")],
    ids=lambda event: str(event.code),
)
def test_an_unknown_code_is_kept_and_in_transit_at_most(event: TrackingEvent) -> None:
    assert (event.milestone, event.mapped) == ("in_transit", False)
    assert event.code


@pytest.mark.parametrize(
    ("event", "origin", "destination", "started", "cleared"),
    [
        ("CN", "CN", "US", "export_customs_started", "export_cleared"),
        ("US", "CN", "US", "import_customs_started", "import_cleared"),
        ("DE", "CN", "US", "in_transit", "in_transit"),
        ("DE", None, "US", "import_customs_started", "import_cleared"),
        (None, "CN", "US", "import_customs_started", "import_cleared"),
        ("US", "US", "US", "import_customs_started", "import_cleared"),
    ],
)
def test_customs_by_country(
    event: str | None, origin: str | None, destination: str | None, started: str, cleared: str
) -> None:
    assert resolve_customs("customs_started", event, origin, destination) == started
    assert resolve_customs("customs_cleared", event, origin, destination) == cleared
    assert resolve_customs("delivered", event, origin, destination) == "delivered"


def test_customs_of_an_answer_are_told_apart() -> None:
    at_home = {"city": "Shenzhen", "countryCode": "CN"}
    scan = answers.fedex_scan(eventType="CC", scanLocation=at_home)
    ends = {
        "originLocation": {"locationContactAndAddress": {"address": {"countryCode": "CN"}}},
        "recipientInformation": {"address": {"countryCode": "US", "stateOrProvinceCode": "TN"}},
    }
    body = answers.fedex(answers.fedex_result("1", scan, answers.fedex_scan(eventType="CC"), **ends))
    parcel = next(iter(adapter("fedex").parse(body, ())))
    assert isinstance(parcel, Parcel)
    assert [event.milestone for event in parcel.events] == ["export_cleared", "import_cleared"]
    assert parcel.destination_region == "US-TN"


def test_codes_of_files() -> None:
    assert status_of("ups", "D/Q9").milestone == "delivered"
    assert status_of("fedex", "DE:07") == ("failed_attempt", "refused", True)
    assert status_of("dhl", "transit", "Released by customs").milestone == "customs_cleared"
    assert status_of("nobody", "X") == ("in_transit", None, False)
    assert status_of("usps", None) == ("in_transit", None, False)
