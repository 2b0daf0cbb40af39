"""Recall, NDCG and intervals against plain computations."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lanecast.recommend.metrics import among, best, hits, interval, ndcg, recall


def _plain(listed: list[int], wanted: set[int], k: int) -> tuple[float, float]:
    hit = [one in wanted for one in listed[:k]]
    most = min(k, len(wanted))
    ideal = sum(1 / math.log2(at + 2) for at in range(most))
    return sum(hit) / most, sum(one / math.log2(at + 2) for at, one in enumerate(hit)) / ideal


@given(
    hnp.arrays(np.float32, (3, 9), elements=st.sampled_from([0.0, 0.5, 1.0, 2.0])),
    hnp.arrays(bool, (3, 9)),
    hnp.arrays(bool, (3, 9)),
    st.integers(1, 12),
)
def test_lists_and_measures_are_those_of_a_plain_loop(score, allowed, wanted, k) -> None:  # type: ignore[no-untyped-def]
    found = best(score, allowed, k)
    assert found.shape == (3, k)
    hit, of = hits(found, wanted), wanted.sum(axis=1).astype(np.int32)
    for row in range(3):
        plain = sorted(np.flatnonzero(allowed[row]), key=lambda at: (-score[row, at], at))[:k]
        assert found[row].tolist() == [int(at) for at in plain] + [-1] * (k - len(plain))
        spoken = [int(at) for at in plain if score[row, at] > 0]
        assert np.flatnonzero(among(score, allowed, k)[row]).tolist() == sorted(spoken)
        if not of[row]:
            assert np.isnan(recall(hit, of)[row])
            assert np.isnan(ndcg(hit, of)[row])
            continue
        told = _plain([int(at) for at in plain], set(np.flatnonzero(wanted[row]).tolist()), k)
        assert (recall(hit, of)[row], ndcg(hit, of)[row]) == pytest.approx(told, abs=1e-6)


def test_the_interval_is_that_of_the_mean() -> None:
    random = np.random.default_rng(0)
    value = random.normal(0.3, 1.0, 400).astype(np.float32)
    low, high = interval(value)
    error = value.std() / 20
    assert low == pytest.approx(value.mean() - 1.96 * error, abs=0.02)
    assert high == pytest.approx(value.mean() + 1.96 * error, abs=0.02)
    assert interval(value) == (low, high)
    assert interval(np.zeros(0, dtype=np.float32)) == (0.0, 0.0)
    assert interval(np.full(5, 0.25, dtype=np.float32)) == (0.25, 0.25)
