"""La Poste Suivi v2: its sample in full, several numbers an answer, codes, customs on either side, broken pieces."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lanecast.carriers.base import Account, Wanted
from lanecast.carriers.laposte import LaPoste
from lanecast.carriers.parse import parse_file
from lanecast.tracking import Parcel, TrackingEvent, Unreadable

SAMPLE = Path(__file__).resolve().parents[4] / "shared/fixtures/carriers/laposte/TrackingResponse.json"
ADAPTER = LaPoste()
ACCOUNT = Account(carrier="laposte", base_url="https://api.laposte.fr", login="", password="okapi-secret")
NUMBER = "CA123456785FR"


def one(*events: tuple[str | None, str, str], number: str = NUMBER, ends: tuple[str, str] = ("FR", "BR")) -> Any:
    told = [{"code": code, "label": label, "date": date} for code, label, date in events]
    context = {"originCountry": ends[0], "arrivalCountry": ends[1]}
    shipment = {"idShip": number, "product": "colissimo", "event": told, "contextData": context}
    return {"lang": "fr_FR", "scope": "open", "returnCode": 200, "shipment": shipment}


def parse(answer: Any, *numbers: str) -> list[Parcel | Unreadable]:
    return list(ADAPTER.parse(json.dumps(answer).encode(), numbers))


def events(*told: tuple[str | None, str, str], ends: tuple[str, str] = ("FR", "BR")) -> list[TrackingEvent]:
    (parcel,) = parse(one(*told, ends=ends), NUMBER)
    assert isinstance(parcel, Parcel)
    return parcel.events


@pytest.mark.skipif(not SAMPLE.is_file(), reason=f"La Poste's sample answer is not at {SAMPLE}")
def test_the_sample_is_read_in_full() -> None:
    (parcel,) = parse_file("laposte", SAMPLE)
    assert isinstance(parcel, Parcel)
    assert (parcel.tracking_number, parcel.origin_country, parcel.destination_country) == ("EW112720413FR", "FR", "BR")
    assert [event.milestone for event in parcel.events] == [
        "delivered",
        "hub_arrived",  # MD2, but its words say that the parcel is only made ready
        "in_transit",
        "destination_country_arrived",
        "in_transit",
        "in_transit",
        "in_transit",
        "picked_up",
        "info_received",
    ]
    assert all(event.mapped and event.tz_known == "offset" for event in parcel.events)
    assert parcel.events[0].occurred_at.isoformat() == "2023-03-09T08:38:00+00:00"


def test_ten_numbers_stand_in_one_path_and_the_key_in_a_header() -> None:
    spec = ADAPTER.build(ACCOUNT, [Wanted(" 6A1 "), Wanted("A,/B")], None)
    assert (spec.method, spec.path, spec.params) == ("GET", "/suivi/v2/idships/6A1,A%2C%2FB", {"lang": "fr_FR"})
    assert ADAPTER.authorization(ACCOUNT, None) == {"X-Okapi-Key": "okapi-secret"}
    assert ADAPTER.numbers_per_request == 10


def test_a_list_tells_of_each_number() -> None:
    unknown = {"returnCode": 404, "returnMessage": "inconnu", "idShip": "6B"}
    invalid = {"returnCode": 400, "returnMessage": "pas valide", "idShip": "6C"}
    late = {"returnCode": 504, "returnMessage": "service indisponible", "idShip": "6D"}
    delivered = one(("DI1", "", "2026-03-09T09:38:00+01:00"), number="6A")
    found = parse([delivered, unknown, invalid, late], "6a", "6B", "6C", "6D", "6E")
    assert [(p.tracking_number, p.found) for p in found if isinstance(p, Parcel)] == [
        ("6a", True),
        ("6B", False),
        ("6C", False),
    ]
    assert [(p.tracking_number, "504" in p.problem) for p in found if isinstance(p, Unreadable)] == [
        ("6D", True),
        ("6E", False),
    ]


def test_one_unknown_number_is_an_object() -> None:
    (parcel,) = parse({"returnCode": 404, "idShip": NUMBER}, NUMBER)
    assert isinstance(parcel, Parcel)
    assert not parcel.found


@pytest.mark.parametrize(
    ("code", "label", "milestone", "reason"),
    [
        ("MD2", "Votre colis est en cours de livraison.", "out_for_delivery", None),
        ("ND1", "Le destinataire était absent.", "failed_attempt", "recipient_absent"),
        ("ND1", "Votre colis a été refusé.", "failed_attempt", "refused"),
        ("EP1", "Le destinataire était absent lors de la livraison.", "failed_attempt", "recipient_absent"),
        ("AG1", "", "available_for_pickup", None),
        ("RE1", "", "returning", None),
        ("DI2", "", "returned", None),
        ("DI3", "Retard dû aux intempéries", "delayed", "weather"),
        ("DI1", "Votre colis est livré au gardien ou à un voisin.", "delivered", None),
        ("PB2", "", "in_transit", None),
    ],
)
def test_what_a_code_means(code: str, label: str, milestone: str, reason: str | None) -> None:
    (event,) = events((code, label, "2026-03-09T09:38:00+01:00"))
    assert (event.milestone, event.reason, event.mapped, event.code) == (milestone, reason, True, code)


def test_customs_before_the_arrival_abroad_is_export_and_after_it_import() -> None:
    told = events(
        ("DO2", "", "2026-03-06T09:00:00+01:00"),
        ("DO1", "", "2026-03-05T09:00:00+01:00"),
        ("ET3", "", "2026-03-04T09:00:00+01:00"),
        ("DO2", "", "2026-03-02T09:00:00+01:00"),
    )
    assert [(event.milestone, event.country) for event in told] == [
        ("import_cleared", "BR"),
        ("import_customs_started", "BR"),
        ("in_transit", "BR"),
        ("export_cleared", "FR"),
    ]


def test_delivered_on_the_way_back_is_returned() -> None:
    told = events(("DI1", "", "2026-03-09T09:38:00+01:00"), ("RE1", "", "2026-03-01T09:38:00+01:00"))
    assert [event.milestone for event in told] == ["returned", "returning"]


def test_a_date_without_offset_is_read_by_the_clock_of_france() -> None:
    summer, winter = events(("ET1", "", "2026-03-29T03:30:00"), ("ET1", "", "2026-03-29T01:30:00"))
    assert (summer.utc_offset_minutes, winter.utc_offset_minutes) == (120, 60)


def test_unknown_codes_are_kept_and_broken_pieces_cost_only_themselves() -> None:
    answer = one(("ZZ9", "Nouveau", "2026-03-09T09:38:00+01:00"), ("ET1", "", "hier"))
    answer["shipment"]["event"] += ["DI1", {"code": {"a": 1}, "date": "2026-03-09T10:00:00+01:00"}]
    found = parse(answer, NUMBER)
    (parcel,) = [p for p in found if isinstance(p, Parcel)]
    assert (parcel.events[0].code, parcel.events[0].milestone, parcel.events[0].mapped) == ("ZZ9", "in_transit", False)
    assert len([p for p in found if isinstance(p, Unreadable)]) == 2


@pytest.mark.parametrize("body", [b"", b"null", b"<html>", b"[", b"[]", b'{"a":', b"\xff\xfe", b"[null, 3]"])
def test_any_other_body_is_unreadable(body: bytes) -> None:
    assert any(isinstance(p, Unreadable) and p.tracking_number == NUMBER for p in ADAPTER.parse(body, [NUMBER]))
    assert all(isinstance(p, Unreadable) for p in ADAPTER.parse(body, ()))
