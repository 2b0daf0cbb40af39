"""The numpy life table: exposure, weights and leaning, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from delivery_worlds import rows

from lanecast.delivery.model.curves import Curves
from lanecast.delivery.model.encodings import KAPPA, Encoding, Events
from lanecast.delivery.model.exposure import edges, exposure
from lanecast.delivery.model.floor import Floor
from lanecast.delivery.model.shipments import Text

CELLS = np.array([0, 1, 2, 3])


def test_exposure_counts_whole_days_alone() -> None:
    # Ordered at noon of day 100; the first arrives on day 101, the second is still under way at noon of day 102, and
    # the third arrives on the morning of day 102, a day that had not ended: its last whole day is day 101.
    seen = exposure(rows([100.5, 100.5, 100.5], [1.0, np.nan, 1.9]), 102.5, CELLS, 90.0)
    assert sorted(zip(seen.row, seen.cell, seen.delivered, strict=True)) == [
        (0, 0, False), (0, 1, True), (1, 0, False), (1, 1, False), (2, 0, False), (2, 1, False)
    ]  # fmt: skip


def test_clocks_that_run_backwards_teach_nothing() -> None:
    assert len(exposure(rows([100.5], [-1.0]), 110.0, CELLS, 90.0)) == 0


def test_floor_is_exits_over_exposure_and_leans_on_the_wider_lane() -> None:
    # Four parcels to A, one of them arriving a day; two to B, which arrive on their first day after the start's.
    known = rows(
        [100.0] * 6,
        [0.5, 1.5, 2.5, np.nan, 1.5, 1.5],
        destination_country=["XA"] * 4 + ["XB"] * 2,
    )
    seen = exposure(known, 200.0, CELLS, 0.0)
    floor = Floor(half_life=1e12, kappa=2.0).fit(known, seen, 200.0, CELLS)
    world = [(1 + 0.02) / (6 + 1), (3 + 0.02) / (5 + 1), (1 + 0.02) / (2 + 1)]
    to_a = [(1 + 2 * world[0]) / (4 + 2), (1 + 2 * world[1]) / (3 + 2), (1 + 2 * world[2]) / (2 + 2)]
    assert floor.hazards(known)[0] == pytest.approx(to_a)
    to_b = [(0 + 2 * world[0]) / (2 + 2), (2 + 2 * world[1]) / (2 + 2)]
    assert floor.hazards(known)[5][:2] == pytest.approx(to_b)
    # A country never met is answered for by the world.
    assert floor.hazards(rows([0.0], [1.0], destination_country=["XZ"]))[0] == pytest.approx(world)


def test_what_is_old_counts_less() -> None:
    # Half-life 10 days: a day lived 10 days before now counts a half.
    known = rows([90.0, 100.0], [0.5, np.nan])
    seen = exposure(known, 101.0, CELLS, 0.0)
    floor = Floor(half_life=10.0).fit(known, seen, 100.0, CELLS)
    assert floor.hazards(known)[0][0] == pytest.approx((0.5 + 0.02) / (1.5 + 1))


def test_quantiles_and_shares_invert_each_other() -> None:
    curves = Curves(CELLS, np.array([[0.2, 0.6, 1.0]] * 3), np.linspace(0, 1, 201), np.array([0.0, 0.25, 0.75]))
    # Of the share 0.6 that is reached by the end of the second day, the middle half of that day's: 0.4.
    assert curves.quantile(0.4) == pytest.approx([1.5, 1.25, 0.75])
    for level in (0.01, 0.2, 0.5, 0.6, 0.99):
        assert curves.by(curves.quantile(level)) == pytest.approx([level] * 3, abs=1e-6)
    assert (curves.quantile(1e-9) < 1e-6).all()
    assert curves.by(np.full((3, 2), 50.0)) == pytest.approx(np.ones((3, 2)))


def test_cells_reach_nearly_all_deliveries_and_widen() -> None:
    days = edges(rows(np.arange(2000.0), np.linspace(1, 100, 2000)))
    assert days[-1] >= 99
    assert set(np.diff(days[days <= 30])) == {1}
    assert edges(rows([], []))[-1] >= 7
    long = edges(rows(np.arange(50.0), np.full(50, 150.0)))
    assert set(np.diff(long[long <= 7])) == {1}
    assert np.diff(long[long >= 7]).min() > 1


def test_a_date_without_a_time_stays_the_day_that_it_names() -> None:
    dated = rows([100.0, 100.5], [3.0, 3.0], destination_country=["BR", "BR"])
    assert dated.offset.tolist() == [0.0, -0.125]


def test_encoding_is_the_fading_mean_as_it_stood() -> None:
    chance = np.random.default_rng(3)
    count, now, half_life = 60, 50.0, 9.0
    keys = Text(("a", "b", "c"), chance.integers(0, 3, count))
    moment, value = chance.uniform(0, 55, count), chance.normal(size=count)
    known = (moment < now) & (chance.uniform(size=count) < 0.8)
    when = np.floor(chance.uniform(0, 50, count))
    encoding = Encoding(half_life)
    found = encoding.fit([keys], Events(moment, value, known), when, now)

    def slowly(key: int, at: float) -> float:
        before = known & (moment < at)
        weight = 0.5 ** ((at - moment) / half_life) * before
        world = (weight @ value + 1e-3 * value[known].mean()) / (weight.sum() + 1e-3)
        own = weight * (keys.codes == key)
        return float((own @ value + KAPPA * world) / (own.sum() + KAPPA))

    assert found == pytest.approx([slowly(key, at) for key, at in zip(keys.codes, when, strict=True)])
    assert encoding.look_up([keys], count) == pytest.approx([slowly(key, now) for key in keys.codes])
    # A key never met gets the wider one's.
    new = encoding.look_up([Text(("zzz",), np.zeros(1, dtype=np.int64))], 1)
    assert new == pytest.approx([slowly(-1, now)])
