"""La Poste Suivi v2 (`GET /suivi/v2/idships/{numbers}`), as developer.laposte.fr describes it: letters, Colissimo.

Event dates carry their offset: that of Paris, even for scans abroad. Events name no place. Where a code is by its
definition about the country of dispatch (PC2, ET2) or of destination (ET3), that is the event's country; customs is in
the destination's country once the parcel is there, and before that in the origin's, as soon as it is known to be so.
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
    line_of,
    not_found,
    read,
    same_number,
    text_of,
    unmentioned,
    unreadable,
)
from lanecast.carriers.base import Account, Adapter, Parsed, Wanted, in_path
from lanecast.carriers.events import Clock, Ends, in_time, make_event, meaning, read_clock
from lanecast.carriers.places import Place, country_code, place_of
from lanecast.carriers.status import Status, status_table
from lanecast.tracking import Parcel, TrackingEvent, Unreadable
from lanecast.web import RequestSpec

NOT_FOUND_CODES = frozenset({"400", "404"})
"""Return codes of one number: not a valid one, or none that La Poste knows."""
FOUND_CODES = frozenset({"200", "207"})

_HOME = "FR"
_AT_ORIGIN = frozenset({"PC2", "ET2"})
_AT_DESTINATION = frozenset({"ET3"})
_CUSTOMS_CODES = frozenset({"DO1", "DO2", "DO3"})


class _Event(Wire):
    code: Text = None
    label: str | None = None
    date: Text = None


class _Context(Wire):
    originCountry: str | None = None
    arrivalCountry: str | None = None


class _Shipment(Wire):
    idShip: Text = None
    product: str | None = None
    event: list[_Event] | None = None
    contextData: _Context | None = None


class _One(Salvageable):
    returnCode: Text = None
    returnMessage: str | None = None
    idShip: Text = None
    shipment: _Shipment | None = None


class _Answer(Wire):
    answers: list[_One] | None = None


_DECODER = msgspec.json.Decoder(_Answer)


class LaPoste(Adapter):
    """La Poste: an API key in a header, ten numbers a request."""

    name: ClassVar[str] = "laposte"
    numbers_per_request: ClassVar[int] = 10

    def authorization(self, account: Account, token: str | None) -> Mapping[str, str]:
        """The API key."""
        return {"X-Okapi-Key": account.password}

    def build(self, account: Account, wanted: Sequence[Wanted], token: str | None) -> RequestSpec:
        """A request for up to ten numbers. The code table knows La Poste's words in French."""
        numbers = ",".join(in_path(one.number) for one in wanted)
        return RequestSpec("GET", f"/suivi/v2/idships/{numbers}", params={"lang": "fr_FR"})

    def parse(self, body: bytes, requested: Sequence[str]) -> Iterator[Parsed]:
        """One Parcel per number: an answer is one object, or a list of them."""
        try:
            answer, drops = read(_as_object(body), _DECODER, _Answer)
        except msgspec.MsgspecError as error:
            yield from unreadable(body, str(error), requested)
            return
        alone = requested[0] if len(requested) == 1 else None
        yield from dropped(drops, alone)
        as_asked = {same_number(number): number for number in requested}
        mentioned: set[str] = set()
        for one in answer.answers or ():
            told = text_of(one.shipment.idShip if one.shipment else None) or text_of(one.idShip) or alone
            if told:
                mentioned.add(same_number(told))
                told = as_asked.get(same_number(told), told)
            yield from _parcel(one, told)
        if not answer.answers and not drops and not requested:
            yield from unreadable(body, "no shipment in it", requested)
        yield from unmentioned(requested, mentioned)


def _as_object(body: bytes) -> bytes:
    """An answer about one number or about several, as an object that holds a list. DecodeError for any other body."""
    body = body.removeprefix(b"\xef\xbb\xbf").strip()
    if body[:1] not in {b"[", b"{"}:
        raise msgspec.DecodeError("no JSON object or list")
    inner = body if body.startswith(b"[") else b"[" + body + b"]"
    return b'{"answers":' + inner + b"}"


def _parcel(one: _One, number: str | None) -> Iterator[Parsed]:
    yield from dropped(one.drops, number)
    code, shipment = text_of(one.returnCode), one.shipment
    if number is None:
        yield Unreadable(problem=f"a shipment without number: {code or ''} {one.returnMessage or ''}".strip())
        return
    if shipment is None:
        if code in NOT_FOUND_CODES:
            yield not_found(number)
        elif not one.drops:
            told = " ".join(filter(None, (code, text_of(one.returnMessage)))) or "no shipment in it"
            yield Unreadable(problem=f"La Poste told of no shipment: {told}", tracking_number=number)
        return
    if code is not None and code not in FOUND_CODES and not shipment.event:
        yield Unreadable(problem=f"La Poste told {code} {one.returnMessage or ''}".strip(), tracking_number=number)
        return
    context = shipment.contextData or _Context()
    ends = Ends(country_code(context.originCountry), country_code(context.arrivalCountry))
    read_events: list[tuple[_Event, Clock]] = []
    for told_event in shipment.event or ():
        clock = read_clock(told_event.date, place_of(None, None, None, _HOME), z_is_utc=True)
        if clock:
            read_events.append((told_event, clock))
        else:
            yield Unreadable(problem=f"event with unreadable date {told_event.date!r}", tracking_number=number)
    events = _events(read_events, ends)
    yield Parcel(
        tracking_number=number,
        requested_number=number,
        service=line_of(shipment.product) if shipment.product else None,
        origin_country=ends.origin,
        destination_country=ends.destination,
        events=in_time(events),
    )


def _events(told: list[tuple[_Event, Clock]], ends: Ends) -> list[TrackingEvent]:
    arrivals = [clock.utc for event, clock in told if text_of(event.code) in _AT_DESTINATION]
    arrived = min(arrivals, default=None)
    found = []
    for event, clock in told:
        code = text_of(event.code)
        country = None
        if code in _AT_ORIGIN:
            country = ends.origin
        elif code in _AT_DESTINATION:
            country = ends.destination
        elif code in _CUSTOMS_CODES and arrived is not None:
            country = ends.origin if clock.utc < arrived else ends.destination
        found.append(make_event(clock, _place(country), _status(code, event.label), code, event.label, ends))
    return found


def _place(country: str | None) -> Place:
    """A country alone: La Poste tells no city. Without one the event has no place, though its offset is known."""
    return place_of(country, None, None)


def _status(code: str | None, label: str | None) -> Status:
    """By code; but `MD2` is also printed while a parcel is only made ready for its round."""
    label = label.replace("’", "'") if label else None
    status = meaning("laposte", code, label)
    if status.milestone == "out_for_delivery" and label:
        finer = status_table("laposte").by_text(label)
        if finer and finer.milestone == "hub_arrived":
            return finer
    return status


ADAPTER = LaPoste
