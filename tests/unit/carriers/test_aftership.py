"""AfterShip: listing, changes alone, pages, creation of new numbers, and what subtags and clocks mean."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec
import pytest

from carrier_world import FOREVER, START, account, finished, read, world_of
from lanecast.carriers import aftership, http, registry
from lanecast.carriers.alpha3 import alpha2_of, alpha3_of
from lanecast.carriers.base import Parsed, Wanted
from lanecast.carriers.carrier_keys import key_of
from lanecast.carriers.places import country_names
from lanecast.sandbox import wire
from lanecast.sandbox.clock import WorldClock
from lanecast.sandbox.server import Sandbox
from lanecast.tracking import Parcel, Unreadable
from lanecast.web import RequestSpec

ADAPTER = aftership.ADAPTER()
NUMBER = "LX123456785DE"
KNOWN = datetime(2026, 11, 2, 8, 30, tzinfo=UTC)


def checkpoint(subtag: str | None = "InTransit_001", **told: Any) -> dict[str, Any]:
    tag = subtag.partition("_")[0] if subtag else None
    usual = {"checkpoint_time": "2026-11-03T09:15:00+01:00", "country_region": "DEU", "city": "Leipzig"}
    return {"subtag": subtag, "tag": tag, "message": "a carrier's words", **usual, **told}


def tracking(*checkpoints: dict[str, Any], number: str = NUMBER, **told: Any) -> dict[str, Any]:
    ends = {"origin_country_region": "CHN", "destination_country_region": "DEU"}
    return {"tracking_number": number, "tag": "InTransit", **ends, "checkpoints": list(checkpoints), **told}


def listed(*trackings: dict[str, Any], cursor: str = "") -> bytes:
    pagination = {"total": 9, "next_cursor": cursor, "has_next_page": bool(cursor)}
    return msgspec.json.encode({"meta": {"code": 200}, "data": {"pagination": pagination, "trackings": trackings}})


def error(code: int, message: str = "no") -> bytes:
    return msgspec.json.encode({"meta": {"code": code, "type": "BadRequest", "message": message}, "data": {}})


def parse(body: bytes, *requested: str) -> list[Parsed]:
    return list(ADAPTER.parse(body, requested or (NUMBER,)))


def parcel(body: bytes) -> Parcel:
    (found,) = parse(body)
    assert isinstance(found, Parcel), found
    return found


def build(*wanted: Wanted) -> RequestSpec:
    return ADAPTER.build(account("aftership"), wanted, None)


def follow(wanted: Sequence[Wanted], body: bytes, spec: RequestSpec | None = None) -> list[aftership.FollowUp]:
    return ADAPTER.follow_ups(account("aftership"), wanted, spec or build(*wanted), body)


def test_new_parcels_are_listed_whole_and_the_key_is_in_a_header() -> None:
    spec = build(Wanted(" A1 "), Wanted("A2"))
    assert (spec.method, spec.path) == ("GET", "/trackings")
    assert spec.params == {"tracking_numbers": "A1,A2", "limit": "200"}
    assert ADAPTER.authorization(account("aftership"), None) == {"as-api-key": account("aftership").password}
    assert ADAPTER.numbers_per_request * 4 <= aftership.LARGEST_PAGE


def test_known_parcels_are_asked_for_what_changed_since_the_earliest_answer_and_a_little_before() -> None:
    spec = build(Wanted("A1", since=KNOWN + timedelta(hours=3)), Wanted("A2", since=KNOWN))
    assert spec.params is not None
    assert spec.params["updated_at_min"] == "2026-11-02T08:20:00+00:00"
    # An unescaped plus would be read as a blank.
    assert "updated_at_min=2026-11-02T08%3A20%3A00%2B00%3A00" in str(httpx.URL("https://a.test", params=spec.params))


def test_silence_about_known_parcels_is_no_news() -> None:
    wanted = [Wanted("A1", since=KNOWN), Wanted("A2", since=KNOWN)]
    body = listed(tracking(number="A1"))
    assert [one.tracking_number for one in parse(body, "A1", "A2")] == ["A1"]
    assert follow(wanted, body) == []


def test_new_numbers_are_created_after_the_last_page_unless_any_page_told_of_them() -> None:
    wanted = [Wanted("A1", "usps"), Wanted("A2", "royal_mail"), Wanted("A3", "dhl"), Wanted("A4")]
    (second,) = follow(wanted, listed(tracking(number="a1"), cursor="c2"))
    assert second.spec.params == {"tracking_numbers": "A1,A2,A3,A4", "limit": "200", "cursor": "c2"}
    assert [one.number for one in second.wanted] == ["A1", "A2", "A3", "A4"]
    creations = follow(second.wanted, listed(tracking(number="A4")), second.spec)
    assert [(one.spec.method, one.spec.path) for one in creations] == [("POST", "/trackings")] * 2
    assert [one.spec.json for one in creations] == [
        {"tracking_number": "A2", "slug": "royal-mail"},
        {"tracking_number": "A3"},
    ]
    assert [one.wanted[0].number for one in creations] == ["A2", "A3"]
    assert follow(creations[0].wanted, error(4003), creations[0].spec) == []


def test_a_cursor_that_leads_nowhere_ends_the_pages() -> None:
    wanted = [Wanted("A1", since=KNOWN)]
    (second,) = follow(wanted, listed(cursor="c2"))
    assert second.spec.params is not None
    assert second.spec.params["updated_at_min"] == "2026-11-02T08:20:00+00:00"
    assert follow(second.wanted, listed(cursor="c2"), second.spec) == []


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"data":{"trackings":"none"}}', b'{"data":7}', b"\xff\xfe"])
def test_an_answer_that_cannot_be_read_creates_nothing(body: bytes) -> None:
    assert follow([Wanted("A1")], body) == []
    assert all(isinstance(one, Unreadable) for one in parse(body))
    assert parse(body)


def test_a_slug_is_sent_only_where_all_parcels_of_a_carrier_have_it() -> None:
    assert key_of("aftership", "royal_mail") == "royal-mail"
    assert key_of("aftership", "mydhl") == "dhl"
    assert key_of("aftership", "dhl") is None  # its parcels are those of several of AfterShip's couriers


@pytest.mark.parametrize(
    ("subtag", "milestone", "reason"),
    [
        ("Pending_001", "registered", None),
        ("InfoReceived_001", "info_received", None),
        ("InTransit_002", "picked_up", None),
        ("InTransit_004", "destination_country_arrived", None),
        ("InTransit_005", "import_cleared", None),
        ("InTransit_006", "import_customs_started", None),
        ("OutForDelivery_001", "out_for_delivery", None),
        ("OutForDelivery_004", "appointment_set", None),
        ("AttemptFail_002", "failed_attempt", "recipient_absent"),
        ("AvailableForPickup_001", "available_for_pickup", None),
        ("Delivered_001", "delivered", None),
        ("Delivered_002", "delivered", None),
        ("Delivered_003", "delivered", None),
        ("Delivered_005", "delivered", None),
        ("Exception_003", "failed_attempt", "refused"),
        ("Exception_004", "customs_hold", None),
        ("Exception_008", "failed_attempt", "unclaimed"),
        ("Exception_010", "returning", None),
        ("Exception_011", "returned", None),
        ("Exception_012", "damaged", None),
        ("Exception_013", "lost", None),
        ("Exception_017", "delayed", "weather"),
        ("Exception_018", "customs_hold", "customs_documents"),
        ("Exception_020", "cancelled", None),
        ("Exception_021", "destroyed", None),
        ("Expired_001", "tracking_expired", None),
    ],
)
def test_a_subtag_means(subtag: str, milestone: str, reason: str | None) -> None:
    (event,) = parcel(listed(tracking(checkpoint(subtag)))).events
    assert (event.code, event.milestone, event.reason, event.mapped) == (subtag, milestone, reason, True)


def test_the_tag_speaks_where_the_subtag_is_missing_or_newer_than_the_table() -> None:
    told = tracking(
        checkpoint(None, tag="AttemptFail"),
        checkpoint("Delivered_099", tag="Delivered"),
        checkpoint("Teleported_001", tag="Teleported"),
    )
    events = parcel(listed(told)).events
    assert [(event.code, event.milestone, event.mapped) for event in events] == [
        ("AttemptFail", "failed_attempt", True),
        ("Delivered_099", "delivered", True),
        ("Teleported_001", "in_transit", False),
    ]


def test_customs_is_export_where_the_parcel_comes_from() -> None:
    told = tracking(
        checkpoint("InTransit_006", country_region="CHN", city="Zhengzhou"),
        checkpoint("InTransit_005", country_region="CHN", city="Zhengzhou"),
        checkpoint("InTransit_005", country_region="NLD", city="Amsterdam"),
        checkpoint("InTransit_005", country_region=None, country_iso3="DEU"),
    )
    found = parcel(listed(told))
    assert (found.origin_country, found.destination_country) == ("CN", "DE")
    assert [event.milestone for event in found.events] == [
        "export_customs_started",
        "export_cleared",
        "import_cleared",  # in Amsterdam for Germany: the customs union is entered there
        "import_cleared",
    ]


def test_a_delivery_after_the_turn_is_the_return() -> None:
    told = tracking(checkpoint("Exception_010"), checkpoint("Delivered_001", checkpoint_time="2026-11-09T10:00:00"))
    assert [event.milestone for event in parcel(listed(told)).events] == ["returning", "returned"]


@pytest.mark.parametrize(
    ("printed", "told", "utc", "known"),
    [
        ("2026-11-03T09:15:00-05:00", {}, "2026-11-03T14:15:00", "offset"),
        ("2026-07-03T09:15:00+00:00", {}, "2026-07-03T09:15:00", "offset"),
        ("2026-07-03T09:15:00", {}, "2026-07-03T07:15:00", "place"),
        ("2026-01-03T09:15:00Z", {}, "2026-01-03T08:15:00", "place"),
        ("2026-07-03", {"country_region": "JPN", "city": "Tokyo"}, "2026-07-02T15:00:00", "place"),
        ("2026-07-03T09:15:00", {"country_region": "USA", "state": "CA"}, "2026-07-03T16:15:00", "place"),
        ("2026-07-03T09:15:00", {"country_region": None, "city": None}, "2026-07-03T09:15:00", "assumed"),
    ],
)
def test_a_checkpoints_time(printed: str, told: dict[str, Any], utc: str, known: str) -> None:
    (event,) = parcel(listed(tracking(checkpoint(checkpoint_time=printed, **told)))).events
    assert (event.occurred_at.replace(tzinfo=None).isoformat(), event.tz_known) == (utc, known)
    seconds = (event.local_time - event.occurred_at.replace(tzinfo=None)).total_seconds()
    assert seconds == event.utc_offset_minutes * 60


def test_expiry_is_told_of_the_tracking_and_becomes_an_event() -> None:
    told = tracking(checkpoint(), tag="Expired", subtag="Expired_001", updated_at="2026-12-04T02:00:00+00:00")
    first, last = parcel(listed(told)).events
    assert first.milestone == "in_transit"
    assert (last.milestone, last.code, last.tz_known) == ("tracking_expired", "Expired_001", "utc")
    assert last.occurred_at - first.occurred_at == timedelta(days=30), "as AfterShip defines it"
    again = parcel(listed(told | {"updated_at": "2026-12-09T02:00:00+00:00"})).events
    assert again[-1] == last, "however often AfterShip touches the tracking"
    silent = tracking(tag="Expired", subtag="Expired_001", created_at="soon")
    assert parcel(listed(silent)).events == []


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (listed(tracking(tag="Pending", subtag="Pending_001")), False),
        (msgspec.json.encode({"meta": {"code": 201}, "data": tracking(tag="Pending")}), False),
        (msgspec.json.encode({"meta": {"code": 201}, "data": tracking(checkpoint())}), True),
        (error(4003, "Tracking already exists."), False),
        (error(4005, "The value of `tracking_number` is invalid."), False),
    ],
)
def test_what_has_nothing_to_tell_is_not_found(body: bytes, found: bool) -> None:
    one = parcel(body)
    assert (one.tracking_number, one.found, bool(one.events)) == (NUMBER, found, found)


@pytest.mark.parametrize("code", [400, 4011, 4012])
def test_a_refusal_that_the_seller_can_mend_is_told(code: int) -> None:
    (one,) = parse(error(code, "also required: postal code"))
    assert isinstance(one, Unreadable)
    assert one.problem.startswith(f"{code} BadRequest also required: postal code")


def test_malformed_pieces_cost_only_themselves() -> None:
    whole = tracking(checkpoint(), number="A2", destination_state="BY")
    broken = tracking(checkpoint(), checkpoint(checkpoint_time="2026-02-31T10:00:00"), number="A1")
    body = msgspec.json.encode(
        {"data": {"trackings": [broken, tracking({"message": 4, "checkpoint_time": 7}, number="A3"), 5, {}, whole]}}
    )
    parsed = parse(body, "A1", "A2", "A3")
    parcels = {one.tracking_number: one for one in parsed if isinstance(one, Parcel)}
    assert {number: len(one.events) for number, one in parcels.items()} == {"A1": 1, "A2": 1, "A3": 0}
    assert parcels["A3"].found
    assert parcels["A2"].destination_region == "DE-BY"
    complaints = [one.tracking_number for one in parsed if isinstance(one, Unreadable)]
    assert sorted(filter(None, complaints)) == ["A1", "A3"]
    assert complaints.count(None) == 2  # the 5 and the tracking without number


def test_countries_of_three_letters_are_those_of_two() -> None:
    for country in country_names():
        assert alpha2_of(alpha3_of(country)) == country
    assert [alpha2_of(text) for text in ("gbr", "GB", "Germany", "ZZZ", "", None)] == [
        "GB",
        "GB",
        "DE",
        None,
        None,
        None,
    ]


# Against the stand-in, through the code that a pull runs.


class Recorded(httpx.ASGITransport):
    """Requests as the sandbox gets them."""

    seen: list[httpx.Request]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        return await super().handle_async_request(request)


@pytest.fixture
def empty() -> None:
    """A stand-in to which nothing was created."""
    wire.stand_in.cache_clear()


def pull(batch: Sequence[Wanted], now: datetime = FOREVER) -> tuple[list[Parsed], list[httpx.Request]]:
    sandbox = Sandbox(world_of("aftership"), WorldClock(START, START, 1.0, lambda: now))
    transport = Recorded(sandbox.app())
    transport.seen = []

    async def run() -> list[http.Answer]:
        async with httpx.AsyncClient(transport=transport) as client:
            limits = http.Limits(requests_per_second=1e6)
            stream = http.pull(
                registry.adapter("aftership"), account("aftership"), [batch], limits=limits, client=client
            )
            return [answer async for answer in stream]

    return read("aftership", asyncio.run(run())), transport.seen


def kinds(seen: Sequence[httpx.Request]) -> list[str]:
    return [request.method for request in seen]


def told_of(parsed: Sequence[Parsed]) -> dict[str, int]:
    assert all(isinstance(one, Parcel) for one in parsed), parsed
    return {one.tracking_number: len(one.events) for one in parsed if isinstance(one, Parcel)}


@pytest.mark.usefixtures("empty")
def test_pages_are_followed_to_the_last_and_what_none_tells_of_is_created(monkeypatch: pytest.MonkeyPatch) -> None:
    shipments = finished("aftership")[:7]
    expected = {shipment.number: len(shipment.scans) for shipment in shipments}
    first, seen = pull([Wanted(shipment.number) for shipment in shipments[:5]])
    assert kinds(seen) == ["GET", *["POST"] * 5]
    monkeypatch.setattr(aftership, "LARGEST_PAGE", 2)
    again, seen = pull([Wanted(shipment.number, shipment.carrier) for shipment in shipments])
    assert kinds(seen) == ["GET", "GET", "GET", "POST", "POST"]
    assert len({request.url.params.get("cursor") for request in seen[:3]}) == 3
    assert told_of(first) | told_of(again) == told_of(again) == expected
    assert [msgspec.json.decode(request.content).get("slug") for request in seen[3:]] == [
        key_of("aftership", shipment.carrier) for shipment in shipments[5:]
    ]


@pytest.mark.usefixtures("empty")
def test_what_did_not_change_since_the_last_answer_is_not_told_again(monkeypatch: pytest.MonkeyPatch) -> None:
    shipments = finished("aftership")[:6]
    pull([Wanted(shipment.number) for shipment in shipments])
    monkeypatch.setattr(aftership, "LARGEST_PAGE", 1)
    ends = sorted(shipments, key=lambda shipment: shipment.scans[-1].instant)
    since = datetime.fromtimestamp(ends[3].scans[-1].instant, UTC)
    parsed, seen = pull([Wanted(shipment.number, since=since) for shipment in shipments])
    assert set(told_of(parsed)) == {shipment.number for shipment in ends[3:]}
    assert kinds(seen) == ["GET"] * 3
    assert {request.url.params["updated_at_min"] for request in seen} == {
        (since - aftership.OVERLAP).isoformat(timespec="seconds")
    }


@pytest.mark.usefixtures("empty")
def test_a_number_created_meanwhile_is_harmless(monkeypatch: pytest.MonkeyPatch) -> None:
    number = finished("aftership")[0].number
    pull([Wanted(number)])
    monkeypatch.setattr(aftership, "_list_of", lambda body: aftership._Data(trackings=[]))
    parsed, seen = pull([Wanted(number)])
    assert kinds(seen) == ["GET", "POST"]
    assert [one.found for one in parsed if isinstance(one, Parcel)] == [True, False]
    assert not [one for one in parsed if isinstance(one, Unreadable)]
