"""Malformed answers: what cannot be read is told, and costs no more than itself."""

from __future__ import annotations

import json
from typing import Any

import carrier_answers as answers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lanecast.carriers.registry import adapter, names
from lanecast.tracking import Parcel, Unreadable

BAD_BODIES = [
    b"",
    b"   ",
    b"<!doctype html><html><body>502 Bad Gateway</body></html>",
    b"\x1f\x8b\x08\x00broken",
    b"[]",
    b"null",
    b"17",
    b'"text"',
    b"{",
    b"{}",
    b"\xff\xfe\x00",
    b'{"output":{"completeTrackResults":{}}}',
    b'{"trackResponse":[],"shipments":7,"trackingNumber":{}}',
    b"[" * 100_000,
]


@pytest.mark.parametrize("carrier", names())
@pytest.mark.parametrize("body", BAD_BODIES, ids=lambda body: repr(body[:20]))
def test_a_bad_answer_is_unreadable_for_every_number(carrier: str, body: bytes) -> None:
    found = list(adapter(carrier).parse(body, ("one", "two")))
    assert {one.tracking_number for one in found if isinstance(one, Unreadable)} >= {"one", "two"}
    assert not [one for one in found if isinstance(one, Parcel)]
    assert any(str(len(body)) in one.problem or "empty body" in one.problem for one in found)  # type: ignore[union-attr]


@pytest.mark.parametrize("carrier", names())
def test_a_bad_answer_is_told_even_if_nobody_knows_what_was_asked(carrier: str) -> None:
    found = list(adapter(carrier).parse(b"<html>", ()))
    assert len(found) == 1
    assert isinstance(found[0], Unreadable)
    assert "HTML of 6 bytes" in found[0].problem


@pytest.mark.parametrize("carrier", names())
def test_a_truncated_answer_is_unreadable(carrier: str) -> None:
    body = answers.ONE_EVENT[carrier]()
    found = list(adapter(carrier).parse(body[:-20], (answers.NUMBERS[carrier],)))
    assert [type(one) for one in found] == [Unreadable]
    assert found[0].tracking_number == answers.NUMBERS[carrier]


EVENTS = {
    "ups": lambda *events: answers.ups(answers.ups_package(answers.NUMBERS["ups"], *events)),
    "fedex": lambda *events: answers.fedex(answers.fedex_result(answers.NUMBERS["fedex"], *events)),
    "dhl": answers.dhl,
    "usps": answers.usps,
}
GOOD = {
    "ups": answers.ups_activity,
    "fedex": answers.fedex_scan,
    "dhl": answers.dhl_event,
    "usps": answers.usps_event,
}
BAD_TIME: dict[str, dict[str, Any]] = {
    "ups": {"date": "20240231"},
    "fedex": {"date": "yesterday"},
    "dhl": {"timestamp": "2024-02-31T10:00:00"},
    "usps": {"eventTimestamp": "9999-12-31T23:59:59", "GMTTimestamp": None},
}


@pytest.mark.parametrize("carrier", names())
@pytest.mark.parametrize("bad", [7, None, "text", [], {"date": {}, "timestamp": [], "eventTimestamp": True}])
def test_a_malformed_event_leaves_the_others(carrier: str, bad: Any) -> None:
    good = GOOD[carrier]
    parcels = []
    problems = []
    for one in adapter(carrier).parse(EVENTS[carrier](good(), bad, good()), (answers.NUMBERS[carrier],)):
        (parcels if isinstance(one, Parcel) else problems).append(one)
    assert [len(parcel.events) for parcel in parcels] == [2]  # type: ignore[union-attr]
    assert [problem.tracking_number for problem in problems] == [answers.NUMBERS[carrier]]


@pytest.mark.parametrize("carrier", names())
def test_a_wrong_date_leaves_the_other_events(carrier: str) -> None:
    good = GOOD[carrier]
    body = EVENTS[carrier](good(), good(**BAD_TIME[carrier]), good())
    parcels = [one for one in adapter(carrier).parse(body, ()) if isinstance(one, Parcel)]
    problems = [one for one in adapter(carrier).parse(body, ()) if isinstance(one, Unreadable)]
    assert [len(parcel.events) for parcel in parcels] == [2]
    assert len(problems) == 1
    assert next(iter(BAD_TIME[carrier].values())) in problems[0].problem


@pytest.mark.parametrize("bad", [7, None, "text", {"trackingNumber": {}}, {"trackResults": 3, "trackingNumber": "222"}])
def test_a_malformed_parcel_leaves_the_others(bad: Any) -> None:
    body = answers.fedex(
        answers.fedex_result("111", answers.fedex_scan()), bad, answers.fedex_result("333", answers.fedex_scan())
    )
    found = list(adapter("fedex").parse(body, ("111", "222", "333")))
    assert [one.tracking_number for one in found if isinstance(one, Parcel)] == ["111", "333"]
    assert "222" in {one.tracking_number for one in found if isinstance(one, Unreadable)}


def test_bad_utf8_costs_the_text_that_holds_it() -> None:
    body = answers.ups(
        answers.ups_package("1Z1", answers.ups_activity()), answers.ups_package("1Z2", answers.ups_activity())
    ).replace(b"Wayne", b"Wa\xffne", 1)
    found = list(adapter("ups").parse(body, ()))
    assert [one.events[0].city for one in found if isinstance(one, Parcel)] == [None, "Wayne"]


@pytest.mark.parametrize("carrier", names())
def test_a_byte_order_mark_is_no_error(carrier: str) -> None:
    found = list(adapter(carrier).parse(b"\xef\xbb\xbf" + answers.ONE_EVENT[carrier](), ()))
    assert [len(one.events) for one in found if isinstance(one, Parcel)] == [1]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@st.composite
def mutated(draw: st.DrawFn) -> tuple[str, bytes]:
    """An answer of a carrier with any JSON put anywhere, or any bytes flipped."""
    carrier = draw(st.sampled_from(names()))
    tree = json.loads(answers.ONE_EVENT[carrier]())
    node = tree
    while True:
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        key = draw(st.sampled_from(keys))
        if not isinstance(node[key], dict | list) or not node[key] or draw(st.booleans()):
            node[key] = draw(JSON)
            break
        node = node[key]
    body = bytearray(json.dumps(tree).encode())
    for _ in range(draw(st.integers(0, 2))):
        body[draw(st.integers(0, len(body) - 1))] = draw(st.integers(0, 255))
    return carrier, bytes(body)


@settings(max_examples=400, deadline=None)
@given(mutated())
def test_no_mutation_makes_parse_raise(case: tuple[str, bytes]) -> None:
    carrier, body = case
    for one in adapter(carrier).parse(body, (answers.NUMBERS[carrier],)):
        assert isinstance(one, Parcel | Unreadable)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(names()), st.binary(max_size=200))
def test_no_bytes_make_parse_raise(carrier: str, body: bytes) -> None:
    found = list(adapter(carrier).parse(body, ("one",)))
    assert "one" in {one.tracking_number for one in found}
