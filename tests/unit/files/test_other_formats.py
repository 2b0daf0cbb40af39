"""JSON Lines and Parquet."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as arrow
import pyarrow.parquet as parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lanecast.files.errors import FileError
from lanecast.files.importing import describe
from lanecast.files.reader import open_table


def test_json_lines_become_texts_and_a_bad_line_costs_itself(tmp_path: Path) -> None:
    file = tmp_path / "some.jsonl"
    file.write_bytes(
        b'\xef\xbb\xbf{"a": 1, "b": null, "c": true}\r\n'
        b"\n"
        b'{"a": 2.5, "d": {"x": [1]}}\n'
        b'{"a": }\n'
        b"[1, 2]\n"
        b'{"a": "\xff"}\n'
        b'{"a": "nul \\u0000"}\n'
        b'{"a": ' + b"[" * 5000 + b"\n"
        b'{"a": "last"}'
    )
    with open_table(str(file), expected=("a", "z")) as table:
        records = list(table.records)
        assert table.columns == ["a", "b", "c", "d", "z"]
        assert table.missing == ["z"]
    assert [(line, problem is None) for line, _, problem in records] == [
        *((1, True), (3, True), (4, False), (5, False), (6, False), (7, False), (8, False), (9, True))
    ]
    assert records[0][1] == ["1", "", "true", "", ""]
    assert records[1][1] == ["2.5", "", "", '{"x":[1]}', ""]
    assert "line 4: not a JSON object" in (records[2][2] or "")


def test_json_names_may_come_late(tmp_path: Path) -> None:
    file = tmp_path / "late.jsonl"
    file.write_text("".join(f'{{"a": {row}}}\n' for row in range(150)) + '{"a": 150, "late": "x"}\n')
    with open_table(str(file)) as table:
        records = list(table.records)
        assert table.columns == ["a", "late"]
    assert records[-1] == (151, ["150", "x"], None)


def test_cut_json_lines_say_so(tmp_path: Path) -> None:
    file = tmp_path / "some"
    packed = gzip.compress("".join(f'{{"a": {row * 7919 % 65521}}}\n' for row in range(5000)).encode())
    file.write_bytes(packed[: len(packed) // 2])
    with open_table(str(file)) as table:
        records = list(table.records)
    assert [line for line, _, _ in records] == list(range(1, len(records) + 1))
    assert [problem for _, _, problem in records if problem] == [records[-1][2]]
    assert "ends early" in (records[-1][2] or "")


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(max_size=30), max_size=8))
def test_every_json_line_is_a_record(tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]) -> None:
    lines = [line.replace(b"\n", b"") for line in lines]
    file = tmp_path_factory.getbasetemp() / "any.jsonl"
    file.write_bytes(b"\n".join([b'{"a": 1}', *lines]))
    with open_table(str(file)) as table:
        records = list(table.records)
    assert [line for line, _, _ in records] == [1, *(at for at, line in enumerate(lines, start=2) if line.strip())]


def write(path: Path, rows: int, **options: object) -> None:
    table = arrow.table(
        {
            "id": [f"o-{row}" for row in range(rows)],
            "at": [datetime(2024, 1, 1, 12, tzinfo=UTC)] * rows,
            "local": [datetime(2024, 1, 1, 12, 30)] * rows,  # noqa: DTZ001
            "count": [None if row % 2 else float(row) for row in range(rows)],
            "price": [Decimal("1.50")] * rows,
        }
    )
    parquet.write_table(table, path, **options)


def test_parquet_values_become_texts(tmp_path: Path) -> None:
    file = tmp_path / "some.parquet"
    write(file, 3)
    with open_table(str(file)) as table:
        assert list(table.records) == [
            (1, ["o-0", "2024-01-01T12:00:00+00:00", "2024-01-01T12:30:00", "0", "1.50"], None),
            (2, ["o-1", "2024-01-01T12:00:00+00:00", "2024-01-01T12:30:00", "", "1.50"], None),
            (3, ["o-2", "2024-01-01T12:00:00+00:00", "2024-01-01T12:30:00", "2", "1.50"], None),
        ]


def test_a_damaged_row_group_costs_its_rows(tmp_path: Path) -> None:
    file = tmp_path / "some.parquet"
    write(file, 3000, row_group_size=1000, compression="gzip")
    metadata = parquet.ParquetFile(file).metadata
    start = metadata.row_group(1).column(0).dictionary_page_offset or metadata.row_group(1).column(0).data_page_offset
    content = bytearray(file.read_bytes())
    content[start : start + 200] = b"\xff" * 200
    file.write_bytes(content)
    with open_table(str(file)) as table:
        records = list(table.records)
    assert [line for line, _, _ in records] == list(range(1, 3001))
    assert [line for line, _, problem in records if problem] == list(range(1001, 2001))
    assert "row group 2 is damaged" in (records[1500][2] or "")


def test_a_cut_parquet_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "some.parquet"
    write(file, 100)
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(FileError, match="cut off"):
        open_table(str(file))


def test_describe_says_what_a_file_is(tmp_path: Path) -> None:
    file = tmp_path / "some.csv"
    file.write_bytes(gzip.compress(b"a;b\n1;2\n"))
    told = describe(file)
    assert (told.kind, told.columns, told.delimiter, told.compressed) == ("delimited", ("a", "b"), ";", True)
    write(tmp_path / "x", 2)
    assert describe(tmp_path / "x").columns == ("id", "at", "local", "count", "price")
