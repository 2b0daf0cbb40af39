"""Lists of more than one kind of thing: at most half of what is shown of one category, while others are left."""

from __future__ import annotations

import numpy as np

from lanecast.recommend.history import Flags, Floats, Ints
from lanecast.recommend.lists import SHOWN
from lanecast.recommend.metrics import best

_DEEP = 3


def spread_best(score: Floats, allowed: Flags, category: Ints, k: int) -> Ints:
    """The best k of each row (n x k, padded with -1), drawn from the best 3k; of those shown, at most half are of one
    category."""
    return spread(best(score, allowed, _DEEP * k), category, k, max(1, (min(k, SHOWN) + 1) // 2))


def spread(found: Ints, category: Ints, k: int, most: int) -> Ints:
    """The first k of lists (n x m), at most `most` of one category; what was passed over fills what would be short."""
    n, m = found.shape
    kind = np.where(found >= 0, category[np.maximum(found, 0)], -1)
    # Which of its category an entry is, in its list; where no category is known each is one of its own.
    order = np.argsort(kind, axis=1, kind="stable")
    ordered = np.take_along_axis(kind, order, axis=1)
    begins = np.concatenate([np.ones((n, 1), dtype=bool), ordered[:, 1:] != ordered[:, :-1]], axis=1)
    place = np.arange(m)[None, :]
    nth = np.empty((n, m), dtype=np.int64)
    np.put_along_axis(nth, order, place - np.maximum.accumulate(np.where(begins, place, 0), axis=1), axis=1)
    late = ((kind >= 0) & (nth >= most)) * 1 + (found < 0) * 2
    kept = np.argsort(late, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(found, kept, axis=1)
