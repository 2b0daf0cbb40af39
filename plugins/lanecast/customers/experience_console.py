"""What customers experienced, for people in a terminal: a row per lateness of one country and segment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import psycopg2.extras

from lanecast.warehouse import connection as warehouse

ORDER = (
    *("early", "on_time", "late_1_2_days", "late_3_7_days", "late_over_a_week", "late", "never_arrived", "no_promise"),
    "all",
)
"""Lateness, as rows are told."""

_WORDS = {"late_1_2_days": "1-2 days late", "late_3_7_days": "3-7 days late", "late_over_a_week": "over a week late"}


def read(country: str | None, segment: str) -> list[dict[str, Any]]:
    """The rows of mart.delivery_experience about a country (None for all) and segment, in the order of ORDER."""
    with warehouse.connect() as link, link.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
        cursor.execute(
            "SELECT * FROM mart.delivery_experience WHERE destination_country IS NOT DISTINCT FROM %s AND segment = %s",
            (country.upper() if country else None, segment),
        )
        return sorted((dict(row) for row in cursor.fetchall()), key=lambda row: ORDER.index(row["lateness"]))


def lines(found: Sequence[Mapping[str, Any]], country: str | None, segment: str) -> Iterator[str]:
    """The rows as a table, and what it says. Shares in percent, with their 95 % intervals."""
    if not found:
        yield f"nothing is known of orders to {country or 'any country'}, segment {segment}: load orders and shipments,"
        yield "then let the DAG delivery_time run"
        return
    whole = next(row for row in found if row["lateness"] == "all")
    place = country.upper() if country else "all countries"
    yield f"{place}, {segment.replace('_', ' ')}: {whole['orders']} orders, {_late(whole)}"
    yield f"{'':18}{'orders':>9}{'days':>6}   {'ordered again in 90 days':26}{'sent back in 60 days':26}against on time"
    for row in found:
        name = _WORDS.get(row["lateness"], row["lateness"].replace("_", " "))
        days = "" if row["median_days"] is None else f"{row['median_days']:.1f}"
        again, back = _share(row, "repeat"), _share(row, "return")
        yield f"{name:18}{row['orders']:>9}{days:>6}   {again:26}{back:26}{_difference(row)}".rstrip()
    yield "Against on-time orders of the same country and segment: an association, which need not be the cause."


def _late(row: Mapping[str, Any]) -> str:
    if row["late_share"] is None:
        return "too few of them due to say how many are late"
    return f"{_percent(row['late_share'])} % of {row['orders_due']} due ones late"


def _share(row: Mapping[str, Any], what: str) -> str:
    if row[f"{what}_share"] is None:
        return "too few"
    low, high = (_percent(row[f"{what}_{end}"]) for end in ("lower", "upper"))
    return f"{_percent(row[f'{what}_share'])} % ({low} to {high})"


def _difference(row: Mapping[str, Any]) -> str:
    told = []
    for what, words in (("repeat", "again"), ("return", "back")):
        if (difference := row[f"{what}_difference"]) is not None:
            low, high = (100 * row[f"{what}_difference_{end}"] for end in ("lower", "upper"))
            told.append(f"{words} {100 * difference:+.1f} ({low:+.1f} to {high:+.1f})")
    return ", ".join(told)


def _percent(share: Decimal) -> str:
    return f"{100 * share:.1f}"
