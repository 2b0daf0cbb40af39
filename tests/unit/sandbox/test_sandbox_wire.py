"""What the carriers say is what happened: every rendered event is a true scan, at the right local time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from lanecast.sandbox.journey import MILESTONE_OF, Scan
from lanecast.sandbox.shipment import Shipment
from lanecast.sandbox.wire import code_and_text, dhl, fedex, ups, usps
from lanecast.sandbox.wire.told import Json
from lanecast.sandbox.workdays import zone_rules
from lanecast.sandbox.world import World

FOREVER = 4_000_000_000


def ups_answer(shipment: Shipment, flaw: str | None = None, with_offset: bool = True) -> Json:
    return ups.answer(shipment, 0, FOREVER, lambda _: flaw, lambda _: with_offset)


def shipments(world: World, carrier: str) -> Iterator[Shipment]:
    for back in (20, 60, 100):
        for shipment in world.shipments_ordered_on(world.start.date() - timedelta(days=back)):
            if shipment.carrier == carrier:
                yield shipment


def check(shipment: Shipment, told: list[tuple[str, datetime]]) -> None:
    """`told` is newest first: the platform's code and the time, naive local or with an offset, to the minute."""
    scans = list(reversed(shipment.scans))
    assert len(told) == len(scans)
    for (code, time), scan in zip(told, scans, strict=True):
        assert code == code_and_text(shipment.carrier, scan)[0]
        local = local_time(scan)
        assert time.replace(tzinfo=None, second=0) == local.replace(tzinfo=None, second=0)
        if time.tzinfo is not None:
            assert time.utcoffset() == local.utcoffset()


def local_time(scan: Scan) -> datetime:
    return datetime.fromtimestamp(scan.instant, zone_rules(scan.place.zone.name))


def test_ups_tells_the_truth(world: World) -> None:
    pieces = 0
    for shipment in shipments(world, "ups"):
        packages = ups_answer(shipment)["trackResponse"]["shipment"][0]["package"]
        assert [package["trackingNumber"] for package in packages] == [
            shipment.piece_number(piece) for piece in range(shipment.pieces)
        ]
        pieces += len(packages) - 1
        check(
            shipment,
            [
                (
                    f"{one['status']['type']}/{one['status']['code']}",
                    datetime.fromisoformat(f"{one['date']}T{one['time']}{one['gmtOffset']}"),
                )
                for one in packages[0]["activity"]
            ],
        )
        newest = packages[0]["activity"][0]
        greenwich = datetime.fromisoformat(f"{newest['gmtDate']}T{newest['gmtTime']}+00:00")
        assert greenwich.timestamp() == shipment.scans[-1].instant
        assert (
            "gmtOffset"
            not in ups_answer(shipment, with_offset=False)["trackResponse"]["shipment"][0]["package"][0]["activity"][0]
        )
    assert pieces > 0, "no shipment in several pieces was seen"


def test_fedex_tells_the_truth(world: World) -> None:
    for shipment in shipments(world, "fedex"):
        events = fedex.result(shipment, 0, FOREVER, None)["trackResults"][0]["scanEvents"]
        told = [
            (
                f"{one['eventType']}:{one['exceptionCode']}" if one["exceptionCode"] else one["eventType"],
                datetime.fromisoformat(one["date"]),
            )
            for one in events
        ]
        check(shipment, told)


def test_dhl_tells_the_truth_without_zone(world: World) -> None:
    for shipment in shipments(world, "dhl"):
        answer = dhl.answer(shipment, FOREVER, None)
        assert answer is not None
        found = answer["shipments"][0]
        assert len(found["details"]["pieceIds"]) == shipment.pieces
        told = [(one["statusCode"], datetime.fromisoformat(one["timestamp"])) for one in found["events"]]
        assert all(time.tzinfo is None for _, time in told)
        check(shipment, told)


def test_usps_tells_the_truth(world: World) -> None:
    for shipment in shipments(world, "usps"):
        answer = usps.answer(shipment, FOREVER, None)
        assert answer is not None
        events = answer["trackingEvents"]
        told = [(one["eventCode"], datetime.fromisoformat(one["eventTimestamp"] + one["GMTOffset"])) for one in events]
        check(shipment, told)
        for one, scan in zip(events, reversed(shipment.scans), strict=True):
            assert (one["eventCountry"] is None) == (scan.place.country == "US")


def test_nothing_is_told_before_it_happens(world: World) -> None:
    shipment = next(iter(shipments(world, "dhl")))
    assert dhl.answer(shipment, shipment.scans[0].instant - 1, None) is None
    for number, scan in enumerate(shipment.scans, 1):
        answer = dhl.answer(shipment, scan.instant, None)
        assert answer is not None
        assert len(answer["shipments"][0]["events"]) == number


def test_every_kind_of_scan_has_a_code_with_every_carrier() -> None:
    for codes in (ups.CODES, fedex.CODES, dhl.CODES, usps.CODES):
        assert set(codes) == set(MILESTONE_OF)


@pytest.mark.parametrize("flaw", ["impossible_date", "future_event", "unknown_country", "malformed_parcel"])
def test_a_flaw_breaks_what_it_says_and_stays_the_same(world: World, flaw: str) -> None:
    shipment = next(iter(shipments(world, "ups")))
    good, bad, again = (package(ups_answer(shipment, one))["activity"] for one in (None, flaw, flaw))
    assert bad == again
    if flaw == "malformed_parcel":
        assert bad[0]["date"] is None
        return
    assert bad[:-1] == good[:-1]
    if flaw == "unknown_country":
        assert bad[-1]["location"]["address"]["countryCode"] == "ZQ"
    elif flaw == "future_event":
        assert int(bad[-1]["date"][:4]) == int(good[-1]["date"][:4]) + 3
    else:
        with pytest.raises(ValueError, match=r"day|month"):
            datetime.fromisoformat(bad[-1]["date"])


def package(answer: Any) -> Any:
    return answer["trackResponse"]["shipment"][0]["package"][0]
