"""Shopify's search syntax, as far as the sandbox understands it: terms such as updated_at:>='2026-05-01T00:00:00Z'."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lanecast.sandbox.shop.orders import id_of_name

_TERM = re.compile(r"""(?P<field>\w+):(?P<how>>=|<=|>|<)?(?P<value>'[^']*'|"[^"]*"|[^\s()]+)""")
Field = Literal["updated_at", "created_at", "id", "name"]


class Term(NamedTuple):
    """One condition. Values are seconds since 1970 for times, the number for ids; a name is told as its order's id."""

    field: Field
    how: str
    value: int


def terms(query: str | None) -> tuple[list[Term], list[str]]:
    """The conditions of a query, all of which must hold, and the fields in it that are not understood.

    Shopify ignores what it does not understand, and says so in `extensions.search`; ValueError for a time that is none.
    """
    found: list[Term] = []
    unknown: list[str] = []
    for told in _TERM.finditer(query or ""):
        field, how, value = told["field"], told["how"] or "=", told["value"].strip("'\"")
        if field in ("updated_at", "created_at"):
            by: Field = "updated_at" if field == "updated_at" else "created_at"
            found.append(Term(by, how, _seconds(value)))
        elif field == "id":
            found.append(Term("id", how, int(value.rpartition("/")[2])))
        elif field == "name":
            found.append(Term("name", how, id_of_name(value.removeprefix("#")) or 0))
        elif (field, value) != ("status", "any"):
            unknown.append(field)
    return found, unknown


def holds(term: Term, values: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Where a condition on numbers holds."""
    compared: dict[str, NDArray[np.bool_]] = {
        "=": values == term.value,
        ">": values > term.value,
        ">=": values >= term.value,
        "<": values < term.value,
        "<=": values <= term.value,
    }
    return compared[term.how]


def _seconds(text: str) -> int:
    try:
        told = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no ISO 8601 time") from None
    return int((told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp())
