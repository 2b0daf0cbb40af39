"""Rows for the gate's tests: what is clean, and for each rule what breaks it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from lanecast.tracking import MILESTONES

Row = dict[str, Any]
AS_OF = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
LATER = AS_OF + timedelta(days=3)
OLD = datetime(1970, 1, 1, tzinfo=UTC)
LONG = "x" * 201

SHIPMENT: Row = {
    "order_id": "3f7c1e0a9b2d4c5e8f6a7b8c9d0e1f2a",
    "carrier": "canada_post",
    "tracking_number": "7035114477138472",
    "service": "express",
    "origin_country": "CN",
    "origin_region": "CN-GD",
    "destination_country": "BR",
    "destination_region": "BR-SP",
    "ordered_at": AS_OF - timedelta(days=20),
    "shipped_at": AS_OF - timedelta(days=18),
    "delivered_at": AS_OF - timedelta(days=3),
    "promised_at": AS_OF + timedelta(days=5),
    "milestone": "delivered",
    "attributes": '{"weight_kg": 1.5}',
}
EVENT: Row = {
    "carrier": "ups",
    "tracking_number": "1Z12345E0205271688",
    "source": "ups",
    "code": "OT",
    "description": "Out For Delivery Today",
    "reported_at": datetime(2026, 5, 30, 8, 12),  # noqa: DTZ001, a local clock
    "occurred_at": datetime(2026, 5, 30, 11, 12, tzinfo=UTC),
    "utc_offset_minutes": -180,
    "tz_known": "offset",
    "milestone": "out_for_delivery",
    "country": "BR",
    "region": "BR-SP",
    "city": "São Paulo",
    "event_hash": -42,
    "raw_answer_id": 7,
}
ORDER_LINE: Row = {
    "order_id": "A-100",
    "customer_id": "c1",
    "ordered_at": AS_OF - timedelta(days=1),
    "status": "paid",
    "currency": "BRL",
    "product_id": "p1",
    "quantity": Decimal(2),
    "unit_price": Decimal("9.90"),
}
INTERACTION: Row = {
    "customer_id": "c1",
    "product_id": "p1",
    "kind": "purchase",
    "occurred_at": AS_OF - timedelta(days=1),
    "quantity": Decimal(1),
    "value": Decimal("9.90"),
    "order_id": "A-100",
    "interaction_hash": 99,
}
PRODUCT: Row = {
    "product_id": "p1",
    "title": "Shoes",
    "category": "shoes",
    "unit_price": Decimal("9.90"),
    "currency": "BRL",
    "is_available": True,
    "stock_quantity": Decimal(3),
    "published_at": AS_OF - timedelta(days=400),
    "changed_in_shop_at": AS_OF - timedelta(days=1),
}
USED: Row = {"tracking_number": "1Z12345E0205271999", "ordered_at": AS_OF - timedelta(days=5)}
"""A number of carrier ups that core knows, and when the shipment was ordered."""


def at(moment: datetime) -> Row:
    """An event at that moment, read from a clock in São Paulo."""
    return {"occurred_at": moment, "reported_at": moment.replace(tzinfo=None) - timedelta(hours=3)}


CLEAN_ROW = {
    "shipment": SHIPMENT,
    "tracking_event": EVENT,
    "order_line": ORDER_LINE,
    "interaction": INTERACTION,
    "product": PRODUCT,
}

NOWHERE = dict.fromkeys(("origin_country", "origin_region", "destination_region", "service"))
CLEAN: dict[str, list[Row]] = {
    "shipment": [
        {},
        {"tracking_number": None, "carrier": None},  # known by its order
        {"order_id": None},
        {"order_id": None, "tracking_number": "DN-4"},
        {"tracking_number": "9" * 39},
        {"tracking_number": "3f7c1e0a9b2d4c5e8f6a7b8c9d0e1f2a"},
        {**NOWHERE, "shipped_at": None, "milestone": None, "attributes": None},  # freight papers tell no more
        {"shipped_at": SHIPMENT["ordered_at"], "delivered_at": SHIPMENT["ordered_at"]},
        {"delivered_at": None, "shipped_at": None, "promised_at": AS_OF + timedelta(days=700)},
        {"delivered_at": AS_OF + timedelta(hours=23)},
        {"ordered_at": None, "promised_at": None},
        {"order_id": "50% 'off' \"x\" \\ {order_id}", "service": "a:b::c %s %(x)s"},
        *({"milestone": milestone} for milestone in MILESTONES),
    ],
    "tracking_event": [
        {},
        {"code": None},
        {"description": None},
        {"country": None, "region": None, "city": None},
        {"country": None},
        {"occurred_at": AS_OF + timedelta(hours=13), "reported_at": datetime(2026, 6, 1, 22)},  # noqa: DTZ001
        {"description": "100% 'delivered' : %s"},
        {"tracking_number": USED["tracking_number"], **at(USED["ordered_at"] - timedelta(hours=73))},
        *({"milestone": milestone} for milestone in MILESTONES),
    ],
    "order_line": [
        {},
        {"quantity": Decimal("-1"), "unit_price": Decimal(0)},
        {"unit_price": None, "currency": None, "status": None},
        {"ordered_at": AS_OF + timedelta(hours=20)},
        {"country": "US", "region": "US-KY", "occurred_at": AS_OF, "changed_in_shop_at": AS_OF, "is_whole_order": True},
        {"region": "BR-SP"},
        {"order_id": "A-101", "is_whole_order": True} | dict.fromkeys(("product_id", "quantity", "unit_price")),
    ],
    "interaction": [
        {},
        {"kind": "view", "quantity": None, "value": None, "order_id": None},
        {"kind": "return", "quantity": Decimal(-1)},
        {"kind": "cart"},
        {"kind": "view", "country": "GB"},
    ],
    "product": [
        {},
        {**dict.fromkeys(PRODUCT), "product_id": "p2", "title": "Hat", "unit_price": 0},
        {"stock_quantity": Decimal(-2)},
        {"withdrawn_at": AS_OF},
    ],
}

UNREADABLE = {"unreadable": "ordered_at: '31.02.2026' (no such day)"}
BAD: dict[str, dict[str, list[Row]]] = {
    "shipment": {
        "unreadable_value": [UNREADABLE, dict.fromkeys(SHIPMENT) | UNREADABLE],
        "shipment_without_identity": [{"order_id": None, "tracking_number": None}],
        "tracking_number_malformed": [
            {"tracking_number": text} for text in ("1Z 12", "1Z🚚99", "abc", "9" * 41, "1.2E+21", "1Z999\n")
        ],
        "order_id_too_long": [{"order_id": LONG}],
        "carrier_malformed": [{"carrier": text} for text in ("Canada Post", "ups!", "", "x" * 41)],
        "service_too_long": [{"service": LONG}],
        "origin_country_unknown": [{"origin_country": text, "origin_region": None} for text in ("XX", "CHN", "cn")],
        "destination_country_unknown": [{"destination_country": "UK", "destination_region": None}],
        "origin_region_malformed": [{"origin_region": "Guangdong"}, {"origin_region": "US-KY"}],
        "destination_region_malformed": [{"destination_region": "SP"}, {"destination_region": "AR-B"}],
        "milestone_unknown": [{"milestone": "on its way"}],
        "time_before_1990": [{"ordered_at": OLD}, {"promised_at": datetime(1900, 1, 1, tzinfo=UTC)}],
        "ordered_in_future": [{"ordered_at": LATER, "delivered_at": None}, {"ordered_at": "infinity"}],
        "shipped_in_future": [{"shipped_at": LATER, "delivered_at": None}],
        "delivered_in_future": [{"delivered_at": LATER}],
        "promised_too_far_ahead": [{"promised_at": AS_OF + timedelta(days=800)}],
        "delivered_before_handed_over": [{"delivered_at": SHIPMENT["shipped_at"] - timedelta(minutes=1)}],
        "delivered_before_ordered": [
            {"shipped_at": None, "delivered_at": SHIPMENT["ordered_at"] - timedelta(days=1)},
        ],
    },
    "tracking_event": {
        "unreadable_value": [dict.fromkeys(EVENT) | {"unreadable": "answer: '<html>' (not JSON)"}],
        "event_without_parcel": [{"tracking_number": None}, {"carrier": None}, {"carrier": ""}],
        "tracking_number_malformed": [{"tracking_number": "1Z 999"}],
        "carrier_malformed": [{"carrier": "UPS"}],
        "event_without_time": [{"occurred_at": None}, {"reported_at": None}],
        "event_says_nothing": [{"code": None, "description": None}, {"code": "", "description": ""}],
        "code_too_long": [{"code": LONG}],
        "milestone_unknown": [{"milestone": "shipped"}, {"milestone": None}],
        "utc_offset_out_of_range": [{"utc_offset_minutes": 900}, {"utc_offset_minutes": None}],
        "tz_known_unknown": [{"tz_known": "guess"}, {"tz_known": None}],
        "event_without_identity": [{"event_hash": None}, {"source": None}],
        "event_before_1990": [{"occurred_at": OLD}, {"reported_at": datetime(1970, 1, 1)}],  # noqa: DTZ001
        "event_in_future": [{"occurred_at": AS_OF + timedelta(hours=27)}, {"reported_at": "infinity"}],
        "event_before_shipment": [
            {"tracking_number": USED["tracking_number"], **at(USED["ordered_at"] - timedelta(hours=75))}
        ],
        "country_unknown": [{"country": "ZZ", "region": None}],
        "region_malformed": [{"region": "Kentucky"}, {"region": "US-KY"}],
    },
    "order_line": {
        "unreadable_value": [UNREADABLE],
        "order_missing": [{"order_id": None}, {"order_id": ""}],
        "product_missing": [
            {"product_id": None},
            {"product_id": None, "quantity": None, "unit_price": None},  # not of a whole order
            {"product_id": None, "is_whole_order": True, "order_id": "B"},  # it tells a quantity
            *[{"product_id": None, "quantity": None, "unit_price": None, "is_whole_order": True, "order_id": "C"}] * 2,
        ],
        "ordered_at_missing": [{"ordered_at": None}],
        "identifier_too_long": [{"product_id": LONG}, {"customer_id": LONG}, {"order_id": LONG}],
        "quantity_not_usable": [{"quantity": value} for value in (None, 0, "NaN", "Infinity")],
        "price_not_a_number": [{"unit_price": "NaN"}, {"unit_price": "-Infinity"}],
        "currency_malformed": [{"currency": "R$"}, {"currency": "brl"}],
        "ordered_before_1990": [{"ordered_at": OLD}],
        "ordered_in_future": [{"ordered_at": LATER}],
        "country_unknown": [{"country": text} for text in ("XX", "br", "BRA")],
        "occurred_before_1990": [{"occurred_at": OLD}],
        "occurred_in_future": [{"occurred_at": LATER}],
        "changed_in_future": [{"changed_in_shop_at": LATER}],
    },
    "interaction": {
        "unreadable_value": [UNREADABLE],
        "product_missing": [{"product_id": None}, {"product_id": ""}],
        "occurred_at_missing": [{"occurred_at": None}],
        "kind_missing": [{"kind": None}],
        "kind_unknown": [{"kind": "wish"}, {"kind": "50%"}],
        "interaction_without_identity": [{"interaction_hash": None}],
        "identifier_too_long": [{"order_id": LONG}],
        "quantity_not_a_number": [{"quantity": "NaN"}],
        "value_not_a_number": [{"value": "Infinity"}],
        "occurred_before_1990": [{"occurred_at": OLD}],
        "occurred_in_future": [{"occurred_at": LATER}],
        "country_unknown": [{"country": "XX"}],
    },
    "product": {
        "unreadable_value": [UNREADABLE],
        "product_missing": [{"product_id": None}, {"product_id": ""}],
        "identifier_too_long": [{"product_id": LONG}],
        "text_too_long": [{"title": "x" * 1001}, {"category": "x" * 1001}],
        "price_not_usable": [{"unit_price": value} for value in (-1, "NaN", "Infinity", "-Infinity")],
        "currency_malformed": [{"currency": "R$"}],
        "stock_not_a_number": [{"stock_quantity": "NaN"}],
        "changed_in_future": [{"changed_in_shop_at": LATER}],
    },
}
"""For each row rule, changes to the clean row that this rule, and no earlier one, is to catch."""


def journey(*scans: tuple[str, float] | tuple[str, float, str], **changes: Any) -> list[Row]:
    """Events of one parcel: milestone, hours after its first scan, and country (Brazil by default)."""
    began = datetime(2026, 1, 20, 9, 0, tzinfo=UTC)
    rows = []
    for milestone, hours, *country in scans:
        moment = began + timedelta(hours=hours)
        place = {"country": country[0], "region": None} if country else {}
        rows.append({**changes, **place, **at(moment), "milestone": milestone})
    return rows


WARNED: dict[str, dict[str, list[Row]]] = {
    "shipment": {
        "handed_over_before_ordered": [{"shipped_at": SHIPMENT["ordered_at"] - timedelta(days=1)}],
        "destination_missing": [{"destination_country": None, "destination_region": None}],
        "order_unknown": [{"order_id": "never loaded"}],
    },
    "tracking_event": {
        "code_unmapped": [{"is_mapped": False}],
        "zone_assumed": [{"tz_known": "assumed"}],
        "clocks_disagree": [{"clock_disagrees": True}],
        "clock_contradicts_itself": [{"utc_offset_minutes": 60}],
        "delivered_twice": journey(("delivered", 0), ("delivered", 2)),
        "movement_after_delivery": journey(("delivered", 0), ("hub_arrived", 20)),
        "status_going_backwards": journey(("out_for_delivery", 0), ("destination_country_arrived", 20)),
        "faster_than_an_aircraft": journey(("hub_departed", 0, "CN"), ("hub_arrived", 5, "BR")),
        "parcel_unregistered": [{"tracking_number": "1Z12345E0205271777"}],
    },
    "order_line": {
        "customer_missing": [{"customer_id": None}],
        "price_negative": [{"unit_price": Decimal(-5)}],
        "order_of_several_customers": [{"order_id": "A-9"}, {"order_id": "A-9", "customer_id": "c2"}],
        "region_malformed": [{"country": "US", "region": "CA-ON"}],
    },
    "interaction": {"customer_missing": [{"customer_id": None}], "order_unknown": [{"order_id": "never loaded"}]},
    "product": {"title_missing": [{"title": None}], "price_missing": [{"unit_price": None}]},
}
"""For each warn rule, changes to the clean row that raise it, and no other."""

UNWARNED: list[list[Row]] = [
    journey(("delivered", 0), ("delivered", 1)),  # told by two systems
    journey(("delivered", 0), ("returning", 5), ("hub_arrived", 20), ("delivered", 30)),
    journey(("delivered", 0), ("info_received", 24 * 121), ("picked_up", 24 * 122), ("delivered", 24 * 125)),
    journey(("picked_up", 3), ("info_received", 4)),
    journey(("out_for_delivery", 0), ("failed_attempt", 3), ("hub_arrived", 8), ("out_for_delivery", 20)),
    journey(("import_customs_started", 0, "BR"), ("export_cleared", 5, "CN"), ("destination_country_arrived", 40)),
    journey(("hub_departed", 0, "CN"), ("import_customs_started", 1, "BR"), ("hub_arrived", 20)),
    journey(("hub_departed", 0, "CN"), ("hub_arrived", 20, "BR")),
    journey(("hub_departed", 0, "DE"), ("hub_arrived", 0.1, "FR")),
    journey(("hub_departed", 0, "CN"), ("hub_arrived", 1, "BR"), tz_known="assumed"),
    journey(*((milestone, 0) for milestone in MILESTONES)),  # all at one moment: nothing is earlier
]
"""Journeys that look odd and are not."""
