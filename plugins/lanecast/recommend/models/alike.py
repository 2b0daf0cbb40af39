"""Similar customers: what those who bought much the same have bought (user-based, cosine of TF-IDF, as UP-CF's
neighbourhood: Faggioli, Polato, Aiolli 2020), and the vectors that TIFU-KNN takes (Hu et al. 2020)."""

from __future__ import annotations

from typing import Any

import numpy as np

from lanecast.recommend.history import Floats, Ints, Past


class Alike:
    """Scores are means over a customer's `keep` neighbours of what `held` (customers x products, CSR) says of them.

    Neighbours come from a `pool` of so many customers, those with the most products of late.
    """

    def __init__(self, past: Past, pool: int = 4000, keep: int = 100) -> None:
        self._keep = keep

        from scipy import sparse

        holders = np.bincount(past.pair_product, minlength=past.products)
        weight = np.log1p(past.customers / (1 + holders)).astype(np.float32)
        self.vectors = past.matrix(np.sqrt(np.minimum(past.times, 4)) * weight[past.pair_product])
        norm = np.sqrt(np.asarray(self.vectors.multiply(self.vectors).sum(axis=1)).ravel())
        self.vectors = sparse.diags(1 / np.maximum(norm, 1e-9)).astype(np.float32) @ self.vectors
        faded = past.by_pair(past.fading(180))
        active = np.bincount(past.pair_customer, np.minimum(faded, 1), past.customers)
        most = np.argsort(-active, kind="stable")[:pool]
        self.pool: Ints = np.sort(most[active[most] > 0]).astype(np.int32)
        self._across = self.vectors[self.pool].T.tocsr()
        self._lately = past.matrix(np.minimum(faded, 1))[self.pool]
        self._baskets = past.matrix(past.faded / np.maximum(past.baskets, 1)[past.pair_customer])[self.pool]

    def near(self, customers: Ints) -> Any:
        """Customers x pool (CSR), each row's best neighbours, summing to 1; never the customer itself."""
        from scipy import sparse

        likeness = (self.vectors[customers] @ self._across).toarray()
        place = np.minimum(np.searchsorted(self.pool, customers), max(len(self.pool) - 1, 0))
        if len(self.pool):
            own = self.pool[place] == customers
            likeness[own, place[own]] = 0
        keep = min(self._keep, likeness.shape[1])
        if keep == 0:
            return sparse.csr_matrix(likeness.shape, dtype=np.float32)
        best = np.argpartition(-likeness, keep - 1, axis=1)[:, :keep]
        value = np.take_along_axis(likeness, best, 1)
        value /= value.sum(axis=1, keepdims=True) + 1e-9
        return sparse.csr_matrix(
            (value.ravel(), best.ravel(), np.arange(len(customers) + 1) * keep), shape=likeness.shape
        )

    def scores(self, near: Any) -> tuple[Floats, Floats]:
        """What the neighbours bought, fading over half-lives of 180 days; and fading by basket, for TIFU-KNN."""
        return (near @ self._lately).toarray(), (near @ self._baskets).toarray()
