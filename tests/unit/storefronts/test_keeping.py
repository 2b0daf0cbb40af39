"""What may be stored of an answer: what is named, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lanecast.storefronts.base import PageBroken, Step
from lanecast.storefronts.keeping import KEEP, Only, kept
from lanecast.storefronts.registry import adapter_of

SHAPE = {"id": KEEP, "address": {"country": KEEP}, "lines": [{"sku": KEEP}]}


def told(value: Any, shape: Any = SHAPE) -> Any:
    return json.loads(kept(json.dumps(value).encode(), shape))


def test_what_is_not_named_is_dropped_at_every_depth() -> None:
    given = {
        "id": 7,
        "email": "ada@example.test",
        "address": {"country": "BR", "name": "Ada", "phone": "+55"},
        "lines": [{"sku": "A", "engraving": "for Ada"}, {"engraving": "for Bo"}],
    }
    assert told(given) == {"id": 7, "address": {"country": "BR"}, "lines": [{"sku": "A"}, {}]}


def test_a_body_that_holds_nothing_else_stays_the_same_bytes() -> None:
    body = b'{ "id": 7,\n "address": {"country": "BR"} }'
    assert kept(body, SHAPE) is body


def test_an_object_where_a_value_should_be_may_be_anything_and_goes() -> None:
    assert told({"id": {"name": "Ada"}}) == {"id": None}


def test_a_text_where_an_object_should_be_may_be_anything_and_only_its_kind_is_kept() -> None:
    assert told({"address": "Ada, 1 Example Street", "lines": "three for Ada"}) == {
        "address": "(str)",
        "lines": "(str)",
    }


def test_of_a_list_only_the_items_that_are_asked_for() -> None:
    shape = Only("key", frozenset({"tracking"}), {"key": KEEP, "value": [{"number": KEEP}]})
    given = [
        {"key": "tracking", "value": [{"number": "1Z", "link": "https://x"}]},
        {"key": "note", "value": "Ring at Ada"},
        "Ada",
        {"key": ["tracking"]},
    ]
    assert told(given, shape) == [{"key": "tracking", "value": [{"number": "1Z"}]}]


@pytest.mark.parametrize("body", [b"", b"{", b"<html>", b"\xff\xfe", b"[" * 100_000], ids=str)
def test_what_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(PageBroken):
        kept(body, SHAPE)


values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.just("SECRET"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcdex"), inner, max_size=4),
    max_leaves=12,
)


@given(values)
def test_a_name_that_no_shape_has_never_gets_through(value: Any) -> None:
    cut = kept(json.dumps({"a": value, "secret": "SECRET"}).encode(), {"a": {"b": [{"c": True}]}, "d": True})
    assert b"secret" not in cut
    assert set(json.loads(cut)) <= {"a", "d"}


@pytest.mark.parametrize("kind", ["shopify", "woocommerce"])
@pytest.mark.parametrize("of", ["orders", "products"])
def test_no_shop_keeps_what_tells_of_a_person(kind: str, of: str) -> None:
    shape = repr(adapter_of(kind).keep(Step("records", {"of": of})))
    for name in ("email", "phone", "name'", "address1", "city", "zip", "postcode", "ip_address", "note"):
        # An order's and a product's own name are what the shop prints on them.
        assert name not in shape.replace("'name'", ""), name
