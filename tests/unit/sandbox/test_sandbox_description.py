"""The world's YAML file: what it promises, and what a wrong one is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from lanecast.sandbox.description import Description, WorldError, default_world, read_description


def test_the_default_world_covers_what_it_must(description: Description) -> None:
    assert set(description.origins) == {"CN", "DE", "US"}
    assert len(description.destinations) >= 12
    assert set(description.carriers) == {"ups", "fedex", "dhl", "usps"}
    assert all(len(carrier.services) >= 3 for carrier in description.carriers.values())
    assert description.strikes
    assert description.peaks
    for country in ("US", "BR", "AU", "CA"):
        zones = {city.zone or description.countries[country].zone for city in description.countries[country].cities}
        assert len(zones) >= 3, country


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("  per_day: 206", "  per_day: many", "orders.per_day"),
        ("history_days: 180", "history_day: 180", "history_day"),
        ('region: "ON", days_before', "region: ON, days_before", "put it in quotes"),
        ("    gateway: Shanghai", "    gateway: Wuhan", "countries.CN.gateway"),
        ("    zone: Asia/Tokyo", "    zone: Asia/Tokio", "Asia/Tokio"),
        ("line_haul_days: {CN: 3.2, DE: 1.8}", "line_haul_days: {CN: 3.2}", "destinations.US.line_haul_days"),
        ("carriers: {ups: 2, fedex: 2, dhl: 6}", "carriers: {ups: 2, hermes: 2}", "origins.CN.carriers.hermes"),
        ("clock: {speed: 1}", "clock: {speed: -1}", "clock.speed"),
        ("first: 11-11", "first: 13-11", "peaks[0].first"),
        ("days_before_start: 62, ", "", "strikes[0]"),
        ("history_days: 180", "history_days: [", "not YAML"),
        ("jams: []", "jams: [{name: x, country: BR, days: 3, slower: 2}]", "jams[0]"),
        ("jams: []", "jams: [{name: x, country: XX, first: 2026-01-01, days: 3, slower: 2}]", "jams[0].country"),
        ("jams: []", "jams: [{name: x, country: BR, first: 2026-01-01, days: 3, slower: 0.5}]", "slower"),
    ],
)
def test_a_wrong_world_is_told_which_key_is_wrong(tmp_path: Path, old: str, new: str, told: str) -> None:
    text = default_world().read_text(encoding="utf-8")
    assert old in text
    file = tmp_path / "world.yaml"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(WorldError) as problem:
        read_description(file)
    assert told in str(problem.value)
    assert str(file) in str(problem.value)


def test_a_missing_world_is_told_its_path(tmp_path: Path) -> None:
    with pytest.raises(WorldError, match=r"nowhere\.yaml"):
        read_description(tmp_path / "nowhere.yaml")


def test_an_empty_world_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "world.yaml"
    file.write_text("")
    with pytest.raises(WorldError, match="the whole file"):
        read_description(file)
