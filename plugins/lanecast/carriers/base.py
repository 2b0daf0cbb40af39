"""What every carrier adapter is: how to authenticate, how to ask, and what an answer tells of parcels."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Literal, NamedTuple
from urllib.parse import quote

import msgspec

from lanecast.tracking import Parcel, Unreadable
from lanecast.web import RequestSpec

NOT_ASKED = "not asked: "
"""How the error of an answer begins for which no call was made: its parcels stay due."""

Parsed = Parcel | Unreadable


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """Where and as whom a carrier is asked. `login` is a client id; `password` a client secret or an API key."""

    carrier: str
    base_url: str
    login: str
    password: str
    is_sandbox: bool = False
    extra: dict[str, Any] = {}

    def __repr__(self) -> str:
        return f"Account(carrier={self.carrier!r}, base_url={self.base_url!r}, is_sandbox={self.is_sandbox})"


def in_path(number: str) -> str:
    """A tracking number as one path segment: blanks around it removed, everything else escaped."""
    return quote(number.strip(), safe="")


class Wanted(NamedTuple):
    """A parcel asked for: its number, its carrier (for an aggregator), and when this source last told of it."""

    number: str
    carrier: str | None = None
    since: datetime | None = None


class FollowUp(NamedTuple):
    """A request that an answer calls for, such as its next page, and the parcels that it is about."""

    spec: RequestSpec
    wanted: tuple[Wanted, ...]


class Token(msgspec.Struct, frozen=True):
    """An access token and the seconds that it holds."""

    access_token: str
    expires_in: float = 3600.0


Verdict = Literal["token refused", "answered"]


class Adapter(ABC):
    """One carrier's wire format. Stateless: one instance serves all requests."""

    name: ClassVar[str]
    numbers_per_request: ClassVar[int] = 1
    tells_changes: ClassVar[bool] = False
    """Whether a request may ask for what changed since an earlier one: an answer's silence then means no news."""

    def token_request(self, account: Account) -> RequestSpec | None:
        """The request for an access token, None where the carrier takes none."""
        return None

    def read_token(self, body: bytes, headers: Mapping[str, str]) -> Token:
        """The token in the answer to `token_request`: OAuth2's, by default. MsgspecError if it has none."""
        return msgspec.json.decode(body, type=Token, strict=False)

    def authorization(self, account: Account, token: str | None) -> Mapping[str, str]:
        """The headers that prove who asks; none where the request's body does."""
        return {}

    @abstractmethod
    def build(self, account: Account, wanted: Sequence[Wanted], token: str | None) -> RequestSpec:
        """The request for at most `numbers_per_request` parcels. `token` is for those that want it in the body."""

    def follow_ups(self, account: Account, wanted: Sequence[Wanted], spec: RequestSpec, body: bytes) -> list[FollowUp]:
        """What an answer (status below 300) calls for: its next page, numbers to be registered. Never raises."""
        return []

    def verdict(self, status: int, body: bytes) -> Verdict | None:
        """What a body says against its status (one of http.RETRIED_STATUSES); None lets the status stand. Never raises.

        SOAP services send their own errors as faults with status 500: these are answers, and asking again is in vain.
        """
        return None

    @abstractmethod
    def parse(self, body: bytes, requested: Sequence[str]) -> Iterator[Parsed]:
        """The parcels of one answer; what cannot be read is yielded as Unreadable. Never raises for any bytes."""
