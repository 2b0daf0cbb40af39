"""Carriers as shops call them: `DHL Express` is dhl. Aliases are in include/reference/tracking_companies.csv."""

from __future__ import annotations

import csv
from functools import cache

from lanecast import settings
from lanecast.files.values import carrier


@cache
def _aliases() -> dict[str, str]:
    """Carrier by slug of a company's name."""
    path = settings.include() / "reference" / "tracking_companies.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return {carrier(row["company"]) or "": row["carrier"] for row in csv.DictReader(file)}


def carrier_of(company: str | None) -> str | None:
    """The carrier of a company's name: by its alias, else its name as a slug, as in files. Defect where it makes no
    slug."""
    slug = carrier(company or "")
    return None if slug is None else _aliases().get(slug, slug)
