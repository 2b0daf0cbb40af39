"""Bodies as they travel: gzip and deflate, unpacked within a limit."""

from __future__ import annotations

import zlib

_WINDOW = {"gzip": 31, "x-gzip": 31, "deflate": 15}


class BodyError(ValueError):
    """A body's encoding is broken, unknown, or unpacks to more than the limit. The packed bytes are still there."""


def decode_body(body: bytes, encoding: str, limit: int) -> bytes:
    """A body without its Content-Encoding, at most `limit` bytes. BodyError if that cannot be had."""
    for name in reversed([part.strip().lower() for part in encoding.split(",") if part.strip()]):
        if name == "identity":
            continue
        if name not in _WINDOW:
            raise BodyError(f"content encoding {name!r} is not known; the bytes are kept as they came")
        body = _inflate(body, name, limit)
    return body


def _inflate(body: bytes, name: str, limit: int) -> bytes:
    reader = zlib.decompressobj(_WINDOW[name])
    try:
        plain = reader.decompress(body, limit + 1)
    except zlib.error as error:
        raise BodyError(f"content encoding {name} is broken: {error}; the bytes are kept as they came") from None
    if len(plain) > limit:
        raise BodyError(f"the body unpacks to more than {limit} bytes; the bytes are kept as they came")
    if not reader.eof:
        raise BodyError(f"content encoding {name} is broken: it ends too early; the bytes are kept as they came")
    return plain
