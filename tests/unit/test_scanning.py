"""The radar's arithmetic: observed against expected exits, by hand and against numerical integration."""

from __future__ import annotations

from math import exp, factorial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lanecast.under_way import scanning
from lanecast.under_way.scanning import Exits


def exits(observed: list[float], expected: list[float], noise: float = 0, unsure: float = 0) -> Exits:
    """Of one cell; the last whole day first."""
    days = max(scanning.WINDOWS, len(observed))

    def row(values: list[float]) -> np.ndarray:
        return np.array([values + [0.0] * (days - len(values))])

    return Exits(row(observed), row(expected), row([unsure] * len(observed)), np.array([noise]))


def poisson(count: int, mean: float) -> float:
    return mean**count * exp(-mean) / factorial(count)


def test_a_day_counts_for_less_where_it_is_noisy_or_its_expectation_unsure() -> None:
    # 10 expected: noise 0.2 adds 0.2 x 100 to a variance of 10, an error of 5 adds 25: (10 + 20 + 25) / 10 = 5.5.
    seen, hoped = scanning.weighed(exits([2, 4], [10, 10], noise=0.2, unsure=5))
    assert seen[0, :2] == pytest.approx([2 / 5.5, 6 / 5.5])
    assert hoped[0, :2] == pytest.approx([10 / 5.5, 20 / 5.5])


def test_the_probability_is_bayes_rule_over_windows_and_ratios() -> None:
    observed, expected = [1, 3, 9], [8.0, 9.0, 10.0]
    ratios = (np.arange(20_000) + 0.5) / 20_000

    def by_hand(limit: float) -> float:
        """Prior times likelihood of all windows, integrated over ratios below a limit, against a ratio of 1."""
        total = 0.0
        for days in range(1, scanning.WINDOWS + 1):
            count, mean = sum(observed[:days]), sum(expected[:days])
            likelihood = (ratios * mean) ** count * np.exp(-ratios * mean) / factorial(count)
            total += likelihood[ratios < limit].sum() / len(ratios) / poisson(count, mean)
        return total / scanning.WINDOWS

    prior = scanning.USUALLY_DISTURBED
    wanted = prior * by_hand(scanning.LIMIT) / (prior * by_hand(1) + 1 - prior)
    found, since = scanning.disturbed(*scanning.weighed(exits(list(map(float, observed)), expected)))
    assert found[0] == pytest.approx(wanted, rel=1e-3)
    assert int(np.argmax(since[0])) == 1, "two days are the likeliest window: the third is as usual"


def test_a_standstill_is_alarmed_and_dated_and_chance_is_not() -> None:
    cells = [
        exits([1, 0, 1, 11, 9, 12], [11, 10, 9, 10, 11, 10]),  # stands still for three days
        exits([7, 8, 6, 11, 9, 12], [11, 10, 9, 10, 11, 10]),  # somewhat slow: 21 of 30
        exits([1, 0, 1, 11, 9, 12], [11, 10, 9, 10, 11, 10], noise=1.0),  # such days are usual there
    ]
    found = [scanning.scan(one) for one in cells]
    assert [bool(one.alarmed[0]) for one in found] == [True, False, False]
    assert found[0].began[0] == 2


def test_the_end_needs_exits_back_for_days_that_can_tell() -> None:
    assert scanning.recovered(exits([10, 9, 0], [9, 10, 9])) == 2
    assert scanning.recovered(exits([10, 3, 0], [9, 10, 9])) is None
    assert scanning.recovered(exits([1, 1, 1, 0], [1.2, 0.9, 1.1, 5])) == 3  # two days expect fewer than three exits
    assert scanning.recovered(exits([0, 0], [0.1, 0.1])) == 0  # nothing is left to tell by


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 300), st.floats(0, 300)), min_size=1, max_size=28),
    st.floats(0, 2),
    st.floats(0, 50),
)
def test_any_counts_give_a_probability(days: list[tuple[int, float]], noise: float, unsure: float) -> None:
    found = scanning.scan(
        exits([float(seen) for seen, _ in days], [hoped for _, hoped in days], noise=noise, unsure=unsure)
    )
    assert 0 <= found.probability[0] <= 1 + 1e-12
    assert 0 <= found.began[0] < scanning.WINDOWS


@given(st.integers(0, 40), st.floats(5, 40))
@settings(max_examples=50, deadline=None)
def test_more_exits_never_make_a_standstill_likelier(seen: int, hoped: float) -> None:
    fewer, more = (scanning.scan(exits([float(count)], [hoped])).probability[0] for count in (seen, seen + 1))
    assert more <= fewer + 1e-9 or more < 0.01
