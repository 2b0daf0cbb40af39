"""The whole of a run on arrays: evaluate and choose, then make every list. Nothing here knows a database."""

from __future__ import annotations

from lanecast.recommend.beside import bought_together, popular
from lanecast.recommend.choice import evaluate
from lanecast.recommend.serving import customer_lists

__all__ = ["bought_together", "customer_lists", "evaluate", "popular"]
