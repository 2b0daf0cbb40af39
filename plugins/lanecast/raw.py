"""The raw store: every answer of a carrier as it came, before anything reads it.

Files of zstd-compressed NDJSON under a path or fsspec URL, `<carrier>/<yyyy>/<mm>/<dd>/<run>-<shard>-<attempt>`. Each
record is a zstd frame of its own, so that (file, byte_offset, byte_length) reads one answer alone, and `zstdcat` reads
them all. Files appear whole: they are written elsewhere and put in place when closed.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import IO, Any, Protocol

import fsspec
import msgspec
import zstandard

from lanecast import addresses, settings

log = logging.getLogger(__name__)

SUFFIX = ".ndjson.zst"
PART_SUFFIX = ".part"
MAGIC = b"\x28\xb5\x2f\xfd"
CHUNK_BYTES = 1 << 20
LARGEST_RECORD_BYTES = 512 * 1024 * 1024

_UNSAFE = re.compile(r"[^A-Za-z0-9._=-]+")
_DAY = re.compile(r"(?:^|/)(\d{4})/(\d{2})/(\d{2})/[^/]+$")


class RawError(ValueError):
    """A stored record cannot be read: the message names file and offset, and what is wrong."""


class RawPointer(msgspec.Struct, frozen=True, kw_only=True):
    """Where one answer lies: a file relative to the store's root, and its bytes there. `sha256` is of the body."""

    file: str
    byte_offset: int
    byte_length: int
    sha256: bytes


class RawAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One answer as stored. Headers and URL are without secrets; `status` is None where nothing came back."""

    carrier: str
    run_id: str
    tracking_numbers: tuple[str, ...]
    url: str
    requested_at: datetime
    answered_at: datetime
    status: int | None
    headers: dict[str, str]
    body: bytes
    sha256: str
    error: str | None = None


class Answered(Protocol):
    """What the store takes: see lanecast.carriers.http.Answer."""

    @property
    def carrier(self) -> str: ...
    @property
    def requested(self) -> tuple[str, ...]: ...
    @property
    def url(self) -> str: ...
    @property
    def requested_at(self) -> datetime: ...
    @property
    def answered_at(self) -> datetime: ...
    @property
    def status(self) -> int | None: ...
    @property
    def headers(self) -> dict[str, str]: ...
    @property
    def body(self) -> bytes: ...
    @property
    def error(self) -> str | None: ...


_DECODER = msgspec.json.Decoder(RawAnswer)


class RawWriter:
    """Writes the answers of one task attempt as one file. A context manager: an error inside leaves no file."""

    def __init__(
        self, carrier: str, run_id: str, *, shard: int, attempt: int, at: datetime, root: str | None = None
    ) -> None:
        """`at` gives the day under which the file lies, and by which retention later removes it."""
        self._carrier, self._run_id = carrier, run_id
        self._root = root or settings.raw_root()
        self._system, base = fsspec.core.url_to_fs(self._root)
        name = f"{safe_name(run_id)}-{shard}-{attempt}"
        day = at.astimezone(UTC)
        self.file = self._free(base, f"{safe_name(carrier)}/{day:%Y/%m/%d}/{name}")
        self._target = f"{base.rstrip('/')}/{self.file}"
        self._is_local = "file" in _protocols(self._system)
        self._part = self._open_part()
        self._stream: IO[bytes] = self._part.open("wb")
        self._compressor = zstandard.ZstdCompressor(level=3, write_checksum=True)
        self._offset = 0
        self.count = 0

    def _free(self, base: str, stem: str) -> str:
        # A file that pointers may lead to is never overwritten, even if an attempt's number comes twice.
        for again in range(1000):
            file = f"{stem}{f'.{again}' if again else ''}{SUFFIX}"
            if not self._system.exists(f"{base.rstrip('/')}/{file}"):
                return file
        raise RawError(f"{stem}{SUFFIX} exists a thousand times over: give each attempt its number")

    def _open_part(self) -> Path:
        if not self._is_local:
            return Path(tempfile.mkdtemp(prefix="lanecast-raw-")) / "answers"
        target = Path(self._target)
        target.parent.mkdir(parents=True, exist_ok=True)
        return target.with_name(f"{target.name}{PART_SUFFIX}")

    def append(self, answer: Answered) -> RawPointer:
        """Store one answer and tell where. The pointer holds once the writer is closed."""
        digest = hashlib.sha256(answer.body)
        record = RawAnswer(
            carrier=answer.carrier,
            run_id=self._run_id,
            tracking_numbers=tuple(answer.requested),
            url=addresses.masked(answer.url),
            requested_at=answer.requested_at,
            answered_at=answer.answered_at,
            status=answer.status,
            headers=plain_headers(answer.headers),
            body=answer.body,
            sha256=digest.hexdigest(),
            error=answer.error,
        )
        frame = self._compressor.compress(msgspec.json.encode(record) + b"\n")
        self._stream.write(frame)
        pointer = RawPointer(file=self.file, byte_offset=self._offset, byte_length=len(frame), sha256=digest.digest())
        self._offset += len(frame)
        self.count += 1
        return pointer

    def close(self) -> str | None:
        """Put the file in place and tell its name; None if no answer was stored, and then no file."""
        if self._stream.closed:
            return self.file if self.count else None
        self._stream.flush()
        if self._is_local:
            os.fsync(self._stream.fileno())
        self._stream.close()
        if not self.count:
            self._discard()
            return None
        if self._is_local:
            self._part.replace(self._target)
        else:
            self._system.put_file(str(self._part), self._target)
            self._discard()
        return self.file

    def abort(self) -> None:
        """Leave no file."""
        self._stream.close()
        self._discard()

    def _discard(self) -> None:
        self._part.unlink(missing_ok=True)
        if not self._is_local and self._part.parent.exists():
            self._part.parent.rmdir()

    def __enter__(self) -> RawWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()


class RawReader:
    """Reads stored answers one by one, and keeps the file open that it read last: a context manager, for one thread."""

    def __init__(self, *, root: str | None = None) -> None:
        self._system, self._base = fsspec.core.url_to_fs(root or settings.raw_root())
        self._decompressor = zstandard.ZstdDecompressor()
        self._file: str | None = None
        self._stream: IO[bytes] | None = None

    def read(self, file: str, byte_offset: int, byte_length: int) -> RawAnswer:
        """One stored answer. RawError names file and offset if it is truncated, damaged or not there."""
        where = f"{file} at byte {byte_offset}"
        try:
            stream = self._open(file)
        except FileNotFoundError:
            raise RawError(f"{where}: no such file; retention may have removed it") from None
        stream.seek(byte_offset)
        frame = stream.read(byte_length)
        if len(frame) != byte_length:
            raise RawError(f"{where}: truncated, {len(frame)} of {byte_length} bytes are there")
        return _decode(frame, where, self._decompressor)

    def _open(self, file: str) -> IO[bytes]:
        if self._stream is None or self._file != file:
            self.close()
            self._stream = self._system.open(_inside(self._base, file), "rb")
            self._file = file
        return self._stream

    def close(self) -> None:
        """Closes the file that is open, if one is."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def __enter__(self) -> RawReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def read(file: str, byte_offset: int, byte_length: int, *, root: str | None = None) -> RawAnswer:
    """One stored answer. RawError names file and offset if it is truncated, damaged or not there."""
    with RawReader(root=root) as reader:
        return reader.read(file, byte_offset, byte_length)


def scan(
    file: str, *, root: str | None = None, on_damage: Callable[[RawError], None] | None = None
) -> Iterator[tuple[RawPointer, RawAnswer]]:
    """All answers of a file with their places. Damaged or truncated records are logged, told to `on_damage`, passed."""
    system, base = fsspec.core.url_to_fs(root or settings.raw_root())
    with system.open(_inside(base, file), "rb") as stream:
        offset = 0
        while True:
            stream.seek(offset)
            if not stream.read(1):
                return
            length, problem = _frame_length(stream, offset)
            where = f"{file} at byte {offset}"
            if problem is None:
                stream.seek(offset)
                try:
                    answer = _decode(stream.read(length), where)
                except RawError as error:
                    problem = str(error)
                else:
                    digest = bytes.fromhex(answer.sha256)
                    yield RawPointer(file=file, byte_offset=offset, byte_length=length, sha256=digest), answer
            else:
                problem = f"{where}: {problem}"
            if problem is not None:
                log.warning("raw record cannot be read: %s", problem)
                if on_damage is not None:
                    on_damage(RawError(problem))
                following = _next_frame(stream, offset + 1)
                if following is None:
                    return
                length = following - offset
            offset += length


def delete_older_than(days: int, now: datetime, *, root: str | None = None) -> list[str]:
    """Remove the files of days that lie more than `days` before `now`; returns their names. ValueError if days < 1."""
    if days < 1:
        raise ValueError(f"raw answers are kept at least 1 day, not {days}")
    system, base = fsspec.core.url_to_fs(root or settings.raw_root())
    if not system.exists(base):
        return []
    oldest_kept = (now.astimezone(UTC) - timedelta(days=days)).date()
    removed = []
    for path in sorted(system.find(base)):
        file = str(path)[len(base.rstrip("/")) + 1 :]
        day = _day_of(file)
        if day is not None and day < oldest_kept:
            system.rm_file(path)
            removed.append(file)
    return removed


def plain_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers without those that hold secrets: authorization, cookies, keys, tokens."""
    return {name: value for name, value in headers.items() if not addresses.SECRET.search(name)}


def safe_name(text: str) -> str:
    """A text as part of a file name: other characters become `_`, told apart by a short hash of the whole."""
    safe = _UNSAFE.sub("_", text).strip(".") or "_"
    if safe == text and len(text) <= 120:
        return safe
    return f"{safe[:100]}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _protocols(system: Any) -> Sequence[str]:
    return (system.protocol,) if isinstance(system.protocol, str) else tuple(system.protocol)


def _inside(base: str, file: str) -> str:
    if ".." in PurePosixPath(file).parts or PurePosixPath(file).is_absolute():
        raise RawError(f"{file}: not a file of the raw store")
    return f"{base.rstrip('/')}/{file}"


def _decode(frame: bytes, where: str, decompressor: zstandard.ZstdDecompressor | None = None) -> RawAnswer:
    try:
        # A frame knows its size: refuse one that claims more than any answer can have.
        size = zstandard.frame_content_size(frame)
        if not 0 <= size <= LARGEST_RECORD_BYTES:
            raise RawError(f"{where}: damaged, it claims {size} bytes")
        answer = _DECODER.decode((decompressor or zstandard.ZstdDecompressor()).decompress(frame))
    except (zstandard.ZstdError, msgspec.MsgspecError) as error:
        raise RawError(f"{where}: damaged, {error}") from None
    if hashlib.sha256(answer.body).hexdigest() != answer.sha256:
        raise RawError(f"{where}: damaged, the body does not have its sha256")
    return answer


def _frame_length(stream: IO[bytes], offset: int) -> tuple[int, str | None]:
    """(length of the frame at an offset, what is wrong with it)."""
    stream.seek(offset)
    reader = zstandard.ZstdDecompressor().decompressobj()
    fed = 0
    while chunk := stream.read(CHUNK_BYTES):
        fed += len(chunk)
        try:
            reader.decompress(chunk)
        except zstandard.ZstdError as error:
            return 0, f"damaged, {error}"
        if reader.eof:
            return fed - len(reader.unused_data), None
    return 0, f"truncated after {fed} bytes"


def _next_frame(stream: IO[bytes], offset: int) -> int | None:
    """Where the next frame starts, at or after an offset."""
    stream.seek(offset)
    tail = b""
    while chunk := stream.read(CHUNK_BYTES):
        window = tail + chunk
        found = window.find(MAGIC)
        if found >= 0:
            return offset - len(tail) + found
        offset += len(chunk)
        tail = window[-(len(MAGIC) - 1) :]
    return None


def _day_of(file: str) -> date | None:
    """The day under which a file of the store lies; None for files that are not the store's."""
    found = _DAY.search(file)
    if found is None or not file.endswith((SUFFIX, PART_SUFFIX)):
        return None
    try:
        return date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        return None
