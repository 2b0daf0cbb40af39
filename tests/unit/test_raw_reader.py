"""Reading many stored answers: across files, past damage, with one file open at a time."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from lanecast import raw
from lanecast.carriers.http import Answer

AT = datetime(2024, 3, 5, tzinfo=UTC)


def write(root: Path, carrier: str, *bodies: bytes) -> list[raw.RawPointer]:
    with raw.RawWriter(carrier, "run", shard=0, attempt=1, at=AT, root=str(root)) as writer:
        return [
            writer.append(
                Answer(
                    carrier=carrier, requested=("1",), url="https://x.test", requested_at=AT, answered_at=AT, body=body
                )
            )
            for body in bodies
        ]


def read(reader: raw.RawReader, pointer: raw.RawPointer) -> bytes:
    return reader.read(pointer.file, pointer.byte_offset, pointer.byte_length).body


def test_answers_of_several_files_are_read_in_any_order_with_one_file_open(tmp_path: Path) -> None:
    first, second = write(tmp_path, "ups", b"a", b"b")
    [other] = write(tmp_path, "dhl", b"c")
    with raw.RawReader(root=str(tmp_path)) as reader:
        assert [read(reader, pointer) for pointer in (second, first, other, second)] == [b"b", b"a", b"c", b"b"]
        assert [file.path for file in opened(tmp_path)] == [str(tmp_path / second.file)]
    assert opened(tmp_path) == []


def opened(folder: Path) -> list[psutil._common.popenfile]:
    return [file for file in psutil.Process().open_files() if file.path.startswith(str(folder))]


def test_what_can_not_be_read_does_not_stop_the_next(tmp_path: Path) -> None:
    first, second = write(tmp_path, "ups", b"a" * 100, b"b")
    path = tmp_path / first.file
    damaged = bytearray(path.read_bytes())
    damaged[first.byte_length // 2] ^= 0xFF
    path.write_bytes(damaged)
    with raw.RawReader(root=str(tmp_path)) as reader:
        with pytest.raises(raw.RawError, match="at byte 0: damaged"):
            read(reader, first)
        with pytest.raises(raw.RawError, match="no such file"):
            reader.read("ups/2024/03/05/gone.ndjson.zst", 0, 10)
        with pytest.raises(raw.RawError, match="truncated"):
            reader.read(second.file, second.byte_offset, second.byte_length + 1)
        assert read(reader, second) == b"b"
