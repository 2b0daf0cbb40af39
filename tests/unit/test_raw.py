"""The raw store: any bytes come back, one answer at a time; damage is told with its place; no secret is stored."""

from __future__ import annotations

import hashlib
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from lanecast import raw
from lanecast.carriers.http import Answer

AT = datetime(2024, 3, 5, 23, 30, tzinfo=UTC)


def answer(body: bytes = b"{}", **changes: object) -> Answer:
    told = {
        "carrier": "ups",
        "requested": ("1Z 1", "🙂"),
        "url": "https://carrier.test/track",
        "requested_at": AT,
        "answered_at": AT + timedelta(seconds=1),
        "status": 200,
        "headers": {"content-type": "application/json"},
        "body": body,
    }
    return Answer(**(told | changes))  # type: ignore[arg-type]


def write(root: Path | str, *bodies: bytes, at: datetime = AT, run_id: str = "run") -> list[raw.RawPointer]:
    with raw.RawWriter("ups", run_id, shard=3, attempt=1, at=at, root=str(root)) as writer:
        return [writer.append(answer(body)) for body in bodies]


def test_one_answer_is_read_alone(tmp_path: Path) -> None:
    bodies = [b"{}", b"\x1f\x8bbroken \xff\x00", b"", b"x" * 3_000_000]
    pointers = write(tmp_path, *bodies)
    assert pointers[0].file == "ups/2024/03/05/run-3-1.ndjson.zst"
    for pointer, body in reversed(list(zip(pointers, bodies, strict=True))):
        found = raw.read(pointer.file, pointer.byte_offset, pointer.byte_length, root=str(tmp_path))
        assert found.body == body
        assert pointer.sha256 == hashlib.sha256(body).digest()
        assert (found.tracking_numbers, found.status, found.requested_at) == (("1Z 1", "🙂"), 200, AT)
    assert [pointer for pointer, _ in raw.scan(pointers[0].file, root=str(tmp_path))] == pointers


def test_a_whole_file_is_ndjson(tmp_path: Path) -> None:
    [first, _] = write(tmp_path, b"a", b"b")
    packed = (tmp_path / first.file).read_bytes()
    text = zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True).read()
    assert text.count(b"\n") == 2


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    writer = raw.RawWriter("ups", "run", shard=0, attempt=1, at=AT, root=str(tmp_path))
    writer.append(answer())
    assert not list(tmp_path.rglob("*.zst"))
    assert writer.close() == writer.file
    assert [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()] == [writer.file]
    other = raw.RawWriter("ups", "other", shard=0, attempt=1, at=AT, root=str(tmp_path))
    with pytest.raises(AttributeError), other:
        other.append(None)  # type: ignore[arg-type]
    with raw.RawWriter("ups", "empty", shard=0, attempt=1, at=AT, root=str(tmp_path)) as empty:
        pass
    assert empty.close() is None
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1


def test_a_file_is_never_overwritten(tmp_path: Path) -> None:
    [first], [second] = write(tmp_path, b"first"), write(tmp_path, b"second")
    assert first.file != second.file
    assert raw.read(first.file, 0, first.byte_length, root=str(tmp_path)).body == b"first"


def test_odd_run_ids_make_safe_and_distinct_names(tmp_path: Path) -> None:
    [one] = write(tmp_path, b"1", run_id="manual__2024-03-05T10:00:00+00:00/../x")
    [two] = write(tmp_path, b"2", run_id="manual__2024-03-05T10_00_00_00_00/../x")
    assert one.file != two.file
    assert Path(one.file).parts[:4] == ("ups", "2024", "03", "05")
    assert len(Path(one.file).parts) == 5


def test_no_secret_is_stored(tmp_path: Path) -> None:
    headers = {
        "Authorization": "Bearer hush",
        "set-cookie": "hush",
        "Cookie": "hush",
        "DHL-API-Key": "hush",
        "x-auth-token": "hush",
        "x-request-id": "7",
    }
    url = "https://me:hush@carrier.test:8443/track?trackingNumber=1&api_key=hush&access_token=hush#frag"
    with raw.RawWriter("ups", "run", shard=0, attempt=1, at=AT, root=str(tmp_path)) as writer:
        pointer = writer.append(answer(headers=headers, url=url))
    found = raw.read(pointer.file, 0, pointer.byte_length, root=str(tmp_path))
    assert found.headers == {"x-request-id": "7"}
    assert found.url == "https://carrier.test:8443/track?trackingNumber=1&api_key=***&access_token=***"


def test_a_truncated_end_is_told_and_the_rest_read(tmp_path: Path) -> None:
    first, last = write(tmp_path, b"first", b"last")
    path = tmp_path / first.file
    path.write_bytes(path.read_bytes()[:-5])
    damage: list[raw.RawError] = []
    found = [one.body for _, one in raw.scan(first.file, root=str(tmp_path), on_damage=damage.append)]
    assert found == [b"first"]
    assert [str(error) for error in damage] == [
        f"{last.file} at byte {last.byte_offset}: truncated after {last.byte_length - 5} bytes"
    ]
    with pytest.raises(raw.RawError, match=f"{last.file} at byte {last.byte_offset}: truncated"):
        raw.read(last.file, last.byte_offset, last.byte_length, root=str(tmp_path))


def test_damage_amid_a_file_is_passed_over(tmp_path: Path) -> None:
    pointers = write(tmp_path, b"one", b"two", b"three")
    path = tmp_path / pointers[0].file
    content = bytearray(path.read_bytes())
    start = pointers[1].byte_offset
    content[start + 20 : start + 40] = bytes(20)
    path.write_bytes(content)
    damage: list[raw.RawError] = []
    found = [one.body for _, one in raw.scan(pointers[0].file, root=str(tmp_path), on_damage=damage.append)]
    assert found == [b"one", b"three"]
    assert damage
    assert f"at byte {start}" in str(damage[0])
    with pytest.raises(raw.RawError, match=f"at byte {start}: damaged"):
        raw.read(pointers[1].file, start, pointers[1].byte_length, root=str(tmp_path))


@pytest.mark.parametrize("file", ["../secret", "/etc/passwd", "ups/../../x"])
def test_only_files_of_the_store_are_read(tmp_path: Path, file: str) -> None:
    with pytest.raises(raw.RawError, match="not a file of the raw store"):
        raw.read(file, 0, 1, root=str(tmp_path))


def test_a_file_that_is_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(raw.RawError, match=r"ups/gone at byte 0: no such file"):
        raw.read("ups/gone", 0, 1, root=str(tmp_path))


def test_retention_removes_whole_days_and_nothing_else(tmp_path: Path) -> None:
    old = write(tmp_path, b"x", at=AT - timedelta(days=31))[0].file
    kept = write(tmp_path, b"x", at=AT - timedelta(days=30))[0].file
    stranger = tmp_path / "ups" / "2020" / "01" / "01" / "notes.txt"
    stranger.parent.mkdir(parents=True)
    stranger.write_text("not the store's")
    assert raw.delete_older_than(30, AT, root=str(tmp_path)) == [old]
    assert (tmp_path / kept).exists()
    assert stranger.exists()
    assert raw.delete_older_than(30, AT, root=str(tmp_path)) == []
    with pytest.raises(ValueError, match="at least 1 day"):
        raw.delete_older_than(0, AT, root=str(tmp_path))
    assert raw.delete_older_than(1, AT, root=str(tmp_path / "none")) == []


def test_an_object_store_works_alike() -> None:
    root = f"memory://raw-{uuid.uuid4().hex}"
    pointers = write(root, b"one", b"two")
    assert raw.read(pointers[1].file, pointers[1].byte_offset, pointers[1].byte_length, root=root).body == b"two"
    assert [one.body for _, one in raw.scan(pointers[0].file, root=root)] == [b"one", b"two"]
    assert raw.delete_older_than(1, AT + timedelta(days=9), root=root) == [pointers[0].file]


def test_fifty_megabytes_come_back(tmp_path: Path) -> None:
    body = bytes(range(256)) * (50 * 4096)
    [pointer] = write(tmp_path, body)
    assert raw.read(pointer.file, pointer.byte_offset, pointer.byte_length, root=str(tmp_path)).body == body


@given(st.binary(max_size=500), st.text(max_size=20))
def test_any_bytes_come_back(tmp_path_factory: pytest.TempPathFactory, body: bytes, run_id: str) -> None:
    root = tmp_path_factory.mktemp("raw")
    [pointer] = write(root, body, run_id=run_id)
    assert raw.read(pointer.file, 0, pointer.byte_length, root=str(root)).body == body
