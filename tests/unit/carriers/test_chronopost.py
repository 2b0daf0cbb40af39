"""Chronopost: its sample in full, the SOAP request, codes and words, not found, faults and broken pieces."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from lanecast.carriers.base import Account, Wanted
from lanecast.carriers.chronopost import Chronopost
from lanecast.carriers.parse import parse_file
from lanecast.tracking import Parcel, TrackingEvent, Unreadable

SAMPLE = Path(__file__).resolve().parents[4] / "shared/fixtures/carriers/chronopost/TrackingResponse.xml"
ADAPTER = Chronopost()
NUMBER = "XY123456785FR"
WHEN = "2026-03-09T09:38:00+01:00"


def event(
    code: str, label: str = "", date: str = WHEN, office: str = "ARRAS CHRONOPOST", postcode: str = "62223"
) -> str:
    return (
        f"<events><code>{code}</code><eventDate>{date}</eventDate><eventLabel>{label}</eventLabel>"
        f"<NPC>{postcode[:2]}</NPC><officeLabel>{office}</officeLabel><zipCode>{postcode}</zipCode></events>"
    )


def answer(returned: str) -> bytes:
    return (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
        '<n:trackSkybillV2Response xmlns:n="http://cxf.tracking.soap.chronopost.fr/">'
        f"<return>{returned}</return></n:trackSkybillV2Response></s:Body></s:Envelope>"
    ).encode()


def listed(*told: str, number: str = NUMBER) -> bytes:
    skybill = f"<skybillNumber>{number}</skybillNumber>"
    return answer(f"<errorCode>0</errorCode><listEventInfoComp>{''.join(told)}{skybill}</listEventInfoComp>")


def events(*told: str) -> list[TrackingEvent]:
    (parcel,) = ADAPTER.parse(listed(*told), [NUMBER])
    assert isinstance(parcel, Parcel)
    return parcel.events


@pytest.mark.skipif(not SAMPLE.is_file(), reason=f"Chronopost's sample answer is not at {SAMPLE}")
def test_the_sample_is_read_in_full() -> None:
    (parcel,) = parse_file("chronopost", SAMPLE)
    assert isinstance(parcel, Parcel)
    assert parcel.tracking_number == "89108749065090"
    assert [(one.code, one.milestone) for one in parcel.events] == [
        ("DC", "info_received"),
        ("DB", "picked_up"),
        ("DY", "picked_up"),
        ("SC", "hub_arrived"),
        ("TS", "in_transit"),
        ("TS", "in_transit"),
        ("SD", "hub_arrived"),
        ("TA", "out_for_delivery"),
        ("D", "delivered"),
    ]
    assert all(one.mapped and one.tz_known == "offset" for one in parcel.events)
    assert [(one.country, one.city) for one in parcel.events[::4]] == [
        (None, None),
        ("FR", "CHILLY MAZARIN"),
        ("FR", "ARRAS"),
    ]


def test_the_request_is_one_soap_call_without_an_account() -> None:
    account = Account(carrier="chronopost", base_url="https://ws.chronopost.fr", login="me", password="chrono-secret")
    spec = ADAPTER.build(account, [Wanted(" A<&B ")], None)
    assert (spec.method, spec.path, spec.params) == ("POST", "/tracking-cxf/TrackingServiceWS", None)
    assert spec.headers is not None
    assert spec.headers["Content-Type"] == "text/xml; charset=utf-8"
    assert spec.content is not None
    assert b"chrono-secret" not in spec.content
    call = ElementTree.fromstring(spec.content)[0][0]
    assert call.tag == "{http://cxf.tracking.soap.chronopost.fr/}trackSkybillV2"
    assert [(field.tag, field.text) for field in call] == [("language", "fr_FR"), ("skybillNumber", "A<&B")]


@pytest.mark.parametrize(
    ("code", "label", "milestone", "reason"),
    [
        ("SD", "Tri effectué dans l'agence de distribution", "hub_arrived", None),
        ("SD", "Livraison reportée de 24h", "delayed", None),
        ("SD", "", "in_transit", None),
        ("TA", "Colis en cours de livraison par le livreur", "out_for_delivery", None),
        ("RB", "Colis en cours de livraison au point de retrait", "in_transit", None),
        ("AB", "Colis mis à disposition au point de retrait", "available_for_pickup", None),
        ("RI", "Colis remis au destinataire au point de retrait.", "delivered", None),
        ("P", "Echec de livraison suite à l’absence du destinataire.", "failed_attempt", "recipient_absent"),
        ("EI", "Colis entré dans le pays de destination", "destination_country_arrived", None),
        ("SJ", "Problème douanier résolu", "import_cleared", None),
        ("R", "Colis en retour expéditeur", "returning", None),
        ("QQ", "Livraison effectuée chez un voisin", "delivered", None),
        ("QQ", "Echec de livraison : colis refusé", "failed_attempt", "refused"),
    ],
)
def test_what_a_code_and_its_words_mean(code: str, label: str, milestone: str, reason: str | None) -> None:
    (one,) = events(event(code, label))
    assert (one.milestone, one.reason, one.mapped, one.code) == (milestone, reason, True, code)


def test_delivered_on_the_way_back_is_returned() -> None:
    told = events(event("R", date="2026-03-01T09:00:00+01:00"), event("D"))
    assert [one.milestone for one in told] == ["returning", "returned"]


def test_offsets_hold_and_only_french_postcodes_tell_a_country() -> None:
    abroad, home = events(
        event("TS", date="2026-07-01T23:00:00+09:00", postcode=""), event("TS", date="2026-07-01T23:00:00")
    )
    assert (abroad.occurred_at.hour, abroad.country, abroad.city) == (14, None, "ARRAS")
    assert (home.occurred_at.hour, home.country, home.tz_known) == (21, "FR", "place")


def test_a_list_without_events_is_a_number_not_known() -> None:
    (parcel,) = ADAPTER.parse(listed(), [NUMBER])
    assert isinstance(parcel, Parcel)
    assert (parcel.found, parcel.requested_number) == (False, NUMBER)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (answer("<errorCode>1</errorCode><errorMessage>System Error</errorMessage>"), "System Error"),
        (answer("<errorCode>0</errorCode>"), "no list of events"),
        (b"<E><Body><Fault><faultstring>Unmarshalling</faultstring></Fault></Body></E>", "Unmarshalling"),
        (b"<html><p>Maintenance", "not XML"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>', "DTD"),
        (b"", "empty body"),
    ],
)
def test_any_other_answer_is_unreadable_and_says_why(body: bytes, told: str) -> None:
    (problem,) = ADAPTER.parse(body, [NUMBER])
    assert isinstance(problem, Unreadable)
    assert told in problem.problem
    assert problem.tracking_number == NUMBER


def test_unknown_codes_are_kept_and_a_broken_date_costs_only_its_event() -> None:
    found = list(ADAPTER.parse(listed(event("QQ", "Nouveau"), event("TS", date="hier")), [NUMBER]))
    assert [type(one) for one in found] == [Unreadable, Parcel]
    assert isinstance(found[1], Parcel)
    assert [(one.code, one.milestone, one.mapped) for one in found[1].events] == [("QQ", "in_transit", False)]


def test_an_answer_about_another_number_does_not_answer_the_one_asked_for() -> None:
    found = list(ADAPTER.parse(listed(event("D"), number="OTHER"), [NUMBER]))
    assert [(type(one), one.tracking_number) for one in found] == [(Parcel, "OTHER"), (Unreadable, NUMBER)]
