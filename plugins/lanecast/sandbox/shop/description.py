"""The part of a world's description that says what its shops sell, and how their customers behave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

import msgspec

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Positive = Annotated[float, msgspec.Meta(gt=0)]
NotNegative = Annotated[float, msgspec.Meta(ge=0)]
StorefrontKind = Literal["shopify", "woocommerce"]


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of the description: a key that it does not know is an error."""


class Category(_Part, frozen=True, kw_only=True):
    """Products of a kind: one for each noun in each style. `rhythm_days`: bought again about so often; absent, once."""

    nouns: Annotated[list[str], msgspec.Meta(min_length=1)]
    price: Positive
    share: Positive = 1.0
    rhythm_days: Positive | None = None


class Shop(_Part, frozen=True, kw_only=True):
    """What is sold to whom. Shares are of orders unless said otherwise.

    `late_repeat` multiplies how likely a customer is to be the next to order while their last delivery was a late one;
    `late_return` how likely each line of a late order is to come back. Both are what lateness really costs.
    """

    currency: Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{3}$")] = "USD"
    styles: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)] = ("plain",)
    categories: dict[str, Category] = {}
    late_products: Share = 0.08
    """Of products: published within the history."""
    deleted_products: Share = 0.02
    """Of products: deleted at a moment around the start, half of them before it."""
    out_of_stock: Share = 0.04
    """Of products: sold out around the start."""
    often_returned: Share = 0.05
    """Of products: each line comes back with the chance `often_return` instead of `seldom_return`."""
    often_return: Share = 0.35
    seldom_return: Share = 0.02
    customers: Annotated[int, msgspec.Meta(ge=1)] = 20_000
    activity: Positive = 0.6
    """Shape of the gamma distribution of how much customers buy: the smaller, the more unequal."""
    groups: Annotated[int, msgspec.Meta(ge=1, le=100)] = 6
    taste: Share = 0.8
    """Of choices: by the taste of the customer's group; the rest by what everyone buys."""
    together: Share = 0.5
    """Of further lines: what goes with a line before it."""
    again: Share = 0.6
    """The chance that a consumable whose rhythm is due is in the order."""
    lines: Annotated[tuple[NotNegative, ...], msgspec.Meta(min_length=1, max_length=5)] = (9, 5.4, 3, 1.6, 1)
    """Weights of orders with one line, two, ..."""
    guests: Share = 0.12
    cancelled: Share = 0.02
    """Orders cancelled before shipping, beside those that became parcels."""
    noted: Share = 0.02
    """Address noted after the order, which changes nothing but the time of the last change."""
    line_removed: Share = 0.03
    """Of orders of several lines: one is taken out before shipping."""
    late_repeat: Share = 0.6
    late_return: Annotated[float, msgspec.Meta(ge=1)] = 2.5
    browsing: NotNegative = 0.2
    """Visits that end without an order, for each order."""
    points: Positive = 4000.0
    """Shopify: how many points of query cost there are at most ..."""
    points_per_second: Positive = 2000.0
    """... and how many come back each second."""
    requests_per_second: Positive = 600.0
    """WooCommerce: how many requests may be sent."""


def complaints(storefronts: Mapping[StorefrontKind, Sequence[str]], shop: Shop, origins: Sequence[str]) -> list[str]:
    """What is wrong with who sells the orders from which of a world's origins."""
    if not storefronts:
        return []
    named = [origin for sold in storefronts.values() for origin in sold]
    found = [
        f"key storefronts.{kind}: no such origin under origins: {origin}"
        for kind, sold in storefronts.items()
        for origin in sold
        if origin not in origins
    ]
    found.extend(
        f"key storefronts: the orders from {origin} are sold by {named.count(origin)} shops; name it once"
        for origin in origins
        if named.count(origin) != 1
    )
    if not shop.categories:
        found.append("key shop.categories: a shop without categories has nothing to sell")
    return found
