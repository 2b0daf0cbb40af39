"""The carriers that Lanecast can ask: one typed row each."""

from __future__ import annotations

from functools import cache
from typing import Literal, NamedTuple

from lanecast.carriers.base import Adapter
from lanecast.carriers.dhl import Dhl
from lanecast.carriers.fedex import Fedex
from lanecast.carriers.ups import Ups
from lanecast.carriers.usps import Usps

TimeRule = Literal["local_and_gmt_fields", "offset_in_date", "local_by_place", "local_and_offset_field"]
"""How a carrier tells time: see the adapter's docstring."""


class CarrierRow(NamedTuple):
    """What differs between carriers beside the wire format. Limits are per account; a connection's extra overrides."""

    name: str
    adapter: type[Adapter]
    default_base_url: str
    numbers_per_request: int
    max_concurrency: int
    requests_per_second: float
    time_rule: TimeRule


# DHL grants one call in five seconds until it is raised; the others are cautious, for they differ by account.
_ROWS = (
    CarrierRow("ups", Ups, "https://onlinetools.ups.com", Ups.numbers_per_request, 8, 10.0, "local_and_gmt_fields"),
    CarrierRow("fedex", Fedex, "https://apis.fedex.com", Fedex.numbers_per_request, 4, 4.0, "offset_in_date"),
    CarrierRow("dhl", Dhl, "https://api-eu.dhl.com", Dhl.numbers_per_request, 1, 0.2, "local_by_place"),
    CarrierRow("usps", Usps, "https://apis.usps.com", Usps.numbers_per_request, 2, 1.0, "local_and_offset_field"),
)


class UnknownCarrierError(ValueError):
    """No adapter has that name."""


@cache
def _by_name() -> dict[str, CarrierRow]:
    return {row.name: row for row in _ROWS}


def names() -> tuple[str, ...]:
    """The carriers that have an adapter."""
    return tuple(_by_name())


def row(name: str) -> CarrierRow:
    """The registry row of a carrier. UnknownCarrierError lists the known ones."""
    found = _by_name().get(name)
    if found is None:
        raise UnknownCarrierError(f"no carrier is called {name!r}: known are {', '.join(names())}")
    return found


def adapter(name: str) -> Adapter:
    """A carrier's adapter. UnknownCarrierError lists the known ones."""
    return row(name).adapter()
