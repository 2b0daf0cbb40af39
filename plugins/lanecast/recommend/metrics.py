"""Recall, NDCG, and what chance allows: for lists of products against what was done."""

from __future__ import annotations

import numpy as np

from lanecast.recommend.history import Flags, Floats, Ints


def best(score: Floats, allowed: Flags, k: int) -> Ints:
    """The k best allowed products of each row (n x k, padded with -1); ties go to the lower number."""
    n, products = score.shape
    take = min(k, products)
    found = np.full((n, k), -1, dtype=np.int32)
    if take == 0 or n == 0:
        return found
    # Turned round, for the least are found sooner than the greatest.
    cost = np.where(allowed, -score, np.inf)
    # Whatever ties at the edge comes along, and is settled by number.
    flat = np.flatnonzero(cost <= _edges(cost, take)[:, None])
    row, column = np.divmod(flat, products)
    order = np.lexsort((column, cost.ravel()[flat], row))
    row, column = row[order], column[order]
    rank = np.arange(len(row)) - np.searchsorted(row, np.arange(n))[row]
    keep = rank < take
    found[row[keep], rank[keep]] = column[keep]
    return found


def among(score: Floats, allowed: Flags, k: int) -> Flags:
    """Which allowed products are the k best of each row (n x products), of those with a score above 0."""
    spoken = allowed & (score > 0)
    cost = np.where(spoken, -score, np.inf)
    found: Flags = cost <= _edges(cost, min(k, score.shape[1]))[:, None]
    # Thousands may tie at the edge: all that one basket holds, all that was sold once on one day.
    tied = np.flatnonzero(found.sum(axis=1) > k)
    if len(tied):
        settled = best(score[tied], spoken[tied], k)
        found[tied] = False
        row, place = np.nonzero(settled >= 0)
        found[tied[row], settled[row, place]] = True
    return found


def _edges(cost: Floats, take: int) -> Floats:
    """By row: its `take`th least value, the greatest finite one where there are fewer."""
    if take == 0 or not len(cost):
        return np.full(len(cost), -np.inf, dtype=cost.dtype)
    edge: Floats = np.minimum(np.partition(cost, take - 1, axis=1)[:, take - 1], np.finfo(cost.dtype).max)
    return edge


def hits(found: Ints, wanted: Flags) -> Flags:
    """Which entries of lists (n x k) are wanted (n x products)."""
    held = np.take_along_axis(wanted, np.maximum(found, 0), axis=1)
    return held & (found >= 0)


def recall(hit: Flags, wanted: Ints) -> Floats:
    """By customer: hits among k over the smaller of k and what was wanted (NaN where nothing was)."""
    with np.errstate(invalid="ignore", divide="ignore"):
        share = hit.sum(axis=1) / np.minimum(hit.shape[1], wanted)
    return np.where(wanted > 0, share, np.nan).astype(np.float32)


def ndcg(hit: Flags, wanted: Ints) -> Floats:
    """By customer: discounted gain over that of the best list possible (NaN where nothing was wanted)."""
    discount = 1 / np.log2(np.arange(hit.shape[1]) + 2)
    most = np.concatenate([[0.0], np.cumsum(discount)])[np.minimum(hit.shape[1], wanted)]
    with np.errstate(invalid="ignore", divide="ignore"):
        share = (hit * discount).sum(axis=1) / most
    return np.where(wanted > 0, share, np.nan).astype(np.float32)


def interval(difference: Floats, draws: int = 1000, seed: int = 7) -> tuple[float, float]:
    """The 95 % percentile interval of the mean of a difference per customer, by drawing customers with replacement."""
    n = len(difference)
    if n == 0:
        return 0.0, 0.0
    random = np.random.default_rng(seed)
    value = difference.astype(np.float64)
    means = np.array([random.multinomial(n, np.full(n, 1 / n)) @ value for _ in range(draws)]) / n
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)
