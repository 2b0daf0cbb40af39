"""The benchmarks of loading and refreshing run, check their own counts, and give figures by their fixed names."""

from __future__ import annotations

import os

import pytest

from lanecast.bench import ingest, refresh


def test_the_ingest_benchmark_gives_its_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest, "ROUNDS", 1)
    monkeypatch.delenv("LANECAST_RAW", raising=False)
    figures = ingest.as_dict(ingest.ingest(2000))
    stages = figures["stages"]
    assert isinstance(stages, dict)
    assert list(stages) == [
        "registrations to core",
        "raw COPY, binary",
        "staging to core",
        "raw read, parse, stage",
        "validate",
        "load",
        "refresh marts",
        "raw bytes to refreshed marts",
    ]
    assert stages["staging to core"]["rows"] == 2000
    copied, loaded = (stages[name]["seconds"] for name in ("raw COPY, binary", "staging to core"))
    assert figures["load_vs_copy"] == pytest.approx(copied / loaded, rel=0.05, abs=0.01)
    assert "LANECAST_RAW" not in os.environ


def test_the_refresh_benchmark_gives_its_figures() -> None:
    figures = refresh.as_dict(refresh.refresh(20_000, 1_000))
    assert (figures["history"], figures["new"], figures["open_parcels"]) == (20_000, 1_000, refresh.OPEN)
    stages = [figures[name] for name in ("status_seconds", "span_seconds", "curve_seconds", "lane_seconds")]
    assert all(isinstance(seconds, float) and seconds > 0 for seconds in stages)
    with pytest.raises(ValueError, match="more than 10,000 open parcels get"):
        refresh.refresh(20_000, 1_000_000)
