"""FedEx Track API v1 (`POST /track/v1/trackingnumbers`), as its developer portal describes it.

Scan dates are local times that carry their offset.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import ClassVar

import msgspec

from lanecast.carriers.answer import (
    Salvageable,
    Text,
    Wire,
    dropped,
    line_of,
    not_found,
    opened,
    read,
    same_number,
    text_of,
    unmentioned,
    unreadable,
)
from lanecast.carriers.base import Account, Adapter, Parsed, Wanted
from lanecast.carriers.clocks import (
    EARLIEST_YEAR,
    LATEST_YEAR,
    by_offset,
    clock_and_zone,
    in_zone,
    settle,
)
from lanecast.carriers.events import TURNED, returned_to_sender
from lanecast.carriers.places import Place, country_code, place_of, region_code
from lanecast.carriers.status import CUSTOMS, TROUBLES, UNKNOWN, resolve_customs, status_table
from lanecast.tracking import Parcel, TimeKnowledge, TrackingEvent, Unreadable
from lanecast.web import RequestSpec

NOT_FOUND_CODES = frozenset(
    {
        "TRACKING.TRACKINGNUMBER.NOTFOUND",
        "TRACKING.TCN.NOTFOUND",
        "TRACKING.REFERENCENUMBER.NOTFOUND",
        "TRACKING.DATA.NOTFOUND",
    }
)
"""Error codes for a number without tracking information (FedEx Track API, error codes)."""


EXCEPTION_EVENTS = frozenset({"SE", "DE", "CD", "DD", "DY", "PD"})
"""Event types that stand for many things: their exception code is part of the event's code."""


_NOTHING = msgspec.Raw(b"null")


class _Address(Wire):
    city: str | None = None
    stateOrProvinceCode: str | None = None
    countryCode: str | None = None
    countryName: str | None = None


class _Contact(Wire):
    address: _Address | None = None


class _Location(Wire):
    locationContactAndAddress: _Contact | None = None


class _Delay(Wire):
    type: str | None = None
    status: str | None = None


class _Scan(Wire):
    """`scanLocation` stays as printed: few are told apart, and each is read once (_place)."""

    date: Text = None
    eventType: Text = None
    eventDescription: str | None = None
    exceptionCode: Text = None
    exceptionDescription: str | None = None
    scanLocation: msgspec.Raw = _NOTHING
    delayDetail: _Delay | None = None


class _NumberInfo(Wire):
    trackingNumber: Text = None


class _Service(Wire):
    description: str | None = None
    type: str | None = None


class _Problem(Wire):
    code: Text = None
    message: str | None = None


class _Result(Salvageable):
    trackingNumberInfo: _NumberInfo | None = None
    error: _Problem | None = None
    scanEvents: list[_Scan] | None = None
    serviceDetail: _Service | None = None
    originLocation: _Location | None = None
    destinationLocation: _Location | None = None
    shipperInformation: _Contact | None = None
    recipientInformation: _Contact | None = None


class _Complete(Salvageable):
    trackingNumber: Text = None
    trackResults: list[_Result] | None = None


class _Output(Wire):
    completeTrackResults: list[_Complete] | None = None


class _Answer(Wire):
    output: _Output | None = None
    errors: list[_Problem] | None = None


_DECODER = msgspec.json.Decoder(_Answer)
_ADDRESS = msgspec.json.Decoder(_Address)


class Fedex(Adapter):
    """FedEx: OAuth2 client credentials, thirty numbers a request."""

    name: ClassVar[str] = "fedex"
    numbers_per_request: ClassVar[int] = 30

    def token_request(self, account: Account) -> RequestSpec | None:
        """Client credentials as form fields."""
        form = {
            "grant_type": "client_credentials",
            "client_id": account.login,
            "client_secret": account.password,
        }
        return RequestSpec("POST", "/oauth/token", form=form)

    def authorization(self, account: Account, token: str | None) -> Mapping[str, str]:
        """A bearer token."""
        return {"Authorization": f"Bearer {token}"}

    def build(self, account: Account, wanted: Sequence[Wanted], token: str | None) -> RequestSpec:
        """A request for up to thirty numbers, with detailed scans."""
        asked = [{"trackingNumberInfo": {"trackingNumber": one.number.strip()}} for one in wanted]
        return RequestSpec(
            "POST",
            "/track/v1/trackingnumbers",
            headers={"X-locale": "en_US"},
            json={"includeDetailedScans": True, "trackingInfo": asked},
        )

    def parse(self, body: bytes, requested: Sequence[str]) -> Iterator[Parsed]:
        """One Parcel per track result: a number may stand for several pieces, or for several uses of the number."""
        answer = yield from opened(body, requested, _DECODER, _Answer)
        if answer is None:
            return
        results = answer.output.completeTrackResults if answer.output else None
        if not results:
            problems = answer.errors or []
            if any(text_of(problem.code) in NOT_FOUND_CODES for problem in problems):
                yield from map(not_found, requested)
                return
            told = "; ".join(f"{problem.code} {problem.message}" for problem in problems)
            yield from unreadable(body, told or "no track results in it", requested)
            return
        as_asked = {same_number(number): number for number in requested}
        mentioned: set[str] = set()
        for complete in results:
            yield from _parcels(complete, as_asked, mentioned)
        yield from unmentioned(requested, mentioned)


def _parcels(complete: _Complete, as_asked: Mapping[str, str], mentioned: set[str]) -> Iterator[Parsed]:
    outer = text_of(complete.trackingNumber)
    if outer:
        mentioned.add(same_number(outer))
        outer = as_asked.get(same_number(outer), outer)
    yield from dropped(complete.drops, outer)
    if not complete.trackResults and not complete.drops:
        yield Unreadable(problem="no track result for this number", tracking_number=outer)
    for result in complete.trackResults or ():
        inner = text_of(result.trackingNumberInfo.trackingNumber) if result.trackingNumberInfo else None
        number = inner or outer
        if number is None:
            yield Unreadable(problem="a track result without tracking number")
            continue
        if outer is None:
            mentioned.add(same_number(number))
        yield from dropped(result.drops, number)
        yield from _read_result(result, number, outer or as_asked.get(same_number(number), number))


def _read_result(result: _Result, number: str, requested_number: str) -> Iterator[Parsed]:
    # FedEx prints an `error` beside scans, too: it counts only where there are none.
    if result.error and not result.scanEvents and (code := text_of(result.error.code)):
        if code in NOT_FOUND_CODES:
            yield Parcel(tracking_number=number, requested_number=requested_number, found=False)
        else:
            yield Unreadable(problem=f"{code} {result.error.message}", tracking_number=number)
        return
    origin = _end(result.originLocation, result.shipperInformation)
    destination = _end(result.destinationLocation, result.recipientInformation)
    origin_country = country_code(origin.countryCode) if origin else None
    destination_country = country_code(destination.countryCode) if destination else None
    events: list[TrackingEvent] = []
    returning = False
    for scan in result.scanEvents or ():
        event = _event(scan, origin_country, destination_country)
        if type(event) is TrackingEvent:
            events.append(event)
            returning = returning or event.milestone in TURNED
        else:
            yield Unreadable(problem=str(event), tracking_number=number)
    events = settle(events)
    service = result.serviceDetail
    yield Parcel(
        tracking_number=number,
        requested_number=requested_number,
        service=text_of(service.description) or text_of(service.type) if service else None,
        origin_country=origin_country,
        destination_country=destination_country,
        destination_region=region_code(destination_country, destination.stateOrProvinceCode) if destination else None,
        events=returned_to_sender(events) if returning else events,
    )


def _end(location: _Location | None, contact: _Contact | None) -> _Address | None:
    """The address of an end of the journey: of its location, else of the person there."""
    told = location.locationContactAndAddress if location else None
    if told and told.address and told.address.countryCode:
        return told.address
    return contact.address if contact else None


def _event(scan: _Scan, origin: str | None, destination: str | None) -> TrackingEvent | str:
    """The event of one scan, or why it could not be read."""
    try:
        local, zone = clock_and_zone(scan.date)  # type: ignore[arg-type]
    except (ValueError, TypeError):
        return f"scan with unreadable date {scan.date!r}"
    if not EARLIEST_YEAR <= local.year <= LATEST_YEAR:
        return f"scan with impossible date {scan.date!r}"
    country, region, city, place = _place(bytes(scan.scanLocation))
    known: TimeKnowledge
    if zone:
        told = by_offset(local, zone)
        if told is None:
            return f"scan with impossible offset {scan.date!r}"
        occurred, minutes = told
        known = "offset"
    else:
        known = place.known
        occurred, minutes = in_zone(local, place.zone)
    delay = scan.delayDetail
    code, milestone, reason, mapped = _meaning(scan.eventType, scan.exceptionCode, delay.type if delay else None)
    if milestone in CUSTOMS:
        milestone = resolve_customs(milestone, country, origin, destination, scan.eventDescription)
    return TrackingEvent(
        local_time=local,
        utc_offset_minutes=minutes,
        tz_known=known,
        occurred_at=occurred,
        milestone=milestone,
        code=code,
        description=line_of(scan.eventDescription) if scan.eventDescription else None,
        reason=reason,
        country=country,
        region=region,
        city=city,
        mapped=mapped,
    )


@lru_cache(maxsize=16384)
def _place(location: bytes) -> tuple[str | None, str | None, str | None, Place]:
    """(country, region, city, place) of a scan location as printed; nowhere for none, or where it cannot be read."""
    try:
        told = read(location, _ADDRESS, _Address)[0]
    except msgspec.MsgspecError:
        told = _Address()
    place = place_of(told.countryCode or told.countryName, told.stateOrProvinceCode, told.city)
    return place.country, place.region, place.city, place


@lru_cache(maxsize=65536)
def _meaning(event_type: Text, exception: Text, delay: str | None) -> tuple[str | None, str, str | None, bool]:
    """(the event's code, milestone, reason, whether the code is known); an exception code or a delay gives the reason.

    Exceptions are told apart by their exception code ("DE:08"): the event type alone says only that there was one.
    """
    code, exception = text_of(event_type), text_of(exception)
    table = status_table("fedex")
    status = (table.codes.get(f"{code}:{exception}") or table.codes.get(code, UNKNOWN)) if code else UNKNOWN
    # Exceptions and delays of deliveries and pickups tell details, not what went wrong.
    reason = None
    if status.milestone in TROUBLES:
        reason = table.reasons.get(f"exceptionCode/{exception}") or table.reasons.get(f"delay/{delay}")
    if exception and code in EXCEPTION_EVENTS:
        code = f"{code}:{exception}"
    return code, status.milestone, status.reason or reason, status.mapped


ADAPTER = Fedex
