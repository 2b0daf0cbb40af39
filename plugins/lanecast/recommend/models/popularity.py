"""Decayed popularity: of the customer's country, leaning on all countries where it has few purchases."""

from __future__ import annotations

import numpy as np

from lanecast.recommend.history import DAY, Floats, Past

HALF_LIFE = 30.0
"""Days."""
_LEAN = 200.0


def everywhere(past: Past, half_life: float = HALF_LIFE) -> Floats:
    """Baskets by product, fading."""
    return past.by_product(past.fading(half_life))


def by_country(past: Past, half_life: float = HALF_LIFE) -> Floats:
    """(countries + 1) x products: share of purchases by country, each leaning on all with the weight of 200 purchases;
    the last row is for customers whose country is not known."""
    total = everywhere(past, half_life)
    share = total / max(float(total.sum()), 1e-36)
    found = np.tile(share, (past.countries + 1, 1)).astype(np.float32)
    own = np.flatnonzero(past.pair >= 0)
    country = past.country[past.customer[own]]
    weight = past.fading(half_life)[own]
    for one in np.unique(country[country >= 0]):
        here = country == one
        sold = np.bincount(past.product[own][here], weight[here], past.products)
        found[one] = (sold + _LEAN * share) / (sold.sum() + _LEAN)
    return found


def rising(past: Past, half_life: float = 7.0) -> Floats:
    """Customers by product who first bought it, fading: what is being discovered now."""
    fade = np.exp2((past.first - past.now) / (half_life * DAY))
    return np.bincount(past.pair_product, fade, past.products).astype(np.float32)
