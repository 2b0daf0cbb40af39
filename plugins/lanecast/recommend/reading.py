"""Deeds and catalogue out of the warehouse, in one snapshot: what recommendations are learned from.

Texts stay behind in the database: a deed names its customer, product and order by 64-bit hashes, which are looked up
among those of the customers and products that there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg2.extensions import cursor as Cursor

from lanecast.recommend import binary_copy
from lanecast.recommend.deeds import Catalogue, Deeds, Ints, first_seen
from lanecast.warehouse import connection as warehouse
from lanecast.warehouse.connection import only_row
from lanecast.warehouse.statements import statement

Hashes = NDArray[np.int64]

_COLUMNS = {
    "customer": "int8",
    "product": "int8",
    "kind": "int2",
    "at": "int8",
    "basket": "int8",
    "country": "int2",
}
_BATCH = 20_000


@dataclass(frozen=True)
class Known:
    """What was read. `now` is in seconds since 1970 UTC, just after the last moment that counts; `titles` are the
    products' ("" where the shop tells none); `customer_country` points into `deeds.countries`, -1 where unknown;
    `loads` and `erasures` are how many there had been."""

    deeds: Deeds
    catalogue: Catalogue
    now: int
    as_of: datetime
    titles: NDArray[np.object_]
    customer_country: NDArray[np.int16]
    loads: int
    erasures: int


def read(address: str | None = None, as_of: datetime | None = None) -> Known:
    """All deeds up to `ops.as_of()`, of customers who were not erased; customers without any are left out.

    Raises NoWarehouse where the warehouse can't be reached.
    """
    with warehouse.connect(address=address, as_of=as_of) as link, link.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        cursor.execute(statement("recommend/known"))
        moment, loads, erasures = only_row(cursor)
        seed, customers, products = _parties(cursor)
        taken = _Deeds(customers.sorted(), products.sorted())
        query = cursor.mogrify(statement("recommend/deeds"), {"seed": seed})
        binary_copy.read(cursor, query, _COLUMNS, taken.take)
    now = int(moment.timestamp()) + 1
    return _known(taken.ended(), customers, products, now, moment, loads, erasures)


class _Party:
    """Customers or products, in the order of their ids: the hash of each, and its other columns."""

    def __init__(self, rows: Sequence[tuple[Any, ...]], others: int) -> None:
        self.ids = _objects([row[0] for row in rows])
        self.hashes = np.array([row[1] for row in rows], dtype=np.int64)
        self.others = [[row[place + 2] for row in rows] for place in range(others)]

    def are_distinct(self) -> bool:
        """Whether no two have the same hash, and none that of the unknown."""
        return len(np.unique(self.hashes)) == len(self.hashes) and not (self.hashes == 0).any()

    def sorted(self) -> tuple[Hashes, Ints]:
        """The hashes in order, and whose they are."""
        order = np.argsort(self.hashes)
        return self.hashes[order], order.astype(np.int32)


def _parties(cursor: Cursor) -> tuple[int, _Party, _Party]:
    """Customers and products, and the seed by which their hashes differ."""
    for seed in range(8):
        customers = _Party(_rows(cursor, "recommend/customers", seed), 1)
        products = _Party(_rows(cursor, "recommend/products", seed), 4)
        if customers.are_distinct() and products.are_distinct():
            return seed, customers, products
    raise RuntimeError(
        "two customers, or products, have the same hash under each of eight seeds: are their ids distinct?"
    )


def _rows(cursor: Cursor, name: str, seed: int) -> list[tuple[Any, ...]]:
    """Sorted by id, as by bytes."""
    cursor.execute(statement(name), {"seed": seed})
    return sorted(cursor.fetchall(), key=itemgetter(0))


class _Deeds:
    """Gathers deeds, chunk by chunk."""

    def __init__(self, customers: tuple[Hashes, Ints], products: tuple[Hashes, Ints]) -> None:
        self._customers, self._products = customers, products
        self._parts: list[tuple[NDArray[Any], ...]] = []

    def take(self, table: NDArray[Any]) -> None:
        product = _looked_up(table["product"], *self._products)
        named = product >= 0
        self._parts.append(
            (
                _looked_up(table["customer"], *self._customers)[named],
                product[named],
                table["kind"][named].astype(np.int8),
                table["at"][named].astype(np.int64),
                table["basket"][named].astype(np.int64),
                table["country"][named].astype(np.int16),
            )
        )

    def ended(self) -> list[NDArray[Any]]:
        """Customer, product, kind, time, basket (a hash) and country (two letters) of all."""
        empty = (np.int32, np.int32, np.int8, np.int64, np.int64, np.int16)
        parts, self._parts = self._parts, []
        if not parts:
            return [np.zeros(0, dtype=one) for one in empty]
        return [np.concatenate(columns) for columns in zip(*parts, strict=True)]


def _looked_up(asked: NDArray[Any], hashes: Hashes, whose: Ints) -> Ints:
    """The number of each hash; -1 where nobody has it."""
    if not len(hashes):
        return np.full(len(asked), -1, dtype=np.int32)
    asked = asked.astype(np.int64)
    place = np.minimum(np.searchsorted(hashes, asked), len(hashes) - 1)
    return np.where(hashes[place] == asked, whose[place], np.int32(-1)).astype(np.int32)


def _known(
    columns: list[NDArray[Any]],
    customers: _Party,
    products: _Party,
    now: int,
    as_of: datetime,
    loads: int,
    erasures: int,
) -> Known:
    customer, product, kind, at, basket_hash, letters = columns
    del columns
    customer, kept = _used(customer, len(customers.ids))
    basket = _numbered(basket_hash)
    del basket_hash
    home = np.array([_letters(customers.others[0][number]) for number in kept], dtype=np.int16)
    letters = np.where((letters == 0) & (customer >= 0), _at(home, customer), letters).astype(np.int16)
    codes = np.unique(np.concatenate([letters, home]))
    codes = codes[codes > 0]
    # The database gives rows in no order. Those alike in all of these are alike in everything.
    both = customer.astype(np.int64) << 32 | product
    rest = basket.astype(np.int64) << 24 | kind.astype(np.int64) << 16 | letters.astype(np.int64)
    order = np.lexsort((rest, both, at))
    del both, rest
    customer, product, at, letters = customer[order], product[order], at[order], letters[order]
    country = _country(letters, codes)
    deeds = Deeds(
        customer,
        product,
        kind[order],
        at,
        basket[order],
        country,
        customers.ids[kept],
        products.ids,
        _objects([chr(code >> 8) + chr(code & 255) for code in codes.tolist()]),
    )
    titles, categories, available, published = products.others
    come = np.minimum(np.array(published, dtype=np.int64), first_seen(product, at, len(products.ids)))
    catalogue = Catalogue(np.array(available, dtype=np.bool_), _categories(categories), come)
    last = _last_country(customer, country, _country(home, codes))
    return Known(deeds, catalogue, now, as_of, _objects(titles), last, loads, erasures)


def _used(customer: Ints, count: int) -> tuple[Ints, Ints]:
    """The customers of the deeds, counted anew without those who have none; and whom the new numbers stand for."""
    there = np.zeros(count, dtype=np.bool_)
    there[customer[customer >= 0]] = True
    kept = np.flatnonzero(there).astype(np.int32)
    number = np.full(count + 1, -1, dtype=np.int32)
    number[kept] = np.arange(len(kept), dtype=np.int32)
    return number[customer], kept


def _numbered(hashes: Hashes) -> Ints:
    """Hashes as numbers from 0; -1 for 0."""
    values, number = np.unique(hashes, return_inverse=True)
    place = int(np.searchsorted(values, 0))
    is_there = place < len(values) and values[place] == 0
    if is_there:
        number = np.where(number == place, -1, number - (number > place))
    return number.astype(np.int32)


def _letters(country: str) -> int:
    return ord(country[0]) * 256 + ord(country[1]) if len(country) == 2 else 0


def _at(values: NDArray[Any], place: Ints) -> NDArray[Any]:
    """The values at places, which may be -1 (any value then)."""
    return values[place] if len(values) else np.zeros(len(place), dtype=values.dtype)


def _country(letters: NDArray[np.int16], codes: NDArray[np.int16]) -> NDArray[np.int16]:
    return np.where(letters > 0, np.searchsorted(codes, letters), -1).astype(np.int16)


def _categories(names: Sequence[str]) -> Ints:
    numbers = {name: number for number, name in enumerate(sorted({name for name in names if name}))}
    return np.array([numbers.get(name, -1) for name in names], dtype=np.int32)


def _last_country(customer: Ints, country: NDArray[np.int16], home: NDArray[np.int16]) -> NDArray[np.int16]:
    """Each customer's country: that of the last deed that has one, else what the shop says."""
    found = home.copy()
    placed = (customer >= 0) & (country >= 0)
    found[customer[placed]] = country[placed]  # the last of several stays
    return found


def _objects(values: Sequence[str]) -> NDArray[np.object_]:
    found = np.empty(len(values), dtype=object)
    found[:] = values
    return found
