"""Lists as rows of the serving tables, in the binary form of COPY."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lanecast.recommend.binary_copy import Field, packed
from lanecast.recommend.lists import CustomerLists, PopularLists, ProductLists

CUSTOMER_LIST = (
    "run_number",
    "customer_id",
    "slot",
    "country",
    "products",
    "scores",
    "reasons",
    "because",
    "support",
)
PRODUCT_LIST = ("run_number", "product_id", "products", "support", "lift", "scores")
POPULAR_LIST = ("run_number", "country", "products", "scores")
PRODUCT = ("run_number", "product_number", "product_id", "title")


class Texts:
    """Texts, each as the bytes of which its length is known."""

    def __init__(self, texts: Iterable[str]) -> None:
        told = [text.encode() for text in texts]
        self.lengths = np.array([len(text) for text in told], dtype=np.int32)
        self.bytes = np.array(told, dtype=np.bytes_) if told else np.zeros(0, dtype="S1")

    def field(self, rows: NDArray[Any], length: int) -> Field:
        """The texts at `rows`, all of that length; where it is 0, NULL."""
        return Field("text", self.bytes[rows].astype(f"S{length}") if length else None)


def customer_rows(
    run: int, lists: CustomerLists, customers: Texts, countries: Texts, country: NDArray[np.int16]
) -> Iterator[bytes]:
    """Rows of serving.customer_list; a customer without any product has none. `country` is by customer, -1 unknown."""
    counts = (lists.product >= 0).sum(axis=1)
    lengths = customers.lengths[lists.customer]
    placed = country[lists.customer]
    # the unknown country is the last of these, of no length
    told = Texts([*(text.decode() for text in countries.bytes.tolist()), ""])
    slot = Texts([lists.slot])
    for (count, length, has_country), rows in _alike(counts, lengths, placed >= 0):
        size = len(rows)
        yield packed(
            [
                Field("int4", np.full(size, run)),
                customers.field(lists.customer[rows], length),
                slot.field(np.zeros(size, dtype=np.intp), len(lists.slot)),
                told.field(placed[rows], 2 if has_country else 0),
                Field("int4[]", lists.product[rows, :count]),
                Field("float4[]", lists.score[rows, :count]),
                Field("int2[]", lists.reason[rows, :count]),
                Field("int4[]", lists.because[rows, :count]),
                Field("int4[]", lists.support[rows, :count]),
            ],
            size,
        )


def product_rows(run: int, lists: ProductLists, products: Texts) -> Iterator[bytes]:
    """Rows of serving.product_list; a product beside which nothing stands has none."""
    counts = (lists.other >= 0).sum(axis=1)
    for (count, length), rows in _alike(counts, products.lengths[lists.product]):
        yield packed(
            [
                Field("int4", np.full(len(rows), run)),
                products.field(lists.product[rows], length),
                Field("int4[]", lists.other[rows, :count]),
                Field("int4[]", lists.support[rows, :count]),
                Field("float4[]", lists.lift[rows, :count]),
                Field("float4[]", lists.score[rows, :count]),
            ],
            len(rows),
        )


def popular_rows(run: int, lists: PopularLists, countries: Texts) -> Iterator[bytes]:
    """Rows of serving.popular_list; a country where nothing was sold has none."""
    counts = (lists.product >= 0).sum(axis=1)
    for (count, has_country), rows in _alike(counts, lists.country >= 0):
        yield packed(
            [
                Field("int4", np.full(len(rows), run)),
                countries.field(lists.country[rows], 2) if has_country else Field("text"),
                Field("int4[]", lists.product[rows, :count]),
                Field("float4[]", lists.score[rows, :count]),
            ],
            len(rows),
        )


def named_rows(run: int, products: Texts, titles: Texts) -> Iterator[bytes]:
    """Rows of serving.recommended_product."""
    for (length, title_length), rows in _alike(products.lengths, titles.lengths, least=0):
        yield packed(
            [
                Field("int4", np.full(len(rows), run)),
                Field("int4", rows),
                products.field(rows, length),
                titles.field(rows, title_length),
            ],
            len(rows),
        )


def _alike(*keys: NDArray[Any], least: int = 1) -> Iterator[tuple[Sequence[int], NDArray[np.intp]]]:
    """Groups of rows with the same keys, those whose first key is at least `least`: the keys, and the rows."""
    together = np.column_stack([np.asarray(key, dtype=np.int64) for key in keys])
    values, group = np.unique(together, axis=0, return_inverse=True)
    order = np.argsort(group.ravel(), kind="stable")
    ends = np.cumsum(np.bincount(group.ravel(), minlength=len(values)))
    for number, value in enumerate(values.tolist()):
        if value[0] >= least:
            yield value, order[ends[number - 1] if number else 0 : ends[number]]
