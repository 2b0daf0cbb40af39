"""Royal Mail Tracking API v2 (`GET /mailpieces/v2/{mailPieceId}/events`), as its public client libraries describe it.

An answer is about one item, named by its 2D barcode (`uniqueItemId`) and its 1D barcode (`oneDBarcode`). Event times
carry their offset; where one lacks it, it is London's. An event's place is the name of an office, without country.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

import msgspec

from lanecast.carriers.alpha3 import alpha2_of
from lanecast.carriers.answer import (
    Salvageable,
    Text,
    Wire,
    dropped,
    legible,
    line_of,
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

HOME = "GB"
NOTHING_TOLD = frozenset({"E1142", "E1283", "E1284", "E1307", "E1308"})
"""Errors about an item: barcode not known, tracking not supported, or no update available for it (yet)."""


class _Event(Wire):
    eventCode: Text = None
    eventName: str | None = None
    eventDateTime: Text = None
    locationName: str | None = None


class _Summary(Wire):
    uniqueItemId: Text = None
    oneDBarcode: Text = None
    productName: str | None = None
    originCountryCode: str | None = None
    originCountryName: str | None = None
    destinationCountryCode: str | None = None
    destinationCountryName: str | None = None
    lastEventCode: Text = None
    lastEventName: str | None = None
    lastEventDateTime: Text = None
    lastEventLocationName: str | None = None


class _Error(Wire):
    errorCode: Text = None
    errorDescription: str | None = None
    errorCause: str | None = None


class _Piece(Salvageable):
    mailPieceId: Text = None
    summary: _Summary | None = None
    events: list[_Event] | None = None
    error: _Error | None = None


class _Answer(Wire):
    mailPieces: _Piece | list[_Piece] | None = None
    httpCode: Text = None
    httpMessage: str | None = None
    moreInformation: str | None = None
    errors: list[_Error] | None = None


_DECODER = msgspec.json.Decoder(_Answer)


class RoyalMail(Adapter):
    """Royal Mail: client id and secret in headers, one item a request."""

    name: ClassVar[str] = "royal_mail"
    numbers_per_request: ClassVar[int] = 1

    def authorization(self, account: Account, token: str | None) -> Mapping[str, str]:
        """Client id and client secret."""
        return {"X-IBM-Client-Id": account.login, "X-IBM-Client-Secret": account.password}

    def build(self, account: Account, wanted: Sequence[Wanted], token: str | None) -> RequestSpec:
        """A request for one item's events; without the consent to the terms Royal Mail refuses it."""
        path = f"/mailpieces/v2/{in_path(wanted[0].number)}/events"
        return RequestSpec("GET", path, headers={"X-Accept-RMG-Terms": "yes"})

    def parse(self, body: bytes, requested: Sequence[str]) -> Iterator[Parsed]:
        """One Parcel, under the barcode that was asked for."""
        answer = yield from opened(body, requested, _DECODER, _Answer)
        if answer is None:
            return
        if not answer.mailPieces:
            yield from _without_item(answer, body, requested)
            return
        pieces = answer.mailPieces if isinstance(answer.mailPieces, list) else [answer.mailPieces]
        mentioned: set[str] = set()
        for piece in pieces:
            yield from _parcels(piece, requested, mentioned)
        yield from unmentioned(requested, mentioned)


def _without_item(answer: _Answer, body: bytes, requested: Sequence[str]) -> Iterator[Parsed]:
    errors = answer.errors or []
    if any(text_of(error.errorCode) in NOTHING_TOLD for error in errors):
        yield from map(not_found, requested)
        return
    causes = [_told(error) for error in errors]
    told = " ".join(filter(None, (text_of(answer.httpCode), answer.httpMessage, answer.moreInformation, *causes)))
    yield from unreadable(body, told or "no mail piece in it", requested)


def _told(error: _Error) -> str:
    return " ".join(filter(None, (text_of(error.errorCode), error.errorDescription, error.errorCause)))


def _parcels(piece: _Piece, requested: Sequence[str], mentioned: set[str]) -> Iterator[Parsed]:
    summary = piece.summary or _Summary()
    names = [name for told in (summary.oneDBarcode, piece.mailPieceId, summary.uniqueItemId) if (name := text_of(told))]
    known = {same_number(name) for name in names}
    asked = next((number for number in requested if same_number(number) in known), None)
    number = asked or (names[0] if names else None)
    if number is None:
        yield Unreadable(problem="a mail piece without barcode")
        return
    mentioned.add(same_number(number))
    yield from dropped(piece.drops, number)
    if piece.error is not None and piece.events is None:
        if text_of(piece.error.errorCode) in NOTHING_TOLD:
            yield not_found(number)
        else:
            yield Unreadable(problem=_told(piece.error) or "an error without words", tracking_number=number)
        return
    ends = Ends(
        alpha2_of(summary.originCountryCode) or alpha2_of(summary.originCountryName),
        alpha2_of(summary.destinationCountryCode) or alpha2_of(summary.destinationCountryName),
    )
    events = yield from legible((_event(told, ends) for told in _timeline(piece, summary)), number)
    yield Parcel(
        tracking_number=number,
        requested_number=number,
        service=text_of(summary.productName),
        origin_country=ends.origin,
        destination_country=ends.destination,
        events=in_time(events),
    )


def _timeline(piece: _Piece, summary: _Summary) -> Sequence[_Event]:
    """The events; where an answer has none, the newest one as the summary tells it."""
    if piece.events is not None or piece.drops or not text_of(summary.lastEventDateTime):
        return piece.events or ()
    newest = _Event(
        eventCode=summary.lastEventCode,
        eventName=summary.lastEventName,
        eventDateTime=summary.lastEventDateTime,
        locationName=summary.lastEventLocationName,
    )
    return (newest,)


def _event(told: _Event, ends: Ends) -> TrackingEvent | str:
    """One event, or why it could not be read."""
    # Abroad an office's name does not tell its country, so that only an inland item's events are known to be at home.
    is_inland = ends == (HOME, HOME)
    place = place_of(None, None, told.locationName, HOME if is_inland else None)
    zone = place if place.country else place_of(HOME, None, None)
    printed = text_of(told.eventDateTime) or ""
    clock = read_clock(printed, zone)
    if clock is None:
        return f"event with unreadable eventDateTime {told.eventDateTime!r}"
    if clock.known == "place" and place.country is None:
        clock = clock._replace(known="assumed")
    text = line_of(told.eventName) if told.eventName else None
    return make_event(clock, place, meaning("royal_mail", told.eventCode, text), told.eventCode, text, ends)


ADAPTER = RoyalMail
