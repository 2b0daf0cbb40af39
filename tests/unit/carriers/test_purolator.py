"""Purolator: SOAP requests, coarse scan types told apart by words, depots' clocks, answers that are broken."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from lanecast.carriers.base import Account, Wanted
from lanecast.carriers.parse import parse_file
from lanecast.carriers.registry import adapter
from lanecast.tracking import Parcel, TrackingEvent, Unreadable

SAMPLE = Path(__file__).resolve().parents[4] / "shared/fixtures/carriers/purolator/TRACKING_RESPONSE_XML.xml"
PIN = "329000000001"
V1 = "{http://purolator.com/pws/datatypes/v1}"


def scan(kind: str, words: str, depot: str = "BURNABY, BC", date: str = "2026-07-01", time: str = "090500") -> str:
    return (
        f"<Scan><ScanType>{kind}</ScanType><Depot><Name>{depot}</Name></Depot><ScanDate>{date}</ScanDate>"
        f"<ScanTime>{time}</ScanTime><Description>{words}</Description></Scan>"
    )


def information(*scans: str, pin: str = PIN) -> str:
    return f"<TrackingInformation><PIN><Value>{pin}</Value></PIN><Scans>{''.join(scans)}</Scans></TrackingInformation>"


def envelope(*found: str, errors: str = "") -> bytes:
    return (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
        '<TrackPackagesByPinResponse xmlns="http://purolator.com/pws/datatypes/v1">'
        f"<ResponseInformation><Errors>{errors}</Errors></ResponseInformation>"
        f"<TrackingInformationList>{''.join(found)}</TrackingInformationList>"
        "</TrackPackagesByPinResponse></s:Body></s:Envelope>"
    ).encode()


def read(body: bytes, *requested: str) -> tuple[list[Parcel], list[Unreadable]]:
    found = list(adapter("purolator").parse(body, requested or (PIN,)))
    return [one for one in found if isinstance(one, Parcel)], [one for one in found if isinstance(one, Unreadable)]


def event(kind: str, words: str, **told: str) -> TrackingEvent:
    parcels, unreadable = read(envelope(information(scan(kind, words, **told))))
    assert not unreadable
    return parcels[0].events[0]


@pytest.mark.skipif(not SAMPLE.is_file(), reason=f"Purolator's sample answer is not at {SAMPLE}")
def test_the_public_sample_is_read_in_full() -> None:
    (parcel,) = parse_file("purolator", SAMPLE)
    assert isinstance(parcel, Parcel)
    assert parcel.tracking_number == "M123"
    assert len(parcel.events) == 2
    for one in parcel.events:
        assert (one.code, one.milestone, one.mapped) == ("Other", "info_received", True)
        assert (one.occurred_at.isoformat(), one.tz_known) == ("2004-01-13T22:23:00+00:00", "place")
        assert (one.country, one.region, one.city) == ("CA", "CA-QC", "MONTREAL SORT CTR/CTR TRIE")


def test_a_request_holds_all_pins_and_shows_the_key_in_no_url() -> None:
    account = Account(
        carrier="purolator", base_url="https://x", login="key", password="pass-word", extra={"user_token": "a<b"}
    )
    spec = adapter("purolator").build(account, [Wanted(" 329000000001 "), Wanted("A&B")], None)
    assert (spec.method, spec.path) == ("POST", "/PWS/V1/Tracking/TrackingService.asmx")
    assert spec.basic == ("key", "pass-word")
    assert spec.headers is not None
    assert spec.headers["Content-Type"] == "text/xml; charset=utf-8"
    assert spec.headers["SOAPAction"].strip('"') == "http://purolator.com/pws/service/v1/TrackPackagesByPin"
    assert spec.content is not None
    assert b"pass-word" not in spec.content
    root = ElementTree.fromstring(spec.content)
    assert [one.text for one in root.iter(f"{V1}Value")] == ["329000000001", "A&B"]
    assert [one.text for one in root.iter(f"{V1}UserToken")] == ["a<b"]


@pytest.mark.parametrize(
    ("kind", "words", "milestone", "reason"),
    [
        ("Other", "Arrived at sort facility", "hub_arrived", None),
        ("Other", "Words never seen", "in_transit", None),
        ("Other", "Shipment delivered to", "in_transit", None),
        ("ProofOfPickUp", "Picked up by Purolator at", "picked_up", None),
        ("OnDelivery", "On vehicle for delivery", "out_for_delivery", None),
        ("Delivery", "Shipment delivered to", "delivered", None),
        ("Delivery", "Package left with neighbour", "delivered", None),
        ("Delivery", "Available for pickup at", "available_for_pickup", None),
        ("Delivery", "Returned to shipper", "returned", None),
        ("Delivery", "Transferring to Shipping Centre - please wait for further instructions", "in_transit", None),
        ("Undeliverable", "Attempted Delivery - Customer Closed", "failed_attempt", "recipient_absent"),
        ("Undeliverable", "Attempted Delivery - Incorrect Address", "failed_attempt", "address"),
        ("Undeliverable", "Words never seen", "failed_attempt", None),
        ("Undeliverable", "Delivery refused", "failed_attempt", "refused"),
        ("Undeliverable", "Shipment created", "info_received", None),
        ("Undeliverable", "Departed sort facility", "hub_departed", None),
        ("Undeliverable", "Item Held for Pickup at Locker", "available_for_pickup", None),
        ("Undeliverable", "Available for pickup for 5 business days", "available_for_pickup", None),
        ("Undeliverable", "Shipment unclaimed - to be returned to sender", "returning", "unclaimed"),
        ("Undeliverable", "Returned to sender.  Shipment no longer available for pickup", "returning", None),
        ("Undeliverable", "Delivery delayed due to weather event", "delayed", "weather"),
        ("Undeliverable", "Missing customs documents", "customs_hold", "customs_documents"),
        ("Undeliverable", "Package lost", "lost", None),
    ],
)
def test_a_scans_words_tell_what_its_type_leaves_open(
    kind: str, words: str, milestone: str, reason: str | None
) -> None:
    told = event(kind, words)
    assert (told.code, told.milestone, told.reason, told.mapped) == (kind, milestone, reason, True)


def test_an_unknown_type_is_kept_and_marked() -> None:
    told = event("Teleported", "Beamed up")
    assert (told.code, told.milestone, told.mapped, told.description) == (
        "Teleported",
        "in_transit",
        False,
        "Beamed up",
    )


def test_a_delivery_after_the_way_back_is_to_the_sender() -> None:
    parcels, _ = read(
        envelope(
            information(
                scan("Delivery", "Shipment delivered to", date="2026-07-09"),
                scan("Undeliverable", "Unable to deliver - item returned to sender", date="2026-07-03"),
            )
        )
    )
    assert [one.milestone for one in parcels[0].events] == ["returned", "returning"]


@pytest.mark.parametrize(
    ("depot", "utc", "known", "country", "region"),
    [
        ("BURNABY, BC", "2026-07-01T16:05:00+00:00", "place", "CA", "CA-BC"),
        ("MONTREAL SORT CTR/CTR TRIE, PQ", "2026-07-01T13:05:00+00:00", "place", "CA", "CA-QC"),
        ("REGINA, SK", "2026-07-01T15:05:00+00:00", "place", "CA", "CA-SK"),
        ("ST JOHNS, NF", "2026-07-01T11:35:00+00:00", "place", "CA", "CA-NL"),
        ("BUFFALO, NY", "2026-07-01T13:05:00+00:00", "place", "US", "US-NY"),
        ("LEIPZIG, GERMANY", "2026-07-01T07:05:00+00:00", "place", "DE", None),
        ("Purolator", "2026-07-01T13:05:00+00:00", "assumed", "CA", None),
        ("", "2026-07-01T13:05:00+00:00", "assumed", "CA", None),
    ],
)
def test_a_scans_clock_is_its_depots(depot: str, utc: str, known: str, country: str, region: str | None) -> None:
    told = event("Other", "Arrived at sort facility", depot=depot)
    assert (told.occurred_at.isoformat(), told.tz_known) == (utc, known)
    assert (told.country, told.region) == (country, region)


def test_winter_time_and_a_time_without_leading_zero() -> None:
    told = event("OnDelivery", "On vehicle for delivery", date="2026-01-28", time="83704")
    assert (told.local_time.isoformat(), told.utc_offset_minutes) == ("2026-01-28T08:37:04", -480)


def test_pins_without_scans_are_not_found_and_silence_is_told() -> None:
    parcels, unreadable = read(envelope(information(pin="A1")), "a1", "B2")
    assert [(one.requested_number, one.found) for one in parcels] == [("a1", False)]
    assert [one.tracking_number for one in unreadable] == ["B2"]


@pytest.mark.parametrize(
    ("words", "found"), [("PIN not found", False), ("The Access Token is invalid", None), ("Server busy", None)]
)
def test_an_error_is_told_unless_it_says_that_the_number_is_unknown(words: str, found: bool | None) -> None:
    body = envelope(errors=f"<Error><Code>1</Code><Description>{words}</Description></Error>")
    parcels, unreadable = read(body)
    assert [one.found for one in parcels] == ([] if found is None else [found])
    assert [words in one.problem for one in unreadable] == ([True] if found is None else [])


def test_a_broken_scan_costs_only_itself() -> None:
    broken = scan("Other", "Arrived at sort facility", date="2026-02-31")
    parcels, unreadable = read(
        envelope(
            information(broken, scan("OnDelivery", "On vehicle for delivery")),
            information(scan("Other", "x"), pin="2"),
        ),
        PIN,
        "2",
    )
    assert [len(one.events) for one in parcels] == [1, 1]
    assert [one.tracking_number for one in unreadable] == [PIN]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><body>Service unavailable</body></html>",
        b"{}",
        b'<!DOCTYPE a><s:Envelope xmlns:s="x"/>',
        b'<s:Envelope xmlns:s="x"><s:Body><s:Fault><faultstring>broken</faultstring></s:Fault></s:Body></s:Envelope>',
    ],
)
def test_what_is_no_answer_is_unreadable_for_each_number(body: bytes) -> None:
    parcels, unreadable = read(body, "1", "2")
    assert not parcels
    assert [one.tracking_number for one in unreadable] == ["1", "2"]
