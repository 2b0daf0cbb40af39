"""Product-to-product models: EASE and cosine with shrinkage.

EASE (Steck 2019, "Embarrassingly Shallow Autoencoders for Sparse Data") is a ridge regression of each product on all
others, in closed form: P = (X'X + λI)^-1, B = -P / diag(P), diag(B) = 0. Where rows are fewer than products, the
smaller matrix is inverted (Woodbury): P = (I - X'KX) / λ with K = (XX' + λI)^-1. Cosine with shrinkage is
|both| / (sqrt(|a| |b|) + s) (Sarwar et al. 2001; shrinkage as Bell and Koren 2007).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lanecast.recommend.history import Floats, Ints

MOST_EASE = 20_000
"""Products EASE takes at most where rows are as many, those most bought: its matrix is dense, 4 bytes x products²."""
_SMALL = 5_000
"""Products up to which their own matrix is inverted, however few the rows: scores are sums of its rows."""


class Ease:
    """`matrix` is any rows x products (customers or baskets), CSR.

    Of more than `most` products, those most bought alone are taken, unless rows are fewer than `most`: the others have
    no score.
    """

    def __init__(self, matrix: Any, ridge: float, most: int = MOST_EASE, small: int = _SMALL) -> None:
        self.products = matrix.shape[1]
        holders = np.asarray((matrix > 0).sum(axis=0)).ravel()
        ranked = np.argsort(-holders, kind="stable")
        ranked = ranked[holders[ranked] > 0]
        rows = matrix[np.flatnonzero(np.diff(matrix.indptr))]
        few = len(ranked) > small and rows.shape[0] < min(len(ranked), most)
        self.taken: Ints = np.sort(ranked if few else ranked[:most]).astype(np.int32)
        taken = matrix if len(self.taken) == self.products else matrix[:, self.taken]
        self._answer = _ByRows(rows[:, self.taken], ridge) if few else _ByProducts(taken, ridge)

    def scores(self, rows: Any) -> Floats:
        """Rows (CSR, n x products) times EASE's B: n x products, zero where a product is not taken."""
        if len(self.taken) == self.products:
            return self._answer.scores(rows)
        found = np.zeros((rows.shape[0], self.products), dtype=np.float32)
        found[:, self.taken] = self._answer.scores(rows[:, self.taken])
        return found


class _ByProducts:
    """B itself: products x products."""

    def __init__(self, matrix: Any, ridge: float) -> None:
        self._weights = weights(matrix, ridge)

    def scores(self, rows: Any) -> Floats:
        return np.asarray(rows @ self._weights, dtype=np.float32)


class _ByRows:
    """The same B, of which nothing larger than rows x rows is held: yB = y - (y - yX'KX) / (λ diag(P))."""

    def __init__(self, matrix: Any, ridge: float) -> None:
        self._matrix, self._across = matrix, matrix.T.tocsr()
        self._inverse = _inverse(_gram(self._across), ridge, "rows")
        self._diagonal = np.ones(matrix.shape[1], dtype=np.float32)  # λ diag(P)
        block = max(1, 8_000_000 // max(matrix.shape[0], 1))
        for start in range(0, matrix.shape[1], block):
            held = self._across[start : start + block]
            part = np.asarray(held.multiply(held @ self._inverse).sum(axis=1)).ravel()
            self._diagonal[start : start + block] -= part

    def scores(self, rows: Any) -> Floats:
        told: Floats = np.asarray(((rows @ self._across) @ self._inverse) @ self._matrix, dtype=np.float32)
        own = rows.tocoo()
        told[own.row, own.col] -= own.data
        told /= self._diagonal
        told[own.row, own.col] += own.data
        return told


def weights(matrix: Any, ridge: float) -> Floats:
    """EASE's B of rows x products (CSR): products x products, float32, its diagonal zero."""
    inverse = _inverse(_gram(matrix), ridge, "products")
    diagonal = np.diag(inverse).copy()
    # Row-major, so that a customer's products pick whole rows: the transpose of a symmetric matrix is itself.
    found: Floats = inverse.T
    found /= -diagonal[None, :]
    np.fill_diagonal(found, 0)
    return found


def _inverse(gram: Floats, ridge: float, of: str) -> Floats:
    """(gram + ridge I)^-1, in the memory of `gram`, column-major. ArithmeticError where there is none."""
    from scipy.linalg import lapack

    n = len(gram)
    if n == 0:
        return gram
    found: Floats = gram.T  # symmetric: column-major without a copy
    found[np.diag_indices(n)] += np.float32(ridge)
    found, failed = lapack.spotrf(found, lower=1, overwrite_a=1)
    if not failed:
        found, failed = lapack.spotri(found, lower=1, overwrite_c=1)
    if failed:
        raise ArithmeticError(f"the gram matrix of {n} {of} can't be inverted with ridge {ridge}: raise it")
    _mirror(found)
    return found


def _gram(matrix: Any, block: int = 1024) -> Floats:
    """X'X of rows x columns (CSR), dense."""
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
