"""What slows a whole place or season down: peaks, strikes, customs jams, weather."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from lanecast.sandbox.description import Description, Jam, Peak, Strike
from lanecast.sandbox.draws import uniform
from lanecast.sandbox.workdays import DAY

_EPOCH = date(1970, 1, 1)


class StrikeDays(NamedTuple):
    """A strike as it falls: first day and the day after the last, since 1970."""

    name: str
    country: str
    region: str | None
    first: int
    end: int
    affected: float
    backlog_days: float


class JamDays(NamedTuple):
    """A customs jam as it falls: first day and the day after the last, since 1970."""

    name: str
    country: str
    first: int
    end: int
    slower: float


class Disruption:
    """The peaks, strikes, customs jams and weather of one world."""

    def __init__(self, description: Description, seed: int, start: datetime) -> None:
        """`start` is the clock's start, from which strikes may be counted back."""
        self._seed = seed
        self._peaks = description.peaks
        self._weather = description.weather
        self._factors: dict[int, tuple[float, float]] = {}
        self._stormy: dict[tuple[str, int], bool] = {}
        start_day = (start.astimezone(UTC).date() - _EPOCH).days
        self.strikes: list[StrikeDays] = []
        for strike in description.strikes:
            first = _first_day(strike, start_day)
            self.strikes.append(
                StrikeDays(
                    strike.name,
                    strike.country,
                    strike.region,
                    first,
                    first + strike.days,
                    strike.affected,
                    strike.backlog_days,
                )
            )

        self.jams: list[JamDays] = []
        for jam in description.jams:
            first = _first_day(jam, start_day)
            self.jams.append(JamDays(jam.name, jam.country, first, first + jam.days, jam.slower))

    def factors(self, day: int) -> tuple[float, float]:
        """The peaks' factors on the orders and on the durations of day `day` (since 1970)."""
        known = self._factors.get(day)
        if known is None:
            on = (_EPOCH + timedelta(days=day)).strftime("%m-%d")
            orders = delay = 1.0
            for peak in self._peaks:
                if _within(peak, on):
                    orders *= peak.orders
                    delay *= peak.delay
            known = self._factors[day] = (orders, delay)
        return known

    def delay(self, instant: int) -> float:
        """The peaks' factor on durations that begin at `instant`."""
        return self.factors(instant // DAY)[1]

    def strike_at(self, country: str, region: str, day: int) -> StrikeDays | None:
        """The strike that keeps `country` and `region` from working on local day `day`."""
        for strike in self.strikes:
            if strike.first <= day < strike.end and strike.country == country and strike.region in (None, region):
                return strike
        return None

    def customs_last(self, country: str, begin: int, seconds: int, offset: int) -> int:
        """How long customs that take `seconds` last from `begin` on, where local time is `offset` seconds ahead of UTC.

        What is in customs when a jam begins, or when it ends, gets on at the pace of the day.
        """
        lasts = seconds
        for jam in self.jams:
            first, end = jam.first * DAY - offset, jam.end * DAY - offset
            if jam.country != country or begin >= end or begin + lasts <= first:
                continue
            before = max(0, first - begin)
            within = min(int((lasts - before) * jam.slower), end - max(begin, first))
            lasts = before + within + int(lasts - before - within / jam.slower)
        return lasts

    def stormy(self, country: str, day: int) -> bool:
        """Whether the weather stops vans in `country` on local day `day`."""
        known = self._stormy.get((country, day))
        if known is None:
            known = uniform(self._seed, "weather", country, day) < self._weather.chance
            self._stormy[(country, day)] = known
        return known

    @property
    def stopped_by_weather(self) -> float:
        """The share of deliveries that bad weather stops."""
        return self._weather.stopped


def _first_day(one: Strike | Jam, start_day: int) -> int:
    """The day (since 1970) on which a strike or jam begins, by its date or counted back from the clock's start."""
    return (one.first - _EPOCH).days if one.first else start_day - (one.days_before_start or 0)


def _within(peak: Peak, on: str) -> bool:
    if peak.first <= peak.last:
        return peak.first <= on <= peak.last
    return on >= peak.first or on <= peak.last
