"""What the learned hazard looks at: features of an order, and features of a day of its journey.

Missing values stay NaN; the trees send them where it fits best.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from lanecast.delivery.model import pulse
from lanecast.delivery.model.days import Days
from lanecast.delivery.model.encodings import Encoding, Events, joined, prefix
from lanecast.delivery.model.exposure import Exposure
from lanecast.delivery.model.schema import Schema, schema
from lanecast.delivery.model.shipments import Floats, Integers, Shipments, Text

Matrix = npt.NDArray[np.float32]

_MOST_WEEKS = 520

DAY_FEATURES = (
    "age",
    "weekday",
    "holiday",
    "holiday_before",
    "holiday_after",
    "origin_holiday",
    "working_days",
)
"""Of one cell: its age in days, its first day's weekday (0 = Monday), whether that day, the one before and the one
after are holidays at the destination, and that day at the origin; working days at the destination since the start."""


@dataclass
class OrderFeatures:
    """Features of orders, as `names` lists them: fitted on what is known, then read off for any order."""

    scale: float
    without: frozenset[str] = frozenset()
    schema: Schema | None = None
    encodings: dict[str, Encoding] = field(default_factory=dict)
    pulse: Floats = field(default_factory=lambda: np.zeros((1, len(pulse.NAMES))))
    names: tuple[str, ...] = ()

    def fit(self, known: Shipments, seen: Exposure, now: float, cells: Integers) -> Matrix:
        """Learns encodings and the network's pulse; returns the features (rows x names) of the known orders, each as of
        the start of its own week, counted back from `now`."""
        self.schema = schema(known)
        week = np.maximum(pulse.week_of(known.ordered, now), -_MOST_WEEKS)
        when = now + pulse.WEEK * week
        weeks = int(-week.min()) if len(week) else 0
        self.pulse = pulse.pulse(known, seen, now, cells, self.scale, weeks)
        columns = self._plain(known)
        for name, (chain, events, memory) in self._encoded(known).items():
            if name in self.without:
                continue
            self.encodings[name] = Encoding(memory * self.scale)
            columns[name] = self.encodings[name].fit(chain, events, when.astype(float), now)
        return self._matrix(columns, self.pulse[weeks + week])

    def read(self, asked: Shipments) -> Matrix:
        """The features (rows x names) of orders placed from the time of fitting on."""
        columns = self._plain(asked)
        for name, (chain, _, _) in self._encoded(asked).items():
            if name in self.encodings:
                columns[name] = self.encodings[name].look_up(chain, len(asked))
        return self._matrix(columns, np.broadcast_to(self.pulse[-1], (len(asked), self.pulse.shape[1])))

    def _matrix(self, columns: dict[str, Floats], beat: Floats) -> Matrix:
        columns |= {name: beat[:, place] for place, name in enumerate(pulse.NAMES)}
        self.names = tuple(name for name in columns if not _left_out(name, self.without))
        return np.column_stack([columns[name] for name in self.names]).astype(np.float32)

    def _plain(self, of: Shipments) -> dict[str, Floats]:
        found = {
            "hour": of.start_share() * 24,
            "start_weekday": ((of.start_day() + 3) % 7).astype(float),
            "same_region": _same(of).astype(float),
        }
        known = self.schema or schema(of)
        for name, values in known.places.items():
            found[name] = _numbered(of.lane[name], values)
        for name in known.postcodes:
            found[name] = _digits(_extra(of, name))
        for name in known.numbers:
            found[name] = _extra(of, name).numbers()
        return found

    def _encoded(self, of: Shipments) -> dict[str, tuple[list[Text], Events, float]]:
        """By name: the chain of keys, what is learned of them, and the memory as a multiple of the scale."""
        door = _events(of, of.delivered, of.delivered - of.ordered)
        handling = _events(of, of.shipped, of.shipped - of.ordered)
        transit = _events(of, of.delivered, of.delivered - of.shipped)
        lane = {name: of.lane[name] for name in of.lane}
        origin = joined(lane["origin_country"], lane["origin_region"])
        destination = joined(lane["destination_country"], lane["destination_region"])
        known = self.schema or schema(of)
        found: dict[str, tuple[list[Text], Events, float]] = {
            "recent_door": ([], door, 2.0),
            "recent_handling": ([], handling, 2.0),
            "recent_transit": ([], transit, 2.0),
            "lane_door": ([destination, joined(origin, destination)], door, 12.0),
        }
        if "service" in known.places:
            found["service_door"] = ([lane["service"], joined(lane["service"], destination)], door, 12.0)
        if "carrier" in known.places:
            found["carrier_door"] = ([lane["carrier"], joined(lane["carrier"], destination)], door, 12.0)
        for name in known.postcodes:
            code = _extra(of, name)
            found[f"{name}_handling"] = ([origin, code], handling, 12.0)
            found[f"{name}_transit"] = ([destination, prefix(code, 2), prefix(code, 3)], transit, 12.0)
        for name in known.texts:
            found[f"{name}_door"] = ([_extra(of, name)], door, 12.0)
            found[f"{name}_handling"] = ([_extra(of, name)], handling, 12.0)
        return found


def day_features(of: Shipments, calendars: tuple[Days, Days], rows: Integers, day: Integers, age: Integers) -> Matrix:
    """Features of cells (rows x DAY_FEATURES): `rows` of the shipments, first `day` and `age` of the cell."""
    destination, origin = calendars
    start = day - age
    return np.column_stack(
        [
            age,
            (day + 3) % 7,
            destination.holiday(rows, day),
            destination.holiday(rows, day - 1),
            destination.holiday(rows, day + 1),
            origin.holiday(rows, day),
            destination.working(rows, start, day),
        ]
    ).astype(np.float32)


def calendars(of: Shipments) -> tuple[Days, Days]:
    """The calendars of destination and origin; a country that is unknown has weekends alone."""
    return Days(of.lane["destination_country"]), Days(of.lane["origin_country"])


def _left_out(name: str, without: frozenset[str]) -> bool:
    return name in without or any(name.startswith(one.removesuffix("*")) for one in without if one.endswith("*"))


def _events(of: Shipments, moment: Floats, took: Floats) -> Events:
    known = of.sound() & np.isfinite(took) & (took >= 0)
    return Events(moment, np.log(np.maximum(took, 0.1, where=known, out=np.ones_like(took))), known)


def _same(of: Shipments) -> npt.NDArray[np.bool_]:
    def told(text: Text) -> npt.NDArray[np.object_]:
        return np.array(text.labels, dtype=object)[text.codes]

    lane = of.lane
    near: npt.NDArray[np.bool_] = told(lane["origin_region"]) == told(lane["destination_region"])
    near &= told(lane["origin_country"]) == told(lane["destination_country"])
    return near


def _numbered(text: Text, values: tuple[str, ...]) -> Floats:
    place = {value: float(at) for at, value in enumerate(values)}
    return np.array([place.get(label, np.nan) for label in text.labels], dtype=float)[text.codes]


def _extra(of: Shipments, name: str) -> Text:
    return of.extra.get(name) or Text(("",), np.zeros(len(of), dtype=np.int64))


def _digits(text: Text) -> Floats:
    """A postcode as a number, letters as in base 36, so that neighbours are near each other."""
    found = []
    for label in text.labels:
        told = "".join(letter for letter in label.upper() if letter.isascii() and letter.isalnum())[:8]
        found.append(float(int(told, 10 if told.isdigit() else 36)) if told else np.nan)
    return np.array(found, dtype=float)[text.codes]
