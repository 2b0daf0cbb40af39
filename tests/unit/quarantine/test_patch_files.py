"""Patch files: what is written is read again, whatever it is; what can't be used is told with its line."""

from __future__ import annotations

import csv
import gzip
import io
import json
import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lanecast.quarantine.errors import QuarantineError
from lanecast.quarantine.patches import KEY, LONGEST_LINE, NULL, read_patches

_WORLD = st.characters(exclude_categories=("Cs", "Cc"))
_TEXT = st.text(_WORLD, min_size=1, max_size=20)
# A cell keeps what stands in it, blanks included; line breaks and braces are in it to be quoted.
_CELL = st.text(st.one_of(_WORLD, st.sampled_from("{}\"',;|\n\\N")), min_size=1, max_size=20)
_NAME = st.text(string.ascii_lowercase + "_", min_size=1, max_size=8).filter(lambda name: name != KEY)
_IDS = st.lists(st.integers(1, 10**15), min_size=1, max_size=8, unique=True)


def read(folder: Path, content: str | bytes, name: str = "patch.csv") -> list[tuple[int, dict[str, object]]]:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return [(patch.quarantined_row_id, patch.values) for patch in read_patches(str(path))]


@settings(max_examples=300, deadline=None)
@given(st.data(), st.booleans(), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_a_csv_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, bom: bool, end: str, packed: bool
) -> None:
    names = data.draw(st.lists(_NAME, min_size=1, max_size=4, unique=True))
    told = [(row_id, [data.draw(_CELL) for _ in names]) for row_id in data.draw(_IDS)]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=end)
    writer.writerow([KEY, *names])
    writer.writerows([row_id, *cells] for row_id, cells in told)
    content = (b"\xef\xbb\xbf" if bom else b"") + text.getvalue().encode()
    found = read(tmp_path_factory.mktemp("patch"), gzip.compress(content) if packed else content)
    assert found == [
        (row_id, {name: None if cell == NULL else cell for name, cell in zip(names, cells, strict=True)})
        for row_id, cells in told
    ]


@settings(max_examples=300, deadline=None)
@given(
    st.dictionaries(
        st.integers(1, 10**15),
        st.dictionaries(
            st.text(_WORLD, min_size=1, max_size=8).filter(lambda name: name != KEY),
            st.one_of(st.none(), st.booleans(), st.integers(-(10**9), 10**9), _TEXT),
            min_size=1,
            max_size=4,
        ),
        min_size=1,
        max_size=6,
    ),
    st.booleans(),
    st.booleans(),
)
def test_json_lines_are_read_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, told: dict[int, dict[str, Any]], bom: bool, ascii_only: bool
) -> None:
    lines = [json.dumps({KEY: row_id} | values, ensure_ascii=ascii_only) for row_id, values in told.items()]
    content = (b"\xef\xbb\xbf" if bom else b"") + "\r\n\r\n".join(lines).encode()
    assert read(tmp_path_factory.mktemp("patch"), content, "patch.jsonl") == list(told.items())


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300), st.sampled_from(["patch.csv", "patch.jsonl", "patch.txt", "patch.csv.gz"]))
def test_any_bytes_are_a_patch_or_refused_in_one_way(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, name: str
) -> None:
    try:
        read(tmp_path_factory.mktemp("patch"), content, name)
        refused = "patch"
    except QuarantineError as error:
        refused = str(error)
    assert "patch" in refused
    assert "\0" not in refused


def test_an_empty_cell_stays_and_null_is_told(tmp_path: Path) -> None:
    assert read(tmp_path, f"{KEY},city,country\n3,,{NULL}\n4,Bremen,\n") == [
        (3, {"country": None}),
        (4, {"city": "Bremen"}),
    ]
    lines = f'{{"{KEY}": 3, "country": null}}\n{{"city": "", "{KEY}": 4}}\n'
    assert read(tmp_path, lines, "patch.jsonl") == [(3, {"country": None}), (4, {"city": ""})]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("patch.csv", "", "is empty"),
        ("patch.csv", f"{KEY},city\n1,a\n2,b\n1,c\n", "line 4: row 1 is there twice, first in line 2"),
        ("patch.jsonl", f'{{"{KEY}":1,"a":1}}\n{{"{KEY}":1,"a":2}}\n', "line 2: row 1 is there twice, first in line 1"),
        ("patch.csv", f"{KEY},city\n1,\n", "line 2: nothing is set in row 1"),
        ("patch.csv", "city\nBremen\n", f"there is no column {KEY}; there are city"),
        ("patch.csv", f"{KEY},city\n1,a,b\n", "3 fields where the header has 2"),
        ("patch.csv", f"{KEY},city\nsix,a\n", "'six' is no row's number"),
        ("patch.csv", f"{KEY},city\n-1,a\n", "'-1' is no row's number"),
        ("patch.csv", f"{KEY},city\n1.0,a\n", "'1.0' is no row's number"),
        ("patch.csv", f"{KEY},city\n٣,a\n", "is no row's number"),
        ("patch.csv", f"{KEY},city\n{10**18},a\n", "is no row's number"),
        ("patch.jsonl", f'{{"{KEY}": true, "city": "a"}}\n', "is no row's number"),
        ("patch.jsonl", f'{{"{KEY}": 1.5, "city": "a"}}\n', "'1.5' is no row's number"),
        ("patch.jsonl", f'{{"{KEY}": 1, "city": "a\\u0000b"}}\n', "line 1: 'city' holds a NUL"),
        ("patch.jsonl", f'{{"{KEY}": 1, "ci\\u0000ty": "a"}}\n', "holds a NUL"),
        ("patch.jsonl", f'{{"{KEY}": 1}}\n[1]\n', "line 1: nothing is set in row 1"),
        ("patch.jsonl", f'{{"{KEY}": 1, "a": 1}}\n[1]\n', "line 2: not a JSON object"),
        ("patch.jsonl", f'{{"{KEY}": 1, "a": {"[" * 5000}\n', "line 1: not a JSON object"),
        ("patch.jsonl", f'{{"{KEY}": 1, "a": "{"x" * LONGEST_LINE}"}}\n', "line 1: the line is longer than"),
        ("patch.jsonl", '{"city": "a"}\n', f"line 1: there is no {KEY}"),
    ],
)
def test_what_is_no_patch_is_refused_and_says_where(tmp_path: Path, name: str, content: str, told: str) -> None:
    with pytest.raises(QuarantineError) as refused:
        read(tmp_path, content, name)
    assert told in str(refused.value)
    assert name in str(refused.value)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(QuarantineError, match="no-such-patch"):
        list(read_patches(str(tmp_path / "no-such-patch.csv")))
