"""Times as UPS, FedEx, DHL and USPS tell them: offsets, readings that disagree, hours that a clock shows twice."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lanecast.bench import parse as bench
from lanecast.carriers import clocks, places, registry
from lanecast.tracking import Parcel, TrackingEvent

ZONES = sorted(available_timezones() - {"localtime", "Factory"})
INSTANTS = st.datetimes(datetime(1990, 1, 1), datetime(2035, 12, 31, 23, 59))  # noqa: DTZ001


def events_of(carrier: str, answer: Any, number: str = "N1") -> list[TrackingEvent]:
    [parcel] = registry.adapter(carrier).parse(json.dumps(answer).encode(), [number])
    assert isinstance(parcel, Parcel)
    return parcel.events


def ups(*activities: dict[str, Any]) -> list[TrackingEvent]:
    packages = [{"trackingNumber": "N1", "activity": list(activities)}]
    return events_of("ups", {"trackResponse": {"shipment": [{"inquiryNumber": "N1", "package": packages}]}})


def activity(local: str, city: str = "Newark", state: str = "NJ", **fields: str) -> dict[str, Any]:
    """An activity at "20261101 013000"."""
    date, time = local.split()
    address = {"city": city, "stateProvince": state, "countryCode": "US"}
    status = {"type": "I", "code": "AR", "description": "Arrived at Facility"}
    return {"date": date, "time": time, "location": {"address": address}, "status": status, **fields}


def usps(*events: dict[str, Any]) -> list[TrackingEvent]:
    return events_of("usps", {"trackingNumber": "N1", "trackingEvents": list(events)})


def usps_event(local: str, **fields: str) -> dict[str, Any]:
    return {"eventTimestamp": local, "eventCode": "10", "eventCity": "NEWARK", "eventState": "NJ", **fields}


def dhl(*events: tuple[str, str, str]) -> list[TrackingEvent]:
    told = [
        {
            "timestamp": time,
            "statusCode": "transit",
            "location": {"address": {"countryCode": country, "addressLocality": city}},
        }
        for time, country, city in events
    ]
    return events_of("dhl", {"shipments": [{"id": "N1", "events": told}]})


def fedex(*dates: str) -> list[TrackingEvent]:
    place = {"city": "NEWARK", "stateOrProvinceCode": "NJ", "countryCode": "US"}
    scans = [{"date": date, "eventType": "AR", "scanLocation": place} for date in dates]
    results = [{"trackingNumberInfo": {"trackingNumber": "N1"}, "scanEvents": scans}]
    return events_of("fedex", {"output": {"completeTrackResults": [{"trackingNumber": "N1", "trackResults": results}]}})


def utc(event: TrackingEvent) -> str:
    return event.occurred_at.strftime("%m-%dT%H:%M")


def test_fedexs_offsets_are_honoured_wherever_the_scan_was() -> None:
    told = fedex("2026-03-02T12:01:30+08:00", "2026-03-02T12:01:30.5-07:00", "2026-03-02T12:01:30Z")
    assert [event.utc_offset_minutes for event in told] == [480, -420, 0]
    assert [utc(event) for event in told] == ["03-02T04:01", "03-02T19:01", "03-02T12:01"]
    assert {event.tz_known for event in told} == {"offset"}


@pytest.mark.parametrize(
    ("fields", "when", "known", "flagged"),
    [
        ({"gmtOffset": "-05:00", "gmtDate": "20260302", "gmtTime": "17:01:30"}, "03-02T17:01", "offset", False),
        ({"gmtOffset": "-05:00", "gmtDate": "20260302", "gmtTime": "17:03:00"}, "03-02T17:01", "offset", False),
        ({"gmtOffset": "-05:00", "gmtDate": "20260302", "gmtTime": "18:01:30"}, "03-02T17:01", "offset", True),
        ({"gmtOffset": "-05:00", "gmtDate": "20260302", "gmtTime": "12:01:30"}, "03-02T17:01", "offset", True),
        ({"gmtOffset": "-05:00"}, "03-02T17:01", "offset", False),
        ({"gmtOffset": "-05:00", "gmtDate": "2026", "gmtTime": "x"}, "03-02T17:01", "offset", False),
        ({"gmtDate": "20260302", "gmtTime": "180130"}, "03-02T18:01", "utc", False),
        ({"gmtDate": "20260302", "gmtTime": "120130"}, "03-02T17:01", "place", True),
        ({"gmtDate": "20260307", "gmtTime": "120130"}, "03-02T17:01", "place", True),
        ({}, "03-02T17:01", "place", False),
    ],
)
def test_upss_gmt_fields(fields: dict[str, str], when: str, known: str, flagged: bool) -> None:
    [event] = ups(activity("20260302 120130", **fields))
    assert (utc(event), event.tz_known, event.clock_disagrees) == (when, known, flagged)


@pytest.mark.parametrize(
    ("local", "fields", "when", "known", "flagged"),
    [
        ("12:01:00", {"GMTOffset": "-05:00", "GMTTimestamp": "2026-03-02T17:01:40Z"}, "03-02T17:01", "offset", False),
        ("12:01:00", {"GMTOffset": "-05:00", "GMTTimestamp": "2026-03-02T17:01:40"}, "03-02T17:01", "offset", False),
        ("12:01:00", {"GMTOffset": "-05:00", "GMTTimestamp": "2026-03-02T12:01:40Z"}, "03-02T17:01", "offset", True),
        ("12:01:00", {"GMTOffset": "-05:00", "GMTTimestamp": "2026-03-02T17:04:00Z"}, "03-02T17:01", "offset", True),
        ("12:01:00Z", {"GMTOffset": "-05:00"}, "03-02T17:01", "offset", False),
        ("12:01:00-06:00", {"GMTTimestamp": "2026-03-02T17:01:40Z"}, "03-02T18:01", "offset", True),
        ("12:01:00", {"GMTTimestamp": "2026-03-02T18:01:40Z"}, "03-02T18:01", "utc", False),
        ("12:01:00", {"GMTTimestamp": "2026-03-02T12:01:40Z"}, "03-02T17:01", "place", True),
        ("12:01:00", {"GMTTimestamp": "noon"}, "03-02T17:01", "place", False),
    ],
)
def test_uspss_three_readings(local: str, fields: dict[str, str], when: str, known: str, flagged: bool) -> None:
    [event] = usps(usps_event(f"2026-03-02T{local}", **fields))
    assert (utc(event), event.tz_known, event.clock_disagrees) == (when, known, flagged)
    assert event.local_time == datetime(2026, 3, 2, 12, 1)  # noqa: DTZ001


def test_greenwich_itself_may_print_its_local_time_as_utc() -> None:
    event = usps_event("2026-01-05T12:01:00", GMTTimestamp="2026-01-05T12:01:30Z") | {"eventState": None}
    [told] = usps(event | {"eventCountry": "GREAT BRITAIN", "eventCity": "LONDON"})
    assert (told.tz_known, told.utc_offset_minutes, told.clock_disagrees) == ("utc", 0, False)


def test_dhls_z_is_local_time_and_its_numeric_offset_is_not() -> None:
    told = dhl(
        ("2026-07-01T10:00:00Z", "DE", "Leipzig"),
        ("2026-07-01T10:00:00", "DE", "Leipzig"),
        ("2026-07-01T10:00:00+00:00", "DE", "Leipzig"),
        ("2026-07-01T10:00:00.250+08:00", "DE", "Leipzig"),
    )
    assert [event.utc_offset_minutes for event in told] == [120, 120, 0, 480]
    assert [event.tz_known for event in told] == ["place", "place", "offset", "offset"]


# New York's clocks fell back on 2026-11-01: 01:00 to 02:00 was at 05:00 UTC (-04:00) and again at 06:00 (-05:00).
FALL = "2026-11-01T"


@pytest.mark.parametrize(
    ("clock", "expected"),
    [
        (["00:50", "01:50", "01:10", "02:05"], ["04:50", "05:50", "06:10", "07:05"]),
        (["00:20", "01:50", "01:10", "01:20"], ["04:20", "05:50", "06:10", "06:20"]),
        (["00:50", "01:10", "01:50", "02:05"], ["04:50", "05:10", "05:50", "07:05"]),
        (["01:30"], ["05:30"]),
        (["02:10", "01:30", "03:00"], ["07:10", "05:30", "08:00"]),
    ],
    ids=["one second pass", "two second passes", "nothing tells", "alone", "out of order all the same"],
)
@pytest.mark.parametrize("newest_first", [True, False])
def test_a_doubled_hour_is_settled_by_the_order_of_events(
    clock: list[str], expected: list[str], newest_first: bool
) -> None:
    step = -1 if newest_first else 1
    told = dhl(*[(f"{FALL}{time}:00", "US", "NEWARK") for time in clock][::step])
    assert [event.occurred_at.strftime("%H:%M") for event in told][::step] == expected
    for event in told:
        assert event.occurred_at.replace(tzinfo=None) + timedelta(minutes=event.utc_offset_minutes) == event.local_time


def test_an_event_with_its_own_offset_settles_one_without() -> None:
    first = {"gmtOffset": "-05:00"}
    told = ups(activity("20261101 014500"), activity("20261101 012000", **first), activity("20261101 003000"))
    assert [event.occurred_at.strftime("%H:%M") for event in told] == ["06:45", "06:20", "04:30"]
    assert [event.tz_known for event in told] == ["place", "offset", "place"]


def test_what_is_told_with_an_offset_is_never_moved() -> None:
    dates = [f"{FALL}01:10:00-04:00", f"{FALL}01:50:00-04:00", f"{FALL}00:50:00-04:00"]
    assert [event.occurred_at.strftime("%H:%M") for event in fedex(*dates)] == ["05:10", "05:50", "04:50"]


def test_fedex_and_usps_settle_too() -> None:
    times = [f"{FALL}01:10:00", f"{FALL}01:50:00", f"{FALL}00:50:00"]
    for told in (fedex(*times), usps(*map(usps_event, times))):
        assert [event.occurred_at.strftime("%H:%M") for event in told] == ["06:10", "05:50", "04:50"]


def test_events_in_order_are_left_as_they_are() -> None:
    told = dhl(*[(f"{FALL}{time}:00", "US", "NEWARK") for time in ("03:00", "01:30", "00:10")])
    assert clocks.settle(told) is told
    assert clocks.settle([]) == []


def test_a_zone_that_is_only_assumed_is_not_moved() -> None:
    told = dhl(*[(f"{FALL}{time}:00", "US", "NOWHERE") for time in ("01:10", "01:50", "00:50")])
    assert {event.tz_known for event in told} == {"assumed"}
    assert [event.occurred_at.strftime("%H:%M") for event in told] == ["05:10", "05:50", "04:50"]


@settings(max_examples=500, deadline=None)
@given(st.sampled_from(ZONES), INSTANTS)
def test_any_zone_and_instant_is_read_back(zone: str, instant: datetime) -> None:
    """Local less offset is UTC, and the reading is of that very instant or, in a doubled hour, of its other passing."""
    info = places.zone_info(zone)
    moment = instant.replace(tzinfo=UTC)
    local = moment.astimezone(info).replace(tzinfo=None, fold=0)
    read, minutes = clocks.in_zone(local, info)
    assert local - timedelta(minutes=minutes) == read.replace(tzinfo=None)
    assert clocks.at_offset(local, minutes) == read
    assert clocks.by_offset(local, clocks.offset_text(minutes)) == (read, minutes)
    if read != moment and moment.astimezone(info).utcoffset() == info.utcoffset(moment.astimezone(info)):
        second, _ = clocks.in_zone(local.replace(fold=1), info)
        assert abs(second - moment) < timedelta(minutes=1)
        assert read < moment


@pytest.mark.parametrize("carrier", bench.CARRIERS)
def test_the_benchmarks_answers_are_read_in_full(carrier: str) -> None:
    answers = bench.answers_of(carrier, 40)
    assert len({*answers.numbers}) == 40
    assert bench.answers_of(carrier, 40) == answers
    for body, number in zip(answers.bodies, answers.numbers, strict=True):
        bench._check(list(registry.adapter(carrier).parse(body, [number])), number)


def test_the_benchmark_tells_a_rate_for_each_carrier(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "PARCELS", 20)
    rates = bench.parse_rates(0.02)
    assert list(rates) == list(bench.CARRIERS)
    for figures in rates.values():
        assert figures["events_per_second"] > 10_000
        assert 3_000 < figures["answer_bytes"] < 10_000


def test_a_location_is_read_once_for_many_scans_and_still_piece_by_piece() -> None:
    broken = activity("20260302 120130", gmtOffset="-05:00")
    broken["location"]["address"]["city"] = {"name": "Newark"}
    broken["status"]["code"] = ["AR"]
    [event, other] = ups(broken, activity("20260301 120130", gmtOffset="-05:00") | {"location": 7, "status": "x"})
    assert (event.country, event.region, event.city, event.code) == ("US", "US-NJ", None, "I")
    assert (other.country, other.code, other.mapped) == (None, None, False)
