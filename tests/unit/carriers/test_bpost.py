"""bpost: the request, state codes and names, offsets, unknown barcodes, answers that are broken."""

from __future__ import annotations

from pathlib import Path

import pytest

from lanecast.carriers.base import Account, Wanted
from lanecast.carriers.parse import parse_file
from lanecast.carriers.registry import adapter
from lanecast.tracking import Parcel, TrackingEvent, Unreadable

SAMPLE = Path(__file__).resolve().parents[4] / "shared/fixtures/carriers/bpost/TrackingResponse.xml"
CODE = "323200000000000000000001"
NAMESPACES = 'xmlns="http://schema.post.be/tracking/v1/" xmlns:c="http://schema.post.be/announcement/common/v1/"'


def state(code: str, words: str, time: str = "2026-07-01T09:05:00+02:00", location: str = "") -> str:
    place = f"<location>{location}</location>" if location else ""
    return (
        f"<stateInfo><time>{time}</time>{place}<stateCode>{code}</stateCode>"
        f"<stateDescription>{words}</stateDescription></stateInfo>"
    )


def tracking(*states: str, origin: str = "BE", destination: str = "BE") -> bytes:
    ends = "".join(
        f"<{end}><c:address><c:countryCode>{country}</c:countryCode></c:address></{end}>"
        for end, country in (("sender", origin), ("addressee", destination))
    )
    return f"<itemTracking {NAMESPACES}><itemCode>{CODE}</itemCode>{ends}{''.join(states)}</itemTracking>".encode()


def read(body: bytes, *requested: str) -> tuple[list[Parcel], list[Unreadable]]:
    found = list(adapter("bpost").parse(body, requested or (CODE,)))
    return [one for one in found if isinstance(one, Parcel)], [one for one in found if isinstance(one, Unreadable)]


def event(*told: str, **ends: str) -> TrackingEvent:
    parcels, unreadable = read(tracking(state(*told), **ends))
    assert not unreadable
    return parcels[0].events[0]


@pytest.mark.skipif(not SAMPLE.is_file(), reason=f"bpost's sample answer is not at {SAMPLE}")
def test_the_public_sample_is_read_in_full() -> None:
    (parcel,) = parse_file("bpost", SAMPLE)
    assert isinstance(parcel, Parcel)
    assert (parcel.tracking_number, parcel.origin_country) == ("323212345659900040669030", "BE")
    assert [(one.code, one.milestone, one.mapped) for one in parcel.events] == [
        ("T00", "hub_arrived", True),
        ("L00", "out_for_delivery", True),
        ("U01", "delivered", True),
    ]
    assert {(one.utc_offset_minutes, one.tz_known) for one in parcel.events} == {(60, "offset")}
    assert parcel.events[0].occurred_at.isoformat() == "2012-11-22T22:19:29+00:00"


def test_a_request_takes_any_type_and_escapes_the_barcode() -> None:
    account = Account(carrier="bpost", base_url="https://x", login="123456", password="pass-word")
    spec = adapter("bpost").build(account, [Wanted(" 32/1 ")], None)
    assert (spec.method, spec.path) == ("GET", "/services/trackedmail/item/32%2F1/trackingInfo")
    assert spec.basic == ("123456", "pass-word")
    assert spec.headers == {"Accept": "*/*"}
    assert spec.params is None


@pytest.mark.parametrize(
    ("code", "words", "milestone", "reason"),
    [
        ("L00", "BoundToRound - out_for_distribution", "out_for_delivery", None),
        ("U02", "DistributedNormally - neighbour", "delivered", None),
        ("U00", "DeliveredToSender", "returned", None),
        ("U03", "Available at a pick-up point", "available_for_pickup", None),
        ("R13", "", "available_for_pickup", None),
        ("R00", "Item held by import customs: inspection", "customs_hold", "customs_inspection"),
        ("R00", "DistributedNormally - regular", "in_transit", None),
        ("X99", "DistributedAfterBTS", "delivered", None),
        ("X99", "Could not be delivered to a neighbour", "failed_attempt", None),
        ("X99", "Delivered to a neighbour", "delivered", None),
        ("X99", "Refused by the recipient", "failed_attempt", "refused"),
        ("X99", "Return to sender", "returning", None),
        ("X99", "Item lost", "lost", None),
    ],
)
def test_codes_and_names_of_states(code: str, words: str, milestone: str, reason: str | None) -> None:
    told = event(code, words)
    assert (told.code, told.milestone, told.reason, told.mapped) == (code, milestone, reason, True)


def test_an_unknown_code_is_kept_and_marked() -> None:
    told = event("Q42", "SomethingElse - odd")
    assert (told.code, told.milestone, told.mapped) == ("Q42", "in_transit", False)


def test_export_and_import_customs_are_told_apart_by_their_names() -> None:
    assert event("R00", "Item returned from export customs", destination="US").milestone == "export_cleared"
    assert event("R00", "Item returned from import customs", destination="US").milestone == "import_cleared"


@pytest.mark.parametrize(
    ("time", "utc", "minutes", "known"),
    [
        ("2026-10-25T02:30:00+02:00", "2026-10-25T00:30:00+00:00", 120, "offset"),
        ("2026-10-25T02:30:00.5+01:00", "2026-10-25T01:30:00.500000+00:00", 60, "offset"),
        ("2026-07-01T09:05:00", "2026-07-01T07:05:00+00:00", 120, "assumed"),
        ("2026-07-01T09:05:00Z", "2026-07-01T07:05:00+00:00", 120, "assumed"),
    ],
)
def test_an_offset_holds_and_without_one_the_clock_of_belgium(time: str, utc: str, minutes: int, known: str) -> None:
    told = event("T00", "Sorted", time)
    assert (told.occurred_at.isoformat(), told.utc_offset_minutes, told.tz_known) == (utc, minutes, known)
    assert (told.country, told.city) == (None, None)


def test_a_delivery_after_the_way_back_is_to_the_sender() -> None:
    parcels, _ = read(
        tracking(state("R00", "Return to sender"), state("U01", "DistributedNormally", "2026-07-04T10:00:00+02:00"))
    )
    assert [one.milestone for one in parcels[0].events] == ["returning", "returned"]


@pytest.mark.parametrize(
    "body",
    [
        b"No item found for this barcode",
        b"<itemTracking/>",
        b'<businessException xmlns="x"><code>404</code><message>Unknown item</message></businessException>',
    ],
)
def test_an_unknown_barcode_is_not_found(body: bytes) -> None:
    parcels, unreadable = read(body)
    assert not unreadable
    assert [(one.requested_number, one.found) for one in parcels] == [(CODE, False)]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><body>maintenance</body></html>",
        b'<systemException xmlns="x"><message>An unexpected error</message></systemException>',
        b"{}",
    ],
)
def test_what_is_no_answer_is_unreadable(body: bytes) -> None:
    parcels, unreadable = read(body)
    assert not parcels
    assert [one.tracking_number for one in unreadable] == [CODE]


def test_a_broken_state_costs_only_itself() -> None:
    parcels, unreadable = read(
        tracking(state("T00", "Sorted", "2026-02-31T10:00:00+01:00"), state("L00", "x"), "<stateInfo/>")
    )
    assert [one.code for one in parcels[0].events] == ["L00"]
    assert len(unreadable) == 2
