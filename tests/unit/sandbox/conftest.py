"""A small world of the default description, opened once."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lanecast.sandbox.description import Description, read_description
from lanecast.sandbox.shop.ledger import Ledger
from lanecast.sandbox.world import World

START = datetime(2026, 5, 20, 12, tzinfo=UTC)


@pytest.fixture(scope="session")
def description() -> Description:
    return read_description()


@pytest.fixture(scope="session")
def world(description: Description) -> World:
    return World(description, START)


@pytest.fixture(scope="session")
def ledger(world: World) -> Ledger:
    """All orders of the history, worked out once."""
    made = Ledger(world)
    made.on(world_day(world))
    return made


def world_day(world: World) -> int:
    """The day of the world's start, counted from 1970."""
    return int(world.start.timestamp()) // 86400
