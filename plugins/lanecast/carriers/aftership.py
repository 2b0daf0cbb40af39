"""AfterShip Tracking, version 2026-07 (`GET` and `POST /trackings`), as its reference and its own SDKs describe it.

AfterShip tells only of trackings that were created there. Numbers that it has told of before are asked for by what
changed since; of new ones those that its list lacks are created, one request each, and told of in the answer to that.

Times stand in the checkpoint's own zone, with offset or without, as the courier gave them. A `Z` is what some couriers
print behind local times, so that it counts as no offset. Countries are ISO 3166-1 alpha-3.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import msgspec

from lanecast.carriers.alpha3 import alpha2_of
from lanecast.carriers.answer import (
    Salvageable,
    Text,
    Wire,
    asked_as,
    dropped,
    legible,
    line_of,
    moment_of,
    not_found,
    opened,
    read,
    same_number,
    text_of,
    unmentioned,
    unreadable,
)
from lanecast.carriers.base import Account, Adapter, FollowUp, Parsed, Wanted
from lanecast.carriers.carrier_keys import key_of
from lanecast.carriers.events import Ends, in_time, make_event, meaning, read_clock
from lanecast.carriers.places import place_of, region_code
from lanecast.carriers.status import Status, status_table
from lanecast.tracking import Parcel, TrackingEvent, Unreadable
from lanecast.web import RequestSpec

NAME = "aftership"
MOST_NUMBERS = 50
"""What the list's `tracking_numbers` takes."""
LARGEST_PAGE = 200
"""Four couriers to each number of a full batch: a second page is the exception."""
OVERLAP = timedelta(minutes=10)
"""How far a question about changes reaches back before the last answer: AfterShip's clock is not ours."""
EXPIRES_AFTER = timedelta(days=30)
"""How long after the last checkpoint AfterShip gives a parcel up."""
TELLS_NOTHING = frozenset({"4003", "4005", "4017"})
"""Errors to a creation that are no trouble: the tracking exists already, or the number cannot be one."""


class _Checkpoint(Wire):
    checkpoint_time: Text = None
    location: str | None = None
    city: str | None = None
    state: str | None = None
    country_region: str | None = None
    country_iso3: str | None = None
    message: str | None = None
    tag: str | None = None
    subtag: str | None = None
    subtag_message: str | None = None


class _Tracking(Salvageable):
    tracking_number: Text = None
    tag: str | None = None
    subtag: str | None = None
    subtag_message: str | None = None
    created_at: Text = None
    shipment_type: str | None = None
    origin_country_region: str | None = None
    origin_country_iso3: str | None = None
    destination_country_region: str | None = None
    destination_country_iso3: str | None = None
    destination_state: str | None = None
    courier_destination_country_region: str | None = None
    courier_destination_country_iso3: str | None = None
    checkpoints: list[_Checkpoint] | None = None


class _Pagination(Wire):
    next_cursor: str | None = None
    has_next_page: bool | None = None


class _Data(_Tracking):
    """Of a list `trackings` and `pagination`, of a creation the tracking's own fields."""

    trackings: list[_Tracking] | None = None
    pagination: _Pagination | None = None


class _Meta(Wire):
    code: Text = None
    type: str | None = None
    message: str | None = None


class _Answer(Wire):
    meta: _Meta | None = None
    data: _Data | None = None


_DECODER = msgspec.json.Decoder(_Answer)


class Aftership(Adapter):
    """AfterShip: an API key in a header, up to 50 numbers a request."""

    name: ClassVar[str] = NAME
    numbers_per_request: ClassVar[int] = MOST_NUMBERS
    tells_changes: ClassVar[bool] = True

    def authorization(self, account: Account, token: str | None) -> Mapping[str, str]:
        """The API key."""
        return {"as-api-key": account.password}

    def build(self, account: Account, wanted: Sequence[Wanted], token: str | None) -> RequestSpec:
        """The first page of the list; of parcels told of before, what changed since the earliest of those times."""
        params = {
            "tracking_numbers": ",".join(one.number.strip() for one in wanted),
            "limit": str(LARGEST_PAGE),
        }
        known = [one.since for one in wanted if one.since]
        if len(known) == len(wanted):
            earliest = min(known) - OVERLAP
            params["updated_at_min"] = earliest.astimezone(UTC).isoformat(timespec="seconds")
        return RequestSpec("GET", "/trackings", params=params)

    def follow_ups(self, account: Account, wanted: Sequence[Wanted], spec: RequestSpec, body: bytes) -> list[FollowUp]:
        """The list's next page; after its last, the creation of each new number that no page has told of.

        A next page's parcels carry what the pages before it told: those told of have a `since`.
        """
        data = _list_of(body) if spec.method == "GET" else None
        if data is None or data.trackings is None:
            return []
        params = dict(spec.params or {})
        told = {same_number(number) for one in data.trackings if (number := text_of(one.tracking_number))}
        now = datetime.now(UTC)
        left = tuple(
            one._replace(since=now) if one.since is None and same_number(one.number) in told else one for one in wanted
        )
        cursor = _next_cursor(data.pagination)
        if cursor and cursor != params.get("cursor"):
            return [FollowUp(spec._replace(params={**params, "cursor": cursor}), left)]
        return [FollowUp(_creation(one), (one,)) for one in left if one.since is None]

    def parse(self, body: bytes, requested: Sequence[str]) -> Iterator[Parsed]:
        """One Parcel per tracking. A list's silence about a number is no news of it, or its creation follows."""
        answer = yield from opened(body, requested, _DECODER, _Answer)
        if answer is None:
            return
        only = requested[0] if len(requested) == 1 else None
        data = answer.data
        if data is not None and data.trackings is not None:
            yield from dropped(data.drops, only)
            for tracking in data.trackings:
                yield from _parcels(tracking, requested)
            return
        meta = answer.meta or _Meta()
        code = text_of(meta.code)
        if code in TELLS_NOTHING:
            yield from map(not_found, requested)
            return
        created = text_of(data.tracking_number) if data is not None else None
        if data is None or created is None:
            told = " ".join(filter(None, (code, meta.type, meta.message)))
            yield from unreadable(body, told or "no trackings in it", requested)
            return
        yield from _parcels(data, requested)
        yield from unmentioned(requested, {same_number(created)})


def _creation(one: Wanted) -> RequestSpec:
    tracking = {"tracking_number": one.number.strip()}
    if slug := key_of(NAME, one.carrier):
        tracking["slug"] = slug
    return RequestSpec("POST", "/trackings", json=tracking)


def _list_of(body: bytes) -> _Data | None:
    try:
        return read(body, _DECODER, _Answer)[0].data
    except msgspec.MsgspecError:
        return None


def _next_cursor(pagination: _Pagination | None) -> str | None:
    if pagination is None or pagination.has_next_page is False:
        return None
    return text_of(pagination.next_cursor)


def _parcels(tracking: _Tracking, requested: Sequence[str]) -> Iterator[Parsed]:
    own = text_of(tracking.tracking_number)
    if own is None:
        yield from dropped(tracking.drops, None)
        yield Unreadable(problem="a tracking without number")
        return
    number = asked_as(own, requested)
    yield from dropped(tracking.drops, number)
    ends = Ends(
        alpha2_of(tracking.origin_country_region or tracking.origin_country_iso3),
        alpha2_of(tracking.destination_country_region or tracking.destination_country_iso3)
        or alpha2_of(tracking.courier_destination_country_region or tracking.courier_destination_country_iso3),
    )
    events = yield from legible((_event(told, ends) for told in tracking.checkpoints or ()), number)
    if expiry := _expiry(tracking, events, ends):
        events.append(expiry)
    events = in_time(events)
    yield Parcel(
        tracking_number=number,
        requested_number=number,
        found=bool(tracking.checkpoints or tracking.drops or events) or tracking.tag not in {None, "Pending"},
        service=text_of(tracking.shipment_type),
        origin_country=ends.origin,
        destination_country=ends.destination,
        destination_region=region_code(ends.destination, tracking.destination_state),
        events=events,
    )


def _event(told: _Checkpoint, ends: Ends) -> TrackingEvent | str:
    """One event, or why it could not be read."""
    country = told.country_region or told.country_iso3
    place = place_of(alpha2_of(country) or country, told.state, told.city or told.location)
    printed = text_of(told.checkpoint_time) or ""
    clock = read_clock(printed, place)
    if clock is None:
        return f"checkpoint with unreadable checkpoint_time {told.checkpoint_time!r}"
    subtag, tag = text_of(told.subtag), text_of(told.tag)
    text = line_of(told.message or "") or text_of(told.subtag_message)
    return make_event(clock, place, _meaning(subtag, tag, text), subtag or tag, text, ends)


def _meaning(subtag: str | None, tag: str | None, text: str | None) -> Status:
    """What the subtag says; the tag, where AfterShip has a subtag that the table lacks."""
    is_known = subtag in status_table(NAME).codes
    return meaning(NAME, subtag if is_known or not tag else tag, text)


def _expiry(tracking: _Tracking, events: Sequence[TrackingEvent], ends: Ends) -> TrackingEvent | None:
    """That AfterShip has given up, 30 days after the last checkpoint: it tells so of the tracking alone.

    The moment is derived, for `updated_at` moves on, and with it the event's identity would.
    """
    if tracking.tag != "Expired" or any(event.milestone == "tracking_expired" for event in events):
        return None
    moment = max((event.occurred_at for event in events), default=moment_of(text_of(tracking.created_at)))
    place = place_of(None, None, None)
    expired = moment.replace(tzinfo=moment.tzinfo or UTC) + EXPIRES_AFTER if moment else None
    clock = read_clock(expired, place, z_is_utc=True) if expired else None
    if clock is None:
        return None
    subtag = text_of(tracking.subtag)
    text = text_of(tracking.subtag_message)
    return make_event(clock, place, _meaning(subtag, tracking.tag, text), subtag or tracking.tag, text, ends)


ADAPTER = Aftership
