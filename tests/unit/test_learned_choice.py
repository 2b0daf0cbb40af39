"""Which lanes the learned hazard serves, by hand-made losses; curves by weekday; orders sent off anew."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from lanecast.delivery.learned import choice, mix
from lanecast.delivery.learned.choice import Compared
from lanecast.delivery.levels import LANE_COLUMNS
from lanecast.delivery.model.shipments import shipments

ONE = ("order_to_door",)


def compared(**groups: tuple[int, float, float]) -> Compared:
    """Groups named ORIGIN_DESTINATION: orders, and by how much the mixture and the learned hazard lose less, +- 0.2."""
    origin, destination, loss = [], [], []
    for name, (count, mixture, learned) in groups.items():
        ends = name.split("_")
        origin += [ends[0]] * count
        destination += [ends[1]] * count
        noise = 0.2 * np.where(np.arange(count) % 2, 1.0, -1.0)
        loss.append(np.column_stack([np.full(count, 3.0), 3.0 - mixture + noise, 3.0 - learned + noise]))
    size = len(origin)
    wide = np.full((size, 3), 7.0)
    return Compared(origin, destination, np.concatenate(loss), np.ones((size, 3), dtype=bool), wide, np.full(size, 2.0))


def shares(found: Compared) -> dict[tuple[str, str], float]:
    return {(one.origin_country, one.destination_country): one.learned_share for one in choice.choose(*ONE, found)}


def test_the_better_one_serves_where_it_is_better_by_more_than_chance() -> None:
    # 0.2 of noise over 500 orders: a standard error of 0.0089, 1.64 of which are 0.0147.
    assert shares(compared(CN_BR=(500, 0.01, 0.1))) == {("", ""): 1.0}
    assert shares(compared(CN_BR=(500, 0.1, 0.05))) == {("", ""): 0.5}
    assert shares(compared(CN_BR=(500, 0.012, 0.014))) == {("", ""): 0.0}
    assert shares(compared(CN_BR=(500, 0.012, 0.016))) == {("", ""): 1.0}
    assert shares(compared(CN_BR=(500, -0.1, -0.1))) == {("", ""): 0.0}


def test_too_few_orders_choose_nothing() -> None:
    assert shares(compared(CN_BR=(choice.LEAST_ORDERS - 1, 1, 1))) == {}


def test_countries_and_pairs_choose_for_themselves_and_lean_on_the_wider() -> None:
    found = compared(CN_BR=(2000, 0.2, 0.3), CN_US=(2000, -0.2, -0.3), DE_US=(1000, 0.2, 0.3), FR_US=(99, 1.0, 1.0))
    told = shares(found)
    assert set(told) == {("", ""), ("", "BR"), ("", "US"), ("CN", "US"), ("DE", "US")}
    assert (told["", "BR"], told["", "US"], told["CN", "US"], told["DE", "US"]) == (1.0, 0.0, 0.0, 1.0)
    # the narrowest group that holds a lane says what serves it
    assert choice.share_of(told, "CN", "BR") == 1.0
    assert choice.share_of(told, "FR", "US") == 0.0
    assert choice.share_of(told, "DE", "US") == 1.0
    assert choice.share_of(told, "", "JP") == told["", ""]
    assert choice.share_of({}, "CN", "BR") == 0.0


def test_a_thin_group_is_drawn_towards_the_wider_one() -> None:
    """100 orders that gain 0.1, of a world that loses 0.2: (100 x 0.1 - 200 x 0.2) / 300 = -0.1."""
    told = shares(compared(CN_BR=(100, 0.1, 0.1), CN_US=(20_000, -0.2, -0.2)))
    assert told["", "BR"] == 0.0


def test_scores_say_what_they_rest_on() -> None:
    (score,) = choice.choose(*ONE, compared(CN_BR=(500, 0.01, 0.1)))
    assert (score.n, score.floor.pinball, score.informed_pinball) == (500, 3.0, 2.0)
    assert score.learned.pinball == pytest.approx(2.9)
    assert score.why == "the learned hazard loses 2.900 days against 3.000 of the life table, over 500 orders"
    (other,) = choice.choose(*ONE, compared(CN_BR=(500, 0.001, 0.0)))
    assert other.why.endswith("over 500 orders: not better by more than chance")


def test_shipments_get_curves_of_their_own_where_these_beat_life_table_and_lanes() -> None:
    """The hazard told own features loses 2.0; 0.2 of noise over 500 orders is a standard error of 0.0089."""
    lanes = compared(CN_BR=(500, 0.0, 0.1))
    noise = 0.2 * np.where(np.arange(500) % 2, 1.0, -1.0)
    for loss, serves, why in (
        (
            2.0,
            True,
            "told the parcel's own features it loses 2.000 days against 3.000 of the life table, over 500 orders",
        ),
        (2.990, False, "not better by more than chance"),
        (2.95, False, "better, but not than what serves the lanes"),
        (3.2, False, "not better by more than chance"),
    ):
        (score,) = choice.choose(*ONE, replace(lanes, informed=loss + noise))
        assert score.informed_serves == serves, loss
        assert score.informed_why.endswith(why)
    nothing = replace(compared(CN_BR=(500, -0.1, -0.1)), informed=2.95 + noise)
    assert [(one.learned_share, one.informed_serves) for one in choice.choose(*ONE, nothing)] == [(0.0, True)]


def test_losses_by_hand() -> None:
    """A parcel of 6 days, a curve that delivers evenly in 10 days: limits 1, 5 and 9 days."""
    ages = np.arange(1.0, 11.0)
    share = np.arange(0.1, 1.01, 0.1)[None, :]
    loss, within, width = choice._losses(np.array([6.0]), share, ages)
    assert loss[0] == pytest.approx(0.1 * 5 + 0.5 * 1 + 0.1 * 3)
    assert within[0]
    assert width[0] == pytest.approx(8.0)


@given(arrays.arrays(float, 83, elements=st.floats(-0.1, 1.1)), st.integers(1, 83))
def test_a_curve_never_falls_and_ends_at_one(share: np.ndarray, within: int) -> None:
    found = mix.curve(share, within)
    assert len(found) <= within
    assert found == sorted(found)
    if found:
        assert found[-1] == 1.0
        assert found.count(1.0) == 1 or found[-2] > 0.999999
        assert min(found) >= 0


@given(arrays.arrays(float, 20, elements=st.floats(0, 1)), st.floats(0, 1), st.integers(1, 20))
def test_a_mixture_lies_between_both(learned: np.ndarray, weight: float, length: int) -> None:
    table = np.linspace(0.05, 1.0, length)
    found = mix.mixed(learned, table.tolist(), weight)
    full = np.ones(20)
    full[:length] = table
    assert (found >= np.minimum(learned, full) - 1e-12).all()
    assert (found <= np.maximum(learned, full) + 1e-12).all()
    assert mix.mixed(learned, None, weight) is learned


@given(st.floats(17_000, 22_000), st.lists(st.floats(0, 400), min_size=1, max_size=20), st.integers(0, 6))
def test_orders_are_sent_off_on_the_coming_weekday_at_their_own_time(
    now: float, before: list[float], weekday: int
) -> None:
    nothing = np.full(len(before), np.nan)
    countries = ["BR", "NZ", "FR", "", "US"]
    to = {"destination_country": [countries[place % 5] for place in range(len(before))]}
    orders = shipments([str(one) for one in before], now - np.array(before), nothing, nothing, to)
    moved = mix._moved(orders, now, weekday)
    assert set(((moved.start_day() + 3) % 7).tolist()) == {weekday}
    today = np.floor(now + moved.offset)
    assert (moved.start_day() > today).all()
    assert (moved.start_day() <= today + 7).all()
    assert np.abs((moved.start_share() - orders.start_share() + 0.5) % 1 - 0.5).max() < 1e-6


def test_lanes_need_enough_recent_orders_and_share_their_samples() -> None:
    size = 400
    draw = np.random.default_rng(3)
    lane = {
        "origin_country": ["CN"] * size,
        "destination_country": ["BR" if place < 390 else "US" for place in range(size)],
        "carrier": ["ups" if place < 200 else "dhl" if place < 230 else "" for place in range(size)],
    }
    start = 20_000 - draw.uniform(0, 50, size)
    known = shipments([str(place) for place in range(size)], start, start, start + 5, lane)
    found = mix.mix(known, 20_000.0, 5.0)
    assert [one.key for one in found.lanes] == ["|||||", "||BR|||", "CN||BR|||", "CN||BR||dhl|", "CN||BR||ups|"]
    assert [one.recent for one in found.lanes] == [400, 390, 390, 30, 200]
    assert [len(one.members) for one in found.lanes] == [256, 256, 256, 30, 64]
    assert np.isnan(found.orders.delivered).all()
    for one in found.lanes:  # nobody stands for a lane but its own
        of_lane = found.orders.take(one.members)
        assert len(set(of_lane.order_id)) == len(of_lane)
        for place, column in enumerate(LANE_COLUMNS):
            wanted = one.key.split("|")[place]
            text = of_lane.lane[column]
            assert not wanted or {text.labels[code] for code in text.codes} == {wanted}
    assert len(found.orders) < 321
    assert [one.key for one in mix.mix(known, 20_000.0, 5.0, lambda _, to: to == "US").lanes] == []
    assert mix.mix(known, 20_200.0, 5.0).lanes == ()
