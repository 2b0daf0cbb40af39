"""The carriers and aggregators that Lanecast can ask: one typed row each, in `include/reference/carriers.csv`.

A row's adapter is the class `ADAPTER` of the module `lanecast.carriers.<name>`, imported when it is first needed.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib import import_module
from typing import Literal

import msgspec

from lanecast import settings
from lanecast.carriers.base import Adapter

TimeRule = Literal[
    "offset_in_time", "utc", "local_and_offset_field", "local_and_gmt_fields", "local_and_zone_name", "local_by_place"
]
"""How a carrier tells time: with its offset, in UTC, local beside its offset, local beside UTC, local beside a zone's
name, or local alone."""
Credentials = Literal["login and password", "password", "none"]
Positive = msgspec.Meta(gt=0)


class CarrierRow(msgspec.Struct, frozen=True, kw_only=True):
    """What differs between carriers beside the wire format. Limits are per account; a connection's extra overrides.

    `kind`: a carrier tells of its own parcels, an aggregator of those of many carriers. `limits_from` says where the
    limits come from.
    """

    name: str
    title: str
    kind: Literal["carrier", "aggregator"]
    base_url: str
    credentials: Credentials
    max_concurrency: int
    requests_per_second: float
    calls_per_day: int | None = None
    calls_per_month: int | None = None
    time_rule: TimeRule
    limits_from: str


class UnknownCarrierError(ValueError):
    """No adapter has that name."""


@cache
def rows() -> dict[str, CarrierRow]:
    """All rows by name, in the order of the file. ValueError names the line that is wrong."""
    path = settings.include() / "reference" / "carriers.csv"
    found: dict[str, CarrierRow] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for line, told in enumerate(csv.DictReader(file), start=2):
            try:
                one = msgspec.convert({key: value or None for key, value in told.items()}, CarrierRow, strict=False)
            except msgspec.ValidationError as problem:
                raise ValueError(f"{path}, line {line}: {problem}") from None
            found[one.name] = one
    return found


def names(kind: Literal["carrier", "aggregator"] | None = None) -> tuple[str, ...]:
    """The names that have an adapter: of carriers, of aggregators, or of both."""
    return tuple(name for name, one in rows().items() if kind in (None, one.kind))


def row(name: str) -> CarrierRow:
    """The registry row of a name. UnknownCarrierError lists the known ones."""
    found = rows().get(name)
    if found is None:
        raise UnknownCarrierError(f"no carrier is called {name!r}: known are {', '.join(names())}")
    return found


@cache
def adapter(name: str) -> Adapter:
    """The adapter of a name. UnknownCarrierError lists the known ones."""
    found: type[Adapter] = import_module(f"lanecast.carriers.{row(name).name}").ADAPTER
    return found()
