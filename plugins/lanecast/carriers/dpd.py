"""DPD ParcelLifeCycleService 2.0 (SOAP, operation `getTrackingData`), with a token of its LoginService.

An answer does not name its parcel: the number asked for does, and where none is known (a stored file) the parcel is
`unknown`. Times are local to the place, which carries its country ("Mechelen (BE)"), and written by the language asked
for: with AM or PM month first, else day first. A token lives in the request's body; DPD refuses an old one by a fault.

An account's extra may hold `login_version` ("2.1" unless told: Belux and the Netherlands; Germany has "2.0") and
`message_language` ("en_EN" unless told).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import ClassVar

import msgspec

from lanecast.carriers.answer import (
    Salvageable,
    Text,
    Wire,
    dropped,
    line_of,
    moment_of,
    text_of,
    unmentioned,
    unreadable,
)
from lanecast.carriers.base import Account, Adapter, Parsed, Token, Verdict, Wanted
from lanecast.carriers.clocks import EARLIEST_YEAR, LATEST_YEAR, in_zone
from lanecast.carriers.events import Ends, in_time, make_event, meaning, read_clock, with_near_clocks
from lanecast.carriers.places import Place, place_of, zone_info
from lanecast.carriers.status import Status, status_table
from lanecast.carriers.xml import escape, read_xml, soap_verdict
from lanecast.tracking import Parcel, TrackingEvent, Unreadable
from lanecast.web import RequestSpec

UNKNOWN_NUMBER = "unknown"
TYPES = "http://dpd.com/common/service/types"
LONGEST_TOKEN_SECONDS = 12 * 3600.0
"""A token holds for a day; it is renewed earlier, for DPD hands out one that is already some hours old."""

_TOKEN_ZONE = "Europe/Brussels"  # noqa: S105 - the clock that `authTokenExpires` is read by
_NO_ENDS = Ends()
_PLACE = re.compile(r"(?P<city>.*?)\s*\((?P<country>[A-Za-z]{2})\)")
_DATE = re.compile(
    r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4})[ ,]+(\d{1,2}):(\d{2})(?::(\d{2}))?(?:\s*([AP])\.?M\.?)?", re.IGNORECASE
)
_FINER = {
    "available_for_pickup": frozenset({"delivered"}),
    "hub_arrived": frozenset({"out_for_delivery", "failed_attempt", "available_for_pickup", "returning"}),
}
"""What DPD's words may make of a status code. `AT_DELIVERY_DEPOT` covers all until delivery."""

_LOGIN = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
    'xmlns:ns="{types}/LoginService/{version}">'
    "<soapenv:Header/><soapenv:Body><ns:getAuth><delisId>{login}</delisId><password>{password}</password>"
    "<messageLanguage>{language}</messageLanguage></ns:getAuth></soapenv:Body></soapenv:Envelope>"
)
_TRACK = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:ns="{types}/Authentication/2.0" '
    'xmlns:ns1="{types}/ParcelLifeCycleService/2.0"><soapenv:Header><ns:authentication><delisId>{login}</delisId>'
    "<authToken>{token}</authToken><messageLanguage>{language}</messageLanguage></ns:authentication></soapenv:Header>"
    "<soapenv:Body><ns1:getTrackingData><parcelLabelNumber>{number}</parcelLabelNumber></ns1:getTrackingData>"
    "</soapenv:Body></soapenv:Envelope>"
)


class _Line(Wire):
    content: str | None = None


class _Item(Wire):
    content: list[_Line] | None = None


class _Status(Wire):
    status: Text = None
    label: _Line | None = None
    description: _Item | None = None
    statusHasBeenReached: Text = None
    location: _Line | None = None
    date: _Line | None = None


class _Shipment(Wire):
    serviceDescription: _Item | None = None


class _Result(Salvageable):
    shipmentInfo: _Shipment | None = None
    statusInfo: list[_Status] | None = None


class _Response(Wire):
    trackingresult: _Result | None = None


class _Cause(Wire):
    errorCode: Text = None
    errorMessage: str | None = None
    faultCode: Text = None
    message: str | None = None


class _Detail(Wire):
    authenticationFault: _Cause | None = None
    faults: _Cause | None = None


class _Fault(Wire):
    faultcode: str | None = None
    faultstring: str | None = None
    detail: _Detail | None = None


class _Login(Wire):
    authToken: str | None = None
    authTokenExpires: str | None = None


class _LoginResponse(Wire):
    returned: _Login | None = msgspec.field(default=None, name="return")


class _Body(Wire):
    getTrackingDataResponse: _Response | None = None
    getAuthResponse: _LoginResponse | None = None
    Fault: _Fault | None = None


class _Envelope(Wire):
    Body: _Body | None = None


_DECODER = msgspec.json.Decoder(_Envelope)


class Dpd(Adapter):
    """DPD: a token by SOAP, one number a request."""

    name: ClassVar[str] = "dpd"
    numbers_per_request: ClassVar[int] = 1

    def token_request(self, account: Account) -> RequestSpec | None:
        """The login, as a SOAP call."""
        version = str(account.extra.get("login_version") or "2.1")
        envelope = _LOGIN.format(
            types=TYPES,
            version=escape(version),
            login=escape(account.login),
            password=escape(account.password),
            language=_language(account),
        )
        path = f"/LoginService/V{version.replace('.', '_')}"
        return _soap(path, f"{TYPES}/LoginService/{version}/getAuth", envelope)

    def read_token(self, body: bytes, headers: Mapping[str, str]) -> Token:
        """The token in the answer to a login. DecodeError with DPD's own words where it holds none."""
        envelope, _ = read_xml(body, _DECODER, _Envelope)
        told = envelope.Body or _Body()
        login = told.getAuthResponse.returned if told.getAuthResponse else None
        token = text_of(login.authToken) if login else None
        if login is None or token is None:
            raise msgspec.DecodeError(_fault_text(told.Fault) or "no authToken in it")
        return Token(access_token=token, expires_in=_seconds_left(login.authTokenExpires, datetime.now(UTC)))

    def build(self, account: Account, wanted: Sequence[Wanted], token: str | None) -> RequestSpec:
        """A request for one number; the token stands in its header element."""
        envelope = _TRACK.format(
            types=TYPES,
            login=escape(account.login),
            token=escape(token or ""),
            language=_language(account),
            number=escape(wanted[0].number.strip()),
        )
        action = f"{TYPES}/ParcelLifeCycleService/2.0/getTrackingData"
        return _soap("/ParcelLifeCycleService/V2_0", action, envelope)

    def verdict(self, status: int, body: bytes) -> Verdict | None:
        """DPD tells of an old token, and of all else that it refuses, by a fault with status 500."""
        fault = _fault(body)
        if fault is None:
            return None
        detail = fault.detail or _Detail()
        if detail.authenticationFault is not None:
            return "token refused"
        return "answered" if detail.faults is not None else soap_verdict(body)

    def parse(self, body: bytes, requested: Sequence[str]) -> Iterator[Parsed]:
        """One Parcel: the number asked for. Without any dated status DPD does not know it yet."""
        try:
            envelope, drops = read_xml(body, _DECODER, _Envelope)
        except msgspec.MsgspecError as error:
            yield from unreadable(body, str(error), requested)
            return
        told = envelope.Body or _Body()
        result = told.getTrackingDataResponse.trackingresult if told.getTrackingDataResponse else None
        if result is None:
            yield from unreadable(body, _fault_text(told.Fault) or "no trackingresult in it", requested)
            return
        number = requested[0] if requested else UNKNOWN_NUMBER
        yield from dropped((*drops, *result.drops), number)
        yield from _parcel(result, number, bool(drops or result.drops))
        yield from unmentioned(requested[1:], set())


def _language(account: Account) -> str:
    return escape(str(account.extra.get("message_language") or "en_EN"))


def _soap(path: str, action: str, envelope: str) -> RequestSpec:
    headers = {"Content-Type": "text/xml; charset=utf-8", "Accept": "text/xml", "SOAPAction": f'"{action}"'}
    return RequestSpec("POST", path, headers=headers, content=envelope.encode())


def _fault(body: bytes) -> _Fault | None:
    """The fault in an answer, None where it is none."""
    try:
        told = read_xml(body, _DECODER, _Envelope)[0].Body
    except msgspec.MsgspecError:
        return None
    return told.Fault if told else None


def _fault_text(fault: _Fault | None) -> str | None:
    if fault is None:
        return None
    detail = fault.detail or _Detail()
    cause = detail.authenticationFault or detail.faults or _Cause()
    words = (cause.errorCode or cause.faultCode or fault.faultcode, cause.errorMessage or cause.message)
    told = " ".join(filter(None, map(text_of, words)))
    return f"SOAP fault: {told or text_of(fault.faultstring) or 'without words'}"


def _seconds_left(expires: str | None, now: datetime) -> float:
    """The seconds that a token holds: until its printed end, at most LONGEST_TOKEN_SECONDS."""
    end = moment_of(text_of(expires))
    if end is None:
        return LONGEST_TOKEN_SECONDS
    if end.tzinfo is None:
        end, _ = in_zone(end, zone_info(_TOKEN_ZONE))
    return min(max((end - now).total_seconds(), 60.0), LONGEST_TOKEN_SECONDS)


def _parcel(result: _Result, number: str, has_drops: bool) -> Iterator[Parsed]:
    reached = [one for one in result.statusInfo or () if _is_event(one)]
    places = [_place(text_of(one.location.content) if one.location else None) for one in reached]
    events: list[TrackingEvent] = []
    for told, place in zip(reached, with_near_clocks(places), strict=True):
        printed = text_of(told.date.content) if told.date else None
        clock = read_clock(read_date(printed), place)
        if clock is None:
            yield Unreadable(problem=f"event with unreadable date {printed!r}", tracking_number=number)
            continue
        text = _words(told.description) or (text_of(told.label.content) if told.label else None)
        events.append(make_event(clock, place, _status(told.status, text), told.status, text, _NO_ENDS))
    service = result.shipmentInfo.serviceDescription if result.shipmentInfo else None
    yield Parcel(
        tracking_number=number,
        requested_number=number,
        found=bool(reached) or has_drops,
        service=_words(service),
        events=in_time(events),
    )


def _is_event(told: _Status) -> bool:
    """Whether a status has happened: DPD also lists those to come, which have no date."""
    has_date = told.date is not None and text_of(told.date.content) is not None
    return has_date or text_of(told.statusHasBeenReached) == "true"


def _words(item: _Item | None) -> str | None:
    lines = [text for one in (item.content or () if item else ()) if (text := text_of(one.content))]
    return line_of(" ".join(lines)) if lines else None


@lru_cache(maxsize=65536)
def _place(location: str | None) -> Place:
    """A place from "Mechelen (BE)"."""
    found = _PLACE.fullmatch(location) if location else None
    if found is None:
        return place_of(None, None, location)
    return place_of(found["country"], None, found["city"])


def read_date(text: str | None) -> datetime | None:
    """A printed local time in any of DPD's forms, or ISO 8601; None if it is none of them, or no date at all."""
    found = _DATE.fullmatch(text) if text else None
    if found is None:
        return moment_of(text)
    first, _, second, year, hour, minute, seconds, half = found.groups()
    day, month = (second, first) if half else (first, second)
    hours = int(hour) % 12 + (12 if half in {"P", "p"} else 0) if half else int(hour)
    try:
        moment = datetime(int(year), int(month), int(day), hours, int(minute), int(seconds or 0))  # noqa: DTZ001
    except ValueError:
        return None
    return moment if EARLIEST_YEAR <= moment.year <= LATEST_YEAR else None


@lru_cache(maxsize=65536)
def _status(code: Text, text: str | None) -> Status:
    status = meaning("dpd", code, text)
    finer = status_table("dpd").by_text(text) if text else None
    if finer is None or finer.milestone not in _FINER.get(status.milestone, ()):
        return status
    return finer


ADAPTER = Dpd
