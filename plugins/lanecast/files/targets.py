"""The columns of each dataset's files, by the names that a file without a mapping must use."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """A dataset as files give it. Of each group in `required`, a file or its mapping must have one column."""

    dataset: str
    staged: str
    columns: tuple[str, ...]
    times: frozenset[str]
    required: tuple[tuple[str, ...], ...]
    extras: bool = False
    """Whether further columns are kept, as features."""


_SHIPMENT = (
    *("order_id", "tracking_number", "carrier", "service", "origin_country", "origin_region", "destination_country"),
    *("destination_region", "ordered_at", "shipped_at", "delivered_at", "promised_at", "milestone"),
)
_EVENT = (
    *("carrier", "tracking_number", "occurred_at", "code", "description", "country", "region", "city", "milestone"),
)
_ORDER = (
    *("order_id", "customer_id", "ordered_at", "status", "currency", "product_id", "quantity", "unit_price"),
    *("country", "region", "occurred_at", "line_number"),
)
_INTERACTION = ("customer_id", "product_id", "kind", "occurred_at", "quantity", "value", "order_id", "country")
_PRODUCT = (
    *("product_id", "title", "category", "unit_price", "currency", "is_available", "stock_quantity", "published_at"),
    *("changed_in_shop_at", "withdrawn_at"),
)

TARGETS: dict[str, Target] = {
    "shipments": Target(
        "shipments",
        "shipment",
        _SHIPMENT,
        frozenset({"ordered_at", "shipped_at", "delivered_at", "promised_at"}),
        (("order_id", "tracking_number"), ("destination_country",), ("ordered_at", "shipped_at")),
        extras=True,
    ),
    "events": Target(
        "events",
        "tracking_event",
        _EVENT,
        frozenset({"occurred_at"}),
        (("carrier",), ("tracking_number",), ("occurred_at",), ("code", "description")),
    ),
    "orders": Target(
        "orders",
        "order_line",
        _ORDER,
        frozenset({"ordered_at", "occurred_at"}),
        (("order_id",), ("ordered_at",), ("product_id",), ("quantity",)),
    ),
    "interactions": Target(
        "interactions",
        "interaction",
        _INTERACTION,
        frozenset({"occurred_at"}),
        (("product_id",), ("kind",), ("occurred_at",)),
    ),
    "products": Target(
        "products",
        "product",
        _PRODUCT,
        frozenset({"published_at", "changed_in_shop_at", "withdrawn_at"}),
        (("product_id",),),
    ),
}
"""By dataset, as the command line names it."""
