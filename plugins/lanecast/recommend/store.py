"""Runs of recommendations in the warehouse: kept, put in use, put back.

A run is written whole in one transaction, in which no reader sees it. Another changes which run is in use, and takes
away the lists of all but that and the one before. A statement of a reader sees the lists of one run, whole.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg2.extensions
import psycopg2.extras

from lanecast.contracts.reader import contract
from lanecast.recommend import binary_copy, packing
from lanecast.recommend.evaluation import EvaluationRow
from lanecast.recommend.judging import POPULARITY
from lanecast.recommend.lists import CustomerLists, PopularLists, ProductLists
from lanecast.recommend.packing import Texts
from lanecast.recommend.reading import Known
from lanecast.warehouse import connection as warehouse
from lanecast.warehouse.connection import only_row
from lanecast.warehouse.statements import statement

K = 20
"""Entries that Recall and NDCG are of."""
_LOCK = 0x1A9E_3EC0
_LISTS = ("customer_list", "product_list", "popular_list", "recommended_product")


class NoRun(LookupError):
    """There is no such run of recommendations, or none whose lists are kept."""


@dataclass(frozen=True)
class Noted:
    """A run as it is noted: its run in Airflow (None by hand), what serves in words and by slot, the settings of each,
    templates of reasons, and seconds so far."""

    run_id: str | None
    reason: str
    models: Mapping[str, str]
    chosen: Mapping[str, Any]
    reasons: Sequence[str]
    seconds: float


@dataclass(frozen=True)
class Kept:
    """A run that is kept: its number and version, and the slots that popularity took over from a model."""

    run_number: int
    version: str
    lost: tuple[str, ...]


@dataclass(frozen=True)
class Counts:
    """Lists of a run."""

    customer_lists: int
    product_lists: int
    popular_lists: int


def is_anything_new(address: str | None = None) -> bool:
    """Whether something was loaded, or somebody erased, since the run in use read; or it is older than a week."""
    with warehouse.connect(address=address) as link, link.cursor() as cursor:
        cursor.execute(statement("recommend/anything_new"))
        return bool(only_row(cursor)[0])


def found(run_id: str, address: str | None = None) -> dict[str, Any] | None:
    """The run that an earlier attempt of a run in Airflow has kept: version, reason, models, lost slots and counts."""
    with warehouse.connect(address=address) as link, link.cursor() as cursor:
        cursor.execute(statement("recommend/found"), {"run_id": run_id})
        row = cursor.fetchone()
        return None if row is None else dict(zip([one.name for one in cursor.description or ()], row, strict=True))


def keep(
    noted: Noted,
    known: Known,
    scores: Iterable[EvaluationRow],
    customers: Iterable[CustomerLists],
    products: ProductLists,
    popular: PopularLists,
    address: str | None = None,
) -> tuple[Kept, Counts]:
    """Writes a run with its scores and lists, in one transaction; it is not in use yet."""
    ids, countries = Texts(known.deeds.customers), Texts(known.deeds.countries)
    product_ids = Texts(known.deeds.products)
    with _alone(address, known.as_of) as link, link.cursor() as cursor:
        cursor.execute("DELETE FROM serving.recommendation_run WHERE run_id = %s", (noted.run_id,))
        kept = _note(cursor, noted, known)
        run = kept.run_number
        rows = [_score(run, score) for score in scores]
        psycopg2.extras.execute_values(cursor, "INSERT INTO serving.recommendation_score VALUES %s", rows)
        binary_copy.write(
            cursor,
            "serving.recommended_product",
            packing.PRODUCT,
            packing.named_rows(run, product_ids, Texts(known.titles)),
        )
        written = []
        for table, columns, chunks in (
            (
                "serving.customer_list",
                packing.CUSTOMER_LIST,
                (
                    chunk
                    for lists in customers
                    for chunk in packing.customer_rows(run, lists, ids, countries, known.customer_country)
                ),
            ),
            ("serving.product_list", packing.PRODUCT_LIST, packing.product_rows(run, products, product_ids)),
            ("serving.popular_list", packing.POPULAR_LIST, packing.popular_rows(run, popular, countries)),
        ):
            binary_copy.write(cursor, table, columns, chunks)
            written.append(cursor.rowcount)
        cursor.execute(statement("recommend/forget_erased"))
        cursor.execute(statement("recommend/past"), {"days": contract("recommendation_run").retention_days})
    return kept, Counts(*written)


def _note(cursor: psycopg2.extensions.cursor, noted: Noted, known: Known) -> Kept:
    cursor.execute("SELECT models FROM serving.recommendation_run WHERE status = 'serving'")
    before = (cursor.fetchone() or ({},))[0]
    lost = tuple(slot for slot, model in noted.models.items() if model == POPULARITY != before.get(slot, POPULARITY))
    cursor.execute(
        statement("recommend/note"),
        {
            "run_id": noted.run_id,
            "trained_at": known.as_of,
            "reason": noted.reason,
            "models": json.dumps(dict(noted.models)),
            "chosen": json.dumps(dict(noted.chosen)),
            "reasons": list(noted.reasons),
            "lost": list(lost),
            "deeds": len(known.deeds),
            "customers": len(known.deeds.customers),
            "products": len(known.deeds.products),
            "loads": known.loads,
            "erasures": known.erasures,
            "seconds": noted.seconds,
        },
    )
    number, version = only_row(cursor)
    return Kept(number, version, lost)


def _score(run: int, score: EvaluationRow) -> tuple[Any, ...]:
    if score.k != K:
        raise ValueError(f"{score.model} was judged by its first {score.k}, and the table is of the first {K}")
    figures = (score.recall, score.ndcg, score.coverage, score.difference, score.low, score.high)
    return (
        *(run, score.model, score.slot, score.window),
        *(datetime.fromtimestamp(moment, UTC) for moment in (score.since, score.until)),
        score.customers,
        *(value if score.customers else None for value in figures),
        *(score.serves, score.why),
    )


PREVIOUS = "previous"
"""Stands for the version of the run that was in use before."""


def one(version: str, address: str | None = None) -> str:
    """The version of a run whose lists are kept, `PREVIOUS` the one before. Raises NoRun, which lists the others."""
    with warehouse.connect(address=address) as link, link.cursor() as cursor:
        return _one(cursor, version)[1]


def put_in_use(version: str, address: str | None = None, as_of: datetime | None = None) -> str:
    """Puts a run in use whose lists are kept, and returns its version; `PREVIOUS` is the one before.

    The run that was in use is kept as the one before; lists of older ones are removed. Where it is in use already,
    nothing changes. Raises NoRun, which lists those that are kept.
    """
    with _alone(address, as_of) as link, link.cursor() as cursor:
        number, chosen, status = _one(cursor, version)
        if status != "serving":
            _swap(cursor, number)
        cursor.execute(statement("recommend/forget_erased"))
    return chosen


def _one(cursor: psycopg2.extensions.cursor, version: str) -> tuple[int, str, str]:
    cursor.execute(
        "SELECT run_number, version, status FROM serving.recommendation_run WHERE status <> 'replaced' "
        "ORDER BY run_number DESC"
    )
    there = cursor.fetchall()
    for number, known, status in there:
        if version == (status if version == PREVIOUS else known):
            return number, known, status
    asked = "there is no run before the one in use" if version == PREVIOUS else f"no lists of run {version!r} are kept"
    raise NoRun(f"{asked}; those of these runs are: {', '.join(known for _, known, _ in there) or 'none'}")


def _swap(cursor: psycopg2.extensions.cursor, number: int) -> None:
    """Step by step, for there is never more than one of these two."""
    for change in (
        "status = 'trained' WHERE run_number = %(run)s",
        "status = 'replaced' WHERE status = 'previous' OR (status = 'trained' AND run_number < %(run)s)",
        "status = 'previous' WHERE status = 'serving'",
        "status = 'serving', published_at = ops.as_of() WHERE run_number = %(run)s",
    ):
        cursor.execute(f"UPDATE serving.recommendation_run SET {change}", {"run": number})  # noqa: S608, written above
    for table in _LISTS:
        cursor.execute(
            f"DELETE FROM serving.{table} WHERE run_number NOT IN "  # noqa: S608, a name from above
            "(SELECT run_number FROM serving.recommendation_run WHERE status <> 'replaced')"
        )


def forget_erased(address: str | None = None) -> int:
    """Removes the lists of customers who were erased; returns how many went."""
    with warehouse.connect(address=address) as link, link.cursor() as cursor:
        cursor.execute(statement("recommend/forget_erased"))
        return cursor.rowcount


@contextmanager
def _alone(address: str | None = None, as_of: datetime | None = None) -> Iterator[warehouse.Connection]:
    """A transaction that no other run is kept or put in use beside."""
    with warehouse.connect(address=address, as_of=as_of) as link:
        with link.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        yield link
