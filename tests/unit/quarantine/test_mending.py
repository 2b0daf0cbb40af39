"""A row mended by hand is the row that a right file would have given: values, and what follows from them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_keys import key
from lanecast.files.datasets import interaction_hash
from lanecast.quarantine.errors import QuarantineError
from lanecast.quarantine.mending import PATCHABLE, mend
from lanecast.tracking import event_hash
from lanecast.warehouse.staging import COLUMNS

EVENT: dict[str, Any] = dict.fromkeys(COLUMNS["tracking_event"]) | {
    **{"carrier": "dhl", "tracking_number": "LC0001", "source": "dhl", "code": "X1", "description": "On its way"},
    **{"reported_at": "2026-01-02T12:00:00", "occurred_at": "2026-01-02T10:00:00+00:00", "utc_offset_minutes": 120},
    **{"tz_known": "offset", "milestone": "in_transit", "country": "ZZ", "is_mapped": False, "clock_disagrees": False},
    "event_hash": event_hash("dhl", "X1", "On its way"),
}
_OFFSETS = st.integers(-840, 840)
_MOMENTS = st.integers(946_684_800_000, 2_114_380_800_000).map(lambda told: datetime.fromtimestamp(told / 1000, UTC))


@settings(max_examples=300, deadline=None)
@given(_MOMENTS, _OFFSETS)
def test_local_time_offset_and_instant_agree_whichever_is_set(moment: datetime, offset: int) -> None:
    """reported_at = occurred_at + utc_offset_minutes, to the minute."""
    here = moment.astimezone(timezone(timedelta(minutes=offset)))
    local = here.replace(tzinfo=None, second=0, microsecond=0)
    for changes in (
        {"occurred_at": here.isoformat()},
        {"occurred_at": here.isoformat(), "utc_offset_minutes": str(offset)},
        {"occurred_at": here.isoformat(), "reported_at": local.isoformat()},
        {"reported_at": local.isoformat(), "utc_offset_minutes": offset},
    ):
        mended = mend("tracking_event", EVENT, changes)
        instant = datetime.fromisoformat(mended["occurred_at"])
        told = datetime.fromisoformat(mended["reported_at"])
        assert instant.replace(second=0, microsecond=0) == moment.replace(second=0, microsecond=0)
        apart = told - instant.replace(tzinfo=None, second=0, microsecond=0)
        assert apart == timedelta(minutes=mended["utc_offset_minutes"])
    assert (told, mended["utc_offset_minutes"]) == (local, offset)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(PATCHABLE)), st.data())
def test_any_text_in_any_column_is_read_or_refused(dataset: str, data: st.DataObject) -> None:
    column = data.draw(st.sampled_from(PATCHABLE[dataset]))
    value = data.draw(st.one_of(st.none(), st.integers(), st.floats(), st.booleans(), st.text(max_size=30)))
    row = EVENT if dataset == "tracking_event" else dict.fromkeys(COLUMNS[dataset])
    try:
        mended, refused = mend(dataset, row, {column: value}), ""
    except QuarantineError as error:
        mended, refused = {}, str(error)
    assert bool(refused) == refused.startswith((f"{column}: ", "reported_at"))
    assert set(mended) <= set(COLUMNS[dataset])
    if (
        value is None
        and not refused
        and not (dataset == "tracking_event" and column in {"reported_at", "utc_offset_minutes"})
    ):
        assert mended.get(column) is None


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(sorted(PATCHABLE)), st.text(max_size=12))
def test_a_column_that_there_is_not_is_refused(dataset: str, column: str) -> None:
    for name in (column, "staged_row", "event_hash", "unreadable", "raw_answer_id"):
        if name not in PATCHABLE[dataset]:
            with pytest.raises(QuarantineError, match="to set: there are"):
                mend(dataset, EVENT, {name: "1"})


@pytest.mark.parametrize(
    ("dataset", "changes", "told"),
    [
        ("tracking_event", {"occurred_at": "yesterday"}, "occurred_at: 'yesterday'"),
        ("tracking_event", {"occurred_at": "31.02.2026 10:00"}, "occurred_at: "),
        ("tracking_event", {"reported_at": "2026-01-02T10:00:00+01:00"}, "a local time has no offset"),
        ("tracking_event", {"utc_offset_minutes": "1.5"}, "not whole minutes"),
        ("tracking_event", {"utc_offset_minutes": 841}, "not whole minutes"),
        ("tracking_event", {"city": "  "}, "city: nothing but blanks"),
        (
            "tracking_event",
            {"occurred_at": "2026-01-02T10:00:00Z", "reported_at": "2026-01-04T10:00:00"},
            "which no clock on earth is",
        ),
        ("order_line", {"quantity": "two"}, "quantity: 'two'"),
        ("order_line", {"unit_price": "1e999999999"}, "unit_price: "),
        ("shipment", {"attributes": "[1]"}, "not a JSON object"),
        ("shipment", {"ordered_at": True}, "ordered_at: "),
    ],
)
def test_a_value_of_another_type_is_refused_with_its_column(dataset: str, changes: dict[str, Any], told: str) -> None:
    with pytest.raises(QuarantineError) as refused:
        mend(dataset, EVENT if dataset == "tracking_event" else dict.fromkeys(COLUMNS[dataset]), changes)
    assert told in str(refused.value)


def test_what_a_code_means_follows_unless_it_is_set_by_hand() -> None:
    mended = mend("tracking_event", EVENT, {"code": "Y2"})
    assert mended["event_hash"] == event_hash("dhl", "Y2", "On its way")
    assert set(mended) >= {"milestone", "reason", "is_mapped"}
    by_hand = mend("tracking_event", EVENT, {"code": "Y2", "milestone": "delivered"})
    assert (by_hand["milestone"], by_hand["is_mapped"]) == ("delivered", True)
    assert "event_hash" not in mend("tracking_event", EVENT, {"country": "DE"})


def test_a_customer_is_set_by_the_shop_s_id_or_by_key(monkeypatch: pytest.MonkeyPatch) -> None:
    row = dict.fromkeys(COLUMNS["interaction"]) | {"product_id": "p1", "kind": "view"}
    mended = mend("interaction", row, {"customer_id": " 13085.0 "})
    assert mended["customer_id"] == key("13085")
    assert mended == mend("interaction", row, {"customer_id": key("13085")})
    assert mended["interaction_hash"] == interaction_hash([key("13085"), "p1", "view", None, None, None, None])


def test_what_storefronts_alone_tell_is_read_too() -> None:
    row = dict.fromkeys(COLUMNS["order_line"]) | {"country": "BR"}
    assert mend("order_line", row, {"cancelled_at": "2026-01-02T10:00:00Z", "region": "SP"}) == {
        "cancelled_at": "2026-01-02T10:00:00+00:00",
        "region": "BR-SP",
    }
    with pytest.raises(QuarantineError, match="changed_in_shop_at: 'soon'"):
        mend("order_line", row, {"changed_in_shop_at": "soon"})
    assert mend("product", dict.fromkeys(COLUMNS["product"]), {"is_available": True, "unit_price": "9.90"}) == {
        "is_available": True,
        "unit_price": "9.9",
    }


def test_what_could_not_be_read_is_clear_once_all_that_it_names_is_set() -> None:
    row = dict.fromkeys(COLUMNS["order_line"]) | {
        **{"order_id": "o1", "customer_id": "c1", "ordered_at": "2026-01-02T10:00:00+00:00", "product_id": "p"},
        "unreadable": "quantity: 'two' (not a number); unit_price: 'x' (not a number)",
    }
    assert "unreadable" not in mend("order_line", row, {"quantity": 2})
    assert mend("order_line", row, {"quantity": 2, "unit_price": None})["unreadable"] is None
