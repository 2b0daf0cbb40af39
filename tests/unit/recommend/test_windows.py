"""Which stretches of the past judge the models, where a few times, or what nobody asks for, lie apart from the rest."""

from __future__ import annotations

import numpy as np
import pytest
from recommend_worlds import DAY, START

from lanecast.recommend.deeds import Deeds, Kind
from lanecast.recommend.history import Aim
from lanecast.recommend.windows import Windows, windows

NOW = START + 600 * DAY


def _deeds(days: np.ndarray, kind: Kind = Kind.PURCHASE, guests: bool = False) -> Deeds:
    count, none = len(days), np.zeros(0, dtype=object)
    return Deeds(
        np.full(count, -1 if guests else 0, dtype=np.int32),
        np.zeros(count, dtype=np.int32),
        np.full(count, int(kind), dtype=np.int8),
        (START + days * DAY).astype(np.int64),
        np.full(count, -1, dtype=np.int32),
        np.full(count, -1, dtype=np.int16),
        *(np.array(["one"], dtype=object), np.array(["a"], dtype=object), none),
    )


def _joined(first: Deeds, second: Deeds) -> Deeds:
    order = np.argsort(np.concatenate([first.at, second.at]), kind="stable")
    columns = {
        name: np.concatenate([value, vars(second)[name]])[order] if len(value) == len(first) else value
        for name, value in vars(first).items()
    }
    return Deeds(**columns)


def _days(found: Windows | None) -> tuple[float, float, float]:
    """When the first starts and the last ends, in days, and how long one is."""
    assert found is not None
    assert found.starts[1] - found.starts[0] == found.starts[2] - found.starts[1] == found.length
    return (found.starts[0] - START) / DAY, (found.ends[2] - START) / DAY, found.length / DAY


USUAL = np.linspace(0, 130, 3000)


@pytest.mark.parametrize("aim", Aim)
def test_windows_end_with_the_last_deed_and_are_a_part_of_the_time_known(aim: Aim) -> None:
    start, end, length = _days(windows(_deeds(USUAL), NOW, aim))
    assert end == pytest.approx(130, abs=1e-4)
    assert length == pytest.approx((130 - USUAL[15]) / 6.5, abs=1e-4)  # 1 in 200 of the first is left out
    assert start == pytest.approx(end - 3 * length, abs=1e-4)
    assert _days(windows(_deeds(USUAL * 4), NOW, aim))[2] == 45
    assert windows(_deeds(USUAL / 25), NOW, aim) is None


@pytest.mark.parametrize("strays", [[344.0], [170.0, 230.0, 344.0], [-900.0, 344.0]])
def test_a_few_times_far_from_the_rest_move_no_window(strays: list[float]) -> None:
    told = _joined(_deeds(USUAL), _deeds(np.array(strays)))
    assert _days(windows(told, NOW, Aim.ANY)) == pytest.approx(_days(windows(_deeds(USUAL), NOW, Aim.ANY)), abs=0.2)


def test_a_thin_end_is_recent_and_no_stray() -> None:
    thin = np.arange(134.0, 191, 4)  # fifteen in eight weeks, and never nothing for as long as a window
    assert _days(windows(_joined(_deeds(USUAL), _deeds(thin)), NOW, Aim.ANY))[1] == pytest.approx(190, abs=1e-4)


def test_what_is_more_than_a_few_is_no_stray_however_far_away() -> None:
    late = _deeds(np.linspace(340, 344, 40))
    assert _days(windows(_joined(_deeds(USUAL), late), NOW, Aim.ANY))[1] == pytest.approx(344, abs=1e-4)


@pytest.mark.parametrize(("kind", "guests"), [(Kind.VIEW, False), (Kind.PURCHASE, True)])
def test_what_is_not_to_be_foretold_moves_no_window(kind: Kind, guests: bool) -> None:
    many = _deeds(np.linspace(124, 130, 50_000), kind, guests)
    alone = windows(_deeds(USUAL), NOW, Aim.PURCHASES)
    assert windows(_joined(_deeds(USUAL), many), NOW, Aim.PURCHASES) == alone
    assert alone is not None
