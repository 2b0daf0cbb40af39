"""A shipment of the simulated world and the truth about it. Times are whole seconds since 1970 UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache

import msgspec

from lanecast.sandbox.journey import MILESTONE_OF, Scan
from lanecast.sandbox.network import Place
from lanecast.sandbox.tracking_numbers import tracking_number
from lanecast.tracking import FINAL_MILESTONES


class Truth(msgspec.Struct, frozen=True, kw_only=True):
    """What really happens to a shipment. `outcome` is its final milestone; times are UTC."""

    order_id: str
    carrier: str
    tracking_number: str
    service: str
    origin_country: str
    origin_region: str
    destination_country: str
    destination_region: str
    ordered_at: datetime
    shipped_at: datetime
    delivered_at: datetime | None
    promised_at: datetime | None
    finished_at: datetime
    outcome: str


class Shipment:
    """An order on its way, in one or several pieces. `scans` are those of the first piece, oldest first."""

    __slots__ = (
        "carrier",
        "day",
        "destination",
        "index",
        "number",
        "order_id",
        "ordered_at",
        "origin",
        "pieces",
        "promised_at",
        "scans",
        "seed",
        "service",
        "service_code",
    )

    def __init__(
        self,
        *,
        order_id: str,
        seed: int,
        day: int,
        index: int,
        carrier: str,
        service_code: str,
        service: str,
        number: str,
        pieces: int,
        origin: Place,
        destination: Place,
        ordered_at: int,
        promised_at: int | None,
        scans: list[Scan],
    ) -> None:
        """`scans` end with the one that ends the journey."""
        self.order_id = order_id
        self.seed = seed
        self.day = day
        self.index = index
        self.carrier = carrier
        self.service_code = service_code
        self.service = service
        self.number = number
        self.pieces = pieces
        self.origin = origin
        self.destination = destination
        self.ordered_at = ordered_at
        self.promised_at = promised_at
        self.scans = scans

    @property
    def shipped_at(self) -> int:
        """When the carrier took it: its second scan."""
        return self.scans[1].instant

    @property
    def delivered_at(self) -> int | None:
        """When it reached the door, or None where it never does."""
        return self.scans[-1].instant if self.scans[-1].kind == "delivered" else None

    @property
    def finished_at(self) -> int:
        """When its journey ends."""
        return self.scans[-1].instant

    def piece_number(self, piece: int) -> str:
        """The tracking number of a piece; carriers with one number per shipment give that for piece 0 only."""
        if piece == 0:
            return self.number
        if not _numbers_pieces(self.carrier):
            raise ValueError(f"{self.carrier} has no tracking numbers of pieces")
        return tracking_number(self.seed, self.carrier, self.service_code, self.day, self.index, piece)

    def scans_until(self, now: int, piece: int = 0) -> list[Scan]:
        """The scans of a piece up to `now`, oldest first; the pieces follow each other by a minute."""
        if piece == 0:
            return [scan for scan in self.scans if scan.instant <= now]
        return [
            scan._replace(instant=scan.instant + 60 * piece) for scan in self.scans if scan.instant + 60 * piece <= now
        ]

    def truth(self) -> Truth:
        """All of it as it will have been."""
        return Truth(
            order_id=self.order_id,
            carrier=self.carrier,
            tracking_number=self.number,
            service=self.service,
            origin_country=self.origin.country,
            origin_region=self.origin.iso_region,
            destination_country=self.destination.country,
            destination_region=self.destination.iso_region,
            ordered_at=moment(self.ordered_at),
            shipped_at=moment(self.shipped_at),
            delivered_at=None if self.delivered_at is None else moment(self.delivered_at),
            promised_at=None if self.promised_at is None else moment(self.promised_at),
            finished_at=moment(self.finished_at),
            outcome=_outcome(self.scans[-1].kind),
        )


def moment(seconds: int) -> datetime:
    """Seconds since 1970 as a UTC time."""
    return datetime.fromtimestamp(seconds, UTC)


@cache
def _numbers_pieces(carrier: str) -> bool:
    from lanecast.sandbox.wire import stand_in  # the stand-ins tell of shipments

    return stand_in(carrier).numbers_pieces


def _outcome(kind: str) -> str:
    milestone = MILESTONE_OF[kind]
    if milestone not in FINAL_MILESTONES:
        raise ValueError(f"a journey ends with {kind}, which ends none")
    return milestone
