"""The places, services and lanes of a world, made ready for drawing from."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import Generic, TypeVar

from lanecast.sandbox.description import Country, Description, Destination, Origin, Service
from lanecast.sandbox.workdays import Workdays, Zone

Item = TypeVar("Item")


class Place:
    """A city: where scans happen. `region` is the part of ISO 3166-2 behind the country."""

    __slots__ = ("city", "country", "country_name", "postal_code", "region", "workdays", "zone")

    def __init__(
        self, city: str, region: str, country: str, country_name: str, postal_code: str, zone: Zone, workdays: Workdays
    ) -> None:
        """Country is ISO 3166-1 alpha-2."""
        self.city = city
        self.region = region
        self.country = country
        self.country_name = country_name
        self.postal_code = postal_code
        self.zone = zone
        self.workdays = workdays

    @property
    def iso_region(self) -> str:
        """The region as ISO 3166-2 writes it, such as BR-SP."""
        return f"{self.country}-{self.region}"


class Weighted(Generic[Item]):
    """Things to choose from by weight."""

    def __init__(self, choices: Iterable[tuple[Item, float]]) -> None:
        """At least one choice."""
        pairs = list(choices)
        self.items = [item for item, _ in pairs]
        self._sums = list(accumulate(weight for _, weight in pairs))

    def weighted(self) -> Iterator[tuple[Item, float]]:
        """Each thing and its share of all picks."""
        for item, until, since in zip(self.items, self._sums, [0.0, *self._sums], strict=False):
            yield item, (until - since) / self._sums[-1]

    def pick(self, uniform: float) -> Item:
        """The thing at `uniform` in [0, 1)."""
        return self.items[min(bisect(self._sums, uniform * self._sums[-1]), len(self.items) - 1)]


class Network:
    """Who ships what from where to where."""

    def __init__(self, description: Description) -> None:
        """The description has been checked."""
        self.cities: dict[str, Weighted[Place]] = {}
        self.gateways: dict[str, Place] = {}
        self.unions = {code: country.customs_union for code, country in description.countries.items()}
        zones: dict[str, Zone] = {}
        for code, country in description.countries.items():
            places = _places(code, country, zones)
            self.cities[code] = Weighted(places)
            self.gateways[code] = next(place for place, _ in places if place.city == country.gateway)
        self.origins: Weighted[tuple[str, Origin]] = Weighted(
            ((code, origin), origin.share) for code, origin in description.origins.items()
        )
        self.destinations: dict[str, Weighted[tuple[str, Destination]]] = {
            code: Weighted(
                ((to, destination), destination.share)
                for to, destination in description.destinations.items()
                if to != code
            )
            for code in description.origins
        }
        self.carriers = {code: Weighted(origin.carriers.items()) for code, origin in description.origins.items()}
        self.services: dict[str, Weighted[tuple[str, Service]]] = {
            code: Weighted(((name, service), service.share) for name, service in carrier.services.items())
            for code, carrier in description.carriers.items()
        }
        self.hold_reasons = Weighted(description.hold_reasons.items())

    def has_border(self, origin: str, destination: str) -> bool:
        """Whether goods pass customs between two countries."""
        union = self.unions[origin]
        return union is None or union != self.unions[destination]


def _places(code: str, country: Country, zones: dict[str, Zone]) -> list[tuple[Place, float]]:
    workdays = Workdays(code, country.weekend)
    found = []
    for city in country.cities:
        name = city.zone or country.zone
        zone = zones.setdefault(name, Zone(name))
        place = Place(city.city, city.region, code, country.name, city.postal_code, zone, workdays)
        found.append((place, city.weight))
    return found
