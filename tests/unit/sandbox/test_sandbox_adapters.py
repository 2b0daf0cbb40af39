"""The platform's adapters read out of the sandbox's answers what really happened, with the export's codes."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import msgspec
import pytest

from lanecast.carriers.base import Adapter
from lanecast.carriers.dhl import Dhl
from lanecast.carriers.fedex import Fedex
from lanecast.carriers.ups import Ups
from lanecast.carriers.usps import Usps
from lanecast.sandbox.dirt import ANSWER_FLAWS
from lanecast.sandbox.shipment import Shipment
from lanecast.sandbox.wire import code_and_text, dhl, fedex, ups, usps
from lanecast.sandbox.wire.told import Json
from lanecast.sandbox.workdays import zone_rules
from lanecast.sandbox.world import World
from lanecast.tracking import Parcel, Unreadable

FOREVER = 4_000_000_000
ADAPTERS: dict[str, Adapter] = {"ups": Ups(), "fedex": Fedex(), "dhl": Dhl(), "usps": Usps()}


def answer(shipment: Shipment, flaw: str | None = None) -> Json:
    if shipment.carrier == "ups":
        return ups.answer(shipment, 0, FOREVER, lambda _: flaw, lambda _: shipment.index % 5 > 0)
    if shipment.carrier == "fedex":
        return fedex.answer("t", [fedex.result(shipment, 0, FOREVER, flaw)])
    told = (dhl if shipment.carrier == "dhl" else usps).answer(shipment, FOREVER, flaw)
    assert told is not None
    return told


def parse(shipment: Shipment, flaw: str | None = None) -> list[Parcel | Unreadable]:
    body = msgspec.json.encode(answer(shipment, flaw))
    return list(ADAPTERS[shipment.carrier].parse(body, [shipment.number]))


def sample(world: World) -> list[Shipment]:
    days = (world.start.date() - timedelta(days=back) for back in (30, 75, 140))
    return [shipment for day in days for shipment in world.shipments_ordered_on(day)]


def test_adapters_read_every_scan_at_its_time_and_with_the_exports_code(world: World) -> None:
    seen: Counter[str] = Counter()
    for shipment in sample(world):
        read = parse(shipment)
        assert all(isinstance(one, Parcel) for one in read)
        parcel = next(one for one in read if isinstance(one, Parcel) and one.tracking_number == shipment.number)
        events = sorted(parcel.events, key=lambda event: event.occurred_at)
        assert len(events) == len(shipment.scans)
        for event, scan in zip(events, shipment.scans, strict=True):
            assert event.code == code_and_text(shipment.carrier, scan)[0]
            local = datetime.fromtimestamp(scan.instant, zone_rules(scan.place.zone.name)).replace(tzinfo=None)
            assert event.local_time.replace(second=0) == local.replace(second=0)
            if event.tz_known != "assumed":  # UPS may name but the country of a label, and no offset
                assert abs(event.occurred_at.timestamp() - scan.instant) < 60
            assert event.country == scan.place.country
        seen[shipment.carrier] += 1
        outcome = world.truth(shipment).outcome
        if outcome != "lost":  # FedEx and USPS have no code for it
            assert events[-1].milestone == outcome
    assert seen.keys() == ADAPTERS.keys()


@pytest.mark.parametrize("flaw", ANSWER_FLAWS)
def test_adapters_keep_the_rest_of_a_broken_answer(world: World, flaw: str) -> None:
    for carrier in ADAPTERS:
        shipment = next(one for one in sample(world) if one.carrier == carrier and one.pieces == 1)
        read = parse(shipment, flaw)
        complaints = [one for one in read if isinstance(one, Unreadable)]
        events = [event for one in read if isinstance(one, Parcel) for event in one.events]
        if flaw == "malformed_parcel":
            assert complaints
        elif flaw == "impossible_date":
            assert len(complaints) == 1
            assert len(events) == len(shipment.scans) - 1
        else:
            assert len(events) == len(shipment.scans)
