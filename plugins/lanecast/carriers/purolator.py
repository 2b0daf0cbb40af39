"""Purolator E-Ship Tracking Service (SOAP, `TrackPackagesByPin`), as its service description gives it.

A scan's type is coarse: `Undeliverable` and `Other` stand for many things, and the words tell which. Scan times are
local to the depot, whose name ends with the province; PQ is Quebec. The type is the event's code, for the words are
rewritten.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import ClassVar

import msgspec

from lanecast.carriers.answer import (
    Salvageable,
    Text,
    Wire,
    dropped,
    legible,
    not_found,
    opened,
    same_number,
    text_of,
    unmentioned,
    unreadable,
)
from lanecast.carriers.base import Account, Adapter, Parsed, Verdict, Wanted
from lanecast.carriers.events import Ends, in_time, make_event, not_to_the_recipient, read_clock
from lanecast.carriers.places import Place, country_code, place_of, zone_of
from lanecast.carriers.status import UNKNOWN, Status, status_table
from lanecast.carriers.xml import SoapFault, escape, read_xml, soap_verdict
from lanecast.tracking import Parcel, TrackingEvent, Unreadable
from lanecast.web import RequestSpec

HOME = "CA"
OLD_PROVINCES = {"PQ": "QC", "NF": "NL"}
"""Abbreviations that Purolator still prints, as ISO 3166-2 has them today."""

NOT_FOUND = ("not found", "no tracking information", "does not exist", "no information")
"""What the words of an error about an unknown number hold: Purolator publishes no list of its error codes."""

_REQUEST = (
    '<?xml version="1.0" encoding="utf-8"?>'
    '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns:v1="http://purolator.com/pws/datatypes/v1">'
    "<soap:Header><v1:RequestContext><v1:Version>1.2</v1:Version><v1:Language>en</v1:Language>"
    "<v1:GroupID></v1:GroupID><v1:RequestReference>Lanecast</v1:RequestReference>{token}"
    "</v1:RequestContext></soap:Header>"
    "<soap:Body><v1:TrackPackagesByPinRequest><v1:PINs>{pins}</v1:PINs></v1:TrackPackagesByPinRequest></soap:Body>"
    "</soap:Envelope>"
)


class _Pin(Wire):
    Value: Text = None


class _Depot(Wire):
    Name: str | None = None


class _Scan(Wire):
    ScanType: Text = None
    Depot: _Depot | None = None
    ScanDate: Text = None
    ScanTime: Text = None
    Description: str | None = None


class _Scans(Wire):
    Scan: list[_Scan] | None = None


class _Error(Wire):
    Code: Text = None
    Description: str | None = None
    AdditionalInformation: str | None = None


class _Errors(Wire):
    Error: list[_Error] | None = None


class _ResponseInformation(Wire):
    Errors: _Errors | None = None


class _Information(Salvageable):
    PIN: _Pin | None = None
    Scans: _Scans | None = None
    ResponseInformation: _ResponseInformation | None = None


class _InformationList(Wire):
    TrackingInformation: list[_Information] | None = None


class _Response(Wire):
    ResponseInformation: _ResponseInformation | None = None
    TrackingInformationList: _InformationList | None = None


class _Body(Wire):
    TrackPackagesByPinResponse: _Response | None = None
    Fault: SoapFault | None = None


class _Envelope(Wire):
    Body: _Body | None = None


_DECODER = msgspec.json.Decoder(_Envelope)


class Purolator(Adapter):
    """Purolator: HTTP Basic with key and password, ten numbers (PINs) a request; extra `user_token` where it has one.

    Purolator publishes no greatest count of PINs: ten is a cautious one.
    """

    name: ClassVar[str] = "purolator"
    numbers_per_request: ClassVar[int] = 10

    def build(self, account: Account, wanted: Sequence[Wanted], token: str | None) -> RequestSpec:
        """A SOAP request for up to ten PINs, answered in English."""
        pins = "".join(f"<v1:PIN><v1:Value>{escape(one.number.strip())}</v1:Value></v1:PIN>" for one in wanted)
        user_token = account.extra.get("user_token")
        told = f"<v1:UserToken>{escape(str(user_token))}</v1:UserToken>" if user_token else ""
        return RequestSpec(
            "POST",
            "/PWS/V1/Tracking/TrackingService.asmx",
            headers={
                "Accept": "text/xml",
                "Content-Type": "text/xml; charset=utf-8",
                "SOAPAction": '"http://purolator.com/pws/service/v1/TrackPackagesByPin"',
            },
            content=_REQUEST.format(token=told, pins=pins).encode(),
            basic=(account.login, account.password),
        )

    def verdict(self, status: int, body: bytes) -> Verdict | None:
        """A fault of its client comes with status 500 too, and is an answer."""
        return soap_verdict(body)

    def parse(self, body: bytes, requested: Sequence[str]) -> Iterator[Parsed]:
        """One Parcel per PIN. A PIN without scans is one that Purolator does not know yet."""
        envelope = yield from opened(body, requested, _DECODER, _Envelope, read_xml)
        if envelope is None:
            return
        told = envelope.Body or _Body()
        if told.Fault is not None:
            yield from unreadable(body, f"{told.Fault.faultcode} {told.Fault.faultstring}", requested)
            return
        response = told.TrackPackagesByPinResponse or _Response()
        found = response.TrackingInformationList.TrackingInformation if response.TrackingInformationList else None
        problem, unknown = _problem(response.ResponseInformation)
        if not found:
            if unknown and len(requested) == 1:
                yield not_found(requested[0])
                return
            yield from unreadable(body, problem or "no tracking information in it", requested)
            return
        as_asked = {same_number(number): number for number in requested}
        mentioned: set[str] = set()
        for information in found:
            yield from _parcels(information, as_asked, mentioned)
        yield from unmentioned(requested, mentioned)


def _problem(information: _ResponseInformation | None) -> tuple[str | None, bool]:
    """(the errors as one text, whether they say that a number is unknown)."""
    errors = (information.Errors.Error if information and information.Errors else None) or ()
    text = "; ".join(
        " ".join(filter(None, (text_of(one.Code), one.Description, one.AdditionalInformation))) for one in errors
    )
    return text or None, any(phrase in text.lower() for phrase in NOT_FOUND)


def _parcels(information: _Information, as_asked: dict[str, str], mentioned: set[str]) -> Iterator[Parsed]:
    pin = text_of(information.PIN.Value) if information.PIN else None
    if pin is None:
        yield Unreadable(problem="tracking information without PIN")
        return
    mentioned.add(same_number(pin))
    number = as_asked.get(same_number(pin), pin)
    yield from dropped(information.drops, number)
    scans = (information.Scans.Scan if information.Scans else None) or ()
    problem, unknown = _problem(information.ResponseInformation)
    if not scans and not information.drops:
        if problem and not unknown:
            yield Unreadable(problem=problem, tracking_number=number)
        else:
            yield not_found(number)
        return
    events = yield from legible(map(_event, scans), number)
    yield Parcel(tracking_number=number, requested_number=number, events=in_time(events))


def _event(scan: _Scan) -> TrackingEvent | str:
    """One event, or why it could not be read."""
    place = _place(scan.Depot.Name if scan.Depot else None)
    time = (text_of(scan.ScanTime) or "").zfill(6)
    clock = read_clock(f"{text_of(scan.ScanDate)}T{time[:2]}:{time[2:4]}:{time[4:]}", place)
    if clock is None:
        return f"scan with unreadable time {scan.ScanDate!r} {scan.ScanTime!r}"
    code = text_of(scan.ScanType)
    return make_event(clock, place, _meaning(code, scan.Description), code, scan.Description, Ends())


@lru_cache(maxsize=65536)
def _meaning(code: str | None, description: str | None) -> Status:
    """What a scan means: its type, made finer by its words.

    The words never make a delivery of another type, but they take one back that is only a transfer to a counter.
    """
    table = status_table("purolator")
    status = table.codes.get(code or "")
    if status is None:
        return UNKNOWN
    words = table.by_text(description) if description else None
    if status.milestone == "delivered":
        if words and words.milestone == "in_transit":
            return words
        return not_to_the_recipient(words) or status
    if status.milestone in {"in_transit", "failed_attempt"} and words and words.milestone != "delivered":
        status = words
    return table.with_reason(status, description)


@lru_cache(maxsize=65536)
def _place(depot: str | None) -> Place:
    """A depot ("BURNABY, BC"): a place in Canada, unless its name ends with a state of the US or another country."""
    name = " ".join((depot or "").split())
    head, _, tail = name.rpartition(",")
    tail = tail.strip().upper()
    tail = OLD_PROVINCES.get(tail, tail)
    if not head:
        return place_of(None, None, None if tail in {"", "PUROLATOR"} else name, default_country=HOME)
    for country in (HOME, "US"):
        if zone_of(country, tail)[1]:
            return place_of(country, tail, head)
    if len(tail) == 2 or country_code(tail):
        return place_of(tail, None, head)
    return place_of(None, None, name, default_country=HOME)


ADAPTER = Purolator
