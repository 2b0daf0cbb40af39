"""A small made-up world for the learned model: parcels of two services that rest on Sundays, with the truth known."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence

import numpy as np
import pytest

from lanecast.delivery.model.hazard import NoLightGBM, library
from lanecast.delivery.model.shipments import Floats, Shipments, shipments

MONDAY = 19_726.0
"""2024-01-05 is a Friday; 2024-01-08, a Monday, is 19,730 days after 1970-01-01: the world begins four days before."""
CHANCES = {"express": 0.45, "economy": 0.16}
"""The chance to arrive on a working day, from the second day on."""


def needs_lightgbm() -> None:
    """Skips where LightGBM can't be loaded."""
    assert importlib.util.find_spec("lightgbm")
    try:
        library()
    except NoLightGBM as error:
        pytest.skip(str(error))


def rows(
    ordered: Sequence[float] | Floats,
    took: Sequence[float] | Floats,
    shipped: Sequence[float] | Floats | None = None,
    extra: dict[str, list[str]] | None = None,
    **lane: list[str],
) -> Shipments:
    """Shipments with ids in the order given; `took` in days, NaN for parcels that never arrive."""
    start = np.asarray(ordered, dtype=float)
    handed = np.full(len(start), np.nan) if shipped is None else np.asarray(shipped, dtype=float)
    ids = [f"o{place:05}" for place in range(len(start))]
    return shipments(ids, start, handed, start + np.asarray(took, dtype=float), lane, extra)


def world(orders: int, days: int, seed: int = 1) -> Shipments:
    """`orders` placed evenly at random over `days`; a fiftieth never arrives."""
    chance = np.random.default_rng(seed)
    ordered = np.sort(MONDAY + chance.uniform(0, days, orders))
    service = chance.choice(list(CHANCES), orders)
    region = chance.choice(["BR-SP", "BR-RJ", "BR-BA"], orders)
    took = np.full(orders, np.nan)
    waiting = np.ones(orders, dtype=bool)
    start = np.floor(ordered - 3 / 24)
    for age in range(1, 200):
        day = start + age
        works = (day + 3) % 7 != 6
        arrives = waiting & works & (chance.uniform(size=orders) < [CHANCES[one] for one in service])
        took[arrives] = (day + 3 / 24 + chance.uniform(0.4, 0.75, orders) - ordered)[arrives]
        waiting &= ~arrives
    took[chance.uniform(size=orders) < 0.02] = np.nan
    shipped = ordered + np.minimum(0.5, 0.5 * np.where(np.isfinite(took), took, 1))
    weight = [f"{value:.0f}" for value in chance.uniform(100, 900, orders)]
    lane = {"destination_country": ["BR"] * orders, "destination_region": region.tolist(), "service": service.tolist()}
    return rows(ordered, took, shipped, {"weight_g": weight, "postcode_to": [one[:3] for one in weight]}, **lane)
