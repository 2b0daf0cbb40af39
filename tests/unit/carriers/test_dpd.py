"""DPD: its sample in full, login and tracking by SOAP, dates by language, parcel shops, the way back, broken pieces."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import msgspec
import pytest

from lanecast.carriers.base import Account, Wanted
from lanecast.carriers.dpd import LONGEST_TOKEN_SECONDS, Dpd, read_date
from lanecast.carriers.parse import parse_file
from lanecast.tracking import Parcel, TrackingEvent, Unreadable

SAMPLE = Path(__file__).resolve().parents[4] / "shared/fixtures/carriers/dpd/TrackingResponse.xml"
ADAPTER = Dpd()
ACCOUNT = Account(carrier="dpd", base_url="https://wsshipper.dpd.be/soap/services", login="KD1", password="p<ss&word")
NUMBER = "05308801410058"
WHEN = "8/18/2021 2:43:31 PM"


def soap(body: str) -> bytes:
    envelope = '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>{}</s:Body></s:Envelope>'
    return envelope.format(body).encode()


def status(
    code: str, text: str = "", date: str | None = WHEN, place: str = "Mechelen (BE)", reached: str = "true"
) -> str:
    dated = f"<date><content>{date}</content></date>" if date else ""
    return (
        f"<statusInfo><status>{code}</status><label><content>Label</content></label>"
        f"<description><content><content>{text}</content></content></description>"
        f"<statusHasBeenReached>{reached}</statusHasBeenReached>"
        f"<location><content>{place}</content></location>{dated}</statusInfo>"
    )


def answer(*told: str) -> bytes:
    types = "http://dpd.com/common/service/types/ParcelLifeCycleService/2.0"
    result = f"<trackingresult>{''.join(told)}</trackingresult>"
    return soap(f'<getTrackingDataResponse xmlns="{types}">{result}</getTrackingDataResponse>')


def fault(code: str, message: str) -> bytes:
    cause = f"<errorCode>{code}</errorCode><errorMessage>{message}</errorMessage>"
    detail = f'<detail><n:authenticationFault xmlns:n="urn:a">{cause}</n:authenticationFault></detail>'
    return soap(f"<s:Fault><faultcode>s:Server</faultcode><faultstring>Fault</faultstring>{detail}</s:Fault>")


def login(token: str, expires: str) -> bytes:
    told = f"<return><authToken>{token}</authToken><authTokenExpires>{expires}</authTokenExpires></return>"
    return soap(f'<getAuthResponse xmlns="urn:login">{told}</getAuthResponse>')


def events(*told: str) -> list[TrackingEvent]:
    (parcel,) = ADAPTER.parse(answer(*told), [NUMBER])
    assert isinstance(parcel, Parcel)
    return parcel.events


@pytest.mark.skipif(not SAMPLE.is_file(), reason=f"DPD's sample answer is not at {SAMPLE}")
def test_the_sample_is_read_in_full() -> None:
    (parcel,) = parse_file("dpd", SAMPLE)
    assert isinstance(parcel, Parcel)
    assert (parcel.tracking_number, parcel.service, len(parcel.events)) == ("unknown", "DPD PARCELSHOP DELIVERY", 15)
    assert all(one.mapped and one.tz_known == "place" and one.utc_offset_minutes == 120 for one in parcel.events)
    assert {(one.code, one.milestone) for one in parcel.events} == {
        ("BetweenDepots", "hub_arrived"),
        ("Depot", "hub_arrived"),
        ("Courier", "out_for_delivery"),
        ("DeliveryFailure", "failed_attempt"),
        ("ParcelShop", "available_for_pickup"),
        ("PickedUp", "picked_up"),
        ("ReturningFromDelivery", "failed_attempt"),  # back at the depot, not on its way to the sender
    }
    first, last = parcel.events[0], parcel.events[-1]
    assert (first.country, first.city, first.occurred_at.isoformat()) == ("BE", "Puurs", "2021-08-17T17:11:26+00:00")
    assert last.local_time == datetime(2021, 8, 19, 17, 11, 26)  # noqa: DTZ001


def test_login_and_tracking_are_soap_calls_with_their_secrets_in_the_body() -> None:
    spec = ADAPTER.token_request(ACCOUNT)
    assert spec is not None
    assert spec.content is not None
    assert (spec.path, spec.params) == ("/LoginService/V2_1", None)
    call = ElementTree.fromstring(spec.content)[1][0]
    assert call.tag == "{http://dpd.com/common/service/types/LoginService/2.1}getAuth"
    assert [field.text for field in call] == ["KD1", "p<ss&word", "en_EN"]

    spec = ADAPTER.build(ACCOUNT, [Wanted(f" {NUMBER} ")], "tok&en")
    assert spec.headers is not None
    assert spec.content is not None
    assert spec.path == "/ParcelLifeCycleService/V2_0"
    assert spec.headers["SOAPAction"].endswith('/ParcelLifeCycleService/2.0/getTrackingData"')
    header, body = ElementTree.fromstring(spec.content)
    assert [field.text for field in header[0]] == ["KD1", "tok&en", "en_EN"]
    assert body[0][0].text == NUMBER
    assert b"p&lt;ss" not in spec.content
    assert ADAPTER.authorization(ACCOUNT, "tok&en") == {}


def test_germany_has_another_version_of_the_login() -> None:
    german = msgspec.structs.replace(ACCOUNT, extra={"login_version": "2.0", "message_language": "de_DE"})
    spec = ADAPTER.token_request(german)
    assert spec is not None
    assert spec.content is not None
    assert spec.path == "/LoginService/V2_0"
    assert b"LoginService/2.0" in spec.content
    assert b"de_DE" in spec.content


def test_a_token_holds_until_its_end_by_the_clock_of_brussels_and_not_longer_than_half_a_day() -> None:
    now = datetime.now(ZoneInfo("Europe/Brussels")).replace(tzinfo=None)
    soon = ADAPTER.read_token(login("T", (now + timedelta(hours=2)).isoformat(timespec="milliseconds")), {})
    assert soon.access_token == "T"
    assert 7000 < soon.expires_in <= 7200
    assert ADAPTER.read_token(login("T", "2199-01-01T00:00:00"), {}).expires_in == LONGEST_TOKEN_SECONDS
    assert ADAPTER.read_token(login("T", ""), {}).expires_in == LONGEST_TOKEN_SECONDS
    with pytest.raises(msgspec.MsgspecError, match="LOGIN_8"):
        ADAPTER.read_token(fault("LOGIN_8", "invalid"), {})
    with pytest.raises(msgspec.MsgspecError):
        ADAPTER.read_token(b"<html>", {})


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("8/17/2021 7:11:26 PM", "2021-08-17T19:11:26"),
        ("8/7/2021 12:05:00 AM", "2021-08-07T00:05:00"),
        ("12/7/2021 12:05:00 PM", "2021-12-07T12:05:00"),
        ("17.08.2021, 19:11", "2021-08-17T19:11:00"),
        ("01/06/2012, 02:09", "2012-06-01T02:09:00"),
        ("17-8-2021 19:11:26", "2021-08-17T19:11:26"),
        ("2021-08-17T19:11:26", "2021-08-17T19:11:26"),
        ("17/08/2021 7:11 PM", None),
        ("31.02.2021, 10:00", None),
        ("1.1.9999, 10:00", None),
        ("yesterday", None),
        (None, None),
    ],
)
def test_a_date_is_read_in_each_of_dpds_forms(text: str | None, iso: str | None) -> None:
    found = read_date(text)
    assert (found and found.isoformat()) == iso


def test_times_are_those_of_the_place_in_summer_and_winter() -> None:
    told = events(
        status("Depot", date="7/1/2021 8:00:00 AM", place="London (GB)"),
        status("Depot", date="1/12/2021 8:00:00 AM", place="Mechelen (BE)"),
        status("Depot", date="1/12/2021 8:00:00 AM", place="Depot 530"),
    )
    assert [(one.utc_offset_minutes, one.country, one.tz_known) for one in told] == [
        (60, "GB", "place"),
        (60, "BE", "place"),
        (60, None, "assumed"),  # by the clock of the nearest place that is told
    ]


@pytest.mark.parametrize(
    ("code", "text", "milestone"),
    [
        ("SHIPMENT", "Details of your shipment", "info_received"),
        ("ACCEPTED", "DPD has received your parcel.", "picked_up"),
        ("AT_DELIVERY_DEPOT", "At parcel delivery centre.", "hub_arrived"),
        ("AT_DELIVERY_DEPOT", "The parcel has left ... and is on its way to the consignee.", "out_for_delivery"),
        ("DELIVERED", "Your parcel has been delivered successfully.", "delivered"),
        ("DELIVERED", "Delivered by driver to Pickup parcelshop.", "available_for_pickup"),
        ("ParcelShop", "Picked up by consignee from Pickup point.", "delivered"),
        ("Delivered", "Delivered to the neighbour", "delivered"),
        ("Delivered", "Parcel returned to sender", "returned"),
        ("DeliveryFailure", "We're sorry but your parcel couldn't be delivered as arranged.", "failed_attempt"),
    ],
)
def test_what_a_status_and_its_words_mean(code: str, text: str, milestone: str) -> None:
    (one,) = events(status(code, text))
    assert (one.milestone, one.mapped, one.code, one.description) == (milestone, True, code, text)


def test_a_refusal_is_a_failed_attempt_and_delivered_after_a_return_is_returned() -> None:
    told = events(
        status("DeliveryFailure", "Not delivered: refused by the consignee", "8/18/2021 1:00:00 PM"),
        status("BetweenDepots", "The parcel is being returned to the sender.", "8/19/2021 1:00:00 PM"),
        status("Delivered", "Parcel delivered", "8/23/2021 1:00:00 PM"),
    )
    assert [(one.milestone, one.reason) for one in told] == [
        ("failed_attempt", "refused"),
        ("returning", None),
        ("returned", None),
    ]


def test_a_status_to_come_is_no_event_and_without_any_the_parcel_is_not_known() -> None:
    (one,) = events(status("ACCEPTED"), status("DELIVERED", date=None, reached="false"))
    assert one.code == "ACCEPTED"
    (parcel,) = ADAPTER.parse(answer(status("ACCEPTED", date=None, reached="false")), [NUMBER])
    assert isinstance(parcel, Parcel)
    assert (parcel.tracking_number, parcel.found) == (NUMBER, False)


def test_unknown_codes_are_kept_and_a_broken_date_costs_only_its_event() -> None:
    found = list(ADAPTER.parse(answer(status("New", "Something"), status("Depot", date="31/31/2021")), [NUMBER]))
    assert [type(one) for one in found] == [Unreadable, Parcel]
    assert isinstance(found[1], Parcel)
    assert [(one.code, one.milestone, one.mapped) for one in found[1].events] == [("New", "in_transit", False)]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (fault("LOGIN_5", "The authtoken is invalid"), "LOGIN_5 The authtoken is invalid"),
        (soap(""), "no trackingresult"),
        (b"<html>", "not XML"),
        (b"", "empty body"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "DTD"),
    ],
)
def test_any_other_answer_is_unreadable_and_says_why(body: bytes, told: str) -> None:
    (problem,) = ADAPTER.parse(body, [NUMBER])
    assert isinstance(problem, Unreadable)
    assert told in problem.problem
