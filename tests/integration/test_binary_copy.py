"""Rows as arrays, through Postgres and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import psycopg2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from lanecast.recommend import binary_copy
from lanecast.recommend.binary_copy import Field, packed
from lanecast.recommend.lists import CustomerLists
from lanecast.recommend.packing import CUSTOMER_LIST, Texts, customer_rows
from lanecast.warehouse import connection

_NUMBERS = {"int2": np.int16, "int4": np.int32, "int8": np.int64, "float4": np.float32}


def numbers(name: str, rows: int, *more: int) -> Any:
    finite = {"allow_nan": False, "allow_infinity": False} if name == "float4" else {}
    return arrays.arrays(_NUMBERS[name], (rows, *more), elements=finite or None)


@st.composite
def tables(draw: Any) -> tuple[list[Field], int]:
    rows, count = draw(st.integers(0, 5)), draw(st.integers(1, 4))
    fields = [Field(name, draw(numbers(name, rows))) for name in _NUMBERS]
    fields += [Field(f"{name}[]", draw(numbers(name, rows, count))) for name in _NUMBERS]
    text = st.text(st.characters(codec="ascii", exclude_characters="\x00"), min_size=3, max_size=3)
    words = draw(st.lists(text, min_size=rows, max_size=rows))
    return [*fields, Field("text", np.array([word.encode() for word in words], dtype="S3")), Field("text")], rows


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tables())
def test_what_is_packed_is_what_the_table_holds(warehouse: str, given_table: tuple[list[Field], int]) -> None:
    fields, rows = given_table
    names = [f"c{place}" for place in range(len(fields))]
    columns = ", ".join(f"{name} {field.type}" for name, field in zip(names, fields, strict=True))
    with connection.connect() as link, link.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE made ({columns})")
        binary_copy.write(cursor, "made", names, [packed(fields, rows)])
        cursor.execute("SELECT * FROM made")
        found = cursor.fetchall()
    assert len(found) == rows
    for field, column in zip(fields, zip(*found, strict=True), strict=False):
        if field.values is None:
            assert set(column) == {None}
        elif field.type == "text":
            assert list(column) == [value.decode() for value in field.values]
        else:
            assert np.array_equal(np.array(column, dtype=field.values.dtype), field.values)


def read(query: bytes, columns: dict[str, str], chunk: int = 100) -> list[Any]:
    parts: list[Any] = []
    with connection.connect() as link, link.cursor() as cursor:
        binary_copy.read(cursor, query, columns, lambda table: parts.append(table[list(columns)].copy()), chunk)
    return [row for part in parts for row in part.tolist()]


def test_rows_come_whole_in_chunks_of_any_size(warehouse: str) -> None:
    query = (
        b"SELECT n::smallint AS a, n * 1000000000 AS b, (n / 4.0)::real AS c FROM generate_series(-50::bigint, 50) AS n"
    )
    expected = [(n, n * 1_000_000_000, n / 4) for n in range(-50, 51)]
    for chunk in (1, 97, 1 << 20):
        assert read(query, {"a": "int2", "b": "int8", "c": "float4"}, chunk) == expected
    assert read(b"SELECT 1::smallint WHERE false", {"a": "int2"}) == []


@pytest.mark.parametrize(
    "query", [b"SELECT 1", b"SELECT NULL::smallint", b"SELECT 1::smallint, 2::smallint", b"SELECT 'text'"]
)
def test_rows_that_are_not_as_told_are_refused(warehouse: str, query: bytes) -> None:
    with pytest.raises(ValueError, match="NULL, or of another type"):
        read(query, {"a": "int2"})


def test_what_fails_while_rows_are_made_is_raised_as_it_is(warehouse: str) -> None:
    def chunks() -> Any:
        yield packed([Field("int4", np.array([1]))], 1)
        raise LookupError("the model is broken")

    with connection.connect() as link, link.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE made (a integer)")
        with pytest.raises(LookupError, match="the model is broken"):
            binary_copy.write(cursor, "made", ["a"], chunks())
        link.rollback()
        cursor.execute("CREATE TEMPORARY TABLE made (a integer CHECK (a > 1))")
        with pytest.raises(psycopg2.errors.CheckViolation):
            binary_copy.write(cursor, "made", ["a"], [packed([Field("int4", np.array([1]))], 1)])


def test_lists_of_all_lengths_and_ids_of_all_lengths_keep_their_places(warehouse: str) -> None:
    """Also ids that are no ASCII, a customer of an unknown country, and one without any product, who has no row."""
    ids = ["a", "bb", "çé", "dd", "e"]
    product = np.array([[3, 1, 2], [0, -1, -1], [2, 3, -1], [-1, -1, -1], [1, 0, -1]], dtype=np.int32)
    score = np.array([[3, 2, 1]] * 5, dtype=np.float32)
    numbers = np.arange(5, dtype=np.int32)
    zero = np.zeros_like(product)
    lists = CustomerLists(
        "discover", numbers, product, score, zero.astype(np.int8) + 2, zero - 1, zero + numbers[:, None]
    )
    country = np.array([1, -1, 0, 0, 1], dtype=np.int16)
    with connection.connect() as link, link.cursor() as cursor:
        chunks = customer_rows(7, lists, Texts(ids), Texts(["BR", "DE"]), country)
        binary_copy.write(cursor, "serving.customer_list", CUSTOMER_LIST, chunks)
        cursor.execute(
            "SELECT customer_id, country, products, scores, reasons, because, support FROM serving.customer_list "
            "WHERE run_number = 7 AND slot = 'discover' ORDER BY support[1]"
        )
        assert cursor.fetchall() == [
            ("a", "DE", [3, 1, 2], [3, 2, 1], [2, 2, 2], [-1, -1, -1], [0, 0, 0]),
            ("bb", None, [0], [3], [2], [-1], [1]),
            ("çé", "BR", [2, 3], [3, 2], [2, 2], [-1, -1], [2, 2]),
            ("e", "DE", [1, 0], [3, 2], [2, 2], [-1, -1], [4, 4]),
        ]
