"""Shopify's answers as typed structs: names are Shopify's, and what can't be read is left as it came."""

from __future__ import annotations

import msgspec

from lanecast.storefronts import texts
from lanecast.storefronts.base import Page, PageBroken, Seen
from lanecast.storefronts.members import BAD, Raw, Value, identity


class _Named(msgspec.Struct, rename="camel"):
    """Members as Shopify names them."""


class PageInfo(_Named):
    """Whether another page follows, and after which cursor."""

    has_next_page: bool = False
    end_cursor: str | None = None


class Connection(_Named):
    """A page of anything, each node left as it came."""

    nodes: list[Raw]
    page_info: PageInfo


class _Identified(_Named):
    id: str


class _Seen(_Named):
    id: str
    updated_at: Value = None


class _Money(_Named):
    amount: Value = None
    currency_code: Value = None


class _MoneySet(_Named):
    shop_money: _Money | None = None


class Line(_Named):
    """A line of an order."""

    id: str
    quantity: Value = None
    current_quantity: Value = None
    sku: Value = None
    discounted_unit_price_after_all_discounts_set: _MoneySet | None = None
    product: _Identified | None = None


class _Refunded(_Named):
    line_item: _Identified
    quantity: Value = None


class Refund(_Named):
    """A refund, with its first lines."""

    id: str
    created_at: Value = None
    refund_line_items: Connection | None = None


class _Tracking(_Named):
    company: Value = None
    number: Value = None


class _Fulfillment(_Named):
    status: Value = None
    tracking_info: list[_Tracking] = []


class Address(_Named):
    """Where an order goes, as far as it is asked for."""

    country_code_v2: Value = msgspec.field(default=None, name="countryCodeV2")
    province_code: Value = None


class Order(_Named):
    """An order, with its first lines."""

    id: str
    line_items: Connection
    name: Value = None
    test: Value = None
    created_at: Value = None
    updated_at: Value = None
    cancelled_at: Value = None
    display_financial_status: Value = None
    currency_code: Value = None
    customer: _Identified | None = None
    shipping_address: Address | None = None
    refunds: list[Refund] = []
    fulfillments: list[_Fulfillment] = []


class _Prices(_Named):
    min_variant_price: _Money | None = None


class _Product(_Named):
    id: str
    title: Value = None
    product_type: Value = None
    status: Value = None
    updated_at: Value = None
    published_at: Value = None
    total_inventory: Value = None
    tracks_inventory: Value = None
    price_range_v2: _Prices | None = msgspec.field(default=None, name="priceRangeV2")


class _Count(msgspec.Struct):
    count: int


class Counted(msgspec.Struct):
    """The answer to a count."""

    data: dict[str, _Count]


class _Pages(msgspec.Struct):
    data: dict[str, Connection]


class _Rest(_Named):
    id: str
    line_items: Connection | None = None
    refund_line_items: Connection | None = None


class _Node(msgspec.Struct):
    node: _Rest | None = None


class _RestData(msgspec.Struct):
    data: _Node


_decode_seen = msgspec.json.Decoder(_Seen)
decode_order = msgspec.json.Decoder(Order)
decode_line = msgspec.json.Decoder(Line)
decode_refunded = msgspec.json.Decoder(_Refunded)
decode_product = msgspec.json.Decoder(_Product)
_decode_page = msgspec.json.Decoder(_Pages)
decode_rest = msgspec.json.Decoder(_RestData)


def connection(page: Page) -> Connection:
    """The page's records. PageBroken where it has none, or does not say whether others follow."""
    try:
        return _decode_page.decode(page.body).data[page.step.state["of"]]
    except (*BAD, KeyError) as error:
        raise PageBroken(f"the page of {page.step.state['of']} can't be read: {error}") from None


def seen(node: Raw) -> Seen:
    """Id and last change of a node."""
    try:
        told = _decode_seen.decode(node)
    except BAD:
        return Seen(identity(node), None)
    return Seen(told.id, texts.changed(told.updated_at))
