"""The simulated world's true scans, put into `core` as a day of pulls would: set by set, and known no earlier."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

import msgspec

from lanecast.sandbox.description import Description, Jam, Orders, Strike, Weather, read_description
from lanecast.sandbox.journey import MILESTONE_OF
from lanecast.sandbox.shipment import Shipment
from lanecast.sandbox.world import World
from lanecast.tracking import FINAL_MILESTONES
from lanecast.warehouse import connection as warehouse
from lanecast.warehouse.staging import copy_into

REASONS = {
    "missing_invoice": "customs_documents",
    "wrong_value": "customs_documents",
    "duties_unpaid": "customs_duty",
    "inspection": "customs_inspection",
    "bad_address": "address",
    "nobody_home": "recipient_absent",
}
"""The world's reasons as Lanecast's."""


def description(
    per_day: float,
    origins: Iterable[str],
    destinations: Iterable[str],
    strikes: list[Strike] | None = None,
    jams: list[Jam] | None = None,
    weather: Weather | None = None,
) -> Description:
    """The default world with fewer places, without its seasons, and with disruptions of one's own."""
    described = read_description()
    return msgspec.structs.replace(
        described,
        orders=Orders(per_day=per_day, weekdays=described.orders.weekdays),
        peaks=[],
        strikes=strikes or [],
        jams=jams or [],
        weather=described.weather if weather is None else weather,
        origins={code: described.origins[code] for code in origins},
        destinations={code: described.destinations[code] for code in destinations},
    )


class Told:
    """A warehouse that is told of a world's journeys up to a moment that moves on."""

    def __init__(self, address: str, world: World, since: date, statuses: bool = False) -> None:
        """`since` is the first day of orders (UTC); nothing is told yet. `statuses` are written too, if asked for."""
        self._statuses = statuses
        self.world = world
        self.now = datetime(since.year, since.month, since.day, tzinfo=UTC)
        self.shipments: dict[int, Shipment] = {}
        self._address = address
        self._under_way: dict[int, Shipment] = {}

    def until(self, moment: datetime) -> None:
        """Tells of all orders and scans up to `moment`, and marks their shipments as changed."""
        fresh = list(self.world.ordered_between(self.now, moment))
        first = len(self.shipments) + 1
        new = dict(enumerate(fresh, first))
        self.shipments |= new
        self._under_way |= new
        before, now = int(self.now.timestamp()), int(moment.timestamp())
        scans = [
            (number, place, scan)
            for number, shipment in self._under_way.items()
            for place, scan in enumerate(shipment.scans)
            if before < scan.instant <= now
        ]
        with warehouse.connect(address=self._address) as link, link.cursor() as cursor:
            cursor.execute(
                "SELECT ops.ensure_event_partitions(%s::timestamp, %s::timestamp)",
                (self.now - timedelta(days=1), moment + timedelta(days=1)),
            )
            copy_into(
                link,
                "core.shipment",
                (
                    *("shipment_id", "carrier", "tracking_number", "epoch", "order_id", "service", "origin_country"),
                    *("origin_region", "destination_country", "destination_region", "ordered_at", "run_id"),
                    *("ingested_at", "changed_at"),
                ),
                (
                    (
                        *(number, one.carrier, one.number, 1, one.order_id, one.service, one.origin.country),
                        *(one.origin.iso_region, one.destination.country, one.destination.iso_region),
                        *(_moment(one.ordered_at), "world", moment, moment),
                    )
                    for number, one in new.items()
                ),
            )
            copy_into(
                link,
                "core.tracking_event",
                (
                    *("shipment_id", "reported_at", "event_hash", "source", "occurred_at", "utc_offset_minutes"),
                    *("tz_known", "milestone", "reason", "country", "region", "city", "run_number", "ingested_at"),
                ),
                (
                    (
                        number,
                        _moment(scan.instant + scan.place.zone.offset(scan.instant)).replace(tzinfo=None, second=0),
                        place,
                        *(self.shipments[number].carrier, _moment(scan.instant)),
                        *(scan.place.zone.offset(scan.instant) // 60, "offset", MILESTONE_OF[scan.kind]),
                        REASONS.get(scan.reason, scan.reason) if scan.reason else None,
                        *(scan.place.country, scan.place.iso_region, scan.place.city, 1, moment),
                    )
                    for number, place, scan in scans
                ),
            )
            self._write_statuses(link, {number for number, _, _ in scans} | set(new), moment)
            changed = sorted({number for number, _, _ in scans} | set(new))
            if not self._statuses:
                cursor.execute(
                    "INSERT INTO ops.shipment_change (shipment_id, run_id) SELECT unnest(%s::bigint []), 'world'",
                    (changed,),
                )
        self._under_way = {number: one for number, one in self._under_way.items() if one.finished_at > now}
        self.now = moment

    def _write_statuses(self, link: warehouse.Connection, numbers: set[int], moment: datetime) -> None:
        """Statuses as the refresh would write them, where the test asked for that: it takes a tenth of the time."""
        if not self._statuses:
            return
        columns = (
            *("shipment_id", "carrier", "tracking_number", "epoch", "service", "origin_country", "origin_region"),
            *("destination_country", "destination_region", "ordered_at", "shipped_at", "delivered_at", "milestone"),
            *("milestone_at", "ended_at", "reason", "last_country", "refreshed_at"),
        )
        with link.cursor() as cursor:
            cursor.execute("DELETE FROM serving.shipment_status WHERE shipment_id = ANY(%s)", (list(numbers),))
        copy_into(
            link, "serving.shipment_status", columns, (self._status(number, moment) for number in sorted(numbers))
        )

    def _status(self, number: int, moment: datetime) -> tuple[object, ...]:
        one, now = self.shipments[number], int(moment.timestamp())
        seen = [scan for scan in one.scans if scan.instant <= now]
        last = seen[-1] if seen else None
        at = _moment(last.instant) if last else _moment(one.ordered_at)
        milestone = MILESTONE_OF[last.kind] if last else "registered"
        return (
            *(number, one.carrier, one.number, 1, one.service, one.origin.country, one.origin.iso_region),
            *(one.destination.country, one.destination.iso_region, _moment(one.ordered_at)),
            _moment(one.shipped_at) if len(seen) > 1 else None,
            at if milestone == "delivered" else None,
            *(milestone, at, at if milestone in FINAL_MILESTONES else None),
            REASONS.get(last.reason, last.reason) if last and last.reason else None,
            *(last.place.country if last else None, moment),
        )


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
