"""The platform's adapters read out of the stand-ins' answers what really happened, with the export's codes."""

from __future__ import annotations

import pytest

from carrier_world import FOREVER, START, ask, finished, read, world_of
from lanecast.carriers import registry
from lanecast.sandbox import wire
from lanecast.sandbox.journey import MILESTONE_OF
from lanecast.tracking import Parcel, TrackingEvent, Unreadable

CUSTOMS_KINDS = {"export_cleared", "import_started", "import_cleared", "customs_hold"}


def timeline(parsed: list[Parcel | Unreadable], number: str) -> list[TrackingEvent]:
    """The events of one number, oldest first, told twice or not."""
    told = {
        (event.local_time.replace(second=0, microsecond=0), event.code, event.description): event
        for parcel in parsed
        if isinstance(parcel, Parcel) and parcel.tracking_number == number
        for event in parcel.events
    }
    return sorted(told.values(), key=lambda event: event.occurred_at)


@pytest.mark.parametrize("carrier", wire.names())
def test_every_scan_is_read_at_its_time_and_with_the_exports_code(carrier: str) -> None:
    shipments = finished(carrier)
    parsed = read(carrier, ask(carrier, [shipment.number for shipment in shipments]))
    complaints = [one.problem for one in parsed if isinstance(one, Unreadable)]
    assert not complaints
    kinds = set()
    for shipment in shipments:
        events = timeline(parsed, shipment.number)
        assert len(events) == len(shipment.scans), (shipment.number, [scan.kind for scan in shipment.scans])
        for event, scan in zip(events, shipment.scans, strict=True):
            kinds.add(scan.kind)
            assert event.mapped, (event.code, event.description)
            if registry.row(carrier).kind == "carrier":
                assert event.code == wire.code_and_text(carrier, scan)[0]
            if event.tz_known != "assumed":
                assert abs(event.occurred_at.timestamp() - scan.instant) < 60
            local = event.occurred_at.replace(tzinfo=None)
            assert (event.local_time - local).total_seconds() == event.utc_offset_minutes * 60
            if event.country is not None:
                assert event.country == scan.place.country
        outcome = world_of(carrier).truth(shipment).outcome
        if outcome == "delivered":
            assert events[-1].milestone == "delivered"
        else:  # some have no code for a lost parcel, or for one that came back
            assert events[-1].milestone != "delivered", [event.code for event in events]
    assert kinds >= {"delivered", "returned", "failed_attempt", "customs_hold", "out_for_delivery"}


@pytest.mark.parametrize("carrier", wire.names())
def test_what_a_scan_means_is_read_or_left_open_but_never_wrong(carrier: str) -> None:
    """A milestone is the true one, or one that says less: `in_transit`, or a neighbour that is true as well."""
    shipments = finished(carrier)
    parsed = read(carrier, ask(carrier, [shipment.number for shipment in shipments]))
    for shipment in shipments:
        for event, scan in zip(timeline(parsed, shipment.number), shipment.scans, strict=True):
            true = MILESTONE_OF[scan.kind]
            assert event.milestone in {true, *SAYS_LESS.get(true, ()), "in_transit"}, (event, scan)


SAYS_LESS: dict[str, set[str]] = {
    "damaged": {"delayed"},
    "lost": {"delayed", "failed_attempt"},
    "returned": {"returning"},
    "returning": {"failed_attempt"},
    "hub_departed": {"hub_arrived"},
    "hub_arrived": {"hub_departed", "destination_country_arrived"},
    "export_cleared": {"hub_departed"},
    "import_cleared": {"destination_country_arrived"},
    "import_customs_started": {"destination_country_arrived"},
    "destination_country_arrived": {"hub_arrived"},
    "picked_up": {"hub_arrived"},
    "customs_hold": {"import_customs_started", "delayed"},
    "failed_attempt": {"delayed"},
}
"""What a carrier's coarser code may make of a milestone without telling anything that is not so."""


@pytest.mark.parametrize("carrier", wire.names())
def test_a_parcel_under_way_shows_what_has_happened_so_far(carrier: str) -> None:
    shipments = [one for one in world_of(carrier).history() if one.scans[0].instant < START.timestamp()][-40:]
    parsed = read(carrier, ask(carrier, [shipment.number for shipment in shipments], START))
    for shipment in shipments:
        seen = [scan for scan in shipment.scans if scan.instant <= START.timestamp()]
        assert len(timeline(parsed, shipment.number)) == len(seen)


@pytest.mark.parametrize("carrier", wire.names())
def test_a_malformed_parcel_is_told_and_costs_only_itself(carrier: str) -> None:
    adapter = registry.adapter(carrier)
    shipments = [one for one in finished(carrier) if one.pieces == 1][: min(adapter.numbers_per_request, 5)]
    numbers = [shipment.number for shipment in shipments]
    parsed = read(carrier, ask(carrier, numbers, fault={"kind": "malformed_parcel"}))
    assert any(isinstance(one, Unreadable) for one in parsed)
    for shipment in shipments[1:]:
        assert len(timeline(parsed, shipment.number)) == len(shipment.scans)


@pytest.mark.parametrize("carrier", wire.names())
def test_an_unknown_number_is_not_found_and_no_complaint(carrier: str) -> None:
    parsed = read(carrier, ask(carrier, ["NOSUCH0000NUMBER"], FOREVER))
    assert [one for one in parsed if isinstance(one, Unreadable)] == []
    assert [one.found for one in parsed if isinstance(one, Parcel)] == [False]
