"""From what an adapter has read of one scan to a tracking event: its clock, its meaning, its place."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

import msgspec

from lanecast.carriers.answer import Text, line_of, moment_of, text_of
from lanecast.carriers.clocks import WIDEST_OFFSET_MINUTES, in_zone, settle, split
from lanecast.carriers.places import Place
from lanecast.carriers.status import CUSTOMS, UNKNOWN, Status, resolve_customs, status_table
from lanecast.tracking import TimeKnowledge, TrackingEvent

TURNED = frozenset({"returning", "returned"})
"""Milestones of a parcel on its way back to the sender."""


class Clock(NamedTuple):
    """A scan's time: the carrier's clock reading, UTC, the offset in minutes, and how the offset is known."""

    local: datetime
    utc: datetime
    minutes: int
    known: TimeKnowledge


class Ends(NamedTuple):
    """The countries that a parcel goes from and to, as far as they are told (ISO 3166-1 alpha-2)."""

    origin: str | None = None
    destination: str | None = None


def read_clock(printed: Text | datetime, place: Place, *, z_is_utc: bool = False) -> Clock | None:
    """A printed time (ISO 8601); None if it cannot be read. A numeric offset holds; without one, the place's zone.

    A `Z` is believed only where `z_is_utc` says that this carrier means it; else the reading counts as local.
    """
    text = None if isinstance(printed, datetime) else text_of(printed)
    moment = printed if isinstance(printed, datetime) else moment_of(text)
    if moment is None:
        return None
    is_z = text.endswith(("Z", "z")) if text is not None else moment.tzinfo is UTC
    if is_z and not z_is_utc:
        moment = moment.replace(tzinfo=None)
    if moment.tzinfo is None:
        utc, minutes = in_zone(moment, place.zone)
        return Clock(moment, utc, minutes, place.known)
    local, utc, minutes = split(moment)
    if abs(minutes) > WIDEST_OFFSET_MINUTES:
        return None
    # A reading in UTC stays one, for it is part of the event's identity: a better guess of the place must not move it.
    return Clock(local, utc, minutes, "utc" if is_z else "offset")


@lru_cache(maxsize=65536)
def meaning(carrier: str, code: Text, description: str | None) -> Status:
    """What a scan means by its carrier's table: by code, else by the words; the words may add a reason.

    A code that stands for anything under way is made finer by words that the table knows, never to `delivered`; and
    words take back a delivery that was to the sender or to a pickup point.
    """
    table = status_table(carrier)
    key = text_of(code)
    found = table.codes.get(key) if key else None
    if found is None:
        found = (table.by_text(description) if description else None) or UNKNOWN
    elif found.milestone == "in_transit" and description:
        finer = table.by_text(description)
        found = finer if finer and finer.milestone != "delivered" else found
    elif found.milestone == "delivered" and description:
        found = not_to_the_recipient(table.by_text(description)) or found
    reason = found.reason or (table.reasons.get(key) if key else None)
    if reason != found.reason:
        found = found._replace(reason=reason)
    return table.with_reason(found, description)


def not_to_the_recipient(words: Status | None) -> Status | None:
    """What the words of a delivery make of it: that it was to the sender or to a pickup point. Else None."""
    if words is None or words.milestone not in {"returned", "returning", "available_for_pickup"}:
        return None
    return words._replace(milestone="returned") if words.milestone == "returning" else words


def in_time(events: list[TrackingEvent]) -> list[TrackingEvent]:
    """A parcel's events, as listed, read in the light of each other.

    An hour that a clock shows twice is told apart by its neighbours; delivered after a return is to the sender.
    """
    events = settle(events)
    return returned_to_sender(events) if any(event.milestone in TURNED for event in events) else events


def returned_to_sender(events: list[TrackingEvent]) -> list[TrackingEvent]:
    """Events of a parcel on its way back: `delivered` after it turned was to the sender, hence `returned`."""
    turned = min(event.occurred_at for event in events if event.milestone in TURNED)
    return [
        msgspec.structs.replace(event, milestone="returned")
        if event.milestone == "delivered" and event.occurred_at >= turned
        else event
        for event in events
    ]


def with_near_clocks(places: Sequence[Place]) -> list[Place]:
    """The places of a parcel's scans, in order; one without country takes the clock of the nearest that has one.

    A scan's neighbours are a better guess than UTC. Nothing but the clock is taken over, and it counts as assumed.
    """
    known = [index for index, place in enumerate(places) if place.country]
    if not known or len(known) == len(places):
        return list(places)
    return [
        place
        if place.country
        else place._replace(zone=places[min(known, key=lambda near: abs(near - index))].zone, known="assumed")
        for index, place in enumerate(places)
    ]


def make_event(
    clock: Clock, place: Place, status: Status, code: Text, description: str | None, ends: Ends
) -> TrackingEvent:
    """A tracking event; customs is told apart as export or import by the place's country."""
    milestone = status.milestone
    if milestone in CUSTOMS:
        milestone = resolve_customs(milestone, place.country, ends.origin, ends.destination, description)
    return TrackingEvent(
        local_time=clock.local,
        utc_offset_minutes=clock.minutes,
        tz_known=clock.known,
        occurred_at=clock.utc,
        milestone=milestone,
        code=text_of(code),
        description=line_of(description) if description else None,
        reason=status.reason,
        country=place.country,
        region=place.region,
        city=place.city,
        mapped=status.mapped,
    )
