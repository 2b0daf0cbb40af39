"""Real answers of every carrier, as its stand-in gives them: short ones, to be mutated and cut in tests."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from carrier_world import ask, finished
from lanecast.carriers import registry
from lanecast.sandbox import wire
from lanecast.sandbox.shipment import Shipment
from lanecast.tracking import Parcel

JOURNEYS = 400
"""How many journeys are looked through for short ones."""


class Told(NamedTuple):
    """The body of an answer, and the numbers that it was to tell of."""

    body: bytes
    requested: tuple[str, ...]


@cache
def answers(carrier: str) -> tuple[Told, ...]:
    """A few short answers that hold events: of ordinary journeys, of ones held by customs, returned and lost.

    Where a carrier answers several numbers at once, the first is about two. Aggregators are asked twice: their lists
    come first, then what they hand out when a parcel is first asked for.
    """
    chosen = _short_journeys(carrier)
    size = min(registry.adapter(carrier).numbers_per_request, 2)
    batches = [[one.number for one in chosen[:size]], *([one.number] for one in chosen[size:])]
    forget(carrier)
    first = [told for batch in batches for told in _with_events(carrier, batch)]
    if registry.row(carrier).kind == "carrier":
        return tuple(first)
    again = [told for batch in batches for told in _with_events(carrier, batch)]
    return tuple(dict.fromkeys((*again, *first)))


def forget(carrier: str) -> None:
    """Whatever was registered with an aggregator's stand-in is so no more."""
    if registry.row(carrier).kind == "aggregator":
        wire.stand_in.cache_clear()


def parcels_told(carrier: str, told: Told) -> list[Parcel]:
    """The parcels that an adapter reads in an answer."""
    parsed = registry.adapter(carrier).parse(told.body, told.requested)
    return [one for one in parsed if isinstance(one, Parcel)]


def is_xml(body: bytes) -> bool:
    """Whether an answer is XML (and not JSON)."""
    return body.lstrip()[:1] == b"<"


def _short_journeys(carrier: str) -> list[Shipment]:
    alone = sorted((one for one in finished(carrier, JOURNEYS) if one.pieces == 1), key=lambda one: len(one.scans))
    chosen: list[Shipment] = []
    for last, also in (("delivered", "label_created"), ("delivered", "export_cleared"), ("delivered", "customs_hold"),
                       ("returned", "refused"), ("lost", "label_created")):  # fmt: skip
        for one in alone:
            kinds = {scan.kind for scan in one.scans}
            if one.scans[-1].kind == last and also in kinds and one not in chosen:
                chosen.append(one)
                break
    return chosen


def _with_events(carrier: str, numbers: Sequence[str]) -> list[Told]:
    told = [Told(answer.body, answer.requested) for answer in ask(carrier, numbers)]
    return [one for one in told if any(parcel.events for parcel in parcels_told(carrier, one))]
