"""The learned hazard in a world whose truth is known, and in worlds too small or too strange to learn from."""

from __future__ import annotations

import numpy as np
import pytest
from delivery_worlds import MONDAY, needs_lightgbm, rows, world
from hypothesis import given, settings
from hypothesis import strategies as st

from lanecast.delivery.model import delivery_model, store
from lanecast.delivery.model.choice import Choice, choose
from lanecast.delivery.model.delivery_model import DeliveryModel, train
from lanecast.delivery.model.recalibration import SHARES, Issued, Recalibration, recalibration
from lanecast.delivery.model.shipments import LANE_COLUMNS, Shipments, shipments

NOW = MONDAY + 116


@pytest.fixture(scope="module")
def everything() -> Shipments:
    return world(4000, 140)


@pytest.fixture(scope="module")
def model(everything: Shipments) -> DeliveryModel:
    needs_lightgbm()
    return train(everything.known_at(NOW), NOW)


def later(everything: Shipments) -> Shipments:
    return everything.take(everything.ordered >= NOW)


def test_known_truth_is_found(everything: Shipments, model: DeliveryModel) -> None:
    asked = later(everything)
    curves = model.curves(asked)
    took = asked.delivered - asked.ordered
    arrived = np.isfinite(took)
    inside = (took >= curves.quantile(0.1)) & (took <= curves.quantile(0.9))
    assert arrived.sum() > 600
    assert inside[arrived].mean() == pytest.approx(0.8, abs=0.04)
    service = np.array(asked.lane["service"].labels)[asked.lane["service"].codes]
    for name in ("express", "economy"):
        assert inside[arrived & (service == name)].mean() == pytest.approx(0.8, abs=0.06)
    # Nothing arrives on Sundays: a curve is flat there.
    sunday = (5 - (asked.start_day() + 3) % 7) % 7 + 1
    ends = np.searchsorted(model.cells, sunday, side="right") - 1
    place = np.arange(len(asked))
    gained = curves.share[place, ends] - curves.share[place, ends - 1]
    assert gained[sunday >= 2].max() < 0.03


def test_model_beats_the_life_table_and_serves(everything: Shipments, model: DeliveryModel) -> None:
    losses = model.choice.losses
    best_floor = min(loss for name, loss in losses.items() if name.startswith("life table"))
    assert min(loss for name, loss in losses.items() if name.startswith("model")) < best_floor
    assert (model.weights(later(everything)) > 0.4).all()


def test_kept_as_bytes_it_answers_the_same(everything: Shipments, model: DeliveryModel) -> None:
    asked = later(everything).take(np.arange(50))
    again = store.load(store.dump(model))
    assert np.array_equal(again.curves(asked).share, model.curves(asked).share)
    with pytest.raises(store.UnknownFormat, match="train one anew"):
        store.load(b"no model")


def test_what_happened_to_an_order_does_not_change_its_answer(everything: Shipments, model: DeliveryModel) -> None:
    asked = later(everything).take(np.arange(40))
    assert np.array_equal(model.curves(asked).share, model.curves(asked.asked()).share)


def test_thin_data_fall_back_to_the_life_table() -> None:
    known = world(30, 40)
    thin = train(known, MONDAY + 50)
    assert thin.hazard is None
    assert (thin.weights(known) == 0).all()
    days = thin.curves(known).quantile(0.5)
    assert np.isfinite(days).all()
    assert (days > 0).all()


def test_nothing_known_has_an_answer() -> None:
    curves = train(rows([], []), 100.0).curves(rows([101.0], [np.nan]))
    assert np.isfinite(curves.quantile(0.9)).all()


def test_without_lightgbm_the_life_table_answers(everything: Shipments, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "lightgbm", None)
    known = everything.known_at(NOW)
    assert choose(known, NOW).half_lives == ()
    alone = train(known, NOW, Choice(14.0, 10.0, (30.0,), 60, 1.0))
    assert alone.hazard is None
    assert np.isfinite(alone.curves(later(everything)).quantile(0.9)).all()


def test_handover_clock_takes_the_same_shipments() -> None:
    known = rows([10.0, 11.0, 12.0], [5.0, 6.0, 7.0], [12.0, np.nan, 12.5])
    moved = known.from_handover()
    assert moved.ordered.tolist() == [12.0, 12.5]
    assert (moved.delivered - moved.ordered).tolist() == [3.0, 6.5]


def test_recalibration_learns_where_parcels_arrived() -> None:
    known = rows(np.full(3000, 100.0), np.full(3000, 1.0))
    model = train(rows([], []), 100.0)
    curves = model.raw_curves(known)
    issued = Issued()
    issued.add(known, curves)
    assert recalibration(issued, rows([], []), 400.0, 10.0).overall == pytest.approx(SHARES)
    arrived_at = curves.by(np.full(len(known), 1.0))[0]
    found = recalibration(issued, known, 100.0 + model.cells[-1] + 1, 1000.0)
    step = int(np.searchsorted(SHARES, arrived_at, side="right"))
    # Nearly all arrived by the share at which the curve stood after a day: little was to come after it.
    assert found.overall[step] > 0.85
    assert np.diff(found.overall).min() >= 0
    assert found.apply(known, curves).share[0] == pytest.approx(
        np.interp(curves.share[0], SHARES, found.by_lane[("", "")])
    )


def test_a_recalibration_that_knows_nothing_changes_nothing() -> None:
    known = rows([100.0], [3.0])
    curves = train(rows([], []), 100.0).raw_curves(known)
    assert Recalibration().apply(known, curves).share == pytest.approx(curves.share)


_moment = st.one_of(st.floats(-800_000, 3_000_000), st.just(float("nan")), st.floats(19_000, 19_100))
_text = st.sampled_from(["", "BR", "BR-SP", "ZZ", "日本", "\x1f", "x" * 300, "1e999", "-0", "NaN"])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(_moment, _moment, _moment, _text, _text, _text), max_size=30), st.floats(0.01, 0.99))
def test_whatever_comes_quantiles_are_ordered_and_finite(
    given_rows: list[tuple[float, float, float, str, str, str]], level: float
) -> None:
    columns = list(zip(*given_rows, strict=True)) or [()] * 6
    lane = {name: list(columns[3 + place % 3]) for place, name in enumerate(LANE_COLUMNS)}
    extra = {"postcode": list(columns[3]), "kilo": list(columns[4])}
    ids = [str(place) for place in range(len(given_rows))]
    strange = shipments(ids, np.array(columns[0]), np.array(columns[1]), np.array(columns[2]), lane, extra)
    curves = train(strange.known_at(19_050.0), 19_050.0).curves(strange)
    low, high = curves.quantile(level * 0.5), curves.quantile(level)
    assert np.isfinite(high).all()
    assert (low >= 0).all()
    assert (low <= high).all()


def test_strange_values_among_many_are_borne(everything: Shipments) -> None:
    needs_lightgbm()
    known = everything.known_at(NOW)
    ids = [str(one) for one in known.order_id] + [f"s{place}" for place in range(6)]
    lane = {name: [text.labels[code] for code in text.codes] + ["日本"] * 6 for name, text in known.lane.items()}
    extra = {name: [text.labels[code] for code in text.codes] + ["1e999"] * 6 for name, text in known.extra.items()}
    ordered = np.append(known.ordered, [-700_000, 0.0, NOW - 1, NOW - 900, NOW - 30, NOW - 30])
    shipped = np.append(known.shipped, [np.nan, -5.0, NOW - 50, NOW, NOW - 29, np.nan])
    delivered = np.append(known.delivered, [NOW - 3, 1.0, NOW - 2, np.nan, NOW - 40, NOW - 30])
    both = shipments(ids, ordered, shipped, delivered, lane, extra)
    model = delivery_model.train(both, NOW, Choice(14.0, 10.0, (30.0,), 60, 1.0))
    days = model.curves(both).quantile(0.9)
    assert model.hazard is not None
    assert np.isfinite(days).all()
