"""An interactions file as arrays: what was done before a cut, to learn from, and after it, to be held against."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from lanecast.files.errors import FileError
from lanecast.files.reader import open_table
from lanecast.files.times import timestamp_converter
from lanecast.files.values import Defect
from lanecast.recommend.deeds import Catalogue, Deeds, Ints, Kind

_KINDS = {one.name.lower(): int(one) for one in Kind}
_BLANK = frozenset(
    ["", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA"]
)
_BLANK |= {"NULL", "NaN", "None", "n/a", "nan", "null"}
"""What stands for nothing, as pandas reads it; all else is an id, `none` too."""


@dataclass(frozen=True)
class History:
    """`deeds` are those before the cut. After it: the `customer` and `product` of each deed of which both were known
    before. `unusable` rows have no product, or no time that can be read; `guests` rows no customer."""

    deeds: Deeds
    catalogue: Catalogue
    customer: Ints
    product: Ints
    rows: int
    unusable: int
    guests: int


class _Numbers(dict[str, int]):
    """Numbers texts in the order in which they are first met."""

    def __missing__(self, text: str) -> int:
        self[text] = number = len(self)
        return number


def read(path: str | Path, cut: datetime) -> History:
    """Reads CSV (gzip too), JSON Lines or Parquet; ids stay as they are in the file.

    Rows after the cut are only looked at for what they hold of known customers and products. Raises FileError for a
    file that is no such table, or lacks customer_id, product_id or occurred_at.
    """
    numbers = {name: _Numbers() for name in ("customer_id", "product_id", "order_id")}
    columns = {name: array("i") for name in ("customer", "product", "kind", "basket")}
    times: list[str] = []
    later: list[tuple[str, str]] = []
    rows = unusable = guests = 0
    timestamp = timestamp_converter(UTC)
    limit = cut.astimezone(UTC).isoformat()[:19]
    with open_table(str(path)) as table:
        place = _places(table.columns, Path(path).name)
        for _, fields, problem in table.records:
            rows += 1
            # JSON Lines may leave out the last columns.
            told = [fields[at] if 0 <= at < len(fields) else "" for at in place]
            customer, product, occurred, kind, order = told
            try:
                moment = timestamp(occurred) if problem is None else None
            except Defect:
                moment = None
            if moment is None:
                unusable += 1
                continue
            guest, is_later = _is_blank(customer), moment[:19] >= limit
            if _is_blank(product):
                unusable += 1
                if not guest and not is_later:
                    # Known, though nothing tells of what: that customer gets what is popular.
                    _ = numbers["customer_id"][customer]
                continue
            guests += guest
            if is_later:
                if not guest:
                    later.append((customer, product))
                continue
            times.append(moment[:19])
            columns["customer"].append(-1 if guest else numbers["customer_id"][customer])
            columns["product"].append(numbers["product_id"][product])
            columns["kind"].append(_KINDS.get(kind.strip().lower(), int(Kind.PURCHASE)))
            columns["basket"].append(-1 if _is_blank(order) else numbers["order_id"][order])
    deeds = _deeds(columns, times, numbers)
    known = [
        (numbers["customer_id"][customer], numbers["product_id"][product])
        for customer, product in later
        if customer in numbers["customer_id"] and product in numbers["product_id"]
    ]
    after = np.array(known, dtype=np.int32).reshape(-1, 2)
    products = len(deeds.products)
    # Nothing tells when a product came: its first deed does.
    catalogue = Catalogue(
        np.ones(products, dtype=bool),
        np.full(products, -1, dtype=np.int32),
        np.full(products, int(cut.timestamp()), dtype=np.int64),
    )
    return History(deeds, catalogue, after[:, 0], after[:, 1], rows, unusable, guests)


def _is_blank(text: str) -> bool:
    return text in _BLANK or text.isspace()


def _places(columns: list[str], name: str) -> list[int]:
    there = {column.strip().lower().replace(" ", "_"): at for at, column in enumerate(columns)}
    missing = [one for one in ("customer_id", "product_id", "occurred_at") if one not in there]
    if missing:
        raise FileError(
            f"{name} has no column {' and no column '.join(missing)}: rename its columns to customer_id, product_id, "
            "occurred_at (and kind, order_id, where there are any)"
        )
    asked = ("customer_id", "product_id", "occurred_at", "kind", "order_id")
    return [there.get(one, -1) for one in asked]


def _deeds(columns: dict[str, array[int]], times: list[str], numbers: dict[str, _Numbers]) -> Deeds:
    at = np.array(times, dtype="datetime64[s]").astype(np.int64)
    order = np.argsort(at, kind="stable")
    taken = {name: np.frombuffer(column, dtype=np.int32)[order] for name, column in columns.items()}
    return Deeds(
        taken["customer"],
        taken["product"],
        taken["kind"].astype(np.int8),
        at[order],
        taken["basket"],
        np.full(len(at), -1, dtype=np.int16),
        np.array(list(numbers["customer_id"]), dtype=object),
        np.array(list(numbers["product_id"]), dtype=object),
        np.zeros(0, dtype=object),
    )
