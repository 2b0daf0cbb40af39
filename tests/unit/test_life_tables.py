"""Life tables of journeys under way: numbers worked out by hand, and what holds of any counts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lanecast.under_way import life, tables
from lanecast.under_way.life import AGES, LANDMARKS, REMAINING_LEVELS, Chances

BINS = len(AGES) + 1
COUNTS = arrays(np.float64, BINS, elements=st.integers(0, 40).map(float))


def counts(**by_bin: float) -> np.ndarray:
    """Counts with these in the bins named b0, b1, ..."""
    found = np.zeros(BINS)
    for name, number in by_bin.items():
        found[int(name[1:])] = number
    return found


def test_chances_by_hand() -> None:
    # 10 parcels come; 4 move on within 3 hours; 1 is lost and 2 are seen no longer between 3 and 6 hours; then 3 are
    # left, of whom 1 moves on by 9 hours and 2 after 120 days.
    found = life.chances(counts(b0=4, b2=1, b47=2), counts(b1=1), counts(b1=2))
    pace = 1 - np.exp(-0.1 * 0.125)  # what a parcel without any experience would do in 3 hours
    assert found.ends[0] == pytest.approx((4 + pace) / 11)
    assert found.ends[1] == pytest.approx(pace / (6 - 1 + 1))  # two of six were seen for half the time
    assert found.competing[1] == pytest.approx(1 / 6)
    assert found.ends[2] == pytest.approx((1 + pace) / 4)
    assert found.competing[2] == 0


def test_a_lane_leans_on_its_parent_by_its_weight() -> None:
    parent = Chances(np.full(len(AGES), 0.5), np.zeros(len(AGES)))
    found = life.chances(counts(b0=1, b1=1), counts(), counts(), parent)
    weight = life.LEANING
    assert found.ends[0] == pytest.approx((1 + weight * 0.5) / (2 + weight))
    assert found.ends[1] == pytest.approx((1 + weight * 0.5) / (1 + weight))
    assert found.ends[2:] == pytest.approx(np.full(len(AGES) - 2, 0.5))  # nothing of its own: the parent's


def test_competing_ends_take_parcels_away_and_the_share_is_of_those_that_arrive() -> None:
    # Of each bin's parcels a quarter arrives and a quarter is lost: as many arrive as are lost, in each bin alike.
    chance = Chances(np.full(len(AGES), 0.25), np.full(len(AGES), 0.25))
    share = life.ended_by(chance)
    assert share[:3] == pytest.approx([0.5, 0.75, 0.875], abs=1e-9)
    assert life.quantiles(share, np.array([0.25, 0.5, 0.75])) == pytest.approx([0.0625, 0.125, 0.25])


def test_the_cumulative_hazard_gives_back_the_share_that_stays() -> None:
    chance = Chances(np.linspace(0.05, 0.4, len(AGES)), np.zeros(len(AGES)))
    stays = np.cumprod(1 - chance.ends)
    assert np.exp(-life.cumulative_hazard(chance)) == pytest.approx(stays)


@settings(max_examples=60, deadline=None)
@given(COUNTS, COUNTS, COUNTS, COUNTS)
def test_any_history_gives_ordered_quantiles_that_are_never_negative(
    ends: np.ndarray, competing: np.ndarray, censored: np.ndarray, narrow: np.ndarray
) -> None:
    parent = life.chances(ends, competing, censored)
    for found in (parent, life.chances(narrow, competing, censored, parent), life.chances(narrow, ends, ends, parent)):
        assert (found.ends >= 0).all()
        assert (found.competing >= 0).all()
        assert (found.ends + found.competing <= 1 + 1e-12).all()
        share = life.ended_by(found)
        assert (np.diff(share) >= 0).all()
        assert share[-1] == 1
        left = life.quantiles(share, REMAINING_LEVELS)
        assert (left >= 0).all()
        assert (np.diff(left) >= 0).all()
        assert left[-1] <= AGES[-1]
        assert (np.diff(life.cumulative_hazard(found)) >= 0).all()


@settings(max_examples=60, deadline=None)
@given(
    arrays(np.float64, (len(LANDMARKS), len(REMAINING_LEVELS)), elements=st.floats(0, 100)),
    arrays(np.float64, len(LANDMARKS), elements=st.integers(0, 50).map(float)),
)
def test_ranges_never_narrow_while_a_parcel_overstays(left: np.ndarray, reached: np.ndarray) -> None:
    left = np.sort(left, axis=1)
    reached = np.sort(reached)[::-1]
    widened = life.widen(left, reached)
    assert (np.diff(widened, axis=1) >= 0).all()
    beyond = reached <= life.OVERSTAYING * max(reached[0], 1)
    first = max(int(np.argmax(beyond)) - 1, 0) if beyond.any() else len(LANDMARKS)
    width = widened[:, 5] - widened[:, 1]
    assert (np.diff(width[first:]) >= -1e-9).all()
    assert (widened[:first] == left[:first]).all()


def test_the_tables_of_lanes_lean_on_the_next_wider_lane_that_has_one() -> None:
    kinds = tables.Kinds.of(
        [
            (1, ["w", "BR", "CN>BR", "CN>BR ups", "CN>BR ups x"]),
            (2, ["w", "BR", "CN>BR", "CN>BR ups", "CN>BR ups y"]),
            (3, ["w", "FR", None, None, None]),
        ]
    )
    rows = np.array(
        [
            # kind, landmark, bin, outcome, number
            (1, 0, 5, 1, 30),
            (2, 0, 9, 1, 4),
            (3, 0, 2, 1, 22),
        ]
    )
    found = {one.lane: one for one in tables.tables(rows, kinds)}
    # The service with four parcels has no table; the carrier's holds both services.
    assert set(found) == {"w", "BR", "FR", "CN>BR", "CN>BR ups", "CN>BR ups x"}
    assert {lane: one.n for lane, one in found.items()} == {
        "w": 56,
        "BR": 34,
        "FR": 22,
        "CN>BR": 34,
        "CN>BR ups": 34,
        "CN>BR ups x": 30,
    }
    weight = life.LEANING
    carrier = found["CN>BR ups"].found.ends[0, 5]
    assert found["CN>BR ups x"].found.ends[0, 5] == pytest.approx((30 + weight * carrier) / (30 + weight))
    world = found["w"].found.ends[0, 2]
    assert found["FR"].found.ends[0, 2] == pytest.approx((22 + weight * world) / (22 + weight))
