"""Canada Post Tracking: requests, XML shapes, zone names and milestones."""

from __future__ import annotations

from pathlib import Path

import pytest

from lanecast.carriers.base import Account, Wanted
from lanecast.carriers.canada_post import CanadaPost
from lanecast.carriers.parse import parse_file
from lanecast.tracking import MILESTONES, Parcel, TrackingEvent, Unreadable

SAMPLES = Path(__file__).resolve().parents[4] / "shared" / "fixtures" / "carriers"
SAMPLE = SAMPLES / "canadapost" / "TrackingResponseXml.xml"
NUMBER = "CA123456785CA"


def occurrence(
    code: str = "0174",
    text: str = "",
    date: str = "2026-02-05",
    zone: str = "EST",
    site: str = "OTTAWA",
    province: str = "ON",
) -> str:
    return (
        f"<occurrence><event-identifier>{code}</event-identifier><event-date>{date}</event-date>"
        f"<event-time>09:15:00</event-time><event-time-zone>{zone}</event-time-zone>"
        f"<event-description>{text}</event-description><signatory-name/><event-site>{site}</event-site>"
        f"<event-province>{province}</event-province></occurrence>"
    )


def detail(*occurrences: str, number: str = NUMBER, postal: str = "") -> str:
    return (
        f'<tracking-detail xmlns="http://www.canadapost.ca/ws/track-v2"><pin>{number}</pin>'
        f"<destination-postal-id>{postal}</destination-postal-id>"
        f"<significant-events>{''.join(occurrences)}</significant-events></tracking-detail>"
    )


def events_of(answer: str, number: str = NUMBER) -> list[TrackingEvent]:
    (parcel,) = CanadaPost().parse(answer.encode(), [number])
    assert isinstance(parcel, Parcel)
    assert parcel.found
    return parcel.events


@pytest.mark.skipif(not SAMPLE.is_file(), reason=f"the sample answer is not at {SAMPLE}")
def test_the_sample_is_read_in_full() -> None:
    (parcel,) = parse_file("canada_post", SAMPLE)
    assert isinstance(parcel, Parcel)
    assert [one.code for one in parcel.events] == ["20", "174", "100", "173", "1496", "20"]
    assert all(one.mapped and one.milestone in MILESTONES and one.utc_offset_minutes == -300 for one in parcel.events)
    assert parcel.events[1].occurred_at.isoformat() == "2011-02-03T13:27:43+00:00"
    assert (parcel.events[1].region, parcel.destination_country) == ("CA-QC", "CA")


def test_a_request_names_its_media_type_and_proves_who_asks_in_a_header() -> None:
    account = Account(carrier="canada_post", base_url="https://soa-gw.canadapost.ca", login="me", password="hush")
    spec = CanadaPost().build(account, [Wanted(" 70/2 ")], None)
    assert (spec.method, spec.path) == ("GET", "/vis/track/pin/70%2F2/detail")
    assert spec.headers is not None
    assert spec.headers["Accept"] == "application/vnd.cpc.track-v2+xml"
    assert "hush" not in repr(spec)
    assert CanadaPost().authorization(account, None) == {"Authorization": "Basic bWU6aHVzaA=="}


@pytest.mark.parametrize(
    ("code", "milestone", "reason"),
    [
        ("3000", "info_received", None),
        ("0174", "out_for_delivery", None),
        ("1496", "delivered", None),
        ("1427", "delivered", None),
        ("1441", "delivered", None),
        ("0020", "delivered", None),
        ("1701", "available_for_pickup", None),
        ("1435", "failed_attempt", "recipient_absent"),
        ("1417", "returning", "refused"),
        ("1419", "returning", "unclaimed"),
        ("150", "destroyed", None),
        ("0161", "delayed", "strike"),
        ("0159", "delayed", "weather"),
        ("0810", "customs_hold", None),
        ("0710", "damaged", None),
        ("190", "cancelled", None),
    ],
)
def test_codes_mean_the_same_with_and_without_leading_zeros(code: str, milestone: str, reason: str | None) -> None:
    (found,) = events_of(detail(occurrence(code)))
    assert (found.code, found.milestone, found.reason, found.mapped) == (code.lstrip("0"), milestone, reason, True)


@pytest.mark.parametrize(
    ("code", "text", "milestone"),
    [
        ("174", "Item being returned to sender is out for delivery", "returning"),
        ("1496", "L'article a été renvoyé avec succès à l'expéditeur.", "returned"),
        ("1496", "Item successfully returned to sender", "returned"),
        (
            "156",
            "Final Notice; Item will be returned to sender if not collected within 10 days",
            "available_for_pickup",
        ),
        ("1496", "Item successfully delivered", "delivered"),
    ],
)
def test_words_of_a_return_go_before_the_code(code: str, text: str, milestone: str) -> None:
    assert events_of(detail(occurrence(code, text)))[0].milestone == milestone


def test_delivered_after_a_return_is_returned() -> None:
    told = detail(occurrence("1496", date="2026-02-09"), occurrence("1420"), occurrence("0100", date="2026-02-01"))
    assert [one.milestone for one in events_of(told)] == ["returned", "returning", "hub_arrived"]


def test_customs_abroad_is_import_and_in_canada_export_or_import() -> None:
    abroad = occurrence("4400", site="TEL AVIV,Israel", province="", zone="ISRAEL")
    assert events_of(detail(abroad))[0].milestone == "import_customs_started"
    here = occurrence("0800")
    assert events_of(detail(here))[0].milestone == "export_customs_started"
    assert events_of(detail(here, postal="K0J1T0"))[0].milestone == "import_customs_started"


@pytest.mark.parametrize(
    ("zone", "site", "province", "code", "minutes", "known", "country"),
    [
        ("EST", "OTTAWA", "ON", "0100", -300, "offset", "CA"),
        ("NST", "ST. JOHN'S", "NL", "0100", -210, "offset", "CA"),
        ("PST", "VANCOUVER", "BC", "0100", -480, "offset", "CA"),
        ("", "REGINA", "SK", "0100", -360, "place", "CA"),
        ("", "HALIFAX", "", "0100", -240, "place", "CA"),
        ("ISRAEL", "02650,Israel", "", "4600", 120, "place", "IL"),
        ("", "ILTLVA", "", "4310", 120, "place", "IL"),
        ("", "SOMEWHERE", "", "4310", 0, "assumed", None),
    ],
)
def test_a_zone_s_name_holds_and_else_the_place(
    zone: str, site: str, province: str, code: str, minutes: int, known: str, country: str | None
) -> None:
    (found,) = events_of(detail(occurrence(code, zone=zone, site=site, province=province)))
    assert (found.utc_offset_minutes, found.tz_known, found.country) == (minutes, known, country)


def test_the_zone_s_name_tells_the_two_passings_of_an_hour_apart() -> None:
    told = detail(*(occurrence(date="2026-11-01", zone=zone).replace("09:15", "01:15") for zone in ("EDT", "EST")))
    assert [one.occurred_at.hour for one in events_of(told)] == [5, 6]


@pytest.mark.parametrize("wrapper", ["{}", "<wrapper>{}</wrapper>"])
def test_an_unknown_number_is_not_found(wrapper: str) -> None:
    told = (
        '<messages xmlns="http://www.canadapost.ca/ws/messages"><message><code>004</code>'
        "<description>No Pin History</description></message></messages>"
    )
    (parcel,) = CanadaPost().parse(wrapper.format(told).encode(), [NUMBER])
    assert isinstance(parcel, Parcel)
    assert (parcel.found, parcel.requested_number) == (False, NUMBER)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"{}",
        b"<html><body>busy</body></html>",
        b"<messages><message><code>Server</code><description>Rejected</description></message></messages>",
        b'<!DOCTYPE a [<!ENTITY b "c">]><tracking-detail/>',
        b"<tracking-detail><pin>1</pin>",
    ],
)
def test_other_answers_are_unreadable(answer: bytes) -> None:
    (found,) = CanadaPost().parse(answer, [NUMBER])
    assert isinstance(found, Unreadable)
    assert found.tracking_number == NUMBER


def test_a_malformed_event_costs_only_itself_and_an_unknown_code_is_kept() -> None:
    untimed = "<occurrence><event-identifier>0100</event-identifier><event-date>2026-02-05</event-date></occurrence>"
    found = list(CanadaPost().parse(detail(occurrence("9999"), occurrence(date="no"), untimed).encode(), [NUMBER]))
    assert sum(isinstance(one, Unreadable) for one in found) == 2
    (parcel,) = (one for one in found if isinstance(one, Parcel))
    assert [(one.code, one.milestone, one.mapped) for one in parcel.events] == [("9999", "in_transit", False)]


def test_a_number_that_was_not_asked_for_leaves_the_other_unmentioned() -> None:
    found = list(CanadaPost().parse(detail(occurrence(), number="1").encode(), [NUMBER]))
    assert [one.tracking_number for one in found if isinstance(one, Unreadable)] == [NUMBER]
