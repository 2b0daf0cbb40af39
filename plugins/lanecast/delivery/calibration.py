"""Which quantile levels to read so that promises are kept as often as they say, learned from those that have matured.

Adaptive conformal inference (Gibbs and Candès, Adaptive Conformal Inference Under Distribution Shift, NeurIPS 2021),
for each tail on its own: after every cohort the level moves by a part of the difference between the share wanted and
the share seen. Here a cohort is seen weeks after it was issued, at levels that have moved since. So the step is taken
from the levels at which the cohort was issued, not from those of today: else every cohort on its way would correct the
same error once more. Steps are in log-odds, smaller for small cohorts, and bounded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from lanecast.delivery.log_odds import expit, logit

STEP = 0.15
"""The part of a large cohort's error that is corrected. Larger ones follow the noise of single weeks."""
SHRINKAGE = 40
"""Promises' worth of trust in the level as it is: a cohort of so many moves it by half the step."""
FURTHEST = 2.0
"""How far a level may move from the one asked for, in log-odds: 0.1 to between 0.015 and 0.45."""
BREAK = 0.75
"""The most of a cohort's error that counts, in log-odds: what a strike taught holds no longer when it has matured."""
_NEAREST = 0.1
"""How near to the median a limit may come, in log-odds."""


@dataclass(frozen=True)
class Cohort:
    """The promises issued in one week, all matured: how many, and how many parcels came before the earliest and after
    the latest moment. `lower` and `upper` are the quantile levels that were read for these, 0 to 1."""

    issued_week: date
    n: int
    below: int
    above: int
    lower: float
    upper: float


def levels(confidence: float, cohorts: Sequence[Cohort]) -> tuple[float, float]:
    """The quantile levels (0 to 1) to read now so that a share `confidence` of promises is kept, half of the rest
    missed on either side. Without cohorts, (1 - confidence) / 2 and (1 + confidence) / 2. Their order does not matter.

    Raises ValueError for a confidence that is not between 0 and 1.
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence {confidence} is not between 0 and 1: give a share, such as 0.8")
    wanted = (1 - confidence) / 2
    early = late = logit(wanted)
    for cohort in sorted(cohorts, key=lambda one: one.issued_week):
        if cohort.n > 0:
            early = _moved(early, logit(cohort.lower), cohort.below, cohort.n, wanted)
            late = _moved(late, logit(1 - cohort.upper), cohort.above, cohort.n, wanted)
    return expit(early), 1 - expit(late)


def _moved(now: float, used: float, missed: int, n: int, wanted: float) -> float:
    """One tail's level after a cohort, in log-odds: a step from now towards the level at which it would have missed the
    share wanted. A few promises' worth of the share wanted are added, so that no miss at all is no infinite error."""
    seen = logit((missed + SHRINKAGE * wanted) / (n + SHRINKAGE))
    target = used + logit(wanted) - seen
    moved = now + STEP * n / (n + SHRINKAGE) * min(max(target - now, -BREAK), BREAK)
    furthest = logit(wanted)
    return min(max(moved, furthest - FURTHEST), furthest + FURTHEST, -_NEAREST)
