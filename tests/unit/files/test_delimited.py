"""CSV as it really comes: line ends, quotes, odd bytes, cut files. Nothing vanishes, one bad line costs one line."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lanecast.files.errors import FileError
from lanecast.files.reader import open_table
from lanecast.files.table import Record

HEADER = b"a,b,c\n"


def read(content: bytes, folder: Path, **options: str) -> list[Record]:
    file = folder / "some.csv"
    file.write_bytes(content)
    with open_table(str(file), **options) as table:  # type: ignore[arg-type]
        return list(table.records)


def good(records: list[Record]) -> list[tuple[int, list[str]]]:
    return [(line, fields) for line, fields, problem in records if problem is None]


def bad(records: list[Record]) -> dict[int, str]:
    return {line: problem for line, _, problem in records if problem is not None}


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("last_end", [True, False])
def test_every_line_end_is_read(tmp_path: Path, end: bytes, last_end: bool) -> None:
    content = end.join([b"a,b,c", b"1,2,3", b"", b"4,5,6"]) + (end if last_end else b"")
    assert good(read(content, tmp_path)) == [(2, ["1", "2", "3"]), (4, ["4", "5", "6"])]


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_the_delimiter_is_found_out(tmp_path: Path, delimiter: str) -> None:
    content = f"a{delimiter}b b{delimiter}c\n1{delimiter}x, y{delimiter}3\n".replace("x, y", '"x, y"').encode()
    assert good(read(content, tmp_path)) == [(2, ["1", "x, y", "3"])]


def test_expected_columns_decide_between_delimiters(tmp_path: Path) -> None:
    file = tmp_path / "odd.csv"
    file.write_text("order_id;weight, height, depth, more\nA;1, 2, 3, 4\n")
    with open_table(str(file), expected=("order_id",)) as table:
        assert table.delimiter == ";"


@pytest.mark.parametrize("mark", ["utf-8-sig", "utf-16"])
def test_byte_order_marks_name_the_encoding(tmp_path: Path, mark: str) -> None:
    file = tmp_path / "marked.csv"
    file.write_bytes("a,b,c\né,2,3\n".encode(mark))
    with open_table(str(file)) as table:
        assert table.columns == ["a", "b", "c"]
        assert list(table.records) == [(2, ["é", "2", "3"], None)]


def test_a_row_of_another_encoding_is_unreadable_and_the_rest_goes_through(tmp_path: Path) -> None:
    content = HEADER + "é,2,3\n".encode() + "ü,2,3\n".encode("cp1252") + b"4,5,6\n"
    records = read(content, tmp_path)
    assert good(records) == [(2, ["é", "2", "3"]), (4, ["4", "5", "6"])]
    assert "not valid utf-8" in bad(records)[3]
    bad(records)[3].encode("utf-8")


def test_a_named_encoding_is_used(tmp_path: Path) -> None:
    content = HEADER + "ü,2,3\n".encode("cp1252") + b"\x81,2,3\n"
    records = read(content, tmp_path, encoding="cp1252")
    assert good(records) == [(2, ["ü", "2", "3"])]
    assert list(bad(records)) == [3]
    with pytest.raises(FileError, match="no encoding 'utf-9'"):
        read(content, tmp_path, encoding="utf-9")


def test_ragged_and_nul_rows_name_line_and_cause(tmp_path: Path) -> None:
    records = read(HEADER + b"1,2\n1,2,3\n1,2,3,4\n1,\x00,3\n", tmp_path)
    assert good(records) == [(3, ["1", "2", "3"])]
    problems = bad(records)
    assert problems[2] == "line 2: 2 fields where the header has 3"
    assert problems[4] == "line 4: 4 fields where the header has 3"
    assert "NUL" in problems[5]
    assert "\0" not in problems[5]


def test_quoted_line_ends_stay_in_the_field_and_lines_are_counted(tmp_path: Path) -> None:
    records = read(HEADER + b'1,"two\nlines\r\nor ""three""",3\n4,5,6\n', tmp_path)
    assert good(records) == [(2, ["1", 'two\nlines\r\nor "three"', "3"]), (5, ["4", "5", "6"])]


@pytest.mark.parametrize("rows_after", [0, 3, 5000])
def test_a_quote_that_never_closes_costs_its_own_line_only(tmp_path: Path, rows_after: int) -> None:
    records = read(HEADER + b'0,1,2\n1,"2,3\n' + b"4,5,6\n" * rows_after, tmp_path)
    assert [line for line, _ in good(records)] == [2, *range(4, 4 + rows_after)]
    assert list(bad(records)) == [3]
    assert "quote" in bad(records)[3] or "unexpected end" in bad(records)[3]


def test_many_open_quotes_are_survived(tmp_path: Path) -> None:
    records = read(HEADER + b'1,"2,3\n1,2,3\n' * 300, tmp_path)
    assert len(good(records)) + len(bad(records)) == 600
    assert len(good(records)) == 300


def test_an_overlong_line_costs_itself(tmp_path: Path) -> None:
    records = read(HEADER + b"1,2,3\n" + b'x"' * (3 << 20) + b"\n4,5,6\n", tmp_path)
    assert good(records) == [(2, ["1", "2", "3"]), (4, ["4", "5", "6"])]
    assert "longer than" in bad(records)[3]
    records = read(HEADER + b"1,2," + b"x" * 200_000 + b"\n4,5,6\n", tmp_path)
    assert good(records) == [(3, ["4", "5", "6"])]
    assert list(bad(records)) == [2]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"\n\n  \n", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"<!DOCTYPE html><html><body>Sign in</body></html>", "web page"),
        (b"\n <html>", "web page"),
        (b"PK\x03\x04 and more", "spreadsheet"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8, "binary data"),
        (b"[1, 2]", "JSON array"),
        (b"a,b,a\n1,2,3\n", "column 'a' twice"),
        (b"a, a\n1,2\n", "column 'a' twice"),
        ("größe,b\n1,2\n".encode("cp1252"), "name the encoding"),
        (b'"a,b\n1,2\n', "header can't be read"),
        (b"x" * (3 << 20), "no header is longer"),
        (gzip.compress(b"", mtime=0), "is empty"),
        (gzip.compress(b"a,b\n", mtime=0)[:9], "can't be unpacked"),
        (gzip.compress(gzip.compress(b"a,b\n1,2\n", mtime=0), mtime=0), "twice"),
    ],
)
def test_what_is_no_table_is_refused_with_cause(tmp_path: Path, content: bytes, says: str) -> None:
    with pytest.raises(FileError, match=says) as caught:
        read(content, tmp_path)
    assert "some.csv" in str(caught.value)


def test_paths_that_can_not_be_read(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="does not exist"):
        open_table(str(tmp_path / "none.csv"))
    with pytest.raises(FileError, match="is a folder"):
        open_table(str(tmp_path))
    with pytest.raises(FileError, match="can't be opened"):
        open_table("nonsense://x/y.csv")


def test_urls_are_read(tmp_path: Path) -> None:
    import fsspec

    with fsspec.open("memory://lanecast-test/some.csv.gz", "wb") as file:
        file.write(gzip.compress(HEADER + b"1,2,3\n"))
    with open_table("memory://lanecast-test/some.csv.gz") as table:
        assert good(list(table.records)) == [(2, ["1", "2", "3"])]


def rows_of(number: int) -> bytes:
    return HEADER + b"".join(b"row-%d,%x,%d\n" % (row, row * 7919 % 65521, row * row) for row in range(number))


def test_gzip_is_told_by_its_bytes_and_may_have_members_and_padding(tmp_path: Path) -> None:
    plain = rows_of(5000)
    packed = gzip.compress(plain[:7001]) + gzip.compress(plain[7001:]) + bytes(512)
    assert read(packed, tmp_path) == read(plain, tmp_path)


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.999])
def test_a_cut_gzip_file_delivers_the_rows_before_the_cut_and_says_so(tmp_path: Path, part: float) -> None:
    plain = rows_of(20_000)
    whole = good(read(plain, tmp_path))
    packed = gzip.compress(plain)
    records = read(packed[: int(len(packed) * part)], tmp_path)
    delivered, problems = good(records), bad(records)
    assert delivered == whole[: len(delivered)]
    assert len(problems) == 1
    line, problem = problems.popitem()
    assert line == len(delivered) + 2
    assert problem.startswith("compressed data ends early at line")
    assert len(delivered) > (part - 0.1) * 20_000


def test_a_damaged_gzip_file_delivers_what_lies_before_the_damage(tmp_path: Path) -> None:
    plain = rows_of(20_000)
    packed = bytearray(gzip.compress(plain))
    middle = len(packed) // 2
    packed[middle : middle + 64] = b"\xff" * 64
    records = read(bytes(packed), tmp_path)
    whole = good(read(plain, tmp_path))
    assert len(good(records)) > 8_000
    assert good(records)[:8000] == whole[:8000]
    assert any("damaged" in problem or "fields where" in problem for problem in bad(records).values())
    assert records[-1][2] is not None
    trailing = read(gzip.compress(plain) + b"garbage", tmp_path)
    assert len(good(trailing)) == 20_000
    assert "not gzip" in (trailing[-1][2] or "")


def test_progress_runs_to_the_size_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "some.csv.gz"
    file.write_bytes(gzip.compress(rows_of(50_000)))
    told: list[tuple[int, int | None]] = []
    with open_table(str(file), progress=lambda done, size: told.append((done, size))) as table:
        assert sum(1 for _ in table.records) == 50_000
    assert told == sorted(told)
    assert told[-1] == (file.stat().st_size, file.stat().st_size)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400), st.booleans())
def test_any_bytes_give_a_clear_error_or_records_in_order(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, with_header: bool
) -> None:
    folder = tmp_path_factory.getbasetemp()
    try:
        records = read(HEADER + content if with_header else content, folder)
    except FileError as error:
        str(error).encode("utf-8")
        assert not with_header
        return
    lines = [line for line, _, _ in records]
    assert lines == sorted(set(lines))
    for _, _, problem in records:
        assert problem is None or "\0" not in problem.encode("utf-8").decode("utf-8")


_CELL = st.text(alphabet='xyz09 é"', max_size=4)
_LINE = st.one_of(
    st.just(b"1,2,3"),
    st.just(b""),
    st.lists(_CELL.map(lambda text: text.replace('"', "")), max_size=5).map(lambda cells: ",".join(cells).encode()),
    st.binary(max_size=12).map(lambda raw: re.sub(rb'[\r\n"]', b"", raw)),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(_LINE, max_size=12), st.sampled_from([b"\n", b"\r\n", b"\r"]))
def test_without_quotes_every_line_that_is_not_blank_is_one_record(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], end: bytes
) -> None:
    records = read(end.join([b"a,b,c", *lines]), tmp_path_factory.getbasetemp())
    assert [line for line, _, _ in records] == [at for at, line in enumerate(lines, start=2) if line]
    whole = [line for line, fields, problem in records if problem is None and fields == ["1", "2", "3"]]
    assert whole == [at for at, line in enumerate(lines, start=2) if line == b"1,2,3"]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(st.text(max_size=8), min_size=3, max_size=3), max_size=8), st.integers(0, 7))
def test_what_a_csv_writer_writes_is_read_back_around_a_broken_line(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], at: int
) -> None:
    import csv
    import io

    rows = [[cell.replace("\0", "").replace("\ufeff", "") for cell in row] for row in rows]
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerow(["a", "b", "c"])
    for position, row in enumerate(rows):
        if position == at:
            text.write("broken\r\n")
        writer.writerow(row)
    content = text.getvalue().encode("utf-8", "ignore")
    expected = [[cell.encode("utf-8", "ignore").decode() for cell in row] for row in rows]
    records = read(content, tmp_path_factory.getbasetemp())
    assert [fields for _, fields in good(records)] == expected
    assert len(bad(records)) == (1 if at < len(rows) else 0)
