"""An order of a shop: its lines, its parcel, what happened to it afterwards. Times are whole seconds since 1970 UTC."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

import msgspec

from lanecast.sandbox.network import Place
from lanecast.sandbox.shop.description import StorefrontKind

FIRST_DAY = 18262  # 2020-01-01, in days since 1970
_PER_DAY = 10_000
_PER_ORDER = 100
_EPOCH = date(1970, 1, 1)


class Line(NamedTuple):
    """A line as it was bought: `product` by number, `price` of one in hundredths; `removed_at`: it was taken out."""

    id: int
    product: int
    quantity: int
    price: int
    removed_at: int | None = None


class Refund(NamedTuple):
    """A refund: (place of the line from 0, quantity) of each line that it covers."""

    id: int
    at: int
    lines: tuple[tuple[int, int], ...]


class Parcel(NamedTuple):
    """How an order travelled. `number` is the tracking number; an order that was cancelled has none."""

    carrier: str
    service_code: str
    number: str
    shipped_at: int
    delivered_at: int | None
    promised_at: int | None
    finished_at: int

    @property
    def is_late(self) -> bool:
        """Whether it reached the door after the promise; False where nothing was promised, or it never arrived."""
        return self.promised_at is not None and self.delivered_at is not None and self.delivered_at > self.promised_at


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """An order as it will have been. `customer` is a number, None a guest; `edited_at` are changes that change nothing
    else that is told."""

    id: int
    order_id: str
    kind: StorefrontKind
    origin: str
    place: Place
    customer: int | None
    group: int
    ordered_at: int
    lines: tuple[Line, ...]
    parcel: Parcel | None
    cancelled_at: int | None = None
    trashed_at: int | None = None
    edited_at: tuple[int, ...] = ()
    refunds: tuple[Refund, ...] = ()

    def changed_at(self, at: int) -> int:
        """When the shop last changed it, as seen at a time."""
        return max(time for time in self.changes() if time <= at)

    def changes(self) -> list[int]:
        """Every time at which the shop changes it."""
        found = [self.ordered_at, *self.edited_at, *(refund.at for refund in self.refunds)]
        found.extend(line.removed_at for line in self.lines if line.removed_at is not None)
        if self.trashed_at is not None:
            found.append(self.trashed_at)
        if self.cancelled_at is not None:
            found.append(self.cancelled_at)
        elif self.parcel is not None:
            found.append(self.parcel.shipped_at)
        return found

    def refunds_at(self, at: int) -> list[Refund]:
        """The refunds known at a time, oldest first."""
        return sorted((refund for refund in self.refunds if refund.at <= at), key=lambda refund: (refund.at, refund.id))

    def is_cancelled(self, at: int) -> bool:
        """Whether it is cancelled at a time."""
        return self.cancelled_at is not None and self.cancelled_at <= at

    def is_trashed(self, at: int) -> bool:
        """Whether it is in the trash at a time."""
        return self.trashed_at is not None and self.trashed_at <= at

    def is_shipped(self, at: int) -> bool:
        """Whether the carrier has it at a time."""
        return self.parcel is not None and self.parcel.shipped_at <= at and not self.is_cancelled(at)

    def quantity_left(self, place: int, at: int) -> int:
        """How much of a line is left at a time: after removal and refunds."""
        line = self.lines[place]
        if line.removed_at is not None and line.removed_at <= at:
            return 0
        return line.quantity - sum(
            quantity for refund in self.refunds_at(at) for one, quantity in refund.lines if one == place
        )

    def is_refunded(self, at: int) -> bool:
        """Whether nothing of it is left, by refunds, at a time."""
        return bool(self.refunds_at(at)) and not any(self.quantity_left(place, at) for place in range(len(self.lines)))

    def part_id(self, number: int) -> int:
        """The shop's id of a line, refund or fulfilment of this order, by number from 0 to 99."""
        return self.id * _PER_ORDER + number


def shop_id(day: int, index: int) -> int:
    """The shop's id of an order, by its day since 1970 and its place within the day."""
    return (day - FIRST_DAY) * _PER_DAY + index + 1


def place_of(order: int) -> tuple[int, int]:
    """Day since 1970 and place within the day of an order's id."""
    day, place = divmod(order - 1, _PER_DAY)
    return day + FIRST_DAY, place


def order_of_part(part: int) -> tuple[int, int]:
    """An order's id and the number within it, of a line's, refund's or fulfilment's id."""
    return divmod(part, _PER_ORDER)


def id_of_name(order_id: str) -> int | None:
    """The shop's id of an order, by what the shop prints (YYMMDD-NNNN); None for any other text."""
    day, _, place = order_id.partition("-")
    if not (len(day) == 6 and day.isdigit() and place.isdigit() and int(place) > 0):
        return None
    try:
        on = date(2000 + int(day[:2]), int(day[2:4]), int(day[4:]))
    except ValueError:
        return None
    return shop_id((on - _EPOCH).days, int(place) - 1)
