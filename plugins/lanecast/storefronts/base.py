"""What every shop's adapter is: how a page is asked for, what it holds, what follows it, what its records say."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, ClassVar, Literal, NamedTuple

import msgspec

from lanecast.carriers.base import RequestSpec

Stream = Literal["products", "orders", "interactions", "shipments"]
Part = Literal["records", "rest", "ids", "count"]
"""A page of records, the rest of one record (its further lines, its refunds), a list of ids, or a count."""

API_STREAMS: tuple[Stream, ...] = ("products", "orders")


class StorefrontError(RuntimeError):
    """A source can't be read now: what it loaded stands, its watermark stays, and the next run reads it again."""


class ShopRefused(StorefrontError):
    """The shop refuses the account: its connection has to be put right."""


class StreamsUnread(StorefrontError):
    """Streams of a source could not be read; those that could are loaded."""


class PageBroken(StorefrontError):
    """A page is not what its source promises: no JSON, or members missing that tell how to go on."""


class PagesContradict(PageBroken):
    """Pages go in circles or without end: none of them can be gone on from."""


class Incomplete(StorefrontError):
    """The source holds more than came: its watermark stays where it is."""


class SourceAccount(msgspec.Struct, frozen=True, kw_only=True):
    """Where and as whom a source is asked. `password` is an access token or a consumer secret."""

    source: str
    connection: str
    base_url: str
    login: str = ""
    password: str = ""
    is_sandbox: bool = False
    extra: dict[str, Any] = {}

    def __repr__(self) -> str:
        return f"SourceAccount(source={self.source!r}, base_url={self.base_url!r}, is_sandbox={self.is_sandbox})"


class Window(NamedTuple):
    """What is read of a stream: what changed at `since` or later; everything where that is None."""

    stream: Stream
    since: datetime | None = None


class Step(NamedTuple):
    """One page to be asked for: what its adapter needs to know of it, as JSON."""

    part: Part
    state: dict[str, Any]


class Seen(NamedTuple):
    """A record on a page: its id, and when the shop last changed it; `changed_at` is None where that can't be read."""

    record_id: str
    changed_at: datetime | None


class Facts(NamedTuple):
    """What a page holds, what its records still lack, and what follows it."""

    seen: list[Seen]
    next: Step | None = None
    rest: tuple[Step, ...] = ()
    told: int | None = None
    """How many records there are, where each page tells."""
    left_out: int = 0
    """How many records the page counts and does not show: the shop can't show them."""


class Trouble(NamedTuple):
    """Why an answer with status 200 is none: asked too often (wait so many seconds), too much at once, or an error."""

    kind: Literal["throttled", "too much", "failed"]
    problem: str
    wait: float = 0.0


class Line(NamedTuple):
    """A purchase (quantity above 0) or return (below 0) of an order; values as staged, what can't be read in words."""

    product_id: str | None
    quantity: str | None
    unit_price: str | None
    occurred_at: str | None = None
    unreadable: str | None = None


class ParcelTold(NamedTuple):
    """A parcel that a shop has given a tracking number; `company` in the shop's words."""

    company: str | None
    number: str


class OrderTold(NamedTuple):
    """An order as a shop tells it. `customer` is the shop's own id. Times are ISO 8601 in UTC."""

    order_id: str | None
    customer: str | None = None
    ordered_at: str | None = None
    status: str | None = None
    currency: str | None = None
    country: str | None = None
    region: str | None = None
    cancelled_at: str | None = None
    changed_at: str | None = None
    lines: tuple[Line, ...] = ()
    parcels: tuple[ParcelTold, ...] = ()
    unreadable: str | None = None
    is_whole: bool = True
    is_test: bool = False
    """Nobody ordered: the shop tried its payments out."""


class ProductTold(NamedTuple):
    """A product as a shop tells it."""

    product_id: str | None
    title: str | None = None
    category: str | None = None
    unit_price: str | None = None
    currency: str | None = None
    is_available: bool | None = None
    stock_quantity: str | None = None
    published_at: str | None = None
    changed_at: str | None = None
    unreadable: str | None = None


class Page(NamedTuple):
    """A stored page: how it was asked for, and what came."""

    step: Step
    body: bytes
    headers: Mapping[str, str] = {}


class ShopAdapter(ABC):
    """One kind of shop's wire format. Stateless: one instance serves all shops of the kind."""

    kind: ClassVar[str]

    @abstractmethod
    def authorization(self, account: SourceAccount) -> Mapping[str, str]:
        """The headers that prove who asks."""

    @abstractmethod
    def first(self, window: Window, account: SourceAccount) -> Step:
        """The first page of records of a window."""

    @abstractmethod
    def listing(self, account: SourceAccount) -> Step:
        """The first page of the ids of all products that the shop has."""

    @abstractmethod
    def counts(self, window: Window, before: datetime | None = None) -> tuple[Step, ...]:
        """The questions how many records a window holds, of those changed before a time where one is given: the sum of
        their answers."""

    @abstractmethod
    def spec(self, step: Step) -> RequestSpec:
        """The request for a page."""

    def trouble(self, step: Step, body: bytes) -> Trouble | None:
        """What is wrong with an answer whose status says that all is well. Never raises."""
        return None

    def pause(self, body: bytes) -> float:
        """Seconds to wait after an answer, so that the next request is not refused. Never raises."""
        return 0.0

    def smaller(self, step: Step) -> Step | None:
        """The same page with fewer records, None where it can't be smaller."""
        return None

    @abstractmethod
    def keep(self, step: Step) -> Any:
        """Which members of an answer may be stored (see lanecast.storefronts.keeping): no personal data."""

    @abstractmethod
    def read_count(self, body: bytes, headers: Mapping[str, str]) -> int | None:
        """The count in the answer to one of `counts`; None where it tells none."""

    @abstractmethod
    def facts(self, page: Page) -> Facts:
        """What a page holds and what follows it. PageBroken where it does not tell."""

    @abstractmethod
    def orders(self, page: Page, rest: Iterable[Page]) -> Iterator[OrderTold]:
        """The orders of a page, in its order, one for each of `facts(page).seen`; never raises for any bytes that
        `facts` takes."""

    @abstractmethod
    def products(self, page: Page) -> Iterator[ProductTold]:
        """The products of a page, as `orders`."""
