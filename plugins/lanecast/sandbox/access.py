"""Who may ask, and how often: client credentials, tokens that expire, a rate limit per carrier's account."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Callable, Mapping

from lanecast.sandbox.description import Carrier as CarrierDescription

SANDBOX_SECRET = "sandbox-secret"  # noqa: S105 - the stand-in's published password, not a secret


def login_of(carrier: str) -> str:
    """The client id that a carrier's stand-in accepts; the password is SANDBOX_SECRET."""
    return f"sandbox-{carrier}"


def is_client(carrier: str, login: object, password: object) -> bool:
    """Whether these are the credentials of a carrier's account."""
    return login == login_of(carrier) and password == SANDBOX_SECRET


def basic_credentials(header: str) -> tuple[str, str]:
    """Login and password of an HTTP Basic header; two empty texts where it is none."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        login, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return login, password


class Access:
    """Tokens and rate limits. Tokens are signed, so they outlive a restart of the sandbox."""

    def __init__(self, described: Mapping[str, CarrierDescription], token_seconds: float | None = None) -> None:
        """`token_seconds` overrides the description's token_minutes of every carrier."""
        self._seconds = {
            code: carrier.token_minutes * 60 if token_seconds is None else token_seconds
            for code, carrier in described.items()
        }
        self._buckets = {code: Bucket(carrier.requests_per_second) for code, carrier in described.items()}

    def token(self, carrier: str) -> tuple[str, int]:
        """A new token and the seconds until it expires."""
        seconds = self._seconds[carrier]
        expires = f"{time.time() + seconds:.3f}"
        return f"{carrier}~{expires}~{_signature(carrier, expires)}", int(seconds)

    def accepts(self, carrier: str, token: str) -> bool:
        """Whether a token is one of this carrier's that has not expired."""
        parts = token.split("~")
        if len(parts) != 3 or parts[0] != carrier:
            return False
        genuine = hmac.compare_digest(parts[2].encode(), _signature(carrier, parts[1]).encode())
        return genuine and float(parts[1]) > time.time()

    def wait(self, carrier: str) -> float:
        """Count one request; 0 where it may pass, else the seconds until one may."""
        return self._buckets[carrier].take()


class Bucket:
    """A token bucket that holds one second's worth of requests."""

    def __init__(self, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        """`per_second` above 0."""
        self._rate = per_second
        self._room = max(per_second, 1.0)
        self._level = self._room
        self._clock = clock
        self._at = clock()

    def take(self) -> float:
        """Take one; 0 where there was one, else the seconds until there is."""
        now = self._clock()
        self._level = min(self._room, self._level + (now - self._at) * self._rate)
        self._at = now
        if self._level >= 1:
            self._level -= 1
            return 0.0
        return (1 - self._level) / self._rate


def _signature(carrier: str, expires: str) -> str:
    return hmac.new(SANDBOX_SECRET.encode(), f"{carrier}~{expires}".encode(), hashlib.sha256).hexdigest()[:32]
