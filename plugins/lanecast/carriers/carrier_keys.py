"""What an aggregator calls the carriers: `include/reference/aggregators/<name>.csv`, one row per key.

An aggregator may have several keys for one of our carriers, such as one per country. Only a row whose `asked` is `yes`
is sent: where the key is not certain, the aggregator is left to detect the carrier.
"""

from __future__ import annotations

import csv
from functools import cache

from lanecast import settings


def key_of(aggregator: str, carrier: str | None) -> str | None:
    """The key by which an aggregator is asked for parcels of a carrier; None leaves it to detect the carrier."""
    return _asked(aggregator).get(carrier) if carrier else None


def carrier_of(aggregator: str, key: str | None) -> str | None:
    """Our slug of the carrier that an aggregator's key stands for, whatever its case; None if it is none of ours."""
    return _told(aggregator).get(key.casefold()) if key else None


@cache
def _asked(aggregator: str) -> dict[str, str]:
    return {row["carrier"]: row["key"] for row in _rows(aggregator) if row["asked"] == "yes"}


@cache
def _told(aggregator: str) -> dict[str, str]:
    return {row["key"].casefold(): row["carrier"] for row in _rows(aggregator)}


@cache
def _rows(aggregator: str) -> tuple[dict[str, str], ...]:
    path = settings.include() / "reference" / "aggregators" / f"{aggregator}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))
