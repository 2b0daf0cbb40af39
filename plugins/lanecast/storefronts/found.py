"""Files that a path or pattern finds, each with its version, and whether somebody is still writing them."""

from __future__ import annotations

import glob
import time
from pathlib import Path
from typing import NamedTuple

from lanecast import addresses
from lanecast.files.streams import is_url
from lanecast.storefronts.base import StorefrontError

UNTOUCHED_SECONDS = 60.0
"""A local file that was changed more lately than this may be half of what it is going to be."""


class Found(NamedTuple):
    """A file: its version is its size and time, or the tag that an object store gives it. Times in seconds since 1970,
    sizes in bytes, None where nobody tells."""

    path: str
    version: str
    size: int | None = None
    changed_at: float | None = None

    @property
    def is_settled(self) -> bool:
        """Whether nobody has changed it of late. An object store shows whole objects alone."""
        return self.changed_at is None or abs(time.time() - self.changed_at) >= UNTOUCHED_SECONDS

    @property
    def is_same(self) -> bool:
        """Whether it is as it was when it was found."""
        if self.changed_at is None:
            return True
        try:
            return _local(self.path) == self
        except OSError:
            return False


def matches(pattern: str) -> list[Found]:
    """The files that a path, a glob pattern or an address of an object store finds, in order. StorefrontError where it
    can't be looked at, or names one file that is not there."""
    if not is_url(pattern):
        paths = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 - Path's own takes no absolute patterns
        if not paths and not glob.has_magic(pattern):
            raise StorefrontError(f"{pattern} does not exist")
        return [_local(path) for path in paths if Path(path).is_file()]
    import fsspec

    protocol = pattern.partition("://")[0]
    try:
        system, inner = fsspec.core.url_to_fs(pattern)
        names = sorted(system.glob(inner)) if glob.has_magic(inner) else [inner]
        infos = [(name, system.info(name)) for name in names]
    except (OSError, ValueError, ImportError) as error:
        raise StorefrontError(f"{addresses.masked(pattern)} can't be read: {error}") from None
    return [
        Found(f"{protocol}://{str(name).lstrip('/') if protocol != 'file' else name}", _version(info), _size(info))
        for name, info in infos
        if info.get("type") != "directory"
    ]


def _local(path: str) -> Found:
    told = Path(path).stat()
    return Found(path, f"{told.st_size} {told.st_mtime_ns}", told.st_size, told.st_mtime)


def _size(info: dict[str, object]) -> int | None:
    size = info.get("size")
    return size if isinstance(size, int) else None


def _version(info: dict[str, object]) -> str:
    tags = ("ETag", "etag", "md5", "mtime", "LastModified", "updated", "created")
    tag = next((str(info[name]) for name in tags if info.get(name) is not None), "")
    return f"{info.get('size')} {tag}".strip()
