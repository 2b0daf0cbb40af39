"""What changes where customers or products are many, and where LightGBM is not there."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from recommend_worlds import DAY, START, catalogue, deeds, shop

from lanecast.delivery.model.hazard import NoLightGBM
from lanecast.recommend import choice, learned, signals
from lanecast.recommend.deeds import Deeds, Kind
from lanecast.recommend.features import Features
from lanecast.recommend.history import Aim, past
from lanecast.recommend.judging import LEARNED, TRIED
from lanecast.recommend.lists import DISCOVER
from lanecast.recommend.run import customer_lists, evaluate

NOW = START + 121 * DAY


def _models() -> tuple[set[str], str, np.ndarray]:
    told = shop(100, 50)
    outcome = evaluate(told, catalogue(50), NOW)
    lists = [one.product for one in customer_lists(told, catalogue(50), outcome.chosen, NOW) if one.slot == DISCOVER]
    return {row.model for row in outcome.rows}, outcome.chosen[DISCOVER]["model"], np.concatenate(lists)


def test_many_customers_are_spared_what_adds_little(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signals, "LEAN", 50)
    models, _, lists = _models()
    assert {"EASE", "EASE x popularity"}.isdisjoint(models)
    assert {"EASE, fading", "cosine", LEARNED} <= models
    assert (lists >= 0).all()


def test_many_products_are_taken_by_als(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signals, "MOST_EASE", 40)
    models, _, lists = _models()
    assert "ALS" in models
    assert (lists >= 0).all()


def test_without_lightgbm_the_other_models_are_left(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise NoLightGBM("not there")

    monkeypatch.setattr(learned, "library", missing)
    said: list[str] = []
    told = shop(100, 50)
    outcome = choice.evaluate(told, catalogue(50), NOW, said.append)
    assert LEARNED not in {row.model for row in outcome.rows}
    assert LEARNED not in {outcome.chosen[slot]["model"] for slot in TRIED}
    assert "not there" in said


def test_who_has_only_looked_gets_what_those_like_who_bought_it() -> None:
    whole = shop(150, 50)
    more = replace(
        deeds([(150, 49, int(Kind.CART), 118.0), (150, 48, int(Kind.VIEW), 119.0)], 151, 50), at=whole.at[-2:]
    )
    parts = ("customer", "product", "kind", "at", "basket", "country")
    told = replace(more, **{name: np.concatenate([getattr(whole, name), getattr(more, name)]) for name in parts})
    chosen = {slot: {"model": LEARNED} for slot in TRIED}
    chosen["learned"] = {"window": 30 * DAY, "boosters": _taught(told)}
    (found,) = [
        one.product[one.customer == 150]
        for one in customer_lists(told, catalogue(50), chosen, NOW)
        if one.slot == DISCOVER and 150 in one.customer
    ]
    assert {int(product) % 5 for product in found[0, :8]} <= {48 % 5, 49 % 5}  # a taste is every fifth product


def _taught(told: Deeds) -> dict[str, str | None]:
    then = past(told, catalogue(50), START + 60 * DAY)
    fitted = signals.Signals(then, Aim.PURCHASES)
    bought = np.zeros((151, 50), dtype=bool)
    bought[told.customer, told.product] = True
    lesson = learned.Lesson()
    lesson.add(Features(fitted, 30 * DAY), fitted.batch(np.arange(151, dtype=np.int32)), bought)
    return learned.learn([lesson]).told()


def test_a_ranking_told_as_text_is_the_same_when_read() -> None:
    told = shop(150, 50)
    then = past(told, catalogue(50), START + 60 * DAY)
    signals_then = signals.Signals(then, Aim.PURCHASES)
    features = Features(signals_then, 30 * DAY)
    batch = signals_then.batch(np.arange(150, dtype=np.int32))
    bought = np.zeros((150, 50), dtype=bool)
    bought[told.customer, told.product] = True
    lesson = learned.Lesson()
    lesson.add(features, batch, bought)
    taught = learned.learn([lesson])
    read = learned.read(json.loads(json.dumps(taught.told())))
    chance, looked = taught.chances(features, batch)
    again, _ = read.chances(features, batch)
    np.testing.assert_array_equal(chance, again)
    assert ((chance >= 0) & (chance <= 1)).all()
    new = looked & batch.new
    # What it was taught it tells: likelier where it was taken up.
    assert chance[new & bought].mean() > 2 * chance[new & ~bought].mean()
