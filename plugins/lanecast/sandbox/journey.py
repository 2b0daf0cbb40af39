"""What happens to a parcel: the true scans from label to door, back to the sender, or to nowhere.

Kinds of scans and the milestone each means stand in MILESTONE_OF. Times are whole seconds since 1970 UTC.
"""

from __future__ import annotations

from math import exp
from typing import NamedTuple

from lanecast.sandbox.description import Description, Destination, Origin, Service
from lanecast.sandbox.disruption import Disruption
from lanecast.sandbox.network import Network, Place
from lanecast.sandbox.workdays import DAY

HOUR = 3600

MILESTONE_OF = {
    "label_created": "info_received",
    "picked_up": "picked_up",
    "origin_hub_arrived": "hub_arrived",
    "export_cleared": "export_cleared",
    "origin_departed": "hub_departed",
    "country_arrived": "destination_country_arrived",
    "import_started": "import_customs_started",
    "customs_hold": "customs_hold",
    "import_cleared": "import_cleared",
    "delivery_hub_arrived": "hub_arrived",
    "delayed": "delayed",
    "damaged": "damaged",
    "out_for_delivery": "out_for_delivery",
    "failed_attempt": "failed_attempt",
    "refused": "failed_attempt",
    "available_for_pickup": "available_for_pickup",
    "delivered": "delivered",
    "returning": "returning",
    "returned": "returned",
    "lost": "lost",
}
"""Kind of scan to Lanecast's milestone."""

MOST_ATTEMPTS = 3


class Scan(NamedTuple):
    """One true scan. `reason` says why, for kinds that have reasons."""

    instant: int
    kind: str
    place: Place
    reason: str | None = None


class Trip(NamedTuple):
    """What is to travel: who, from where to where, ordered when."""

    service: Service
    origin: Place
    destination: Place
    leaving: Origin
    arriving: Destination
    ordered_at: int


class Course(NamedTuple):
    """The rest of a shipment's draws, by what each decides."""

    outcome: float
    hold: float
    hold_reason: float
    pickup_point: float
    lost_after: float
    damaged: float
    strike: float
    weather: float
    attempts: list[float]
    hours: list[float]
    normals: list[float]


class Traveller:
    """Makes journeys in one world."""

    def __init__(self, description: Description, network: Network, disruption: Disruption) -> None:
        """All three of the same world."""
        self._network = network
        self._disruption = disruption
        self._outcomes = description.outcomes

    def travel(self, trip: Trip, course: Course) -> list[Scan]:
        """The scans of a whole journey, oldest first; no two share a minute of the carrier's local clock."""
        scans = self._to_the_country(trip, course)
        self._to_the_door(trip, course, scans)
        if course.outcome < self._outcomes.lost:
            scans = _lose(scans, course)
        return _apart(scans)

    def expected_days(self, trip: Trip) -> float:
        """The days from order to door that the carrier would promise."""
        days = trip.service.handling_days + trip.arriving.line_haul_days[trip.origin.country] * trip.service.line_haul
        if self._network.has_border(trip.origin.country, trip.destination.country):
            days += trip.arriving.customs_days * trip.service.customs + trip.leaving.export_days
        return 1.35 * (days + trip.arriving.last_mile_days * trip.service.last_mile) + 2.5

    def _to_the_country(self, trip: Trip, course: Course) -> list[Scan]:
        service, origin, hours = trip.service, trip.origin, course.hours
        border = self._network.has_border(origin.country, trip.destination.country)
        export_gate = self._network.gateways[origin.country]
        import_gate = self._network.gateways[trip.destination.country]
        at_work = origin.workdays.resume
        spread = service.spread

        def lasts(days: float, normal: int) -> int:
            return int(days * DAY * exp(spread * course.normals[normal]))

        now = at_work(
            trip.ordered_at + int(hours[0] * 10 * HOUR), origin.zone, 8 * HOUR, 18 * HOUR, int(hours[1] * HOUR)
        )
        scans = [Scan(now, "label_created", origin)]
        now += lasts(service.handling_days * self._disruption.delay(now), 0) + HOUR // 4
        now = at_work(now, origin.zone, 9 * HOUR, 19 * HOUR, int(hours[2] * 6 * HOUR))
        scans.append(Scan(now, "picked_up", origin))
        now += int((2 + hours[3] * 7) * HOUR)
        scans.append(Scan(now, "origin_hub_arrived", origin))
        if border:
            now = at_work(
                now + lasts(trip.leaving.export_days, 1),
                origin.zone,
                6 * HOUR,
                22 * HOUR,
                int(hours[4] * 4 * HOUR),
                True,
            )
            if not service.sparse:
                scans.append(Scan(now, "export_cleared", export_gate))
        now += int((2 + hours[5] * 12) * HOUR)
        scans.append(Scan(now, "origin_departed", export_gate))
        days = trip.arriving.line_haul_days[origin.country] * service.line_haul
        now += lasts(days * self._disruption.delay(now), 2)
        scans.append(Scan(now, "country_arrived", import_gate))
        if border:
            self._through_customs(trip, course, scans)
        return scans

    def _through_customs(self, trip: Trip, course: Course, scans: list[Scan]) -> None:
        gate, hours = scans[-1].place, course.hours
        now = scans[-1].instant + int((1 + hours[6] * 8) * HOUR)
        scans.append(Scan(now, "import_started", gate))
        if course.hold < trip.arriving.customs_hold:
            now = gate.workdays.resume(
                now + int((2 + hours[7] * 20) * HOUR), gate.zone, 8 * HOUR, 17 * HOUR, int(hours[8] * 5 * HOUR)
            )
            reason = self._network.hold_reasons.pick(course.hold_reason)
            scans.append(Scan(now, "customs_hold", gate, reason))
            now += int(4.5 * DAY * exp(0.8 * course.normals[3]))
        days = trip.arriving.customs_days * trip.service.customs * self._disruption.delay(now)
        lasts = int(days * DAY * exp((trip.service.spread + 0.15) * course.normals[4]))
        now += self._disruption.customs_last(gate.country, now, lasts, gate.zone.offset(now))
        now = gate.workdays.resume(now, gate.zone, 8 * HOUR, 18 * HOUR, int(hours[9] * 6 * HOUR))
        scans.append(Scan(now, "import_cleared", gate))

    def _to_the_door(self, trip: Trip, course: Course, scans: list[Scan]) -> None:
        service, door, hours = trip.service, trip.destination, course.hours
        days = trip.arriving.last_mile_days * service.last_mile * self._disruption.delay(scans[-1].instant)
        now = scans[-1].instant + int(days * DAY * exp(service.spread * course.normals[5])) + HOUR
        now = self._past_the_strike(trip, course, now, scans)
        if not service.sparse:
            scans.append(Scan(now, "delivery_hub_arrived", door))
        if course.damaged < self._outcomes.damaged:
            now += int((1 + hours[10] * 5) * HOUR)
            scans.append(Scan(now, "damaged", door))
        goes_back = self._outcomes.lost + self._outcomes.refused
        refused = self._outcomes.lost <= course.outcome < goes_back
        undeliverable = goes_back <= course.outcome < goes_back + self._outcomes.undeliverable
        if course.pickup_point < self._outcomes.pickup_point and not (refused or undeliverable):
            self._collect(course, now, door, scans)
            return
        for attempt in range(MOST_ATTEMPTS):
            now = door.workdays.resume(
                now + 3 * HOUR, door.zone, 7 * HOUR, 9 * HOUR, int(hours[11 + attempt] * 2 * HOUR), service.saturday
            )
            if attempt == 0:
                now = self._past_the_weather(trip, course, now, scans)
            scans.append(Scan(now, "out_for_delivery", door))
            now += int((1 + hours[14 + attempt] * 8) * HOUR)
            if refused:
                scans.append(Scan(now, "refused", door, "refused"))
                break
            if not undeliverable and course.attempts[attempt] >= self._outcomes.failed_attempt:
                scans.append(Scan(now, "delivered", door))
                return
            scans.append(Scan(now, "failed_attempt", door, "bad_address" if undeliverable else "nobody_home"))
            now += 6 * HOUR
        if not (refused or undeliverable):
            self._collect(course, now, door, scans)
            return
        self._go_back(trip, course, now, scans)

    def _past_the_strike(self, trip: Trip, course: Course, now: int, scans: list[Scan]) -> int:
        door = trip.destination
        strike = self._disruption.strike_at(door.country, door.region, (now + door.zone.offset(now)) // DAY)
        if strike is None or course.strike >= strike.affected:
            return now
        scans.append(Scan(now, "delayed", door, "strike"))
        again = strike.end * DAY + int((course.strike / strike.affected * strike.backlog_days * 24 + 6) * HOUR)
        return again - door.zone.offset(again)

    def _past_the_weather(self, trip: Trip, course: Course, now: int, scans: list[Scan]) -> int:
        door = trip.destination
        if course.weather >= self._disruption.stopped_by_weather:
            return now
        if not self._disruption.stormy(door.country, (now + door.zone.offset(now)) // DAY):
            return now
        scans.append(Scan(now, "delayed", door, "weather"))
        late = int(course.weather * 2 * HOUR)
        return door.workdays.resume(now + 18 * HOUR, door.zone, 7 * HOUR, 9 * HOUR, late, trip.service.saturday)

    @staticmethod
    def _collect(course: Course, now: int, door: Place, scans: list[Scan]) -> None:
        now = door.workdays.resume(
            now + 4 * HOUR, door.zone, 9 * HOUR, 19 * HOUR, int(course.hours[17] * 2 * HOUR), True
        )
        scans.append(Scan(now, "available_for_pickup", door))
        now += int((3 + course.hours[18] ** 2 * 110) * HOUR)
        now = door.workdays.resume(now, door.zone, 9 * HOUR, 19 * HOUR, int(course.hours[19] * 9 * HOUR), True)
        scans.append(Scan(now, "delivered", door))

    def _go_back(self, trip: Trip, course: Course, now: int, scans: list[Scan]) -> None:
        now = trip.destination.workdays.resume(now + DAY, trip.destination.zone, 9 * HOUR, 17 * HOUR)
        scans.append(Scan(now, "returning", trip.destination, scans[-1].reason))
        days = 3 + 1.3 * trip.arriving.line_haul_days[trip.origin.country] * trip.service.line_haul
        now += int(days * DAY * exp(trip.service.spread * course.normals[6]))
        now = trip.origin.workdays.resume(now, trip.origin.zone, 9 * HOUR, 17 * HOUR, int(course.hours[20] * 6 * HOUR))
        scans.append(Scan(now, "returned", trip.origin))


def _lose(scans: list[Scan], course: Course) -> list[Scan]:
    """Cut a journey somewhere after the pick-up; the carrier gives up the search 20 to 40 days later."""
    last = 2 + int(course.lost_after * (len(scans) - 3))
    kept = scans[:last]
    given_up = kept[-1].instant + int((20 + course.hours[21] * 20) * DAY)
    return [*kept, Scan(given_up, "lost", kept[-1].place)]


def _apart(scans: list[Scan]) -> list[Scan]:
    """Move scans on by minutes until no two share one on the local clock, as the carriers print it."""
    taken: set[int] = set()
    found = []
    before = 0
    for scan in scans:
        instant = scan.instant if scan.instant >= before + 60 else before + 60
        minute = (instant + scan.place.zone.offset(instant)) // 60
        while minute in taken:
            instant += 60
            minute = (instant + scan.place.zone.offset(instant)) // 60
        taken.add(minute)
        found.append(scan if instant == scan.instant else scan._replace(instant=instant))
        before = instant
    return found
