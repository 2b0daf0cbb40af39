"""A small world of the default description, opened once."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lanecast.sandbox.description import Description, read_description
from lanecast.sandbox.world import World

START = datetime(2026, 5, 20, 12, tzinfo=UTC)


@pytest.fixture(scope="session")
def description() -> Description:
    return read_description()


@pytest.fixture(scope="session")
def world(description: Description) -> World:
    return World(description, START)
