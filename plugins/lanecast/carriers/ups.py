"""UPS Track API v1 (`GET /api/track/v1/details/{inquiryNumber}`), as its OpenAPI document describes it.

Times are local, `date` YYYYMMDD and `time` HHMMSS; `gmtOffset`, else `gmtDate` and `gmtTime`, tell the offset where
present. Where the two say otherwise, `gmtOffset` wins and the event is flagged.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
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
    not_found,
    opened,
    read,
    same_number,
    text_of,
    unmentioned,
    unreadable,
)
from lanecast.carriers.base import Account, Adapter, Parsed, Wanted, in_path
from lanecast.carriers.clocks import (
    EARLIEST_YEAR,
    LATEST_YEAR,
    by_greenwich,
    by_offset,
    disagree,
    settle,
)
from lanecast.carriers.events import TURNED, returned_to_sender
from lanecast.carriers.places import Place, country_code, place_of, region_code
from lanecast.carriers.status import CUSTOMS, UNKNOWN, resolve_customs, status_table
from lanecast.tracking import Parcel, TimeKnowledge, TrackingEvent, Unreadable
from lanecast.web import RequestSpec

NOT_FOUND_CODES = frozenset({"TW0001", "TV1002"})
"""Error codes for a number without tracking information, or that UPS never gave out (UPS Tracking API, errors)."""


_NOTHING = msgspec.Raw(b"null")


class _Address(Wire):
    city: str | None = None
    countryCode: str | None = None
    country: str | None = None
    stateProvince: str | None = None


class _Location(Wire):
    address: _Address | None = None


class _Status(Wire):
    type: Text = None
    code: Text = None
    statusCode: Text = None
    description: str | None = None


class _Activity(Wire):
    """`location` and `status` stay as printed: few are told apart, and each is read once (_place, _told)."""

    location: msgspec.Raw = _NOTHING
    status: msgspec.Raw = _NOTHING
    date: Text = None
    time: Text = None
    gmtDate: Text = None
    gmtOffset: str | None = None
    gmtTime: Text = None


class _PackageAddress(Wire):
    type: str | None = None
    address: _Address | None = None


class _Service(Wire):
    description: str | None = None


class _Package(Salvageable):
    trackingNumber: Text = None
    activity: list[_Activity] | None = None
    packageAddress: list[_PackageAddress] | None = None
    service: _Service | None = None


class _Problem(Wire):
    code: Text = None
    message: str | None = None


class _Shipment(Wire):
    inquiryNumber: Text = None
    package: list[_Package] | None = None
    warnings: list[_Problem] | None = None


class _TrackResponse(Wire):
    shipment: list[_Shipment] | None = None


class _ErrorResponse(Wire):
    errors: list[_Problem] | None = None


class _Answer(Wire):
    trackResponse: _TrackResponse | None = None
    response: _ErrorResponse | None = None


NOT_TO_THE_RECEIVER = frozenset({"returned", "returning", "available_for_pickup", "lost", "destroyed"})
"""What a package's status may make of an activity that says delivered."""

_DECODER = msgspec.json.Decoder(_Answer)
_LOCATION = msgspec.json.Decoder(_Location)
_STATUS = msgspec.json.Decoder(_Status)


class Ups(Adapter):
    """UPS: OAuth2 client credentials, one number a request."""

    name: ClassVar[str] = "ups"
    numbers_per_request: ClassVar[int] = 1

    def token_request(self, account: Account) -> RequestSpec | None:
        """Client credentials by HTTP Basic, as the OpenAPI document asks."""
        return RequestSpec(
            "POST",
            "/security/v1/oauth/token",
            form={"grant_type": "client_credentials"},
            basic=(account.login, account.password),
        )

    def authorization(self, account: Account, token: str | None) -> Mapping[str, str]:
        """A bearer token."""
        return {"Authorization": f"Bearer {token}"}

    def build(self, account: Account, wanted: Sequence[Wanted], token: str | None) -> RequestSpec:
        """A request for one number; `transId` is unique to the request."""
        return RequestSpec(
            "GET",
            f"/api/track/v1/details/{in_path(wanted[0].number)}",
            params={"locale": "en_US"},
            headers={"transId": uuid.uuid4().hex, "transactionSrc": "lanecast"},
        )

    def parse(self, body: bytes, requested: Sequence[str]) -> Iterator[Parsed]:
        """One Parcel per package: each piece has a tracking number of its own."""
        answer = yield from opened(body, requested, _DECODER, _Answer)
        if answer is None:
            return
        shipments = answer.trackResponse.shipment if answer.trackResponse else None
        if not shipments:
            problems = (answer.response.errors if answer.response else None) or []
            yield from _without_parcels(body, problems, requested)
            return
        mentioned: set[str] = set()
        for shipment in shipments:
            yield from _parcels(shipment, requested, mentioned)
        yield from unmentioned(requested, mentioned)


def _without_parcels(body: bytes, problems: Sequence[_Problem], requested: Sequence[str]) -> Iterator[Parsed]:
    if any(text_of(problem.code) in NOT_FOUND_CODES for problem in problems):
        yield from map(not_found, requested)
        return
    told = "; ".join(f"{problem.code} {problem.message}" for problem in problems)
    yield from unreadable(body, told or "no shipment in it", requested)


def _parcels(shipment: _Shipment, requested: Sequence[str], mentioned: set[str]) -> Iterator[Parsed]:
    inquiry = text_of(shipment.inquiryNumber)
    asked = _asked(inquiry, [text_of(package.trackingNumber) for package in shipment.package or ()], requested)
    if asked:
        mentioned.add(same_number(asked))
    if not shipment.package:
        told = {text_of(warning.code) for warning in shipment.warnings or ()}
        if asked and told & NOT_FOUND_CODES:
            yield not_found(asked)
        else:
            yield Unreadable(problem=f"no package in it, warnings {sorted(filter(None, told))}", tracking_number=asked)
        return
    for package in shipment.package:
        number = text_of(package.trackingNumber) or asked
        if number is None:
            yield Unreadable(problem="a package without tracking number")
            continue
        yield from dropped(package.drops, number)
        yield from _read_package(package, number, asked or number)


def _asked(inquiry: str | None, numbers: Sequence[str | None], requested: Sequence[str]) -> str | None:
    """The requested number that a shipment answers, as it was asked for; without any asked, its inquiry number."""
    told = {same_number(number) for number in (inquiry, *numbers) if number}
    for number in requested:
        if same_number(number) in told:
            return number
    return inquiry


def _read_package(package: _Package, number: str, requested_number: str) -> Iterator[Parsed]:
    origin, destination, destination_region = _ends(package.packageAddress or ())
    events: list[TrackingEvent] = []
    returning = False
    for activity in package.activity or ():
        event = _event(activity, origin, destination)
        if type(event) is TrackingEvent:
            events.append(event)
            returning = returning or event.milestone in TURNED
        else:
            yield Unreadable(problem=str(event), tracking_number=number)
    events = settle(events)
    yield Parcel(
        tracking_number=number,
        requested_number=requested_number,
        service=text_of(package.service.description) if package.service else None,
        origin_country=origin,
        destination_country=destination,
        destination_region=destination_region,
        events=returned_to_sender(events) if returning else events,
    )


def _ends(addresses: Sequence[_PackageAddress]) -> tuple[str | None, str | None, str | None]:
    """(origin country, destination country, destination region) from a package's addresses."""
    origin = destination = region = None
    for entry in addresses:
        if entry.address is None:
            continue
        country = country_code(entry.address.countryCode or entry.address.country)
        if entry.type == "ORIGIN":
            origin = country
        elif entry.type == "DESTINATION":
            destination = country
            region = region_code(country, entry.address.stateProvince)
    return origin, destination, region


def _event(activity: _Activity, origin: str | None, destination: str | None) -> TrackingEvent | str:
    """The event of one activity, or why it could not be read."""
    local: datetime | None
    try:
        local = datetime.fromisoformat(f"{activity.date}T{activity.time}")
    except ValueError:
        local = _clock(activity.date, activity.time)
    if local is None or local.tzinfo is not None or not EARLIEST_YEAR <= local.year <= LATEST_YEAR:
        return f"activity with unreadable date {activity.date!r} and time {activity.time!r}"
    country, region, city, place = _place(bytes(activity.location))
    occurred, minutes, known, disagrees = _when(activity, local, place)
    code, description, milestone, reason, mapped = _told(bytes(activity.status))
    if milestone in CUSTOMS:
        milestone = resolve_customs(milestone, country, origin, destination, description)
    return TrackingEvent(
        local_time=local,
        utc_offset_minutes=minutes,
        tz_known=known,
        occurred_at=occurred,
        milestone=milestone,
        code=code,
        description=description,
        reason=reason,
        country=country,
        region=region,
        city=city,
        mapped=mapped,
        clock_disagrees=disagrees,
    )


def _clock(date: Text, time: Text) -> datetime | None:
    """A clock reading from YYYYMMDD and HHMMSS; colons and lost leading zeros ("74700") are taken."""
    day = text_of(date)
    clock = (text_of(time) or "000000").replace(":", "").rjust(6, "0")
    return moment_of(f"{day}T{clock}") if day else None


def _when(activity: _Activity, local: datetime, place: Place) -> tuple[datetime, int, TimeKnowledge, bool]:
    """(UTC, offset in minutes, how it is known, whether the activity's own readings disagree)."""
    greenwich: datetime | None
    try:
        greenwich = datetime.fromisoformat(f"{activity.gmtDate}T{activity.gmtTime}Z")
    except ValueError:
        greenwich = _clock(activity.gmtDate, activity.gmtTime) if activity.gmtDate and activity.gmtTime else None
    told = by_offset(local, activity.gmtOffset)
    if told is None:
        return by_greenwich(local, greenwich, place)
    occurred, minutes = told
    return occurred, minutes, "offset", greenwich != occurred and disagree(occurred, greenwich)


@lru_cache(maxsize=16384)
def _place(location: bytes) -> tuple[str | None, str | None, str | None, Place]:
    """(country, region, city, place) of a location as printed; nowhere for none, or for one that cannot be read."""
    try:
        address = read(location, _LOCATION, _Location)[0].address
    except msgspec.MsgspecError:
        address = None
    address = address or _Address()
    place = place_of(address.countryCode or address.country, address.stateProvince, address.city)
    return place.country, place.region, place.city, place


@lru_cache(maxsize=16384)
def _told(status: bytes) -> tuple[str | None, str | None, str, str | None, bool]:
    """(the event's code such as "I/OT", description, milestone, reason, whether it is known) of a status as printed.

    The meaning goes by type and code, by package status code, by type alone. The description may name a finer reason.
    """
    try:
        told = read(status, _STATUS, _Status)[0]
    except msgspec.MsgspecError:
        return None, None, *UNKNOWN
    description = line_of(told.description) if told.description else None
    kind, code, status_code = text_of(told.type), text_of(told.code), text_of(told.statusCode)
    key = f"{kind or ''}/{code}" if code else kind or status_code
    table = status_table("ups")
    known = (code and table.codes.get(f"{kind}/{code}")) or (
        status_code and table.codes.get(f"statusCode/{status_code.zfill(3)}")
    )
    if known and known.milestone == "delivered" and status_code:
        # The package's own status knows when that was not to the receiver.
        package = table.codes.get(f"statusCode/{status_code.zfill(3)}")
        known = package if package and package.milestone in NOT_TO_THE_RECEIVER else known
    meaning = table.with_reason(known or table.codes.get(f"{kind}/*") or UNKNOWN, description)
    return key, description, *meaning


ADAPTER = Ups
