"""GLS Track And Trace V1 (`GET /track-and-trace-v1/tracking/simple/trackids/{numbers}`), as its OpenAPI document says.

Event times carry their offset. Event codes are a family and a detail ("DELIVD.PARCELSHOP"), of which GLS publishes
only some outside its API; the rest is read from the texts, which it prints alike everywhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

import msgspec

from lanecast.carriers.answer import (
    Salvageable,
    Text,
    Wire,
    dropped,
    not_found,
    opened,
    same_number,
    text_of,
    unmentioned,
    unreadable,
)
from lanecast.carriers.base import Account, Adapter, Parsed, Wanted, in_path
from lanecast.carriers.events import Ends, in_time, make_event, meaning, read_clock
from lanecast.carriers.places import place_of
from lanecast.tracking import Parcel, TrackingEvent, Unreadable
from lanecast.web import RequestSpec

NOT_FOUND_CODE = "E_404_01"
_NO_ENDS = Ends()


class _Event(Wire):
    code: Text = None
    city: str | None = None
    country: str | None = None
    description: str | None = None
    eventDateTime: Text = None


class _Parcel(Salvageable):
    requested: Text = None
    unitno: Text = None
    status: Text = None
    statusDateTime: Text = None
    events: list[_Event] | None = None
    errorCode: Text = None
    errorMessage: str | None = None


class _Fault(Wire):
    faultstring: str | None = None


class _Answer(Wire):
    parcels: list[_Parcel] | None = None
    status: Text = None
    title: str | None = None
    detail: str | None = None
    fault: _Fault | None = None


_DECODER = msgspec.json.Decoder(_Answer)


class Gls(Adapter):
    """GLS: OAuth2 client credentials, ten numbers a request."""

    name: ClassVar[str] = "gls"
    numbers_per_request: ClassVar[int] = 10

    def token_request(self, account: Account) -> RequestSpec | None:
        """Client credentials by HTTP Basic."""
        form = {"grant_type": "client_credentials"}
        return RequestSpec("POST", "/oauth2/v2/token", form=form, basic=(account.login, account.password))

    def authorization(self, account: Account, token: str | None) -> Mapping[str, str]:
        """A bearer token."""
        return {"Authorization": f"Bearer {token}"}

    def build(self, account: Account, wanted: Sequence[Wanted], token: str | None) -> RequestSpec:
        """A request for up to ten numbers, with events told in English."""
        numbers = ",".join(in_path(one.number) for one in wanted)
        path = f"/track-and-trace-v1/tracking/simple/trackids/{numbers}"
        return RequestSpec("GET", path, params={"showEvents": "true"}, headers={"Accept-Language": "EN"})

    def parse(self, body: bytes, requested: Sequence[str]) -> Iterator[Parsed]:
        """One Parcel per parcel told: under the number asked for, or its own where that number stands for several."""
        answer = yield from opened(body, requested, _DECODER, _Answer)
        if answer is None:
            return
        alone = requested[0] if len(requested) == 1 else None
        if not answer.parcels:
            fault = answer.fault.faultstring if answer.fault else None
            told = " ".join(filter(None, (text_of(answer.status), answer.title, answer.detail, fault)))
            yield from unreadable(body, told or "no parcels in it", requested)
            return
        as_asked = {same_number(number): number for number in requested}
        parcels = [(one, _asked_for(one, as_asked, alone)) for one in answer.parcels]
        shared = Counter(asked for _, asked in parcels)
        for one, asked in parcels:
            yield from _parcel(one, asked, asked is not None and shared[asked] > 1)
        yield from unmentioned(requested, {same_number(asked) for _, asked in parcels if asked})


def _asked_for(one: _Parcel, as_asked: Mapping[str, str], alone: str | None) -> str | None:
    for told in (text_of(one.requested), text_of(one.unitno)):
        if told and same_number(told) in as_asked:
            return as_asked[same_number(told)]
    return text_of(one.requested) or text_of(one.unitno) or alone


def _parcel(one: _Parcel, asked: str | None, is_shared: bool) -> Iterator[Parsed]:
    yield from dropped(one.drops, asked)
    if asked is None:
        yield Unreadable(problem="a parcel without number")
        return
    error = text_of(one.errorCode)
    if error == NOT_FOUND_CODE:
        yield not_found(asked)
        return
    if error and not one.events:
        problem = f"GLS told {error} {text_of(one.errorMessage) or ''}".strip()
        yield Unreadable(problem=problem, tracking_number=asked)
        return
    events: list[TrackingEvent] = []
    for told in one.events or _from_status(one):
        place = place_of(told.country, None, told.city)
        clock = read_clock(told.eventDateTime, place, z_is_utc=True)
        if clock is None:
            yield Unreadable(
                problem=f"event with unreadable eventDateTime {told.eventDateTime!r}", tracking_number=asked
            )
            continue
        status = meaning("gls", told.code, told.description)
        events.append(make_event(clock, place, status, told.code, told.description, _NO_ENDS))
    yield Parcel(
        tracking_number=(text_of(one.unitno) or asked) if is_shared else asked,
        requested_number=asked,
        events=in_time(events),
    )


def _from_status(one: _Parcel) -> list[_Event]:
    """The parcel's status as an event, where GLS tells of no events: it then stands in for them."""
    status, date = text_of(one.status), text_of(one.statusDateTime)
    if status is None or date is None or one.drops:
        return []
    return [_Event(code=f"status/{status}", eventDateTime=date)]


ADAPTER = Gls
