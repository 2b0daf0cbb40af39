"""Asendia Sync tracking (`GET /api/customers/{customerId}/tracking/{number}`), as its OpenAPI document describes it.

Event times are of the format `date-time`, that is RFC 3339: a `Z` is UTC. Asendia publishes no list of its event codes:
the delivering carrier's words tell what they leave open. One number a request: asked for several, Asendia answers 404
where one of them is unknown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

import msgspec

from lanecast.carriers.answer import (
    Salvageable,
    Text,
    Wire,
    dropped,
    not_found,
    read,
    same_number,
    text_of,
    unmentioned,
    unreadable,
)
from lanecast.carriers.base import Account, Adapter, Parsed, Token, Wanted, in_path
from lanecast.carriers.events import Ends, in_time, make_event, meaning, read_clock
from lanecast.carriers.places import place_of
from lanecast.tracking import Parcel, TrackingEvent, Unreadable
from lanecast.web import RequestSpec

TOKEN_SECONDS = 900.0
"""How long a token is used: Asendia does not say how long it holds. One that ended sooner is renewed on a 401."""

SANDBOX_CUSTOMER = "SANDBOX"


class _JwtToken(Wire):
    id_token: str


class _Event(Wire):
    code: Text = None
    time: Text = None
    locationName: str | None = None
    carrierEventDescription: str | None = None
    locationCountry: str | None = None


class _Parcel(Salvageable):
    trackingNumber: Text = None
    trackingEvents: list[_Event] | None = None


class _Answer(_Parcel):
    """One parcel's events, several parcels', or a problem document."""

    parcels: list[_Parcel] | None = None
    title: str | None = None
    status: Text = None
    detail: str | None = None


_DECODER = msgspec.json.Decoder(_Answer)


class Asendia(Adapter):
    """Asendia: a token for user name and password; the customer's id is the connection's extra `customer_id`."""

    name: ClassVar[str] = "asendia"
    numbers_per_request: ClassVar[int] = 1

    def token_request(self, account: Account) -> RequestSpec | None:
        """User name and password as JSON."""
        return RequestSpec("POST", "/api/authenticate", json={"username": account.login, "password": account.password})

    def read_token(self, body: bytes, headers: Mapping[str, str]) -> Token:
        """The token, which Asendia calls `id_token`. MsgspecError if there is none."""
        return Token(msgspec.json.decode(body, type=_JwtToken).id_token, TOKEN_SECONDS)

    def authorization(self, account: Account, token: str | None) -> Mapping[str, str]:
        """A bearer token."""
        return {"Authorization": f"Bearer {token}"}

    def build(self, account: Account, wanted: Sequence[Wanted], token: str | None) -> RequestSpec:
        """A request for one number. ValueError if the account lacks the customer's id."""
        customer = text_of(account.extra.get("customer_id")) or (SANDBOX_CUSTOMER if account.is_sandbox else None)
        if customer is None:
            raise ValueError('connection lanecast_asendia lacks the customer id: put {"customer_id": ...} in its extra')
        return RequestSpec("GET", f"/api/customers/{in_path(customer)}/tracking/{in_path(wanted[0].number)}")

    def parse(self, body: bytes, requested: Sequence[str]) -> Iterator[Parsed]:
        """One Parcel per number. Asendia answers with a list of events, or with number and events: both are read."""
        inner = body.removeprefix(b"\xef\xbb\xbf").strip()
        is_list = inner.startswith(b"[")
        if is_list:
            holder = b"parcels" if b'"trackingEvents"' in inner else b"trackingEvents"
            inner = b'{"' + holder + b'":' + inner + b"}"
        try:
            answer, drops = read(inner, _DECODER, _Answer)
        except msgspec.MsgspecError as error:
            yield from unreadable(body, str(error), requested)
            return
        only = requested[0] if len(requested) == 1 else None
        yield from dropped(drops, only)
        mentioned: set[str] = set()
        if answer.parcels is not None:
            yield from dropped(answer.drops, only)
            for parcel in answer.parcels:
                yield from _parcel(parcel, requested, mentioned)
        elif is_list or answer.trackingEvents is not None or text_of(answer.trackingNumber):
            yield from _parcel(answer, requested, mentioned)
        elif text_of(answer.status) == "404":
            yield from map(not_found, requested)
            return
        else:
            told = " ".join(filter(None, (text_of(answer.status), answer.title, answer.detail)))
            yield from unreadable(body, told or "no tracking events in it", requested)
            return
        yield from unmentioned(requested, mentioned)


def _parcel(parcel: _Parcel, requested: Sequence[str], mentioned: set[str]) -> Iterator[Parsed]:
    own = text_of(parcel.trackingNumber)
    asked = next((one for one in requested if own and same_number(one) == same_number(own)), None)
    if asked is None and len(requested) == 1:
        asked = requested[0]  # the number is in the request alone, or written in another way
    number = asked or own
    if number is None:
        yield Unreadable(problem="events without tracking number")
        return
    mentioned.add(same_number(number))
    yield from dropped(parcel.drops, number)
    events: list[TrackingEvent] = []
    for told in parcel.trackingEvents or ():
        place = place_of(told.locationCountry, None, told.locationName)
        clock = read_clock(told.time, place, z_is_utc=True)
        if clock is None:
            yield Unreadable(problem=f"event with unreadable time {told.time!r}", tracking_number=number)
            continue
        status = meaning("asendia", told.code, told.carrierEventDescription)
        events.append(make_event(clock, place, status, told.code, told.carrierEventDescription, Ends()))
    events = in_time(events)
    found = bool(parcel.trackingEvents or parcel.drops)
    yield Parcel(tracking_number=own or number, requested_number=number, found=found, events=events)


ADAPTER = Asendia
