"""Implicit ALS (Hu, Koren, Volinsky 2008), by the library `implicit`: for catalogues too large for EASE alone."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from lanecast.recommend.history import Floats, Ints


class Latent:
    """64 factors of customers x products (CSR)."""

    def __init__(self, matrix: Any, seed: int = 1) -> None:
        from implicit.cpu.als import AlternatingLeastSquares
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1, "blas"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # One thread: sums in another order would give other factors.
            model = AlternatingLeastSquares(
                factors=64, regularization=5.0, alpha=10.0, iterations=8, random_state=seed, num_threads=1
            )
            model.fit(matrix, show_progress=False)
        self.customers, self.products = np.asarray(model.user_factors), np.asarray(model.item_factors)

    def scores(self, customers: Ints) -> Floats:
        """n x products."""
        found: Floats = self.customers[customers] @ self.products.T
        return found
