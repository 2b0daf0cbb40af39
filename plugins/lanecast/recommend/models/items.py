"""Product-to-product models: EASE and cosine with shrinkage.

EASE (Steck 2019, "Embarrassingly Shallow Autoencoders for Sparse Data") is a ridge regression of each product on all
others, in closed form: P = (X'X + λI)^-1, B = -P / diag(P), diag(B) = 0. Cosine with shrinkage is
|both| / (sqrt(|a| |b|) + s) (Sarwar et al. 2001; shrinkage as Bell and Koren 2007).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lanecast.recommend.history import Floats, Ints

MOST_EASE = 10_000
"""Products EASE takes at most, those most bought: its matrix is dense, 4 bytes x products²."""


class Ease:
    """`matrix` is any rows x products (customers or baskets), CSR. Products beyond `most` have no score here."""

    def __init__(self, matrix: Any, ridge: float, most: int = MOST_EASE) -> None:
        holders = np.asarray((matrix > 0).sum(axis=0)).ravel()
        ranked = np.argsort(-holders, kind="stable")[:most]
        self.taken: Ints = np.sort(ranked[holders[ranked] > 0]).astype(np.int32)
        self.products = matrix.shape[1]
        self.weights = weights(matrix[:, self.taken], ridge)

    def scores(self, rows: Any) -> Floats:
        """Rows (CSR, n x products) times the weights: n x products, zero where a product is not taken."""
        if len(self.taken) == self.products:
            return np.asarray(rows @ self.weights, dtype=np.float32)
        found = np.zeros((rows.shape[0], self.products), dtype=np.float32)
        found[:, self.taken] = rows[:, self.taken] @ self.weights
        return found


def weights(matrix: Any, ridge: float) -> Floats:
    """EASE's B of rows x products (CSR): products x products, float32, its diagonal zero."""
    from scipy.linalg import lapack

    n = matrix.shape[1]
    if n == 0:
        return np.zeros((0, 0), dtype=np.float32)
    gram = _gram(matrix).T  # symmetric: column-major without a copy
    gram[np.diag_indices(n)] += np.float32(ridge)
    gram, failed = lapack.spotrf(gram, lower=1, overwrite_a=1)
    if not failed:
        gram, failed = lapack.spotri(gram, lower=1, overwrite_c=1)
    if failed:
        raise ArithmeticError(f"the gram matrix of {n} products can't be inverted with ridge {ridge}: raise it")
    _mirror(gram)
    diagonal = np.diag(gram).copy()
    # Row-major, so that a customer's products pick whole rows: the transpose of a symmetric matrix is itself.
    inverse: Floats = gram.T
    inverse /= -diagonal[None, :]
    np.fill_diagonal(inverse, 0)
    return inverse


def _gram(matrix: Any, block: int = 1024) -> Floats:
    n = matrix.shape[1]
    across = matrix.T.tocsr()
    found = np.empty((n, n), dtype=np.float32)
    for start in range(0, n, block):
        found[start : start + block] = (across[start : start + block] @ matrix).toarray()
    return found


def _mirror(lower: Floats, block: int = 1024) -> None:
    """Fills the upper triangle from the lower one, in place."""
    n = len(lower)
    for start in range(0, n, block):
        stop = min(start + block, n)
        square = lower[start:stop, start:stop]
        square[:] = np.tril(square) + np.tril(square, -1).T
        lower[start:stop, stop:] = lower[stop:, start:stop].T


def neighbours(matrix: Any, shrink: float, keep: int = 100) -> Any:
    """Cosine with shrinkage of rows x products (CSR): products x products (CSR), the best `keep` in each row."""
    from scipy import sparse

    n = matrix.shape[1]
    across = matrix.T.tocsr()
    norm = np.sqrt(np.asarray(across.multiply(across).sum(axis=1)).ravel())
    keep = min(keep, n)
    parts = []
    block = max(1, min(1024, 8_000_000 // max(n, 1)))
    for start in range(0, n, block):
        both = (across[start : start + block] @ matrix).toarray()
        rows = np.arange(len(both))
        both[rows, start + rows] = 0
        both /= norm[start : start + block, None] * norm[None, :] + np.float32(max(shrink, 1e-9))
        best = np.argpartition(-both, keep - 1, axis=1)[:, :keep] if keep else np.zeros((len(both), 0), dtype=np.int64)
        value = np.take_along_axis(both, best, 1)
        part = sparse.csr_matrix(
            (value.ravel(), best.ravel(), np.arange(len(both) + 1) * keep), shape=(len(both), n), dtype=np.float32
        )
        part.eliminate_zeros()
        parts.append(part)
    return sparse.vstack(parts, format="csr") if parts else sparse.csr_matrix((n, n), dtype=np.float32)
