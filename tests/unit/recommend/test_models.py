"""Each model against a computation by hand, or by another way."""

from __future__ import annotations

import numpy as np
import pytest
from recommend_worlds import DAY, START, catalogue, deeds, shop
from scipy import sparse

from lanecast.recommend.deeds import Kind
from lanecast.recommend.history import Aim, Past, past
from lanecast.recommend.models.alike import Alike
from lanecast.recommend.models.items import Ease, neighbours, weights
from lanecast.recommend.models.latent import Latent
from lanecast.recommend.models.popularity import by_country, everywhere, rising
from lanecast.recommend.signals import Signals

BUY = int(Kind.PURCHASE)


def _random(rows: int = 40, products: int = 12) -> sparse.csr_matrix:
    return sparse.csr_matrix((np.random.default_rng(1).random((rows, products)) < 0.3).astype(np.float32))


def test_ease_is_the_ridge_regression_of_each_product_on_all_others() -> None:
    matrix, ridge = _random(), 3.0
    found = weights(matrix, ridge)
    dense = matrix.toarray().astype(np.float64)
    for product in range(dense.shape[1]):
        others = np.delete(np.arange(dense.shape[1]), product)
        x = dense[:, others]
        told = np.linalg.solve(x.T @ x + ridge * np.eye(len(others)), x.T @ dense[:, product])
        np.testing.assert_allclose(found[others, product], told, atol=1e-5)
        assert found[product, product] == 0


def test_ease_beyond_its_size_keeps_the_products_most_bought() -> None:
    matrix = sparse.csr_matrix(np.array([[1, 1, 0, 1], [1, 1, 0, 0], [1, 1, 1, 0]], dtype=np.float32))
    few = Ease(matrix, 1.0, most=2)
    assert few.taken.tolist() == [0, 1]
    assert few.scores(matrix)[:, 2:].tolist() == [[0, 0]] * 3
    np.testing.assert_allclose(few.scores(matrix)[:, :2], Ease(matrix[:, :2], 1.0).scores(matrix[:, :2]), rtol=1e-6)


def test_ease_of_few_rows_says_the_same_by_the_smaller_matrix() -> None:
    random = np.random.default_rng(4)
    dense = np.where(random.random((30, 400)) < 0.05, random.random((30, 400)), 0).astype(np.float32)
    dense[7] = 0  # a row without anything tells nothing
    matrix = sparse.csr_matrix(dense)
    asked = sparse.random(9, 400, density=0.1, random_state=3, format="csr", dtype=np.float32)
    by_rows, by_products = Ease(matrix, 20.0, most=40, small=100), Ease(matrix, 20.0)
    assert by_rows.taken.tolist() == by_products.taken.tolist()
    for rows in (matrix, asked):
        told = by_products.scores(rows)
        assert np.abs(told).max() > 0.01
        np.testing.assert_allclose(by_rows.scores(rows), told, atol=2e-6)


def test_neither_rows_nor_products_beyond_the_most_are_inverted() -> None:
    matrix = sparse.random(60, 90, density=0.2, random_state=3, format="csr", dtype=np.float32)
    assert len(Ease(matrix, 20.0, most=50, small=10).taken) == 50
    assert len(Ease(matrix, 20.0, most=61, small=10).taken) == 90


def test_weights_across_blocks_are_those_of_one() -> None:
    matrix = sparse.random(300, 1100, density=0.01, random_state=2, format="csr", dtype=np.float32)
    dense = matrix.toarray().astype(np.float64)
    inverse = np.linalg.inv(dense.T @ dense + 5 * np.eye(1100))
    told = inverse / -np.diag(inverse)
    np.fill_diagonal(told, 0)
    np.testing.assert_allclose(weights(matrix, 5.0), told, atol=1e-4)


def test_cosine_is_shrunk() -> None:
    # Products 0 and 1 share two of three customers each; 2 shares one with 0.
    matrix = sparse.csr_matrix(np.array([[1, 1, 1], [1, 1, 0], [1, 0, 0], [0, 1, 0]], dtype=np.float32))
    found = neighbours(matrix, 10.0).toarray()
    assert found[0, 1] == pytest.approx(2 / (3 + 10))
    assert found[0, 2] == pytest.approx(1 / (3**0.5 + 10))
    assert found[1, 2] == pytest.approx(1 / (3**0.5 + 10))
    assert not found.diagonal().any()


def test_popularity_halves_with_its_half_life_and_leans_on_all_countries() -> None:
    told = deeds([(0, 0, BUY, 0), (1, 1, BUY, 30), (0, 1, BUY, 60)], 2, 3)
    then = past(told, catalogue(3), START + 60 * DAY + 1)
    np.testing.assert_allclose(everywhere(then), [0.25, 0.5 + 1, 0], rtol=1e-4)
    share = np.array([0.25, 1.5, 0]) / 1.75
    # All is one country, so that leaning changes nothing.
    np.testing.assert_allclose(by_country(then), [share, share], rtol=1e-4)
    np.testing.assert_allclose(rising(then, 30), [0.25, 0.5 + 1, 0], rtol=1e-4)


def test_similar_customers_tell_what_they_bought_and_never_oneself() -> None:
    rows = [(0, 0, BUY, 1), (0, 1, BUY, 1), (1, 0, BUY, 1), (1, 1, BUY, 1), (1, 2, BUY, 1), (2, 3, BUY, 1)]
    then = past(deeds(rows, 3, 4), catalogue(4), START + 2 * DAY)
    alike = Alike(then)
    near = alike.near(np.arange(3, dtype=np.int32))
    assert near.toarray()[0].argmax() == 1
    assert near.diagonal().tolist() == [0, 0, 0]
    scores, _ = alike.scores(near)
    assert scores[0, 2] == pytest.approx(2 ** (-1 / 180), rel=1e-3)
    assert scores[0, 3] == 0
    assert not scores[2].any()


def test_latent_factors_find_the_taste_and_are_the_same_again() -> None:
    rows = [(c, p, BUY, 1) for c in range(20) for p in range(8) if p % 2 == c % 2 and (c, p) != (0, 2)]
    then = past(deeds(rows, 20, 8), catalogue(8), START + 2 * DAY)
    bought = then.matrix(np.ones(len(then.times), dtype=np.float32))
    told = Latent(bought).scores(np.array([0], dtype=np.int32))
    assert told[0, 2] > told[0, [1, 3, 5, 7]].max()
    np.testing.assert_array_equal(told, Latent(bought).scores(np.array([0], dtype=np.int32)))


def test_a_customers_past_is_folded_by_basket() -> None:
    rows = [(0, 0, BUY, 0), (0, 0, BUY, 0), (0, 1, BUY, 10), (0, 0, BUY, 20), (-1, 2, BUY, 20), (0, 0, BUY, 30)]
    then = past(deeds(rows, 1, 3, [7, 7, 8, 9, 10, 11]), catalogue(3), START + 30 * DAY)
    assert then.times.tolist() == [2, 1]
    assert then.baskets.tolist() == [3]
    assert then.since.tolist() == [0, 1]
    np.testing.assert_allclose(then.faded, [1 + 0.8**2, 0.8])
    assert ((then.last - START) // DAY).tolist() == [20, 10]
    assert ((then.first - START) // DAY).tolist() == [0, 10]
    assert then.open.tolist() == [True, True, True]


def test_orders_are_told_apart_by_customer_where_each_counts_from_one() -> None:
    rows = [(c, p, BUY, day) for c, p, day in ((0, 0, 0), (1, 0, 0), (0, 1, 0), (1, 0, 5), (0, 0, 9), (1, 1, 9))]
    rows += [(-1, 0, BUY, 9), (-1, 1, BUY, 9), (-1, 2, BUY, 9)]  # guests: an order of two, and one of one
    shared, own = ([1, 1, 1, 2, 2, 3, 1, 1, 2], [1, 2, 1, 3, 4, 5, 6, 6, 7])
    then, told = (past(deeds(rows, 2, 3, numbers), catalogue(3), START + 10 * DAY) for numbers in (shared, own))
    assert then.times.tolist() == [2, 1, 2, 1]
    assert then.baskets.tolist() == [2, 3]
    for name in ("customer", "product", "at", "pair", "times", "first", "last", "since", "faded", "baskets"):
        np.testing.assert_array_equal(getattr(then, name), getattr(told, name))
    assert _together(then) == _together(told) == [[0, 1], [0], [0], [0], [1], [0, 1], [2]]


def test_one_number_in_all_orders_of_a_customer_is_no_order() -> None:
    rows = [(0, 0, BUY, 0.9), (0, 1, BUY, 1.1), (0, 0, BUY, 30), (0, 0, BUY, 60), (1, 0, BUY, 60)]
    then = past(deeds(rows, 2, 2, [0] * 5), catalogue(2), START + 90 * DAY)
    assert then.times.tolist() == [3, 1, 1]
    assert _together(then) == [[0, 1], [0], [0], [0]]  # an order that runs over midnight is one


def _together(then: Past) -> list[list[int]]:
    """The products of each basket, by time."""
    numbers = dict.fromkeys(then.basket.tolist())
    return [sorted(then.product[then.basket == number].tolist()) for number in numbers]


def test_days_before_1970_are_baskets_of_their_own() -> None:
    told = deeds([(1, 0, BUY, -1 - START / DAY), (0, 0, BUY, 0)], 2, 1)
    assert past(told, catalogue(1), START + DAY).times.tolist() == [1, 1]


def test_what_was_sent_back_or_lasts_is_not_offered_again() -> None:
    back = int(Kind.RETURN)
    rows = [(c, 0, BUY, float(c % 9)) for c in range(40)]
    rows += [(0, 1, BUY, 1), (0, 1, back, 5), (1, 1, BUY, 1), (1, 1, back, 5), (1, 1, BUY, 8)]
    rows += [(c, 2, BUY, float(day)) for c in range(2, 9) for day in (0, 30, 60)]
    rows += [(9, 2, BUY, 63.0), (10, 2, BUY, 40.0)]
    then = past(deeds(rows, 40, 3), catalogue(3), START + 65 * DAY)
    signals = Signals(then, Aim.PURCHASES)
    again = signals.batch(np.arange(40, dtype=np.int32)).again
    assert not again[:, 0].any()  # forty buyers, none of them twice
    assert not again[0, 1]  # sent back
    assert again[1, 1]  # sent back, and bought again since
    assert not again[9, 2]  # bought two days ago, where a month is usual
    assert again[10, 2]


def test_signals_stand_for_the_models_they_name() -> None:
    told = shop(20, 20)
    then = past(told, catalogue(20), START + 200 * DAY)
    signals = Signals(then, Aim.ANY)
    batch = signals.batch(np.arange(20, dtype=np.int32))
    bought = np.zeros((20, 20))
    np.add.at(bought, (then.customer, then.product), 1)
    np.testing.assert_array_equal(batch.says["times"], bought)
    dense = (bought > 0).astype(np.float64)
    np.testing.assert_allclose(batch.says["EASE"], dense @ weights(sparse.csr_matrix(dense), 500.0), atol=1e-5)
    assert (batch.new == (bought == 0)).all()
    assert (batch.again == (bought > 0)).all()
