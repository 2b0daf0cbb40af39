"""17TRACK Tracking API v2.4 (`POST /track/v2.4/gettrackinfo`, `/register`), as api.17track.net documents it.

17TRACK tells only of numbers registered before. What `gettrackinfo` rejects as unregistered is registered and asked for
once more; until then, and of numbers just registered, answers say nothing: the last one tells. A parcel told by two
posts, those of origin and destination, has one timeline.

`Expired` as a parcel's status has no moment of its own, and makes no event; an event of that kind does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

import msgspec
from msgspec import UNSET, UnsetType

from lanecast.carriers.answer import (
    Drop,
    Salvageable,
    Text,
    Wire,
    dropped,
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
from lanecast.carriers.carrier_keys import carrier_of, key_of
from lanecast.carriers.clocks import by_greenwich, disagree
from lanecast.carriers.events import Clock, Ends, in_time, make_event, meaning, read_clock
from lanecast.carriers.places import Place, country_code, place_of
from lanecast.tracking import Parcel, TrackingEvent, Unreadable
from lanecast.web import RequestSpec

GETTRACKINFO = "/track/v2.4/gettrackinfo"
REGISTER = "/track/v2.4/register"

ALREADY_REGISTERED = "-18019901"
NOT_REGISTERED = "-18019902"
NO_INFO_YET = "-18019909"


class _Address(Wire):
    country: str | None = None
    state: str | None = None
    city: str | None = None


class _RawTime(Wire):
    date: Text = None
    time: Text = None
    timezone: Text = None


class _Translation(Wire):
    description: str | None = None


class _Event(Wire):
    time_iso: Text = None
    time_utc: Text = None
    time_raw: _RawTime | None = None
    description: str | None = None
    description_translation: _Translation | None = None
    location: str | None = None
    stage: Text = None
    sub_status: Text = None
    address: _Address | None = None


class _Provider(Wire):
    events: list[_Event] | None = None


class _Tracking(Wire):
    providers: list[_Provider] | None = None


class _Shipping(Wire):
    shipper_address: _Address | None = None
    recipient_address: _Address | None = None


class _Misc(Wire):
    service_type: str | None = None


class _TrackInfo(Wire):
    shipping_info: _Shipping | None = None
    latest_event: _Event | None = None
    misc_info: _Misc | None = None
    tracking: _Tracking | None = None


class _Accepted(Salvageable):
    number: Text = None
    carrier: Text = None
    origin: Text = None
    """How the carrier was found: in the answer to a registration alone."""
    track_info: _TrackInfo | UnsetType | None = UNSET
    """None where nothing is known yet."""


class _Problem(Wire):
    code: Text = None
    message: str | None = None


class _Rejected(Salvageable):
    number: Text = None
    error: _Problem | None = None


class _Data(Wire):
    accepted: list[_Accepted] | None = None
    rejected: list[_Rejected] | None = None
    errors: list[_Problem] | None = None


class _Answer(Wire):
    code: Text = None
    data: _Data | None = None


class _SecondLook(RequestSpec):
    """A question about numbers that were just registered: what it does not know is not registered again."""

    __slots__ = ()


_DECODER = msgspec.json.Decoder(_Answer)


class SeventeenTrack(Adapter):
    """17TRACK: an API key in a header, forty numbers a request."""

    name: ClassVar[str] = "seventeentrack"
    numbers_per_request: ClassVar[int] = 40

    def authorization(self, account: Account, token: str | None) -> Mapping[str, str]:
        """The API key."""
        return {"17token": account.password}

    def build(self, account: Account, wanted: Sequence[Wanted], token: str | None) -> RequestSpec:
        """A question about up to forty numbers, each with its carrier's key where that is certain."""
        return RequestSpec("POST", GETTRACKINFO, json=_entries(wanted))

    def follow_ups(self, account: Account, wanted: Sequence[Wanted], spec: RequestSpec, body: bytes) -> list[FollowUp]:
        """Registers what is not registered, then asks for it once more."""
        if isinstance(spec, _SecondLook):
            return []
        try:
            data = read(body, _DECODER, _Answer)[0].data or _Data()
        except msgspec.MsgspecError:
            return []
        rejected = {same_number(number): code for number, code, _ in _rejections(data)}
        if spec.path == REGISTER:
            known = {same_number(number) for one in data.accepted or () if (number := text_of(one.number))}
            known.update(number for number, code in rejected.items() if code == ALREADY_REGISTERED)
            again = tuple(one for one in wanted if same_number(one.number) in known)
            # Without its carrier's key: the number may be registered under another.
            ask = [Wanted(one.number) for one in again]
            return [FollowUp(_SecondLook("POST", GETTRACKINFO, json=_entries(ask)), again)] if again else []
        new = tuple(one for one in wanted if rejected.get(same_number(one.number)) == NOT_REGISTERED)
        return [FollowUp(RequestSpec("POST", REGISTER, json=_entries(new)), new)] if new else []

    def parse(self, body: bytes, requested: Sequence[str]) -> Iterator[Parsed]:
        """One Parcel per accepted number and carrier; rejections other than those that follow_ups() sees to as told."""
        answer = yield from opened(body, requested, _DECODER, _Answer)
        if answer is None:
            return
        data = answer.data or _Data()
        if not data.accepted and not data.rejected:
            told = [f"{problem.code} {problem.message}" for problem in data.errors or ()]
            yield from unreadable(body, "; ".join(told) or f"code {answer.code}, no number in it", requested)
            return
        as_asked = {same_number(number): number for number in requested}
        mentioned: set[str] = set()
        for one in data.accepted or ():
            number = text_of(one.number)
            if number is None:
                yield Unreadable(problem="an accepted parcel without number")
                continue
            mentioned.add(same_number(number))
            yield from dropped(one.drops, number)
            if one.track_info is not UNSET:
                yield from _parcel(one, one.track_info, as_asked.get(same_number(number), number))
            elif one.origin is None:
                yield Unreadable(problem="a parcel without readable track_info", tracking_number=number)
        for number, code, message in _rejections(data):
            mentioned.add(same_number(number))
            number = as_asked.get(same_number(number), number)
            if code == NO_INFO_YET:
                yield not_found(number)
            elif code not in {NOT_REGISTERED, ALREADY_REGISTERED}:
                yield Unreadable(problem=f"rejected: {code} {message}", tracking_number=number)
        yield from unmentioned(requested, mentioned)


def _entries(wanted: Sequence[Wanted]) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = []
    for one in wanted:
        key = key_of(SeventeenTrack.name, one.carrier)
        entries.append({"number": one.number.strip()} | ({"carrier": int(key)} if key else {}))
    return entries


def _rejections(data: _Data) -> Iterator[tuple[str, str | None, str | None]]:
    """Number, error code and message of what was rejected."""
    for one in data.rejected or ():
        if number := text_of(one.number):
            error = one.error or _Problem()
            yield number, text_of(error.code), error.message


def _parcel(told: _Accepted, info: _TrackInfo | None, number: str) -> Iterator[Parsed]:
    shipping = (info.shipping_info if info else None) or _Shipping()
    ends = Ends(_country(shipping.shipper_address), _country(shipping.recipient_address))
    events: dict[tuple[datetime, str | None], TrackingEvent] = {}
    for told_event in _events(info, told.drops):
        event = _event(told_event, ends)
        if type(event) is TrackingEvent:
            # Of two posts that tell one scan, the first one's words stay.
            minute = event.occurred_at.replace(second=0, microsecond=0)
            events.setdefault((minute, event.code or event.description), event)
        else:
            yield Unreadable(problem=str(event), tracking_number=number)
    timeline = sorted(events.values(), key=lambda event: event.occurred_at, reverse=True)
    service = info.misc_info.service_type if info and info.misc_info else None
    yield Parcel(
        tracking_number=number,
        requested_number=number,
        carrier=carrier_of(SeventeenTrack.name, text_of(told.carrier)),
        found=bool(timeline or told.drops),
        service=text_of(service),
        origin_country=ends.origin,
        destination_country=ends.destination,
        events=in_time(timeline),
    )


def _events(info: _TrackInfo | None, drops: list[Drop]) -> list[_Event]:
    """The events of all providers; the latest one, which is repeated apart, where they are missing."""
    if info is None:
        return []
    providers = (info.tracking.providers if info.tracking else None) or ()
    events = [event for provider in providers for event in provider.events or ()]
    latest = info.latest_event
    if events or drops or latest is None:
        return events
    has_time = latest.time_iso or latest.time_utc or (latest.time_raw and latest.time_raw.date)
    return [latest] if has_time else []


def _country(address: _Address | None) -> str | None:
    return country_code(address.country) if address else None


def _event(told: _Event, ends: Ends) -> TrackingEvent | str:
    """One event, or why it could not be read."""
    place = _place(told, ends)
    clock, disagrees = _clock(told, place)
    if clock is None:
        return f"event with unreadable time {told.time_iso!r}, {told.time_utc!r}"
    code = text_of(told.sub_status) or text_of(told.stage)
    translated = told.description_translation.description if told.description_translation else None
    status = meaning(SeventeenTrack.name, code, translated or told.description)
    event = make_event(clock, place, status, code, told.description, ends)
    return msgspec.structs.replace(event, clock_disagrees=True) if disagrees else event


def _place(told: _Event, ends: Ends) -> Place:
    """Where it was: by its address; what that lacks, by the location as the carrier prints it."""
    address = told.address or _Address()
    location = text_of(told.location)
    country = address.country
    city = address.city
    if location and not country:
        # Two letters may as well be a US state: they are a country only where they stand first and name an end.
        first, _, rest = location.partition(" ")
        head, comma, last = location.rpartition(",")
        if first in ends:
            country, location = first, rest.strip() or None
        elif (name := last.strip()) and len(name) > 2 and country_code(name):
            country, location = name, head.strip() if comma else None
    return place_of(country, address.state, city or location)


def _clock(told: _Event, place: Place) -> tuple[Clock | None, bool]:
    """The event's time, and whether its readings disagree: `time_iso` with its offset, else the carrier's own."""
    greenwich = moment_of(text_of(told.time_utc))
    moment = moment_of(text_of(told.time_iso))
    raw = told.time_raw
    if (
        (moment is None or moment.tzinfo is None)
        and raw
        and (date := text_of(raw.date))
        and (time := text_of(raw.time))
    ):
        moment = moment_of(f"{date}T{time}{text_of(raw.timezone) or ''}") or moment_of(f"{date}T{time}") or moment
    if moment is None:
        return read_clock(greenwich, place, z_is_utc=True), False
    if moment.tzinfo is None and greenwich is not None:
        utc, minutes, known, disagrees = by_greenwich(moment, greenwich, place)
        return Clock(moment, utc, minutes, known), disagrees
    clock = read_clock(moment, place, z_is_utc=True)
    return clock, clock is not None and disagree(clock.utc, greenwich)


ADAPTER = SeventeenTrack
