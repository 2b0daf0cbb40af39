"""Malformed answers, of every registered carrier: what cannot be read is told, and costs no more than itself."""

from __future__ import annotations

import codecs
from datetime import datetime
from typing import Any

import carrier_answers as hand_made
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.answers import Told, answers, is_xml
from conformance.mutations import nodes
from conformance.soundness import read
from lanecast.carriers.clocks import split
from lanecast.carriers.registry import adapter, names
from lanecast.tracking import Parcel, Unreadable

BAD_BODIES = [
    b"",
    b"   ",
    b"<!doctype html><html><body>502 Bad Gateway</body></html>",
    b"<html><body><p>Scheduled maintenance</p></body></html>",
    b"\x1f\x8b\x08\x00broken",
    b"[]",
    b"null",
    b"17",
    b"-1e999",
    b'"text"',
    b"{",
    b"{}",
    b'{"":{"":[]}}',
    b"\xff\xfe\x00",
    b"\x00" * 64,
    b'{"output":{"completeTrackResults":{}}}',
    b'{"trackResponse":[],"shipments":7,"trackingNumber":{}}',
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b"<a>" * 100_000,
    b"<a>" * 100_000 + b"</a>" * 100_000,
    b"9" * 10_000,
]


@pytest.mark.parametrize("carrier", names())
@pytest.mark.parametrize("body", BAD_BODIES, ids=lambda body: repr(body[:20]))
def test_a_bad_answer_is_unreadable_for_every_number(carrier: str, body: bytes) -> None:
    found = read(carrier, body, ("one", "two"))
    not_found = {one.tracking_number for one in found if isinstance(one, Parcel) and not one.found}
    unreadable = {one.tracking_number for one in found if isinstance(one, Unreadable)}
    if body == b"[]":  # where the answer is a list, an empty one says that no number is known
        assert (not_found | unreadable) - {None} == {"one", "two"}
        return
    assert unreadable >= {"one", "two"}
    assert not [one for one in found if isinstance(one, Parcel)]


@pytest.mark.parametrize("carrier", names())
@pytest.mark.parametrize("body", [b"", b"<html></html>", b"17", b"[" * 100_000])
def test_what_came_instead_of_an_answer_is_described(carrier: str, body: bytes) -> None:
    problems = [one.problem for one in read(carrier, body, ("one",)) if isinstance(one, Unreadable)]
    assert any(str(len(body)) in problem or "empty body" in problem for problem in problems), problems


@pytest.mark.parametrize("carrier", names())
def test_a_bad_answer_is_told_even_if_nobody_knows_what_was_asked(carrier: str) -> None:
    found = list(adapter(carrier).parse(b"<html>", ()))
    assert len(found) == 1
    assert isinstance(found[0], Unreadable)
    assert "HTML of 6 bytes" in found[0].problem


def shortest(carrier: str) -> Told:
    return min(answers(carrier), key=lambda told: len(told.body))


@pytest.mark.parametrize("carrier", names())
def test_an_answer_cut_anywhere_is_unreadable(carrier: str) -> None:
    """Nothing of it counts, for nobody knows what the rest would have said."""
    for body, requested in {answers(carrier)[0], shortest(carrier)}:
        for length in (*range(0, len(body), 7), len(body) - 1):
            found = read(carrier, body[:length], requested)
            assert {one.tracking_number for one in found} == set(requested), length
            assert all(isinstance(one, Unreadable) for one in found), length


HUGE = b"9" * 5000
WRONG_JSON = (b"null", b"true", b"7", b"1.5", b"-1e999", HUGE, b'"text"', b"[]", b"{}", b"[[],{},7,null]", b'"\\ud800"')
WRONG_XML = (b"", b"text", b"7", HUGE, b"<a>b</a>", b"text<a/>text", b"<!-- c -->", b"<![CDATA[d]]>", b"&#13;")


@pytest.mark.parametrize("carrier", names())
def test_anything_in_the_place_of_anything_is_read_soundly(carrier: str) -> None:
    body, requested = shortest(carrier)
    with_events = 0
    for node in nodes(body):
        for wrong in WRONG_XML if is_xml(body) else WRONG_JSON:
            found = read(carrier, body[: node.inner] + wrong + body[node.inner_end :], requested)
            with_events += any(isinstance(one, Parcel) and one.events for one in found)
    assert with_events > len(nodes(body)) / 2  # what is wrong is left out, and the rest is read


@pytest.mark.parametrize("carrier", names())
def test_no_text_holds_what_no_database_can(carrier: str) -> None:
    """NUL, lone surrogates and bytes that are no UTF-8, put into every text; read() looks for them."""
    body, requested = shortest(carrier)
    oddities = (b"a\x00b", b"&#0;", b"\xff\xfe", b"\xed\xa0\x80") if is_xml(body) else (
        b"a\x00b", b"a\\u0000b", b"\\\\\\u0000", b"\\ud800", b"\\udfff\\ud800", b"\xff\xfe", b"\xed\xa0\x80"
    )  # fmt: skip
    leaves = [node for node in nodes(body) if node.is_leaf and node.inner_end - node.inner > 2]
    assert leaves
    for node in leaves:
        for odd in oddities:
            at = node.inner + 1
            read(carrier, body[:at] + odd + body[at:], requested)


@pytest.mark.parametrize("carrier", names())
def test_a_byte_order_mark_is_no_error(carrier: str) -> None:
    for body, requested in answers(carrier):
        assert read(carrier, codecs.BOM_UTF8 + body, requested) == read(carrier, body, requested)


@pytest.mark.parametrize("carrier", names())
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-7", "cp037"])
def test_another_encoding_is_read_or_told(carrier: str, encoding: str) -> None:
    for body, requested in answers(carrier):
        read(carrier, body.decode().encode(encoding), requested)


XML_CARRIERS = [name for name in names() if is_xml(answers(name)[0].body)]
DOCTYPES = {
    "growing": b'<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "%s"><!ENTITY d "%s">]>' % (b"&b;" * 1000, b"&c;" * 1000),
    "outside": b'<!DOCTYPE a [<!ENTITY d SYSTEM "file:///etc/passwd">]>',
    "parameter": b'<!DOCTYPE a [<!ENTITY % e SYSTEM "file:///etc/passwd"> %e;<!ENTITY d "x">]>',
    "elsewhere": b'<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd">',
    "far behind": b" " * 100_000 + b'<!DOCTYPE a [<!ENTITY d "x">]>',
    "in small letters": b'<!doctype a [<!entity d "x">]>',
}


def test_some_carriers_answer_in_xml() -> None:
    assert {"canada_post", "chronopost", "dpd"} <= set(XML_CARRIERS)


@pytest.mark.parametrize("carrier", XML_CARRIERS)
@pytest.mark.parametrize("doctype", DOCTYPES)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_document_type_is_refused_and_no_entity_is_resolved(carrier: str, doctype: str, encoding: str) -> None:
    body, requested = shortest(carrier)
    root = body.index(b"<", 1) if body.startswith(b"<?xml") else 0
    leaf = next(node for node in nodes(body) if node.is_leaf and node.inner_end > node.inner)
    inside = body[root : leaf.inner] + b"&d;" + body[leaf.inner_end :]
    found = read(carrier, (DOCTYPES[doctype] + inside).decode().encode(encoding), requested)
    assert {type(one) for one in found} == {Unreadable}
    assert {one.tracking_number for one in found} == set(requested)


@pytest.mark.parametrize("carrier", XML_CARRIERS)
def test_elements_without_end_are_read_soundly(carrier: str) -> None:
    """Tens of thousands of elements in each other, unknown ones and such as are known there."""
    body, requested = shortest(carrier)
    deep = b"<a>" * 50_000 + b"</a>" * 50_000
    for node in nodes(body)[:: max(1, len(nodes(body)) // 5)]:
        name = body[node.start + 1 : node.inner - 1].split()[0].rstrip(b"/")
        alike = (b"<" + name + b">") * 10_000 + (b"</" + name + b">") * 10_000
        for wrong in (deep, alike):
            read(carrier, body[: node.inner] + wrong + body[node.inner_end :], requested)


EVENTS = {
    "ups": lambda *events: hand_made.ups(hand_made.ups_package(hand_made.NUMBERS["ups"], *events)),
    "fedex": lambda *events: hand_made.fedex(hand_made.fedex_result(hand_made.NUMBERS["fedex"], *events)),
    "dhl": hand_made.dhl,
    "usps": hand_made.usps,
}
GOOD = {
    "ups": hand_made.ups_activity,
    "fedex": hand_made.fedex_scan,
    "dhl": hand_made.dhl_event,
    "usps": hand_made.usps_event,
}
BAD_TIME: dict[str, dict[str, Any]] = {
    "ups": {"date": "20240231"},
    "fedex": {"date": "yesterday"},
    "dhl": {"timestamp": "2024-02-31T10:00:00"},
    "usps": {"eventTimestamp": "9999-12-31T23:59:59", "GMTTimestamp": None},
}


@pytest.mark.parametrize("carrier", EVENTS)
@pytest.mark.parametrize("bad", [7, None, "text", [], {"date": {}, "timestamp": [], "eventTimestamp": True}])
def test_a_malformed_event_leaves_the_others(carrier: str, bad: Any) -> None:
    good = GOOD[carrier]
    parcels = []
    problems = []
    for one in adapter(carrier).parse(EVENTS[carrier](good(), bad, good()), (hand_made.NUMBERS[carrier],)):
        (parcels if isinstance(one, Parcel) else problems).append(one)
    assert [len(parcel.events) for parcel in parcels] == [2]  # type: ignore[union-attr]
    assert [problem.tracking_number for problem in problems] == [hand_made.NUMBERS[carrier]]


@pytest.mark.parametrize("carrier", EVENTS)
def test_a_wrong_date_leaves_the_other_events(carrier: str) -> None:
    good = GOOD[carrier]
    body = EVENTS[carrier](good(), good(**BAD_TIME[carrier]), good())
    parcels = [one for one in adapter(carrier).parse(body, ()) if isinstance(one, Parcel)]
    problems = [one for one in adapter(carrier).parse(body, ()) if isinstance(one, Unreadable)]
    assert [len(parcel.events) for parcel in parcels] == [2]
    assert len(problems) == 1
    assert next(iter(BAD_TIME[carrier].values())) in problems[0].problem


@pytest.mark.parametrize("printed", ["99991231T09:15:00-23:59", "00010101T00:00:00+14:00", "9999-12-31T23-23:59"])
@pytest.mark.parametrize(("carrier", "field"), [("fedex", "date"), ("dhl", "timestamp")])
def test_a_time_at_an_end_of_the_calendar_leaves_the_other_events(carrier: str, field: str, printed: str) -> None:
    """Such a time has no moment in UTC that could be reckoned with."""
    good = GOOD[carrier]
    body = EVENTS[carrier](good(), good(**{field: printed}), good())
    found = read(carrier, body, (hand_made.NUMBERS[carrier],))
    assert [len(one.events) for one in found if isinstance(one, Parcel)] == [2]


def test_an_offset_with_seconds_is_cut_to_the_minute() -> None:
    local, utc, minutes = split(datetime.fromisoformat("2024-03-05T09:15:00+05:30:45"))
    assert (local.isoformat(), utc.isoformat()) == ("2024-03-05T09:15:00", "2024-03-05T03:45:00+00:00")
    assert minutes == 330


@pytest.mark.parametrize("bad", [7, None, "text", {"trackingNumber": {}}, {"trackResults": 3, "trackingNumber": "222"}])
def test_a_malformed_parcel_leaves_the_others(bad: Any) -> None:
    body = hand_made.fedex(
        hand_made.fedex_result("111", hand_made.fedex_scan()),
        bad,
        hand_made.fedex_result("333", hand_made.fedex_scan()),
    )
    found = list(adapter("fedex").parse(body, ("111", "222", "333")))
    assert [one.tracking_number for one in found if isinstance(one, Parcel)] == ["111", "333"]
    assert "222" in {one.tracking_number for one in found if isinstance(one, Unreadable)}


def test_bad_utf8_costs_the_text_that_holds_it() -> None:
    body = hand_made.ups(
        hand_made.ups_package("1Z1", hand_made.ups_activity()), hand_made.ups_package("1Z2", hand_made.ups_activity())
    ).replace(b"Wayne", b"Wa\xffne", 1)
    found = list(adapter("ups").parse(body, ()))
    assert [one.events[0].city for one in found if isinstance(one, Parcel)] == [None, "Wayne"]


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(names()), st.binary(max_size=200))
def test_no_bytes_make_parse_raise(carrier: str, body: bytes) -> None:
    read(carrier, body, ("one",))
