"""Keeps secrets out of what is stored and shown, however a carrier echoes them."""

from __future__ import annotations

import base64
import html
import json
import re
import zlib
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

SHORTEST_SECRET = 6
"""Shorter secrets are not masked: masking them would tear up bodies that hold these letters by chance."""
MASK = b"***"

_ESCAPE = re.compile(r"%[0-9A-F]{2}")
_SECRET_NAME = re.compile(
    r"authori[sz]ation|api[-_]?key|token|secret|password|signature|credential|(?:^|[-_])key$", re.IGNORECASE
)
_WINDOWS = (47, -15)  # gzip or zlib, and deflate without a head
_PIECE = 1024 * 1024


def is_secret(name: str) -> bool:
    """Whether a header or a setting of that name holds a secret."""
    return _SECRET_NAME.search(name) is not None


class Secrets:
    """The secrets of one account: password, tokens, HTTP Basic; learnt as they are used."""

    def __init__(self, *texts: str) -> None:
        self._known: set[str] = set()
        self._texts: list[str] = []
        self._bytes: list[bytes] = []
        for text in texts:
            self.learn(text)

    def learn(self, text: str | None) -> None:
        """Masks a text from now on; one of fewer than SHORTEST_SECRET characters is left alone."""
        if text is None or text in self._known or len(text) < SHORTEST_SECRET:
            return
        self._known.add(text)
        # The longest first: a form that is part of another must not leave the rest of that one behind.
        self._texts = sorted({*self._texts, *_forms(text)}, key=lambda form: (-len(form), form))
        self._bytes = [form.encode("utf-8", "surrogatepass") for form in self._texts]

    def masked(self, text: str) -> str:
        """A text without them."""
        for form in self._texts:
            text = text.replace(form, MASK.decode())
        return text

    def without(self, body: bytes, is_cut: bool = False) -> bytes:
        """A body without them, and the same object where it holds none; `is_cut`: its end may be half a secret."""
        for form in self._bytes:
            body = body.replace(form, MASK)
        if is_cut:
            for form in self._bytes:
                for length in range(min(len(form) - 1, len(body)), SHORTEST_SECRET - 1, -1):
                    if body.endswith(form[:length]):
                        return body[:-length] + MASK
        return body

    def are_packed_in(self, body: bytes, limit: int) -> bool:
        """Whether a packed body holds one of them in what can be unpacked of it, up to `limit` bytes."""
        return any(self._are_in_stream(body, window, limit) for window in _WINDOWS)

    def _are_in_stream(self, body: bytes, window: int, limit: int) -> bool:
        reader = zlib.decompressobj(window)
        longest = max(map(len, self._bytes), default=0)
        tail = b""
        seen = 0
        try:
            while body and seen < limit and (piece := reader.decompress(body, _PIECE)):
                seen += len(piece)
                piece = tail + piece
                if any(form in piece for form in self._bytes):
                    return True
                tail, body = piece[-longest:], reader.unconsumed_tail
        except zlib.error:
            # What came before the break is handed out a little at a time.
            return seen == 0 and self._are_in_start(body, window)
        return False

    def _are_in_start(self, body: bytes, window: int) -> bool:
        reader = zlib.decompressobj(window)
        plain = bytearray()
        try:
            for start in range(0, min(len(body), _PIECE), 64):
                plain += reader.decompress(body[start : start + 64], _PIECE)
        except zlib.error:
            pass
        return any(form in plain for form in self._bytes)


def _forms(text: str) -> Iterator[str]:
    """A text as it stands in a URL, a form, JSON, HTML, a Python message or Base64."""
    raw = text.encode("utf-8", "surrogatepass")
    for form in (
        text,
        quote(raw, safe=""),
        quote(raw),
        quote_plus(raw),
        json.dumps(text)[1:-1],
        json.dumps(text, ensure_ascii=False)[1:-1],
        json.dumps(text)[1:-1].replace("/", "\\/"),
        html.escape(text),
        html.escape(text, quote=False),
        repr(text)[1:-1],
        # Without its padding, so that it is found with and without.
        base64.b64encode(raw).decode().rstrip("="),
        base64.urlsafe_b64encode(raw).decode().rstrip("="),
    ):
        if len(form) >= SHORTEST_SECRET:
            yield form
            if "%" in form:
                yield _ESCAPE.sub(lambda found: found[0].lower(), form)
