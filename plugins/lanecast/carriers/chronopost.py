"""Chronopost TrackingServiceWS (SOAP, operation `trackSkybillV2`): public, by number alone.

Event dates carry their offset. Events name an office and a postcode, no country; France is told by its postcodes, which
begin with the two digits of the office's département (`NPC`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

import msgspec

from lanecast.carriers.answer import (
    Salvageable,
    Text,
    Wire,
    asked_as,
    dropped,
    same_number,
    text_of,
    unmentioned,
    unreadable,
)
from lanecast.carriers.base import Account, Adapter, Parsed, Verdict, Wanted
from lanecast.carriers.events import Ends, in_time, make_event, meaning, read_clock
from lanecast.carriers.places import place_of
from lanecast.carriers.xml import SoapFault, escape, read_xml, soap_verdict
from lanecast.tracking import Parcel, TrackingEvent, Unreadable
from lanecast.web import RequestSpec

NAMESPACE = "http://cxf.tracking.soap.chronopost.fr/"
PATH = "/tracking-cxf/TrackingServiceWS"

_HOME = "FR"
_NO_ENDS = Ends()
_ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:cxf="{namespace}">'
    "<soapenv:Body><cxf:trackSkybillV2><language>fr_FR</language><skybillNumber>{number}</skybillNumber>"
    "</cxf:trackSkybillV2></soapenv:Body></soapenv:Envelope>"
)


class _Event(Wire):
    code: Text = None
    eventDate: Text = None
    eventLabel: str | None = None
    officeLabel: str | None = None
    zipCode: Text = None
    NPC: Text = None


class _List(Salvageable):
    skybillNumber: Text = None
    events: list[_Event] | None = None


class _Return(Wire):
    errorCode: Text = None
    errorMessage: str | None = None
    listEventInfoComp: _List | None = None


class _Response(Wire):
    returned: _Return | None = msgspec.field(default=None, name="return")


class _Body(Wire):
    trackSkybillV2Response: _Response | None = None
    Fault: SoapFault | None = None


class _Envelope(Wire):
    Body: _Body | None = None


_DECODER = msgspec.json.Decoder(_Envelope)


class Chronopost(Adapter):
    """Chronopost: no account, one number a request."""

    name: ClassVar[str] = "chronopost"
    numbers_per_request: ClassVar[int] = 1

    def build(self, account: Account, wanted: Sequence[Wanted], token: str | None) -> RequestSpec:
        """A request for one number. The code table knows Chronopost's words best in French."""
        envelope = _ENVELOPE.format(namespace=NAMESPACE, number=escape(wanted[0].number.strip()))
        headers = {"Content-Type": "text/xml; charset=utf-8", "Accept": "text/xml", "SOAPAction": '""'}
        return RequestSpec("POST", PATH, headers=headers, content=envelope.encode())

    def verdict(self, status: int, body: bytes) -> Verdict | None:
        """A fault of its client comes with status 500 too, and is an answer."""
        return soap_verdict(body)

    def parse(self, body: bytes, requested: Sequence[str]) -> Iterator[Parsed]:
        """One Parcel: an answer is about one number. A list without events is that of a number not known."""
        try:
            envelope, drops = read_xml(body, _DECODER, _Envelope)
        except msgspec.MsgspecError as error:
            yield from unreadable(body, str(error), requested)
            return
        told = envelope.Body or _Body()
        response = told.trackSkybillV2Response.returned if told.trackSkybillV2Response else None
        if response is None or response.listEventInfoComp is None or text_of(response.errorCode) not in {"0", None}:
            yield from unreadable(body, _problem(told.Fault, response), requested)
            return
        listed = response.listEventInfoComp
        alone = requested[0] if len(requested) == 1 else None
        number = text_of(listed.skybillNumber) or alone
        if number is None:
            yield Unreadable(problem="a list of events without skybillNumber")
            yield from unmentioned(requested, set())
            return
        asked = asked_as(number, requested)
        yield from dropped((*drops, *listed.drops), asked)
        yield from _parcel(listed, asked, bool(drops or listed.drops))
        yield from unmentioned(requested, {same_number(number)})


def _problem(fault: SoapFault | None, response: _Return | None) -> str:
    if fault:
        return f"SOAP fault {text_of(fault.faultcode) or ''} {text_of(fault.faultstring) or ''}".strip()
    if response and text_of(response.errorCode) not in {"0", None}:
        return f"Chronopost's error {response.errorCode} {text_of(response.errorMessage) or ''}".strip()
    return "no list of events in it"


def _parcel(listed: _List, number: str, has_drops: bool) -> Iterator[Parsed]:
    events: list[TrackingEvent] = []
    for told in listed.events or ():
        place = place_of(_country(told), None, _city(told.officeLabel))
        clock = read_clock(told.eventDate, place, z_is_utc=True)
        if clock is None:
            yield Unreadable(problem=f"event with unreadable eventDate {told.eventDate!r}", tracking_number=number)
            continue
        label = told.eventLabel.replace("’", "'") if told.eventLabel else None
        status = meaning("chronopost", told.code, label)
        events.append(make_event(clock, place, status, told.code, told.eventLabel, _NO_ENDS))
    yield Parcel(
        tracking_number=number,
        requested_number=number,
        found=bool(listed.events) or has_drops,
        events=in_time(events),
    )


def _country(told: _Event) -> str | None:
    postcode, department = text_of(told.zipCode), text_of(told.NPC)
    if postcode is None or department is None or len(postcode) != 5 or len(department) != 2:
        return None
    return _HOME if postcode.isdigit() and postcode.startswith(department) else None


def _city(office: str | None) -> str | None:
    """The city in an office's name ("ARRAS CHRONOPOST", "HUB CHILLY MAZARIN CHRONOPOST"); none of its web service."""
    name = text_of(office)
    if name is None or name.casefold() == "web services":
        return None
    return name.removeprefix("HUB ").removesuffix(" CHRONOPOST")


ADAPTER = Chronopost
