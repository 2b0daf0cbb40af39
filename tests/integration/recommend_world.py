"""Orders, interactions and products put straight into core, and what recommendations make of them."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg2.extras

from lanecast.recommend import training
from lanecast.recommend.evaluation import Evaluated
from lanecast.warehouse import connection

NOW = datetime(2026, 6, 14, tzinfo=UTC)
_STAMP = {"run_id": "test", "ingested_at": NOW - timedelta(days=1)}


def insert(table: str, rows: Iterable[dict[str, Any]]) -> None:
    """Rows, all with the same columns."""
    given = [row | _STAMP if table.startswith("core.") and "ingested_at" not in row else row for row in rows]
    if not given:
        return
    names = list(given[0])
    with connection.connect() as link, link.cursor() as cursor:
        psycopg2.extras.execute_values(
            cursor,
            f"INSERT INTO {table} ({', '.join(names)}) VALUES %s",
            [[row[name] for name in names] for row in given],
            page_size=2000,
        )


def execute(statement: str, *values: Any) -> None:
    with connection.connect() as link, link.cursor() as cursor:
        cursor.execute(statement, values or None)


def products(*ids: str, **columns: Any) -> None:
    insert("core.product", [{"product_id": one} | columns for one in ids])


def customers(*ids: str, country: str | None = None) -> None:
    insert("core.customer", [{"customer_id": one, "country": country} for one in ids])


def order(
    order_id: str,
    customer: str | None,
    lines: Sequence[str | dict[str, Any]],
    at: datetime,
    **columns: Any,
) -> None:
    """An order of one piece each of these products, unless a line says otherwise."""
    insert(
        "core.customer_order",
        [{"order_id": order_id, "customer_id": customer, "ordered_at": at, **columns, **_STAMP} | columns],
    )
    told = [{"product_id": line} if isinstance(line, str) else line for line in lines]
    for number, line in enumerate(told):
        insert("core.order_line", [{"order_id": order_id, "line_number": number + 1, "quantity": 1} | line])


def deed(customer: str | None, product: str, kind: str, at: datetime, **columns: Any) -> None:
    number = random.getrandbits(62)
    row = {"interaction_hash": number, "customer_id": customer, "product_id": product, "kind": kind, "occurred_at": at}
    insert("core.interaction", [row | columns])


def shop(people: int = 60, weeks: int = 30, seed: int = 1, without: Sequence[str] = ()) -> None:
    """Orders of a year or so: two tastes of ten products each, of which everybody likes one, and a staple that all buy
    every other week. `without`: customers who never were."""
    draw = random.Random(seed)
    tastes = [[f"{taste}{number}" for number in range(10)] for taste in "ab"]
    products(*(one for taste in tastes for one in taste), "staple")
    orders: list[dict[str, Any]] = []
    lines: list[dict[str, Any]] = []
    there = [key(number) for number in range(people) if key(number) not in without]
    customers(*there, country="DE")
    for number in range(people):
        taste = tastes[number % 2]
        for week in range(weeks):
            if draw.random() < 0.5:
                continue
            chosen = draw.sample(taste, 2) + (["staple"] if week % 2 else [])
            at = NOW - timedelta(weeks=weeks - week, hours=-draw.uniform(0, 100))
            if key(number) in without:
                continue
            order_id = f"o{number}-{week}"
            orders.append(
                {"order_id": order_id, "customer_id": key(number), "ordered_at": at, "country": "DE", **_STAMP}
            )
            lines += [
                {"order_id": order_id, "line_number": place + 1, "product_id": one, "quantity": 1, **_STAMP}
                for place, one in enumerate(chosen)
            ]
    insert("core.customer_order", orders)
    insert("core.order_line", lines)


def key(number: int) -> str:
    """A customer's pseudonymous key."""
    return f"c{number:032x}"


def popular_alone(*_: Any, model: str = "popularity", **__: Any) -> Evaluated:
    """In place of `models.evaluate`, which takes its time: popularity serves, in slot discover `model`."""
    why = "nothing was judged"
    return Evaluated(
        [],
        {slot: {"model": "popularity", "why": why} for slot in ("buy_again", "all")}
        | {"discover": {"model": model, "why": why}},
    )


def run(**options: Any) -> training.Trained:
    return training.train_and_publish(as_of=options.pop("as_of", NOW), **options)


def listed(customer: str, slot: str = "discover") -> list[str]:
    """The products of a list, best first."""
    return [
        row[0]
        for row in asked(
            "SELECT product_id FROM mart.customer_recommendation WHERE customer_id = %s AND slot = %s ORDER BY rank",
            customer,
            slot,
        )
    ]


def asked(query: str, *values: Any) -> list[tuple[Any, ...]]:
    with connection.connect() as link, link.cursor() as cursor:
        cursor.execute("SET LOCAL lanecast.as_of = %s", (NOW.isoformat(),))
        cursor.execute(query, values or None)
        return cursor.fetchall()
