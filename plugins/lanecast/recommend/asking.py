"""What is recommended to a customer, or beside a product: the answers of `lanecast recommend` and of the desk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import psycopg2.errors

from lanecast.recommend.lists import BUY_AGAIN, DISCOVER
from lanecast.warehouse.connection import Connection
from lanecast.warehouse.statements import statement

SLOTS = (DISCOVER, BUY_AGAIN)


class NoAnswer(ValueError):
    """The question makes no sense; the text says what to ask."""


def to_customer(
    link: Connection, customer: str | None, slot: str = DISCOVER, how_many: int = 20, country: str | None = None
) -> list[dict[str, Any]]:
    """What mart.recommend() says: rank, product_id, title, score, reason, basis. Raises NoAnswer."""
    try:
        return _rows(
            link,
            "recommend/to_customer",
            {"customer": customer, "slot": slot, "how_many": how_many, "country": country},
        )
    except psycopg2.errors.InvalidParameterValue as refused:
        told = refused.diag
        raise NoAnswer(f"{told.message_primary}. {told.message_hint}") from None


def beside_product(link: Connection, product: str, how_many: int = 20) -> list[dict[str, Any]]:
    """What is bought together with it: rank, product_id, title, support, lift, score, reason."""
    return _rows(link, "recommend/beside_product", {"product": product, "how_many": how_many})


def _rows(link: Connection, name: str, values: Mapping[str, Any]) -> list[dict[str, Any]]:
    with link.cursor() as cursor:
        cursor.execute(statement(name), values)
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def lines(found: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """A list for people."""
    width = max((len(str(one["product_id"])) for one in found), default=0)
    for one in found:
        title = f"{one['title']}: " if one["title"] else ""
        yield f"{one['rank']:3}  {one['product_id']!s:{width}}  {title}{one['reason']}"
