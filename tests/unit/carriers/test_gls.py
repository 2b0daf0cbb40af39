"""GLS Track And Trace V1: its sample in full, the token, several numbers, codes and texts, broken pieces."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lanecast.carriers.base import Account, Wanted
from lanecast.carriers.gls import Gls
from lanecast.carriers.parse import parse_file
from lanecast.tracking import Parcel, TrackingEvent, Unreadable

SAMPLE = Path(__file__).resolve().parents[4] / "shared/fixtures/carriers/gls/TrackingResponse.json"
ADAPTER = Gls()
ACCOUNT = Account(carrier="gls", base_url="https://api.gls-group.net", login="app", password="gls-secret")
NUMBER = "60483186262"
WHEN = "2026-07-29T10:02:00+0200"


def event(code: str | None, text: str = "", country: str = "DE", date: str = WHEN) -> dict[str, Any]:
    told = {"city": "Essen", "postalCode": "45127", "country": country, "description": text, "eventDateTime": date}
    return told | {"code": code}


def parcel(*told: dict[str, Any], requested: str = NUMBER, unitno: str = NUMBER) -> dict[str, Any]:
    return {"requested": requested, "unitno": unitno, "status": "INTRANSIT", "events": list(told)}


def parse(*parcels: dict[str, Any], numbers: tuple[str, ...] = (NUMBER,)) -> list[Parcel | Unreadable]:
    return list(ADAPTER.parse(json.dumps({"parcels": parcels}).encode(), numbers))


def events(*told: dict[str, Any]) -> list[TrackingEvent]:
    (found,) = parse(parcel(*told))
    assert isinstance(found, Parcel)
    return found.events


@pytest.mark.skipif(not SAMPLE.is_file(), reason=f"GLS's sample answer is not at {SAMPLE}")
def test_the_sample_is_read_in_full() -> None:
    (found,) = parse_file("gls", SAMPLE)
    assert isinstance(found, Parcel)
    told = [(one.code, one.milestone, one.country, one.city, one.occurred_at.isoformat()) for one in found.events]
    assert told == [
        ("INTIAL.NORMAL", "picked_up", "DE", "Berlin", "2024-10-07T08:46:14+00:00"),
        ("INTIAL.PREADVICE", "info_received", "DE", None, "2024-10-07T07:30:00+00:00"),
    ]
    assert all(one.mapped and one.tz_known == "offset" for one in found.events)


def test_the_token_is_asked_for_by_basic_and_the_numbers_stand_in_the_path() -> None:
    login = ADAPTER.token_request(ACCOUNT)
    assert login is not None
    assert (login.path, login.form, login.basic) == (
        "/oauth2/v2/token",
        {"grant_type": "client_credentials"},
        ("app", "gls-secret"),
    )
    spec = ADAPTER.build(ACCOUNT, [Wanted("1"), Wanted("A/B")], "token")
    assert spec.path == "/track-and-trace-v1/tracking/simple/trackids/1,A%2FB"
    assert spec.headers == {"Accept-Language": "EN"}
    assert ADAPTER.authorization(ACCOUNT, "token") == {"Authorization": "Bearer token"}


@pytest.mark.parametrize(
    ("code", "text", "milestone", "reason"),
    [
        ("OUTDEL.NORMAL", "The parcel is expected to be delivered during the day.", "out_for_delivery", None),
        ("DELIVD.NORMAL", "The parcel has been delivered.", "delivered", None),
        ("DELIVD.PARCELSHOP", "The parcel has been delivered at the ParcelShop.", "available_for_pickup", None),
        ("DELIVD.DEL_BY_PSAPP", "", "delivered", None),
        ("X.A", "The parcel has been delivered at the neighbour´s (see signature)", "delivered", None),
        ("X.B", "The parcel has been delivered at the ParcelShop (see ...).", "available_for_pickup", None),
        ("X.C", "The parcel could not be delivered as the consignee was absent.", "failed_attempt", "recipient_absent"),
        ("X.D", "The parcel could not be delivered as the recipient refused acceptance.", "failed_attempt", "refused"),
        ("X.E", "Customs clearance is delayed due to a missing invoice.", "customs_hold", "customs_documents"),
        ("X.F", "Parcel is not to locate.", "lost", None),
        ("X.G", "The parcel has been returned to sender.", "returning", None),
        (None, "The parcel was released by customs.", "import_cleared", None),
        ("CANCEL.NORMAL", "", "cancelled", None),
    ],
)
def test_what_a_code_or_a_text_means(code: str | None, text: str, milestone: str, reason: str | None) -> None:
    (one,) = events(event(code, text))
    assert (one.milestone, one.reason, one.mapped, one.code) == (milestone, reason, True, code)


def test_the_status_stands_in_where_there_are_no_events() -> None:
    (found,) = parse(parcel() | {"status": "DELIVEREDPS", "statusDateTime": WHEN})
    assert isinstance(found, Parcel)
    assert [(one.code, one.milestone, one.mapped) for one in found.events] == [
        ("status/DELIVEREDPS", "available_for_pickup", True)
    ]
    (told,) = parse(parcel(event("DELIVD.PARCELSHOP")) | {"status": "DELIVEREDPS", "statusDateTime": WHEN})
    assert isinstance(told, Parcel)
    assert [one.code for one in told.events] == ["DELIVD.PARCELSHOP"]


def test_delivered_after_the_return_began_is_returned() -> None:
    back = event("X", "The parcel has been returned to sender.", date="2026-07-20T10:00:00+0200")
    assert [one.milestone for one in events(event("DELIVD.NORMAL"), back)] == ["returned", "returning"]


def test_a_parcel_stands_under_the_number_asked_for_and_several_under_their_own() -> None:
    (alias,) = parse(parcel(event("INBOUD.NORMAL"), requested="604831862623"), numbers=("604831862623",))
    assert (alias.tracking_number, alias.requested_number) == ("604831862623", "604831862623")  # type: ignore[union-attr]
    shared = parse(parcel(requested="747N6K", unitno="1"), parcel(requested="747N6K", unitno="2"), numbers=("747n6k",))
    assert [(one.tracking_number, one.requested_number) for one in shared if isinstance(one, Parcel)] == [
        ("1", "747n6k"),
        ("2", "747n6k"),
    ]


def test_not_found_other_errors_and_silence_are_told_apart() -> None:
    unknown = {"requested": "2", "errorCode": "E_404_01", "errorMessage": "Resource Not Found"}
    broken = {"requested": "3", "errorCode": "E_500_01", "errorMessage": "Internal Server Error"}
    found = parse(parcel(), unknown, broken, numbers=(NUMBER, "2", "3", "4"))
    assert [(one.tracking_number, one.found) for one in found if isinstance(one, Parcel)] == [
        (NUMBER, True),
        ("2", False),
    ]
    assert [one.tracking_number for one in found if isinstance(one, Unreadable)] == ["3", "4"]


def test_unknown_codes_are_kept_and_broken_pieces_cost_only_themselves() -> None:
    told = parcel(event("NEW.ONE", "Something else"), event("INBOUD.NORMAL", date="today"))
    told["events"] += ["INBOUD", {"code": ["A"], "eventDateTime": None}]
    found = parse(told)
    (kept,) = [one for one in found if isinstance(one, Parcel)]
    assert [(one.code, one.milestone, one.mapped) for one in kept.events] == [("NEW.ONE", "in_transit", False)]
    assert len([one for one in found if isinstance(one, Unreadable)]) == 3


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b'{"parcels": []}', b'{"status": 404, "title": "Not Found"}', b'{"parcels": 3}', b"\xff"],
)
def test_any_other_body_is_unreadable(body: bytes) -> None:
    found = list(ADAPTER.parse(body, [NUMBER]))
    assert found
    assert all(isinstance(one, Unreadable) and one.tracking_number == NUMBER for one in found)
