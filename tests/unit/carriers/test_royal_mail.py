"""Royal Mail: the request, what its codes mean, its clock, and its errors."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from carrier_world import account
from lanecast.carriers import royal_mail
from lanecast.carriers.base import Parsed, Wanted
from lanecast.carriers.status import status_table
from lanecast.tracking import Parcel, Unreadable

ADAPTER = royal_mail.ADAPTER()
BARCODE = "KT012345672GB"
ITEM = "1103AA05F000000042B01"


def event(code: str | None, when: str = "2026-11-03T09:15:00+00:00", **told: Any) -> dict[str, Any]:
    return {"eventCode": code, "eventName": "a name", "eventDateTime": when, "locationName": "Croydon DO", **told}


def answer(*events: Any, origin: str = "GBR", destination: str = "GBR", **told: Any) -> bytes:
    summary = {"uniqueItemId": ITEM, "oneDBarcode": BARCODE, "productName": "Tracked 48"}
    ends = {"originCountryCode": origin, "destinationCountryCode": destination}
    piece = {"mailPieceId": ITEM, "summary": summary | ends, "events": list(events), **told}
    return msgspec.json.encode({"mailPieces": piece})


def errors(code: str, status: str = "404") -> bytes:
    one = {"errorCode": code, "errorDescription": "a description", "errorCause": "a cause"}
    return msgspec.json.encode({"httpCode": status, "httpMessage": "Not Found", "errors": [one]})


def parse(body: bytes, *requested: str) -> list[Parsed]:
    return list(ADAPTER.parse(body, requested or (BARCODE,)))


def parcel(body: bytes) -> Parcel:
    (found,) = parse(body)
    assert isinstance(found, Parcel), found
    return found


def test_the_request_names_the_item_and_holds_no_secret_but_in_headers() -> None:
    one = account("royal_mail")
    spec = ADAPTER.build(one, [Wanted(" KT01/2 ")], None)
    assert (spec.method, spec.path, spec.params) == ("GET", "/mailpieces/v2/KT01%2F2/events", None)
    assert spec.headers == {"X-Accept-RMG-Terms": "yes"}
    assert ADAPTER.authorization(one, None) == {"X-IBM-Client-Id": one.login, "X-IBM-Client-Secret": one.password}


@pytest.mark.parametrize("asked", [BARCODE, ITEM, ITEM.lower()])
def test_an_item_is_found_by_either_barcode(asked: str) -> None:
    (found,) = parse(answer(event("EVOAC")), asked)
    assert isinstance(found, Parcel)
    assert (found.tracking_number, found.service) == (asked, "Tracked 48")
    assert (found.origin_country, found.destination_country) == ("GB", "GB")


def test_an_answer_about_another_item_is_told() -> None:
    found, complaint = parse(answer(event("EVOAC")), "ZZ999999999GB")
    assert found.tracking_number == BARCODE
    assert isinstance(complaint, Unreadable)
    assert complaint.tracking_number == "ZZ999999999GB"


@pytest.mark.parametrize(
    ("code", "milestone", "reason"),
    [
        ("EVAIP", "info_received", None),
        ("EVPPA", "picked_up", None),
        ("EVDAC", "hub_arrived", None),
        ("EVNMI", "delayed", "missent"),
        ("EVHOE", "hub_departed", None),
        ("EVJOE", "destination_country_arrived", None),
        ("EVJIC", "import_customs_started", None),
        ("EVJEM", "customs_hold", "customs_documents"),
        ("EVJIA", "import_cleared", None),
        ("EVGPD", "out_for_delivery", None),
        ("EVKNA", "failed_attempt", "recipient_absent"),
        ("EVKAA", "failed_attempt", "access"),
        ("EVKRF", "failed_attempt", "refused"),
        ("EVKSP", "delivered", None),
        ("EVKDN", "delivered", None),
        ("EVKSF", "delivered", None),
        ("EVKLC", "available_for_pickup", None),
        ("EVPLA", "available_for_pickup", None),
        ("EVPLC", "delivered", None),
        ("EVNOC", "delivered", None),
        ("EVNRF", "returning", "refused"),
        ("EVPLN", "returning", "unclaimed"),
        ("EVRTS", "returned", None),
        ("EVNDL", "destroyed", None),
        ("EVGDM", "damaged", None),
        ("NDESS", "in_transit", None),
    ],
)
def test_a_code_means(code: str, milestone: str, reason: str | None) -> None:
    (found,) = parcel(answer(event(code))).events
    assert (found.code, found.milestone, found.reason, found.mapped) == (code, milestone, reason, True)


def test_only_a_message_says_delivered_where_the_recipient_or_a_neighbour_has_it() -> None:
    delivered = {code for code, status in status_table("royal_mail").codes.items() if status.milestone == "delivered"}
    assert delivered.isdisjoint({"EVKLC", "EVKLS", "EVPLA", "EVNLC", "EVZDM", "NDESS", "EVRTS"})


def test_an_unknown_code_is_kept_and_words_alone_are_read() -> None:
    told = answer(event("EVXXX"), event(None, eventName="Item  Returned to\nsender"))
    unknown, worded = parcel(told).events
    assert (unknown.code, unknown.milestone, unknown.mapped) == ("EVXXX", "in_transit", False)
    assert (worded.code, worded.milestone, worded.description) == (None, "returning", "Item Returned to sender")


def test_a_delivery_after_the_turn_is_the_return() -> None:
    told = answer(event("EVKOP", "2026-11-09T10:00:00+00:00"), event("EVNRF"))
    assert [one.milestone for one in parcel(told).events] == ["returned", "returning"]


@pytest.mark.parametrize(
    ("printed", "destination", "utc", "known", "country"),
    [
        ("2026-07-03T09:15:00+01:00", "GBR", "2026-07-03T08:15:00", "offset", "GB"),
        ("2026-11-03T09:15:00+00:00", "GBR", "2026-11-03T09:15:00", "offset", "GB"),
        ("2026-07-03T09:15:00", "GBR", "2026-07-03T08:15:00", "place", "GB"),
        ("2026-07-03T09:15:00Z", "GBR", "2026-07-03T08:15:00", "place", "GB"),
        ("2026-10-25T01:30:00", "GBR", "2026-10-25T00:30:00", "place", "GB"),
        ("2026-07-03T09:15:00+02:00", "DEU", "2026-07-03T07:15:00", "offset", None),
        ("2026-07-03T09:15:00", "DEU", "2026-07-03T08:15:00", "assumed", None),
    ],
)
def test_an_events_time_and_country(printed: str, destination: str, utc: str, known: str, country: str | None) -> None:
    (found,) = parcel(answer(event("EVOAC", printed), destination=destination)).events
    assert (found.occurred_at.replace(tzinfo=None).isoformat(), found.tz_known) == (utc, known)
    assert (found.country, found.city) == (country, "Croydon DO")


def test_the_summary_stands_in_where_events_are_missing() -> None:
    newest = {
        "lastEventCode": "EVKSP",
        "lastEventName": "Delivered by",
        "lastEventDateTime": "2026-11-03T09:15:00+00:00",
        "lastEventLocationName": "Croydon DO",
    }
    pieces = [{"mailPieceId": BARCODE, "summary": newest}]
    (found,) = parcel(msgspec.json.encode({"mailPieces": pieces})).events
    assert (found.milestone, found.description, found.city) == ("delivered", "Delivered by", "Croydon DO")


@pytest.mark.parametrize("code", ["E1142", "E1284", "E1308"])
def test_an_item_without_news_is_not_found(code: str) -> None:
    assert not parcel(errors(code)).found
    error = {"errorCode": code}
    assert not parcel(msgspec.json.encode({"mailPieces": {"mailPieceId": BARCODE, "error": error}})).found


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html></html>",
        b"[1]",
        b"{}",
        b'{"mailPieces": []}',
        b'{"mailPieces": {"events": []}}',
        b'{"mailPieces": {"mailPieceId": "KT012345672GB", "error": {"errorCode": "E0009"}}}',
        errors("E0004", "400"),
    ],
)
def test_what_cannot_be_read_is_told(body: bytes) -> None:
    parsed = parse(body)
    assert parsed
    assert all(isinstance(one, Unreadable) for one in parsed), parsed


def test_a_malformed_event_costs_only_itself() -> None:
    body = answer(event("EVOAC"), "EVKSP", event("EVKSP", "2026-02-31T09:00:00"), {"eventCode": [1]})
    parsed = parse(body)
    (found,) = [one for one in parsed if isinstance(one, Parcel)]
    assert [one.code for one in found.events] == ["EVOAC"]
    assert [one.tracking_number for one in parsed if isinstance(one, Unreadable)] == [BARCODE] * 3
