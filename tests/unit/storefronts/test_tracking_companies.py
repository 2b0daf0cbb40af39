"""Carriers as shops call them."""

from __future__ import annotations

import csv

import pytest

from lanecast import settings
from lanecast.carriers import registry
from lanecast.files.values import Defect
from lanecast.storefronts.companies import carrier_of


@pytest.mark.parametrize(
    ("company", "carrier"),
    [
        ("UPS", "ups"),
        ("DHL Express", "dhl"),
        ("dhl-us", "dhl"),
        ("  DHL eCommerce ", "dhl"),
        ("Canada Post", "canada_post"),
        ("Colissimo", "laposte"),
        ("DPD.co.uk", "dpd"),
        ("Fastway Couriers", "fastway_couriers"),
        ("", None),
        (None, None),
    ],
)
def test_a_company_is_a_carrier(company: str | None, carrier: str | None) -> None:
    assert carrier_of(company) == carrier


def test_what_makes_no_name_is_said() -> None:
    with pytest.raises(Defect):
        carrier_of("🚚")


def test_every_alias_leads_to_a_carrier_that_can_be_asked() -> None:
    known = set(registry.names())
    with (settings.include() / "reference" / "tracking_companies.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len({row["company"].casefold() for row in rows}) == len(rows)
    assert {row["carrier"] for row in rows} <= known
