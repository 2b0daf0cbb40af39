"""How fast answers are read: events per second of one core, for 15-event answers of UPS, FedEx, DHL and USPS.

The answers are the stand-ins': several hundred parcels a carrier, each on a journey of its own through some forty
places and at minutes of its own, fields that adapters do not read included. A rate counts the process's own CPU time,
so that what else runs on the machine does not change it, and the parcels are read to the end.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from random import Random
from typing import NamedTuple

import msgspec
from rich import box
from rich.console import Console
from rich.table import Table

from lanecast.carriers import registry
from lanecast.sandbox.description import read_description
from lanecast.sandbox.journey import Scan
from lanecast.sandbox.network import Network, Place
from lanecast.sandbox.shipment import Shipment
from lanecast.sandbox.wire import dhl, fedex, ups, usps
from lanecast.sandbox.wire.base import StandIn
from lanecast.sandbox.wire.told import Json
from lanecast.tracking import Parcel

CARRIERS = ("ups", "fedex", "dhl", "usps")
EVENTS_PER_ANSWER = 15
PARCELS = 400
PLACES = 40
ROUNDS = 3

_FOREVER = 1 << 40
_FIRST_INSTANT = int(datetime(2026, 1, 5, tzinfo=UTC).timestamp())
_YEAR_SECONDS = 365 * 86400
_COURSE: tuple[tuple[str, str], ...] = (
    ("label_created", "origin"),
    ("picked_up", "origin"),
    ("origin_hub_arrived", "origin hub"),
    ("export_cleared", "origin hub"),
    ("origin_departed", "origin hub"),
    ("country_arrived", "gateway"),
    ("import_started", "gateway"),
    ("customs_hold", "gateway"),
    ("import_cleared", "gateway"),
    ("delivery_hub_arrived", "destination hub"),
    ("delayed", "destination hub"),
    ("out_for_delivery", "destination"),
    ("failed_attempt", "destination"),
    ("out_for_delivery", "destination"),
    ("delivered", "destination"),
)
_REASONS: dict[str, tuple[str | None, ...]] = {
    "customs_hold": ("missing_invoice", "duties_unpaid", "inspection", "wrong_value"),
    "delayed": ("weather", "strike"),
    "failed_attempt": (None, None, "bad_address"),
}


class Answers(NamedTuple):
    """Bodies of a carrier's answers, and the number that each was asked for."""

    bodies: list[bytes]
    numbers: list[str]

    @property
    def bytes_each(self) -> float:
        """The mean size of an answer."""
        return sum(map(len, self.bodies)) / len(self.bodies)


def parse_rates(seconds_per_carrier: float = 3.0) -> dict[str, dict[str, float]]:
    """Events and bytes per second of CPU time by carrier, the median of three rounds.

    Beside them: `answer_bytes`, an answer's mean size; `events`, how many one round reads; and what decoding alone
    takes (`json_events_per_second`: the same answers into plain dicts and lists, for comparison).
    AssertionError if an answer is not read in full.
    """
    return {carrier: _measure(carrier, seconds_per_carrier) for carrier in CARRIERS}


def answers_of(carrier: str, parcels: int | None = None) -> Answers:
    """Answers of a carrier about one parcel each, EVENTS_PER_ANSWER events in each; the same ones on every call."""
    random = Random(f"{carrier} answers")  # noqa: S311 - no secret
    build, stand_in = _STAND_INS[carrier]
    places = _places()
    told = Answers([], [])
    for index in range(parcels or PARCELS):
        shipment = _shipment(carrier, stand_in, index, places, random)
        told.bodies.append(msgspec.json.encode(build(shipment)))
        told.numbers.append(shipment.number)
    return told


def _measure(carrier: str, seconds: float) -> dict[str, float]:
    answers = answers_of(carrier)
    adapter = registry.adapter(carrier)
    requests = [(body, (number,)) for body, number in zip(answers.bodies, answers.numbers, strict=True)]
    for body, requested in requests:
        _check(list(adapter.parse(body, requested)), requested[0])

    def parse() -> None:
        for body, requested in requests:
            for _ in adapter.parse(body, requested):
                pass

    def decode() -> None:
        for body in answers.bodies:
            msgspec.json.decode(body)

    events = len(requests) * EVENTS_PER_ANSWER
    rate, repeats = _rate(parse, seconds)
    decoding, _ = _rate(decode, seconds / 10)
    return {
        "events_per_second": round(rate * events),
        "bytes_per_second": round(rate * sum(map(len, answers.bodies))),
        "events": repeats * events,
        "answer_bytes": round(answers.bytes_each),
        "json_events_per_second": round(decoding * events),
    }


def _rate(work: Callable[[], None], seconds: float) -> tuple[float, int]:
    """(runs of `work` per second of CPU time, runs in each of the rounds that share out `seconds`)."""
    began = time.process_time()
    work()
    repeats = max(1, round(seconds / ROUNDS / max(time.process_time() - began, 1e-6)))
    rates: list[float] = []
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(repeats):
            work()
        rates.append(repeats / max(time.process_time() - began, 1e-6))
    return statistics.median(rates), repeats


def _check(parsed: Sequence[object], number: str) -> None:
    events = [event for parcel in parsed if isinstance(parcel, Parcel) for event in parcel.events]
    if (
        len(parsed) != 1
        or len(events) != EVENTS_PER_ANSWER
        or not all(event.mapped and event.country for event in events)
    ):
        raise AssertionError(f"{number} should be read as {EVENTS_PER_ANSWER} known events: {parsed}")


def _places() -> list[Place]:
    """Forty cities of the sandbox's world, of all its countries in turn."""
    network = Network(read_description())
    columns = [list(cities.items) for cities in network.cities.values()]
    rows = range(max(map(len, columns)))
    return [column[row] for row in rows for column in columns if row < len(column)][:PLACES]


def _shipment(carrier: str, stand_in: StandIn, index: int, places: Sequence[Place], random: Random) -> Shipment:
    origin, destination = random.sample(places, 2)
    along = {
        "origin": origin,
        "origin hub": random.choice([place for place in places if place.country == origin.country]),
        "gateway": random.choice([place for place in places if place.country == destination.country]),
        "destination hub": random.choice([place for place in places if place.country == destination.country]),
        "destination": destination,
    }
    instant = _FIRST_INSTANT + random.randrange(_YEAR_SECONDS)
    scans = []
    for kind, where in _COURSE:
        scans.append(Scan(instant, kind, along[where], random.choice(_REASONS.get(kind, (None,)))))
        instant += random.randrange(1800, 86400)
    return Shipment(
        order_id=f"bench-{index}",
        seed=0,
        day=index,
        index=index,
        carrier=carrier,
        service_code="standard",
        service="International Standard",
        number=stand_in.number(2200 + index % 300, index, 0, random.randrange(1000), "standard"),
        pieces=1,
        origin=origin,
        destination=destination,
        ordered_at=scans[0].instant,
        promised_at=None,
        scans=scans,
    )


def _ups(shipment: Shipment) -> Json:
    # As in the sandbox's own world, one parcel of some lacks what tells the offset.
    return ups.answer(shipment, 0, _FOREVER, lambda _: None, lambda _: shipment.index % 10 != 0)


def _fedex(shipment: Shipment) -> Json:
    return fedex.answer("bench", [fedex.result(shipment, 0, _FOREVER, None)])


def _dhl(shipment: Shipment) -> Json:
    return dhl.answer(shipment, _FOREVER, None) or {}


def _usps(shipment: Shipment) -> Json:
    return usps.answer(shipment, _FOREVER, None) or {}


_STAND_INS: dict[str, tuple[Callable[[Shipment], Json], StandIn]] = {
    "ups": (_ups, ups.Ups()),
    "fedex": (_fedex, fedex.Fedex()),
    "dhl": (_dhl, dhl.Dhl()),
    "usps": (_usps, usps.Usps()),
}


def show(rates: dict[str, dict[str, float]]) -> None:
    """Prints the rates as a table."""
    table = Table(title="answers of 15 events, one core", title_justify="left", box=box.SIMPLE_HEAD)
    for name in ("carrier", "events/s", "MB/s", "bytes an answer", "JSON alone, events/s"):
        table.add_column(name, justify="left" if name == "carrier" else "right")
    for carrier, told in rates.items():
        table.add_row(
            carrier,
            f"{told['events_per_second']:,.0f}",
            f"{told['bytes_per_second'] / 1e6:,.0f}",
            f"{told['answer_bytes']:,.0f}",
            f"{told['json_events_per_second']:,.0f}",
        )
    Console(highlight=False).print(table)
