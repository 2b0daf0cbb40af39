"""World time: standing still, running, and going on after a restart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from lanecast.sandbox.clock import WorldClock

ANCHOR = datetime(2026, 7, 1, 10, 30, tzinfo=UTC)
START = datetime(2026, 3, 1, tzinfo=UTC)


def test_speed_0_stands_still() -> None:
    assert WorldClock(START, ANCHOR, 0, lambda: ANCHOR + timedelta(days=9)).now() == START


def test_speed_multiplies_time_since_the_anchor() -> None:
    clock = WorldClock(START, ANCHOR, 3600, lambda: ANCHOR + timedelta(seconds=24))
    assert clock.now() == START + timedelta(days=1)


def test_the_same_anchor_gives_the_same_time_after_a_restart() -> None:
    later = ANCHOR + timedelta(minutes=7)
    assert WorldClock(None, ANCHOR, 60, lambda: later).now() == WorldClock(None, ANCHOR, 60, lambda: later).now()
    assert WorldClock(None, ANCHOR, 1, lambda: later).now() == later


def test_a_wall_clock_set_back_does_not_take_the_world_before_its_start() -> None:
    assert WorldClock(START, ANCHOR, 5, lambda: ANCHOR - timedelta(hours=1)).now() == START


def test_a_clock_without_zone_or_with_negative_speed_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        WorldClock(START.replace(tzinfo=None), ANCHOR, 1)
    with pytest.raises(ValueError, match="backwards"):
        WorldClock(START, ANCHOR, -1)
