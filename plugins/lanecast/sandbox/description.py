"""Reads and checks the YAML description of a simulated world. Every complaint names the file and the key."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import yaml

from lanecast import settings
from lanecast.sandbox.shop.description import Shop, StorefrontKind, complaints
from lanecast.sandbox.workdays import zone_rules

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Positive = Annotated[float, msgspec.Meta(gt=0)]
NotNegative = Annotated[float, msgspec.Meta(ge=0)]
MonthDay = Annotated[str, msgspec.Meta(pattern=r"^(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$")]


class WorldError(ValueError):
    """The description of a world cannot be used; the message names the file and the key."""


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of the description: a key that it does not know is an error."""


class Clock(_Part, frozen=True, kw_only=True):
    """When the world's time starts (absent: now) and how many world seconds a second takes."""

    start: datetime | None = None
    speed: NotNegative = 1.0


class Orders(_Part, frozen=True, kw_only=True):
    """How many orders a day, by weekday from Monday, and how many of them travel in several pieces."""

    per_day: Positive
    weekdays: Annotated[list[NotNegative], msgspec.Meta(min_length=7, max_length=7)]
    multi_piece: Share = 0.0
    most_pieces: Annotated[int, msgspec.Meta(ge=2, le=9)] = 4


class Peak(_Part, frozen=True, kw_only=True):
    """A season of every year, first to last day (MM-DD): more orders, and everything takes longer."""

    name: str
    first: MonthDay
    last: MonthDay
    orders: Positive = 1.0
    delay: Positive = 1.0


class Strike(_Part, frozen=True, kw_only=True):
    """A strike at one place, by date or counted back from the clock's start."""

    name: str
    country: str
    region: str | None = None
    first: date | None = None
    days_before_start: int | None = None
    days: Annotated[int, msgspec.Meta(ge=1)]
    affected: Share = 1.0
    backlog_days: NotNegative = 2.0


class Jam(_Part, frozen=True, kw_only=True):
    """Customs of one country that get on `slower` times as slowly, by date or counted back from the clock's start."""

    name: str
    country: str
    first: date | None = None
    days_before_start: int | None = None
    days: Annotated[int, msgspec.Meta(ge=1)]
    slower: Annotated[float, msgspec.Meta(ge=1)]


class Weather(_Part, frozen=True, kw_only=True):
    """The chance that a day's weather stops the delivery vans of a country."""

    chance: Share = 0.0
    stopped: Share = 0.7


class Outcomes(_Part, frozen=True, kw_only=True):
    """Shares of shipments that go wrong, each in its own way."""

    lost: Share = 0.0
    refused: Share = 0.0
    undeliverable: Share = 0.0
    failed_attempt: Share = 0.0
    pickup_point: Share = 0.0
    damaged: Share = 0.0


class Dirt(_Part, frozen=True, kw_only=True):
    """Shares of carriers' answers and of history rows that are broken, always the same ones."""

    answers: Share = 0.0
    history: Share = 0.0


class Service(_Part, frozen=True, kw_only=True):
    """A carrier's service. Factors apply to the lane's own days; spread is the sigma of the log of a duration."""

    name: str
    share: Positive
    handling_days: NotNegative
    line_haul: Positive
    spread: NotNegative
    customs: NotNegative = 1.0
    last_mile: Positive = 1.0
    promised: bool = False
    sparse: bool = False
    saturday: bool = False


class Carrier(_Part, frozen=True, kw_only=True):
    """A carrier: its services by code, and how its interface behaves.

    `without_offset` is the share of answers that leave out what tells the offset, for carriers that sometimes do.
    """

    services: Annotated[dict[str, Service], msgspec.Meta(min_length=1)]
    token_minutes: Positive = 30.0
    requests_per_second: Positive = 400.0
    without_offset: Share = 0.0


class City(_Part, frozen=True, kw_only=True):
    """A city; region is the part of ISO 3166-2 behind the country."""

    city: str
    region: str
    postal_code: str
    weight: Positive = 1.0
    zone: str | None = None


class Country(_Part, frozen=True, kw_only=True):
    """A country: its time zone, weekend (0 is Monday), customs union, gateway (a city's name) and cities."""

    name: str
    zone: str
    gateway: str
    cities: Annotated[list[City], msgspec.Meta(min_length=1)]
    weekend: tuple[Annotated[int, msgspec.Meta(ge=0, le=6)], ...] = (5, 6)
    customs_union: str | None = None


class Origin(_Part, frozen=True, kw_only=True):
    """A country that is shipped from: its share of all orders, and of its carriers."""

    share: Positive
    carriers: Annotated[dict[str, Positive], msgspec.Meta(min_length=1)]
    export_days: NotNegative = 0.5


class Destination(_Part, frozen=True, kw_only=True):
    """A country that is shipped to. Days are medians for a factor of 1."""

    share: Positive
    line_haul_days: dict[str, Positive]
    customs_days: NotNegative
    customs_hold: Share
    last_mile_days: NotNegative


class Description(_Part, frozen=True, kw_only=True):
    """A whole world. `storefronts` names the origins whose orders each kind of shop sells; none, where nobody sells."""

    name: str
    seed: Annotated[int, msgspec.Meta(ge=0)] = 1
    clock: Clock = Clock()
    history_days: Annotated[int, msgspec.Meta(ge=1, le=3650)] = 180
    orders: Orders
    peaks: list[Peak] = []
    strikes: list[Strike] = []
    jams: list[Jam] = []
    weather: Weather = Weather()
    outcomes: Outcomes = Outcomes()
    hold_reasons: Annotated[dict[str, Positive], msgspec.Meta(min_length=1)]
    dirt: Dirt = Dirt()
    carriers: Annotated[dict[str, Carrier], msgspec.Meta(min_length=1)]
    countries: dict[str, Country]
    origins: Annotated[dict[str, Origin], msgspec.Meta(min_length=1)]
    destinations: Annotated[dict[str, Destination], msgspec.Meta(min_length=1)]
    storefronts: dict[StorefrontKind, list[str]] = {}
    shop: Shop = msgspec.field(default_factory=Shop)


def default_world() -> Path:
    """The file of the default world."""
    return settings.include() / "reference" / "world.yaml"


def read_description(path: Path | None = None) -> Description:
    """The world described in `path` (absent: the default world). Raises WorldError naming the key at fault."""
    file = path or default_world()
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise WorldError(f"{file}: cannot be read ({problem}); give the path of a world's YAML file") from problem
    try:
        raw: Any = yaml.safe_load(text)
    except yaml.YAMLError as problem:
        raise WorldError(f"{file}: is not YAML: {problem}") from problem
    try:
        description = msgspec.convert(raw, Description)
    except msgspec.ValidationError as problem:
        raise WorldError(f"{file}: {_in_words(str(problem), raw)}") from problem
    for complaint in _complaints(description):
        raise WorldError(f"{file}: {complaint}")
    return description


def _in_words(problem: str, raw: object) -> str:
    """The reader's complaint with the key named as it stands in the file.

    The reader writes `$.orders.per_day`, and `[...]` for a key of a mapping: the keys tried are then listed.
    """
    said, _, place = problem.partition(" - at ")
    key = place.strip("`").removeprefix("$").lstrip(".") or "the whole file"
    found = _culprits(key, raw)
    hint = "; YAML reads ON, NO and YES as true or false: put it in quotes" if "str" in said and "bool" in said else ""
    return f"key {key}{found}: {said}{hint}"


def _culprits(key: str, raw: object) -> str:
    head = key.partition("[...]")[0]
    if head == key or not isinstance(raw, dict):
        return ""
    part = raw.get(head.strip("."))
    return f" (one of {', '.join(map(str, part))})" if isinstance(part, dict) else ""


def _complaints(world: Description) -> list[str]:
    """What is wrong between the parts of a description whose parts are right."""
    from lanecast.sandbox import wire  # the stand-ins tell of worlds

    found: list[str] = []
    known = wire.names("carrier")
    for code, carrier in world.carriers.items():
        if code not in known:
            found.append(f"key carriers.{code}: not one of {', '.join(known)}")
        found.extend(
            f"key carriers.{code}.services.{service}: a service's code is letters, digits, _ and -"
            for service in carrier.services
            if not re.fullmatch(r"[A-Za-z0-9_-]+", service)
        )
    for code, country in world.countries.items():
        found.extend(_country_complaints(code, country))
    for code, origin in world.origins.items():
        if code not in world.countries:
            found.append(f"key origins.{code}: no such country under countries")
        found.extend(
            f"key origins.{code}.carriers.{name}: no such carrier under carriers"
            for name in origin.carriers
            if name not in world.carriers
        )
        if not set(world.destinations) - {code}:
            found.append(f"key destinations: none that {code} could ship to across a border")
    for code, destination in world.destinations.items():
        if code not in world.countries:
            found.append(f"key destinations.{code}: no such country under countries")
        found.extend(
            f"key destinations.{code}.line_haul_days: misses the origin {origin}"
            for origin in world.origins
            if origin != code and origin not in destination.line_haul_days
        )
    found.extend(complaints(world.storefronts, world.shop, list(world.origins)))
    disruptions: list[tuple[str, Sequence[Strike | Jam]]] = [("strikes", world.strikes), ("jams", world.jams)]
    for key, described in disruptions:
        for number, one in enumerate(described):
            if (one.first is None) == (one.days_before_start is None):
                found.append(f"key {key}[{number}]: give either first or days_before_start")
            if one.country not in world.countries:
                found.append(f"key {key}[{number}].country: no such country under countries: {one.country}")
    if world.orders.per_day * max(world.orders.weekdays) * _highest_peak(world) > 9000:
        found.append("key orders.per_day: more than 9,000 orders on one day; the tracking numbers end there")
    return found


def _highest_peak(world: Description) -> float:
    highest = 1.0
    for peak in world.peaks:
        highest *= max(1.0, peak.orders)
    return highest


def _country_complaints(code: str, country: Country) -> list[str]:
    found = [] if re.fullmatch(r"[A-Z]{2}", code) else [f"key countries.{code}: not an ISO 3166-1 alpha-2 code"]
    if country.gateway not in {city.city for city in country.cities}:
        found.append(f"key countries.{code}.gateway: {country.gateway} is none of its cities")
    if len(set(country.weekend)) > 6:
        found.append(f"key countries.{code}.weekend: leaves no day to work")
    for zone in {country.zone, *(city.zone or country.zone for city in country.cities)}:
        try:
            zone_rules(zone)
        except ValueError:
            found.append(f"key countries.{code}: no such time zone: {zone}")
    return found


def start_of(description: Description) -> datetime | None:
    """The clock's start, UTC where it was written without a zone; None where it is left to the anchor."""
    start = description.clock.start
    return start.replace(tzinfo=UTC) if start is not None and start.tzinfo is None else start
