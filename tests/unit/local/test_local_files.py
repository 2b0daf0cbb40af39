from __future__ import annotations

import stat
from pathlib import Path

from lanecast.local import credentials, files


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_json_is_private_and_read_back(tmp_path: Path) -> None:
    files.write_json(tmp_path / "deep" / "a.json", {"b": 1})
    assert files.read_json(tmp_path / "deep" / "a.json") == {"b": 1}
    assert mode(tmp_path / "deep" / "a.json") == 0o600


def test_damaged_json_counts_as_absent(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"half": ')
    assert files.read_json(tmp_path / "a.json") == {}
    assert files.read_json(tmp_path / "none.json") == {}


def test_tail_gives_the_last_lines_and_survives_other_encodings(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"one\ntwo\xff\nthree\n")
    assert files.tail(tmp_path / "log", 2) == "two\ufffd\nthree"
    assert files.tail(tmp_path / "absent") == ""


def test_credentials_are_generated_once_and_private(tmp_path: Path) -> None:
    first = credentials.load(tmp_path)
    assert credentials.load(tmp_path) == first
    assert mode(tmp_path / credentials.FILE) == 0o600
    assert len(set(first.values())) == len(first)
    assert all(len(word) >= 24 for word in first.values())


def test_another_folder_has_other_credentials(tmp_path: Path) -> None:
    one, two = credentials.load(tmp_path / "one"), credentials.load(tmp_path / "two")
    assert not set(one.values()) & set(two.values())


def test_a_missing_credential_is_added_and_the_rest_kept(tmp_path: Path) -> None:
    first = credentials.load(tmp_path)
    files.write_json(tmp_path / credentials.FILE, {name: word for name, word in first.items() if name != "admin"})
    again = credentials.load(tmp_path)
    assert {**again, "admin": ""} == {**first, "admin": ""}
    assert again["admin"] not in ("", first["admin"])
