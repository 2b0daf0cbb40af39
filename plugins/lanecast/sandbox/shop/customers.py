"""The customers of a world's shops: where each lives, what each likes, and how much each buys."""

from __future__ import annotations

from bisect import bisect
from typing import NamedTuple

import numpy as np

from lanecast.sandbox.description import Description
from lanecast.sandbox.network import Network, Place

FIRST_ID = 700_001


class Person(NamedTuple):
    """Who an order is from, as a shop keeps it. All of it is plainly made up."""

    first_name: str
    last_name: str
    email: str
    phone: str


class Customers:
    """All customers, by number from 0."""

    def __init__(self, description: Description, network: Network, seed: int) -> None:
        """As many in each city as parcels go there."""
        shop, draws = description.shop, np.random.default_rng([seed, 6])
        self.places, shares = _places(network)
        count = max(shop.customers, len(self.places))
        at = draws.choice(len(self.places), count, p=np.array(shares) / sum(shares))
        at[: len(self.places)] = np.arange(len(self.places))  # nowhere is without a customer
        self.group: list[int] = draws.integers(0, shop.groups, count).tolist()
        weight = draws.gamma(shop.activity, 1.0, count) + 1e-3
        self.pace: list[float] = np.exp(0.15 * draws.standard_normal(count)).tolist()
        """How long what they consume lasts, as a factor."""
        self.place: list[Place] = [self.places[number] for number in at]
        self._members = {id(place): np.flatnonzero(at == number).tolist() for number, place in enumerate(self.places)}
        self._sums = {key: np.cumsum(weight[np.array(members)]).tolist() for key, members in self._members.items()}
        self._all = np.cumsum(weight).tolist()

    def __len__(self) -> int:
        return len(self.group)

    def living_in(self, place: Place, drawn: float) -> int:
        """A customer of a city, more often one who buys much; `drawn` in [0, 1)."""
        sums = self._sums[id(place)]
        return self._members[id(place)][min(bisect(sums, drawn * sums[-1]), len(sums) - 1)]

    def anyone(self, drawn: float) -> int:
        """A customer from anywhere."""
        return min(bisect(self._all, drawn * self._all[-1]), len(self._all) - 1)


def customer_id(number: int) -> int:
    """The shop's id of a customer."""
    return FIRST_ID + number


def person(customer: int | None, order_id: str) -> Person:
    """Name, mail and phone of an order's customer (its number), or of a guest (None)."""
    if customer is None:
        return Person("Guest", order_id, f"guest.{order_id}@example.com", "+1 555 0100")
    told = customer_id(customer)
    return Person("Customer", str(told), f"customer{told}@example.com", f"+1 555 {told % 10_000:04d}")


def _places(network: Network) -> tuple[list[Place], list[float]]:
    """Every city that parcels go to, and its share of them."""
    shares: dict[int, tuple[Place, float]] = {}
    for (origin, _), from_share in network.origins.weighted():
        lanes = network.destinations[origin]
        for (country, _), to_share in lanes.weighted():
            for place, city_share in network.cities[country].weighted():
                before = shares.get(id(place), (place, 0.0))[1]
                shares[id(place)] = (place, before + from_share * to_share * city_share)
    return [place for place, _ in shares.values()], [share for _, share in shares.values()]
