"""Files on the web: asked for as they lie there, at the pace that the server asks for, and without a trace of keys."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from lanecast import addresses, web
from lanecast.connections import is_loopback
from lanecast.storefronts.base import StorefrontError

LARGEST_BYTES = 8 * 1024**3
UNKNOWN_VERSION = "read once"
"""The version of an address that tells none: it is not read again until everything is."""
LIMITS = web.Limits(attempts=3, read_timeout=120.0)
pause = time.sleep
# Packed on the way, a file would be read as something else than what lies there. Some servers keep a file in gzip and
# call that its encoding: it is unpacked as any file in gzip is.
_HEADERS = {"Accept-Encoding": "identity"}
_ENCODINGS = frozenset({"", "identity", "gzip", "x-gzip"})


class _Again(Exception):
    """An answer that another attempt may mend: what it was, and the headers that it came with."""

    def __init__(self, problem: str, headers: Mapping[str, str]) -> None:
        super().__init__(problem)
        self.headers = headers


@contextmanager
def fetched(address: str) -> Iterator[tuple[str, str]]:
    """What lies at an address, as a file that is gone after the block, and its version. It is received whole before any
    of it counts. StorefrontError where it can't be had."""
    with tempfile.TemporaryDirectory(prefix="lanecast-storefront-") as folder:
        name = Path(urlsplit(address).path).name or "table"
        target = Path(folder) / name
        version = _fetch(address, target)
        yield str(target), version


def version_at(address: str) -> str | None:
    """The version that an address tells, None where it can't be asked for: then it is read."""
    try:
        with web.quiet(), _client(address) as client:
            answer = client.head(address, headers=_HEADERS)
    except (httpx.HTTPError, httpx.InvalidURL):
        return None
    return _version_of(answer) if answer.status_code == 200 else None


def _client(address: str) -> httpx.Client:
    local = is_loopback(urlsplit(address).hostname or "")
    if address.startswith("http://") and not local:
        raise StorefrontError(f"{addresses.masked(address)} is plain http: use https")
    timeout = httpx.Timeout(LIMITS.read_timeout, connect=LIMITS.connect_timeout)
    return httpx.Client(verify=True, trust_env=not local, timeout=timeout, follow_redirects=False)


def _version_of(answer: httpx.Response) -> str:
    return answer.headers.get("etag") or answer.headers.get("last-modified") or UNKNOWN_VERSION


def _fetch(address: str, target: Path) -> str:
    attempt = 0
    while True:
        try:
            return _received(address, target)
        except (_Again, httpx.TransportError) as error:
            attempt += 1
            problem, headers = str(error), error.headers if isinstance(error, _Again) else {}
            if isinstance(error, httpx.TransportError):
                problem = web.described(error, LIMITS)
            if attempt >= LIMITS.attempts:
                raise _failed(address, problem) from None
            pause(web.wait_before(attempt, headers, LIMITS))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _failed(address, web.described(error, LIMITS)) from None


def _failed(address: str, problem: str) -> StorefrontError:
    return StorefrontError(f"{addresses.masked(address)} can't be fetched: {addresses.scrubbed(problem)}")


def _received(address: str, target: Path) -> str:
    with (
        web.quiet(),
        _client(address) as client,
        client.stream("GET", address, headers=_HEADERS) as answer,
        target.open("wb") as out,
    ):
        if answer.status_code in web.RETRIED_STATUSES:
            raise _Again(f"HTTP {answer.status_code}", dict(answer.headers))
        if answer.status_code != 200:
            raise _failed(address, f"HTTP {answer.status_code}")
        encoding = answer.headers.get("content-encoding", "").strip().lower()
        if encoding not in _ENCODINGS:
            raise _failed(address, f"it comes packed as {encoding!r} though it was asked for as it lies there")
        size = 0
        for chunk in answer.iter_raw():
            size += len(chunk)
            if size > LARGEST_BYTES:
                raise StorefrontError(f"{addresses.masked(address)} is larger than {LARGEST_BYTES} bytes")
            out.write(chunk)
        return _version_of(answer)
