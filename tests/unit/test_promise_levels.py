"""The levels that matured promises teach: against forecasters that are off by a known amount, and for any cohorts."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lanecast.delivery import calibration
from lanecast.delivery.calibration import Cohort, levels
from lanecast.delivery.log_odds import expit, line, logit

WEEK = date(2026, 1, 5)
DELAY = 4
"""Weeks until a cohort has matured."""

Truth = Callable[[float], float]
"""Where a parcel's time lies in the forecast's distribution, from its place in the true one; both 0 to 1."""


def simulate(truth: Truth, weeks: int, n: int, seed: int = 1, confidence: float = 0.8) -> list[Cohort]:
    """Weeks of promises, each at the levels that the cohorts matured by then have taught."""
    draw = random.Random(seed)
    cohorts: list[Cohort] = []
    for week in range(weeks):
        lower, upper = levels(confidence, cohorts[: max(week - DELAY, 0)])
        places = [truth(draw.random()) for _ in range(n)]
        below, above = sum(place < lower for place in places), sum(place > upper for place in places)
        cohorts.append(Cohort(WEEK + timedelta(weeks=week), n, below, above, lower, upper))
    return cohorts


def coverage(cohorts: list[Cohort]) -> float:
    return 1 - sum(one.below + one.above for one in cohorts) / sum(one.n for one in cohorts)


def tails(cohorts: list[Cohort]) -> tuple[float, float]:
    n = sum(one.n for one in cohorts)
    return sum(one.below for one in cohorts) / n, sum(one.above for one in cohorts) / n


def shifted(by: float, spread: float = 1.0) -> Truth:
    return lambda place: expit(by + spread * logit(place))


BIASED: tuple[tuple[str, Truth], ...] = (
    ("too early", shifted(0.9)),
    ("too late", shifted(-1)),
    ("too narrow", shifted(0, 1.7)),
    ("too wide", shifted(0, 0.6)),
    ("early and narrow", shifted(0.6, 1.5)),
    ("too narrow above, by no line in log-odds", lambda place: 1 - (1 - place) ** 1.8),
)


@pytest.mark.parametrize(("name", "truth"), BIASED, ids=[name for name, _ in BIASED])
def test_a_biased_forecaster_is_calibrated_after_some_cohorts(name: str, truth: Truth) -> None:
    cohorts = simulate(truth, 80, 1500)
    assert abs(coverage(cohorts[:DELAY]) - 0.8) > 0.04  # the bias is worth correcting
    soon, after = cohorts[12:16], cohorts[30:]
    print(
        f"{name}: 80 % ranges kept {coverage(cohorts[:DELAY]):.3f} at first, {coverage(soon):.3f} in weeks 12 to 15, "
        f"{coverage(after):.3f} from week 30 on"
    )
    assert abs(coverage(soon) - 0.8) < abs(coverage(cohorts[:DELAY]) - 0.8) / 1.5
    assert coverage(after) == pytest.approx(0.8, abs=0.02)
    assert tails(after) == pytest.approx((0.1, 0.1), abs=0.02)


def test_a_calibrated_forecaster_is_left_alone() -> None:
    cohorts = simulate(lambda place: place, 60, 400)
    for one in cohorts:
        assert one.lower == pytest.approx(0.1, abs=0.03)
        assert one.upper == pytest.approx(0.9, abs=0.03)
    assert coverage(cohorts) == pytest.approx(0.8, abs=0.01)
    exact = [Cohort(WEEK + timedelta(weeks=week), 1000, 100, 100, 0.1, 0.9) for week in range(30)]
    assert levels(0.8, exact) == pytest.approx((0.1, 0.9))


def test_a_break_is_followed_and_so_is_its_end() -> None:
    """A strike: for twelve weeks parcels come later than the forecast knows."""
    draw = random.Random(5)
    cohorts: list[Cohort] = []
    for week in range(60):
        truth = shifted(1.0) if 20 <= week < 32 else shifted(0)
        lower, upper = levels(0.8, cohorts[: max(week - DELAY, 0)])
        places = [truth(draw.random()) for _ in range(1000)]
        below, above = sum(place < lower for place in places), sum(place > upper for place in places)
        cohorts.append(Cohort(WEEK + timedelta(weeks=week), 1000, below, above, lower, upper))
    assert coverage(cohorts[20:24]) < 0.74
    assert coverage(cohorts[28:32]) > coverage(cohorts[20:24]) + 0.04
    assert coverage(cohorts[45:]) == pytest.approx(0.8, abs=0.02)


def test_the_delay_does_not_make_it_overshoot() -> None:
    cohorts = simulate(shifted(1.2), 40, 5000)
    best = expit(1.2 + logit(0.9))
    assert all(one.upper < best + 0.01 for one in cohorts)
    assert cohorts[-1].upper == pytest.approx(best, abs=0.005)


def test_small_cohorts_move_it_less() -> None:
    def after(n: int) -> float:
        return levels(0.8, [Cohort(WEEK, n, n // 2, 0, 0.1, 0.9)])[0]

    assert 0.1 > after(4) > after(40) > after(4000) > 0.015
    assert levels(0.8, [Cohort(WEEK, 0, 0, 0, 0.1, 0.9)]) == pytest.approx((0.1, 0.9))


def test_one_step_by_hand() -> None:
    # 40 promises, 8 early: with 40 at the wanted tenth, (8 + 4) / 80 = 0.15, for which logit(0.1) - logit(0.15) is to
    # be taken back: half of 0.15 times that.
    lower, upper = levels(0.8, [Cohort(WEEK, 40, 8, 4, 0.1, 0.9)])
    assert logit(lower) == pytest.approx(logit(0.1) + 0.075 * (logit(0.1) - logit(0.15)))
    assert upper == pytest.approx(0.9)


@settings(max_examples=60, deadline=None)
@given(
    st.floats(0.01, 0.99),
    st.lists(
        st.tuples(
            st.integers(0, 10_000),
            st.floats(0, 1),
            st.floats(0, 1),
            st.floats(0, 1),
            st.floats(0, 1),
            st.integers(0, 500),
        ),
        max_size=30,
    ),
)
def test_any_cohorts_give_levels_in_order_and_in_bounds(
    confidence: float, told: list[tuple[int, float, float, float, float, int]]
) -> None:
    cohorts = [
        Cohort(WEEK + timedelta(weeks=week), n, int(n * a), int((n - int(n * a)) * b), lower, upper)
        for n, a, b, lower, upper, week in told
    ]
    lower, upper = levels(confidence, cohorts)
    assert 0 < lower < 0.5 < upper < 1
    wanted = logit((1 - confidence) / 2)
    assert abs(logit(lower) - wanted) <= max(calibration.FURTHEST, 0.1) + 1e-6
    by_week = sorted({one.issued_week: one for one in cohorts}.values(), key=lambda one: one.issued_week)
    assert levels(confidence, by_week) == levels(confidence, by_week[::-1])
    shift, spread = line(confidence, (lower, upper))
    assert spread > 0
    reach = spread * logit((1 + confidence) / 2)
    assert (expit(shift - reach), expit(shift + reach)) == pytest.approx((lower, upper))


@pytest.mark.parametrize("confidence", [0, 1, -1, 80, float("nan")])
def test_a_confidence_that_is_none_is_refused(confidence: float) -> None:
    with pytest.raises(ValueError, match="not between 0 and 1"):
        levels(confidence, [])
