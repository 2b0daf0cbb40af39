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
    value = np.where(allowed, score, -np.inf)
    # One more than is taken, so that a tie at the edge is seen and settled by number.
    edge = -np.partition(-value, take - 1, axis=1)[:, take - 1]
    row, column = np.nonzero((value >= edge[:, None]) & np.isfinite(value))
    order = np.lexsort((column, -value[row, column], row))
    row, column = row[order], column[order]
    begins = np.searchsorted(row, np.arange(n))
    rank = np.arange(len(row)) - begins[row]
    keep = rank < take
    found[row[keep], rank[keep]] = column[keep]
    return found


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
