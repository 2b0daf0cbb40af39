"""The whole of a run on a small shop: what is chosen, and what its lists may hold."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from recommend_worlds import DAY, START, catalogue, deeds, shop

from lanecast.recommend.deeds import Catalogue, Deeds, Kind
from lanecast.recommend.diversity import spread, spread_best
from lanecast.recommend.evaluation import REPORT, VALIDATION
from lanecast.recommend.history import Aim
from lanecast.recommend.judging import FLOOR, POPULARITY, TRIED
from lanecast.recommend.lists import ALL, BUY_AGAIN, DISCOVER, REASONS, CustomerLists
from lanecast.recommend.run import bought_together, customer_lists, evaluate, popular

BUY, VIEW, CART, BACK = (int(one) for one in (Kind.PURCHASE, Kind.VIEW, Kind.CART, Kind.RETURN))
NOW = START + 121 * DAY


def _lists(
    told: Deeds, about: Catalogue, chosen: dict, now: int, aim: Aim = Aim.PURCHASES, k: int = 20
) -> dict[str, CustomerLists]:
    parts: dict[str, list[CustomerLists]] = {}
    for one in customer_lists(told, about, chosen, now, k, aim):
        parts.setdefault(one.slot, []).append(one)
    names = ("customer", "product", "score", "reason", "because", "support")
    return {
        slot: CustomerLists(slot, *(np.concatenate([getattr(one, name) for one in made]) for name in names))
        for slot, made in parts.items()
    }


@pytest.fixture(scope="module")
def evaluated():  # type: ignore[no-untyped-def]
    told = shop()
    return told, evaluate(told, catalogue(60), NOW)


def test_every_model_is_judged_in_its_slots_and_one_serves(evaluated) -> None:  # type: ignore[no-untyped-def]
    _, outcome = evaluated
    rows = {(row.model, row.slot, row.window): row for row in outcome.rows}
    for slot in TRIED:
        for window in (VALIDATION, REPORT):
            serving = [row for row in outcome.rows if row.slot == slot and row.window == window and row.serves]
            assert [row.model for row in serving] == [outcome.chosen[slot]["model"]]
            assert rows[POPULARITY, slot, window].difference == 0
    validation, report = rows[POPULARITY, ALL, VALIDATION], rows[POPULARITY, ALL, REPORT]
    assert validation.until == report.since
    assert report.until <= NOW
    # Half of what is bought was bought before, and the rest is of the customer's taste: much is to be gained.
    for slot in (DISCOVER, ALL):
        served = rows[outcome.chosen[slot]["model"], slot, REPORT]
        assert served.low > 0
        assert served.recall > rows[POPULARITY, slot, REPORT].recall + 0.1
        assert 0 < served.coverage <= 1
    assert json.loads(json.dumps(outcome.chosen)) == outcome.chosen


def test_lists_keep_their_slots_and_say_why(evaluated) -> None:  # type: ignore[no-untyped-def]
    told, outcome = evaluated
    about = catalogue(60, closed=(3, 17))
    lists = _lists(told, about, outcome.chosen, NOW)
    bought = np.zeros((120, 60), dtype=bool)
    bought[told.customer, told.product] = True
    for slot, made in lists.items():
        assert made.customer.tolist() == list(range(120))
        _sound(made, about)
        for row, products in enumerate(made.product):
            held = products[products >= 0]
            if slot != ALL:
                assert (bought[row, held] == (slot == BUY_AGAIN)).all()
        told_with = made.reason == 0
        assert (made.support[told_with] >= 2).all()
        assert bought[np.nonzero(told_with)[0], made.because[told_with]].all()
    assert (lists[DISCOVER].reason == 0).any()
    # The support told is that counted.
    row, rank = (int(at[0]) for at in np.nonzero(lists[DISCOVER].reason == 0))
    one, other = lists[DISCOVER].product[row, rank], lists[DISCOVER].because[row, rank]
    assert lists[DISCOVER].support[row, rank] == (bought[:, one] & bought[:, other]).sum()


def _sound(made: CustomerLists, about: Catalogue) -> None:
    for products, reasons in zip(made.product, made.reason, strict=True):
        held = products[products >= 0]
        assert (products[: len(held)] >= 0).all()
        assert len(set(held.tolist())) == len(held)
        assert about.available[held].all()
        assert ((reasons[: len(held)] >= 0) & (reasons[: len(held)] < len(REASONS))).all()


def test_nothing_that_follows_changes_choice_or_lists() -> None:
    whole = shop(100, 40, 150)
    now = START + 110 * DAY
    later = np.flatnonzero(whole.at >= now)
    assert len(later) > 100
    random = np.random.default_rng(9)
    scrambled = replace(
        whole,
        customer=_changed(whole.customer, later, random.integers(0, 100, len(later))),
        product=_changed(whole.product, later, random.integers(0, 40, len(later))),
        kind=_changed(whole.kind, later, np.full(len(later), VIEW)),
    )
    first = slice(0, int(later[0]))
    parts = ("customer", "product", "kind", "at", "basket", "country")
    blank = replace(whole, **{name: getattr(whole, name)[first] for name in parts})
    outcomes = []
    for told in (whole, scrambled, blank):
        outcome = evaluate(told, catalogue(40), now)
        outcomes.append((outcome, _lists(told, catalogue(40), outcome.chosen, now)))
    (outcome, lists), *others = outcomes
    assert any(one["model"] != POPULARITY for slot, one in outcome.chosen.items() if slot != "learned")
    for other, made in others:
        assert other == outcome
        for slot in lists:
            np.testing.assert_array_equal(made[slot].product, lists[slot].product)
            np.testing.assert_array_equal(made[slot].score, lists[slot].score)


def _changed(column: np.ndarray, rows: np.ndarray, values: np.ndarray) -> np.ndarray:
    found = column.copy()
    found[rows] = values
    return found


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.tuples(st.integers(-1, 5), st.integers(0, 6), st.sampled_from([BUY, VIEW, CART, BACK]), st.floats(0, 60)),
        max_size=60,
    ),
    st.sampled_from(list(Aim)),
    st.sets(st.integers(0, 6), max_size=3),
)
def test_whatever_was_done_every_customer_has_sound_lists(rows, aim, closed) -> None:  # type: ignore[no-untyped-def]
    told, about = deeds(rows, 6, 7), catalogue(7, closed=tuple(closed) if aim is Aim.PURCHASES else ())
    now = START + 50 * DAY
    outcome = evaluate(told, about, now, aim=aim)
    lists = _lists(told, about, outcome.chosen, now, aim)
    assert set(lists) == {DISCOVER, BUY_AGAIN, ALL}
    for made in lists.values():
        assert len(made.customer) == 6
        _sound(made, about)
    _sound_products(told, about, now)


def _sound_products(told: Deeds, about: Catalogue, now: int) -> None:
    beside = bought_together(told, about, now)
    assert not (beside.other == beside.product[:, None]).any()
    assert about.available[beside.other[beside.other >= 0]].all()
    sold = popular(told, about, now)
    assert about.available[sold.product[sold.product >= 0]].all()


def test_a_customer_who_has_done_nothing_gets_what_is_popular() -> None:
    rows = [(c, p, BUY, 1.0) for c in range(6) for p in range(c + 1)]
    told = deeds(rows, 7, 6)
    lists = _lists(told, catalogue(6), {slot: {"model": "EASE, fading"} for slot in TRIED}, START + 2 * DAY)
    assert lists[DISCOVER].product[6, :6].tolist() == [0, 1, 2, 3, 4, 5]
    assert REASONS[lists[DISCOVER].reason[6, 0]] == "popular"
    assert (lists[BUY_AGAIN].product[6] == -1).all()


def test_a_new_product_is_shown_to_someone() -> None:
    rows = [(c, p, BUY, 1.0) for c in range(30) for p in range(25) if (c + p) % 3]
    about = replace(catalogue(26), published_at=np.array([START] * 25 + [START + 59 * DAY], dtype=np.int64))
    lists = _lists(deeds(rows, 30, 26), about, {}, START + 60 * DAY)
    row, rank = np.nonzero(lists[DISCOVER].product == 25)
    assert len(row) == 30
    assert REASONS[lists[DISCOVER].reason[0, rank[0]]] == "new"


def test_a_new_product_is_among_those_shown_of_a_longer_list() -> None:
    rows = [(c, p, BUY, 1.0) for c in range(40) for p in range(40) if c != p]
    rows += [(40, p, BUY, 1.0) for p in range(36)]  # whose list is short
    about = replace(catalogue(42), published_at=np.array([START] * 40 + [START + 59 * DAY] * 2, dtype=np.int64))
    told = deeds([*rows, (42, 0, BUY, 1.0)], 43, 42)
    listed = _lists(told, about, {}, START + 60 * DAY, k=30)[DISCOVER]
    assert listed.product.shape == (43, 30)
    for row in listed.product:
        held = row[row >= 0].tolist()
        assert (row[: len(held)] >= 0).all()
        assert len(set(held)) == len(held)
        assert {40, 41} & set(held[:20])
    # Of 41 that customer 42 never bought, the 19 most popular come first, then a new one, and what it moved down.
    assert set(listed.product[42, 19:].tolist()) & {40, 41} == {int(listed.product[42, 19])}
    assert len(listed.product[42][listed.product[42] >= 0]) == 30


def test_what_nobody_bought_is_not_called_popular() -> None:
    rows = [(0, 0, BUY, 1.0), (1, 1, BUY, 1.0), (-1, 2, BUY, 1.0), (2, 3, VIEW, 1.0)]
    told = deeds(rows, 3, 5)
    told = replace(told, country=np.array([0, 0, -1, 0], dtype=np.int16))
    listed = _lists(told, catalogue(5), {}, START + 60 * DAY)[DISCOVER]
    reasons = {int(p): REASONS[r] for p, r in zip(listed.product[0], listed.reason[0], strict=True) if p >= 0}
    assert reasons == {
        1: "popular in {country}",
        2: "popular",
        3: "not bought by anyone yet",
        4: "not bought by anyone yet",
    }


def test_buying_again_is_judged_by_what_stands_first() -> None:
    # All have bought the same ten products, and buy two of them over and over: a list of ten holds all in any order.
    random = np.random.default_rng(2)
    rows = [(c, p, BUY, p / 10) for c in range(150) for p in range(10)]
    for c in range(150):
        for day in np.sort(random.uniform(2, 120, 40)):
            rows.append((c, (c + int(random.random() < 0.5) * 3) % 10, BUY, float(day)))
    outcome = evaluate(deeds(rows, 150, 10), catalogue(10), NOW)
    report = {row.model: row for row in outcome.rows if row.slot == BUY_AGAIN and row.window == REPORT}
    served = outcome.chosen[BUY_AGAIN]
    assert served["model"] != POPULARITY
    assert report[served["model"]].low > 0
    assert report[served["model"]].difference == pytest.approx(
        report[served["model"]].ndcg - report[POPULARITY].ndcg, abs=1e-6
    )
    assert "NDCG@20" in served["why"]


def test_half_a_list_at_most_is_of_one_category_while_others_are_left() -> None:
    category = np.array([0, 0, 0, 0, 1, -1, -1, -1], dtype=np.int32)
    found = np.array([[0, 1, 2, 3, 4, 5], [0, 1, 2, 3, -1, -1], [5, 6, 7, 0, 1, -1]], dtype=np.int32)
    told = spread(found, category, 4, 2)
    assert told.tolist() == [[0, 1, 4, 5], [0, 1, 2, 3], [5, 6, 7, 0]]


def test_half_of_what_is_shown_of_a_longer_list_is_of_one_category() -> None:
    category = np.array([0] * 60 + [1] * 40, dtype=np.int32)
    score = -np.arange(100, dtype=np.float32)[None, :]
    found = spread_best(score, np.ones((1, 100), dtype=bool), category, 30)
    assert found[0, :20].tolist() == [*range(10), *range(60, 70)]
    assert found[0, 20:].tolist() == list(range(10, 20))


def test_lists_are_spread_only_where_that_costs_little() -> None:
    told, now = shop(100, 40), START + 121 * DAY
    # What a customer likes is every fifth product: as categories, half a list is not enough; by tens, it is no matter.
    for category, costs_little in (([p % 5 for p in range(40)], False), ([p // 4 for p in range(40)], True)):
        about = catalogue(40, category=category)
        outcome = evaluate(told, about, now, k=8)
        rows = {(row.model, row.slot, row.window): row.recall for row in outcome.rows}
        lost = rows["blend", DISCOVER, VALIDATION] - rows["blend, half of a category", DISCOVER, VALIDATION]
        assert (lost <= 0.002) == costs_little
        assert outcome.chosen[DISCOVER]["spread"] == costs_little
        for made in customer_lists(told, about, outcome.chosen, now, 8):
            if made.slot == DISCOVER and costs_little:
                held = np.array(category)[made.product[(made.product >= 0).all(axis=1)]]
                assert max(np.bincount(row).max() for row in held) <= 4


def test_too_little_to_judge_leaves_popularity_serving() -> None:
    told = deeds([(0, 0, BUY, 1), (1, 1, BUY, 2)], 2, 2)
    outcome = evaluate(told, catalogue(2), START + 3 * DAY)
    assert outcome.rows == []
    assert {slot: outcome.chosen[slot]["model"] for slot in TRIED} == FLOOR
    assert "too little" in outcome.chosen[ALL]["why"]


def test_noise_leaves_popularity_serving() -> None:
    random = np.random.default_rng(3)
    rows = [(int(random.integers(40)), int(random.integers(30)), BUY, float(random.uniform(0, 90))) for _ in range(600)]
    outcome = evaluate(deeds(rows, 40, 30), catalogue(30), START + 91 * DAY)
    assert outcome.chosen[DISCOVER]["model"] == POPULARITY
    assert outcome.chosen[DISCOVER]["why"].startswith("popularity serves")


def test_in_the_blend_popularity_serves_where_nobody_buys_again_and_nothing_beats_it() -> None:
    random = np.random.default_rng(8)
    popular = 1 / np.arange(1, 201) ** 1.1
    rows = [
        (customer, int(product), BUY, float(day))
        for customer in range(60)
        for product, day in zip(
            random.choice(200, 14, replace=False, p=popular / popular.sum()), random.uniform(0, 90, 14), strict=True
        )
    ]
    outcome = evaluate(deeds(rows, 60, 200), catalogue(200), START + 91 * DAY)
    told = {(row.model, row.window): row for row in outcome.rows if row.slot == ALL}
    assert told["own frequency", VALIDATION].recall < told[POPULARITY, VALIDATION].recall
    assert outcome.chosen[ALL]["model"] == POPULARITY, outcome.chosen[ALL]["why"]
    assert outcome.chosen[ALL]["why"].startswith("popularity serves")


def test_beside_a_product_is_what_shared_its_baskets_guests_too() -> None:
    # Baskets: {0, 1} three times (one a guest's), {0, 2} once, {1, 2, 3} twice.
    baskets = [[0, 1], [0, 1], [0, 1], [0, 2], [1, 2, 3], [1, 2, 3]]
    rows = [(-1 if at == 2 else 0, p, BUY, float(at)) for at, basket in enumerate(baskets) for p in basket]
    numbers = [at for at, basket in enumerate(baskets) for _ in basket]
    found = bought_together(deeds(rows, 1, 4, numbers), catalogue(4, closed=(3,)), START + 9 * DAY, k=3)
    assert found.other[0].tolist() == [1, -1, -1]  # 2 shared one basket only
    assert found.support[0, 0] == 3
    assert found.lift[0, 0] == pytest.approx(3 * 6 / (4 * 5))
    assert found.score[0, 0] == pytest.approx(3 / (20**0.5 + 10))
    assert found.other[1].tolist() == [0, 2, -1]
    assert found.other[3].tolist() == [1, 2, -1] or found.other[3].tolist() == [2, 1, -1]


def test_what_most_send_back_is_shown_to_nobody_new() -> None:
    rows = [(c, p, BUY, 1.0) for c in range(8) for p in (0, 1)] + [(c, 2, BUY, 1.0) for c in range(4)]
    rows += [(c, p, BACK, 5.0) for p, back in ((0, 5), (1, 4), (2, 4)) for c in range(back)]
    told = deeds(rows, 8, 3)
    now = START + 9 * DAY
    # Five of eight is more than half; four of eight is not; of four, which are few, nothing is held against it.
    assert popular(told, catalogue(3), now, k=3).product.tolist() == [[1, 2, -1]] * 2
    assert bought_together(told, catalogue(3), now, k=3).other.tolist() == [[1, 2, -1], [2, -1, -1], [1, -1, -1]]
    assert popular(told, catalogue(3), START + 5 * DAY, k=3).product.tolist() == [[0, 1, 2]] * 2


def test_what_sells_is_told_by_country() -> None:
    told = deeds([(0, 0, BUY, 0), (0, 1, BUY, 30), (1, 1, VIEW, 30)], 2, 2)
    found = popular(told, catalogue(2), START + 30 * DAY + 1, k=3)
    assert found.country.tolist() == [-1, 0]
    assert found.product.tolist() == [[1, 0, -1]] * 2
    np.testing.assert_allclose(found.score, [[1, 0.5, 0]] * 2, rtol=1e-5)
