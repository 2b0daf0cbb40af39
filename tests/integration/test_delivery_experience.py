from __future__ import annotations
import pytest
from lanecast.customers import experience
pytestmark = pytest.mark.usefixtures("warehouse")
def test_empty() -> None:
    print(experience.refresh())
