"""What a carrier tells about a parcel, in Lanecast's own terms: milestones, events, parcels."""

from __future__ import annotations

import hashlib
from datetime import datetime
from functools import lru_cache
from typing import Literal

import msgspec

MILESTONES: tuple[str, ...] = (
    "registered",
    "info_received",
    "picked_up",
    "in_transit",
    "hub_arrived",
    "hub_departed",
    "export_customs_started",
    "export_cleared",
    "destination_country_arrived",
    "import_customs_started",
    "customs_hold",
    "import_cleared",
    "out_for_delivery",
    "appointment_set",
    "available_for_pickup",
    "failed_attempt",
    "delivered",
    "delayed",
    "damaged",
    "lost",
    "returning",
    "returned",
    "cancelled",
    "destroyed",
    "tracking_expired",
)
"""Canonical milestones, in the order in which a journey usually meets them."""

FINAL_MILESTONES: frozenset[str] = frozenset({"delivered", "lost", "returned", "cancelled", "destroyed"})
"""Milestones that end a journey. `tracking_expired` ends sight of it, not the journey, and is not among them."""

REASONS: dict[str, str] = {
    "customs_documents": "papers or information for customs are missing or wrong",
    "customs_duty": "duties or taxes are to be paid",
    "customs_inspection": "customs inspects the goods",
    "weather": "weather, or an emergency of nature",
    "strike": "a strike or another labour dispute",
    "capacity": "more parcels than the carrier can carry",
    "operational": "a trouble of the carrier's own: late transport, a breakdown",
    "local": "circumstances on the spot, such as a closed road",
    "holiday": "a holiday, or a day on which nobody delivers",
    "security": "a security check, or a ban on the goods or the parties",
    "dangerous_goods": "the contents may not be carried",
    "damage": "the goods are damaged",
    "missent": "sorted or sent the wrong way",
    "address": "the address is wrong, incomplete or changed",
    "access": "the courier could not get to the door or the letterbox",
    "recipient_absent": "nobody was there to take it",
    "recipient_request": "the recipient asked for it",
    "refused": "the recipient did not take it",
    "payment": "a payment to the carrier is missing",
    "unclaimed": "nobody came to collect it",
}
"""Why something happened: the reasons that a carrier's code table may give, and what each means."""

TimeKnowledge = Literal["offset", "utc", "place", "assumed"]
"""How an event's zone was known: told as an offset, told in UTC, taken from the place, or assumed."""


class TrackingEvent(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One scan of one parcel. `local_time` is the carrier's clock as printed, without zone; `occurred_at` is UTC."""

    local_time: datetime
    utc_offset_minutes: int
    tz_known: TimeKnowledge
    occurred_at: datetime
    milestone: str
    code: str | None = None
    description: str | None = None
    reason: str | None = None
    country: str | None = None
    region: str | None = None
    city: str | None = None
    mapped: bool = True
    """False where no code table knows the code; the milestone is then `in_transit` at most."""
    clock_disagrees: bool = False
    """The carrier's own readings of the moment disagree; local time with its offset was believed."""


class Parcel(msgspec.Struct, frozen=True, kw_only=True):
    """One parcel of one answer. `found` is False where the carrier does not know the number (yet)."""

    tracking_number: str
    requested_number: str
    carrier: str | None = None
    """The parcel's own carrier, as a slug, where an aggregator tells it."""
    found: bool = True
    service: str | None = None
    origin_country: str | None = None
    destination_country: str | None = None
    destination_region: str | None = None
    events: list[TrackingEvent] = []


class Unreadable(msgspec.Struct, frozen=True, kw_only=True):
    """A parcel, an event or a whole answer that could not be read, and why. It goes to the quarantine."""

    problem: str
    tracking_number: str | None = None


@lru_cache(maxsize=65536)
def event_hash(source: str, code: str | None, description: str | None) -> int:
    """The part of an event's identity that tells two scans of one minute apart, as a signed 64-bit integer.

    Covers the source and the carrier's code (its text, where there is no code); never the place, which carriers
    rewrite.
    """
    told = "c\x1f" + code if code else "d\x1f" + (description or "")
    return int.from_bytes(hashlib.blake2b(f"{source}\x1f{told}".encode(), digest_size=8).digest(), "big", signed=True)
