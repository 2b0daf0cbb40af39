"""A simulated cross-border world with known truth.

Deterministic from its description, a seed and the clock's start (from which strikes may be counted back). A shipment
follows from its day and index alone, so any day can be asked for, in any order, before the start and long after it,
and nothing is kept. Times inside are whole seconds since 1970 UTC.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from lanecast.sandbox.description import Description
from lanecast.sandbox.disruption import Disruption
from lanecast.sandbox.draws import DayDraws, uniform
from lanecast.sandbox.journey import Course, Traveller, Trip
from lanecast.sandbox.network import Network
from lanecast.sandbox.shipment import Shipment, Truth
from lanecast.sandbox.tracking_numbers import locate, tracking_number
from lanecast.sandbox.workdays import DAY

_EPOCH = date(1970, 1, 1)
_DAYS_KEPT = 240


class World:
    """All shipments of a description, seed and start."""

    def __init__(self, description: Description, start: datetime, seed: int | None = None) -> None:
        """`start` is the clock's start; `seed` None takes the description's."""
        self.description = description
        self.start = start.astimezone(UTC)
        self.seed = description.seed if seed is None else seed
        self.network = Network(description)
        self._disruption = Disruption(description, self.seed, start)
        self._traveller = Traveller(description, self.network, self._disruption)
        self._draws: OrderedDict[int, DayDraws] = OrderedDict()

    def orders_on(self, day: date) -> int:
        """How many orders fall on a day (UTC)."""
        return self._count((day - _EPOCH).days)

    def shipments_ordered_on(self, day: date) -> list[Shipment]:
        """The shipments of the orders of a day (UTC), by index."""
        number = (day - _EPOCH).days
        return [self._make(number, index) for index in range(self._count(number))]

    def ordered_between(self, since: datetime, until: datetime) -> Iterator[Shipment]:
        """The shipments with since < ordered_at <= until, day by day."""
        first, last = int(since.timestamp()), int(until.timestamp())
        day = since.astimezone(UTC).date()
        while day <= until.astimezone(UTC).date():
            for shipment in self.shipments_ordered_on(day):
                if first < shipment.ordered_at <= last:
                    yield shipment
            day += timedelta(days=1)

    def orders_in_history(self) -> int:
        """How many orders the history's days have, that of the start included in whole."""
        last = (self.start.date() - _EPOCH).days
        return sum(self._count(day) for day in range(last - self.description.history_days, last + 1))

    def history(self) -> Iterator[Shipment]:
        """The shipments ordered in the history's days before the start."""
        midnight = self.start.replace(hour=0, minute=0, second=0, microsecond=0)
        yield from self.ordered_between(midnight - timedelta(days=self.description.history_days), self.start)

    def find(self, carrier: str, number: str) -> tuple[Shipment, int] | None:
        """The shipment and the piece that has a tracking number, or None where none has."""
        told = locate(carrier, number)
        if told is None or told.place >= self._count(told.day):
            return None
        shipment = self._make(told.day, told.place)
        known = shipment.carrier == carrier and told.piece < shipment.pieces
        return (shipment, told.piece) if known and shipment.piece_number(told.piece) == number else None

    def truth(self, shipment: Shipment) -> Truth:
        """What really happens to a shipment, whatever the clock says."""
        return shipment.truth()

    def _count(self, day: int) -> int:
        orders = self.description.orders
        weekday = (_EPOCH + timedelta(days=day)).weekday()
        mean = orders.per_day * orders.weekdays[weekday] * self._disruption.factors(day)[0]
        return round(mean * (0.9 + 0.2 * uniform(self.seed, "orders", day)))

    def _drawn(self, day: int) -> DayDraws:
        known = self._draws.get(day)
        if known is None:
            known = self._draws[day] = DayDraws(self.seed, day, self._count(day))
            if len(self._draws) > _DAYS_KEPT:
                self._draws.popitem(last=False)
        return known

    def _make(self, day: int, index: int) -> Shipment:
        draws, normals = self._drawn(day).row(index)
        network = self.network
        from_code, leaving = network.origins.pick(draws[0])
        to_code, arriving = network.destinations[from_code].pick(draws[1])
        carrier = network.carriers[from_code].pick(draws[2])
        service_code, service = network.services[carrier].pick(draws[3])
        origin = network.cities[from_code].pick(draws[4])
        destination = network.cities[to_code].pick(draws[5])
        # Two draws make a day's rhythm: few orders at its ends, most in its middle.
        ordered_at = day * DAY + int((draws[6] + draws[7]) / 2 * DAY)
        orders = self.description.orders
        pieces = 1
        if draws[8] < orders.multi_piece:
            pieces = 2 + int(draws[8] / orders.multi_piece * (orders.most_pieces - 1))
        trip = Trip(service, origin, destination, leaving, arriving, ordered_at)
        course = Course(
            outcome=draws[9],
            hold=draws[10],
            hold_reason=draws[11],
            pickup_point=draws[12],
            lost_after=draws[13],
            damaged=draws[14],
            strike=draws[15],
            weather=draws[16],
            attempts=draws[17:20],
            hours=draws[20:44],
            normals=normals,
        )
        promised_at = None
        if service.promised:
            promised_at = (ordered_at // DAY + 1 + int(self._traveller.expected_days(trip))) * DAY - 1
        return Shipment(
            order_id=f"{(_EPOCH + timedelta(days=day)).strftime('%y%m%d')}-{index + 1:04d}",
            seed=self.seed,
            day=day,
            index=index,
            carrier=carrier,
            service_code=service_code,
            service=service.name,
            number=tracking_number(self.seed, carrier, service_code, day, index),
            pieces=pieces,
            origin=origin,
            destination=destination,
            ordered_at=ordered_at,
            promised_at=promised_at,
            scans=self._traveller.travel(trip, course),
        )
