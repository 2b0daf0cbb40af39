"""Files as byte streams: local paths and fsspec URLs, gzip by its magic bytes, what is odd noted on the way."""

from __future__ import annotations

import codecs
import io
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from lanecast.files.errors import FileError

Progress = Callable[[int, int | None], None]
"""Called with bytes read and bytes in all (None where that is unknown)."""

GZIP_MAGIC = b"\x1f\x8b"
HEAD_BYTES = 1 << 16
_CHUNK = 1 << 16


def is_url(path: str) -> bool:
    """Whether `path` is an fsspec URL (`s3://…`) and not a local path."""
    return "://" in path


def file_name(path: str) -> str:
    """The last part of a path or URL, for messages."""
    return path.rstrip("/").rsplit("/", 1)[-1]


def open_binary(path: str) -> tuple[IO[bytes], int | None]:
    """The file, opened to read bytes, seekable, and its size. Raises FileError where that can't be done."""
    try:
        if is_url(path):
            import fsspec

            system, inner = fsspec.core.url_to_fs(path)
            opened: IO[bytes] = system.open(inner, "rb")
            size: int | None = getattr(opened, "size", None)
            return opened, size
        local = Path(path)
        if local.is_dir():
            raise FileError(f"{path} is a folder: name a file, or a mapping that says which of its files to read")
        return local.open("rb"), local.stat().st_size
    except FileNotFoundError:
        raise FileError(f"{path} does not exist: check the path") from None
    except PermissionError:
        raise FileError(f"{path} may not be read by this user: check its permissions") from None
    except (ImportError, ValueError, OSError) as error:
        if isinstance(error, FileError):
            raise
        raise FileError(f"{path} can't be opened: {error}") from None


class Gunzip:
    """Decompressed bytes of a gzip stream (several members too). Damage ends the stream and is noted in `broken`.

    Every byte that can be had before the damage is delivered. Memory: two chunks, whatever the compression ratio.
    """

    def __init__(self, raw: Callable[[int], bytes]) -> None:
        self._raw = raw
        self._waiting = b""
        self._inflate = zlib.decompressobj(31)
        self._done = False
        self.broken: str | None = None

    def read(self, size: int) -> bytes:
        """At most `size` bytes; none at the end."""
        while not (self.broken or self._done):
            if self._inflate.eof and not self._next_member():
                return b""
            given = self._waiting or self._raw(_CHUNK)
            if not given:
                self.broken = "compressed data ends early"
                return b""
            before = self._inflate.copy()
            try:
                got = self._inflate.decompress(given, size)
                self._waiting = self._inflate.unconsumed_tail
            except zlib.error as error:
                got = _salvage(before, given)
                self.broken = f"compressed data is damaged, and ends early ({error})"
            if got:
                return got
        return b""

    def _next_member(self) -> bool:
        rest = self._inflate.unused_data.lstrip(b"\0")
        while len(rest) < 2 and (more := self._raw(_CHUNK)):
            rest = (rest + more).lstrip(b"\0")
        if not rest:
            self._done = True
            return False
        if not rest.startswith(GZIP_MAGIC):
            self.broken = "compressed data ends early (what follows it is not gzip)"
            return False
        self._inflate, self._waiting = zlib.decompressobj(31), rest
        return True


def _salvage(inflate: Any, given: bytes) -> bytes:
    got = bytearray()
    try:
        for position in range(len(given)):
            got += inflate.decompress(given[position : position + 1])
    except zlib.error:
        pass
    return bytes(got)


class Source(io.RawIOBase):
    """A file's content as a raw stream: unpacked, its bytes counted, and what is odd in it noted.

    `suspicious` turns True before the first row that may hold a NUL or bytes that are not UTF-8 is delivered, so that
    clean files pay nothing for the check. `broken` says why the content ends before its end.
    """

    def __init__(self, path: str, progress: Progress | None = None) -> None:
        self.path = path
        self.name = file_name(path)
        self._file, self.size = open_binary(path)
        self._progress = progress
        self._read_bytes = 0
        self.suspicious = False
        self._broken: str | None = None
        self._check = codecs.getincrementaldecoder("utf-8")("strict")
        self._unfinished = False
        packed = self._file.read(HEAD_BYTES)
        self._file.seek(0)
        self.compressed = packed.startswith(GZIP_MAGIC)
        self._gunzip = Gunzip(self._raw) if self.compressed else None
        self.head = packed
        if self.compressed:
            unpacked = Gunzip(io.BytesIO(packed).read)
            self.head = unpacked.read(HEAD_BYTES)
            if not self.head and unpacked.broken:
                self._file.close()
                raise FileError(f"{self.name} can't be unpacked: {unpacked.broken}: fetch it again")
        if not self.head and self._gunzip is None:
            self._file.close()
            raise FileError(f"{self.name} is empty: there is no header and no row in it")

    @property
    def broken(self) -> str | None:
        """Why the content ends early, or None."""
        return self._broken or (self._gunzip.broken if self._gunzip else None)

    @property
    def file(self) -> IO[bytes]:
        """The file itself, for formats that need to seek."""
        return self._file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        wanted = len(buffer)
        chunk = self._gunzip.read(wanted) if self._gunzip else self._raw(wanted)
        buffer[: len(chunk)] = chunk
        if not self.suspicious:
            self._inspect(chunk)
        return len(chunk)

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()

    def report(self, done: int) -> None:
        """Tells the progress, in bytes of the file as it lies there."""
        if self._progress is not None:
            self._progress(done, self.size)

    def _raw(self, size: int) -> bytes:
        try:
            chunk = self._file.read(size)
        except OSError as error:
            self._broken = f"reading stopped early ({error})"
            return b""
        self._read_bytes += len(chunk)
        self.report(self._read_bytes)
        return chunk

    def _inspect(self, chunk: bytes) -> None:
        if b"\0" in chunk:
            self.suspicious = True
        elif self._unfinished or not chunk.isascii():
            try:
                self._check.decode(chunk, final=not chunk)
            except UnicodeDecodeError:
                self.suspicious = True
            else:
                self._unfinished = bool(self._check.getstate()[0])
