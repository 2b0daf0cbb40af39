"""The learned hazard, night by night: trained and compared in one step, put in use in the next.

Training reads shipments, finds by a rolling backtest which lanes the hazard serves, and keeps the model as a new
version. Publishing writes that version's curves for SQL, and only then does it serve. What is killed in between leaves
the version before in use. Where no model can be made the life table serves, and a row says why.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from lanecast.delivery.learned import choice, mix, reading, store
from lanecast.delivery.learned.fitting import fit
from lanecast.delivery.learned.reading import Read
from lanecast.delivery.learned.store import Curve, Noted, Score, Status
from lanecast.delivery.life_table import CLOCKS
from lanecast.delivery.model import store as model_store
from lanecast.delivery.model.choice import choose as choose_memories
from lanecast.delivery.model.delivery_model import DeliveryModel
from lanecast.delivery.model.hazard import PARAMETERS, NoLightGBM, library
from lanecast.delivery.model.shipments import Floats, Shipments

log = logging.getLogger(__name__)

Say = Callable[[str], None]


@dataclass(frozen=True)
class Trained:
    """A training: its version, what became of it (trained, refused, none) and why, shipments read, scores, seconds."""

    version: str
    status: Status
    reason: str
    shipments: int
    scores: tuple[Score, ...]
    seconds: float


@dataclass(frozen=True)
class Published:
    """A version put in use: lanes with curves of its own (one for each clock) and curves; seconds."""

    version: str
    lanes: int
    curves: int
    seconds: float


def train(
    address: str | None = None,
    as_of: datetime | None = None,
    say: Say = log.info,
    most: int = reading.MOST,
    most_days: float = reading.MOST_DAYS,
) -> Trained:
    """Trains on what the warehouse knows, compares, and keeps the model as a new version, not in use yet.

    Where there is too little to learn from or to compare, or the life table is as good everywhere, or LightGBM can't be
    loaded, nothing is kept but a row that says so. Raises NoWarehouse where the warehouse can't be reached.
    """
    began = time.monotonic()
    told = reading.read(address, as_of, most, most_days)
    say(f"read {len(told):,} shipments")
    scores: list[Score] = []
    models: dict[str, bytes] = {}
    features: dict[str, None] = {}
    problem = ""
    try:
        library()
        for clock in CLOCKS:
            made = _clock(told, clock, store.ages(clock, address), scores, say)
            if made is not None:
                models[clock] = model_store.dump(made)
                features |= dict.fromkeys(_features(made))
    except NoLightGBM as error:
        problem = str(error)
    status, reason = _outcome(scores, bool(models), problem)
    say(reason)
    start = np.where(np.isfinite(told.ordered), told.ordered, told.shipped)
    seconds = time.monotonic() - began
    noted = Noted(
        told.as_of,
        status,
        reason,
        len(told),
        int((told.delivered < told.now).sum()),
        _moment(start.min()) if len(told) else None,
        _moment(start.max()) if len(told) else None,
        seconds,
        {"lightgbm": PARAMETERS, "all_shipments": told.is_all},
        tuple(features),
    )
    version = store.note(noted, scores, models, address)
    return Trained(version, status, reason, len(told), tuple(scores), seconds)


def publish(version: str, address: str | None = None, as_of: datetime | None = None, say: Say = log.info) -> Published:
    """Writes the curves of a version and puts it in use, instead of the one before.

    Raises NoVersion where its parts are not kept (any more), NoLightGBM where it can't be loaded.
    """
    began = time.monotonic()
    shares = store.shares(version, address)
    made = {clock: model_store.load(content) for clock, content in store.kept(version, address).items()}
    # An order that was handed over of late may be older.
    days = 2 * math.ceil(max(mix.recent(_scale(one)) for one in made.values()))
    told = reading.read(address, as_of, days=days)
    curves = [
        curve for clock, one in made.items() for curve in _curves(clock, one, told, shares.get(clock, {}), address, say)
    ]
    lanes, count = store.put_in_use(version, curves, address, as_of)
    say(f"version {version} serves: {count:,} curves of {lanes:,} lanes")
    return Published(version, lanes, count, time.monotonic() - began)


def follow(
    version: str,
    status: Status,
    reason: str,
    address: str | None = None,
    as_of: datetime | None = None,
    say: Say = log.info,
) -> Published | None:
    """What comes after a training: its version is put in use; where the life table is to serve alone, the version
    before is taken out. Without LightGBM the version before stays, until it is stale."""
    if status == "trained":
        return publish(version, address, as_of, say)
    if not reason.startswith(_NO_LIBRARY):
        store.retire(address)
    return None


def train_and_follow(
    address: str | None = None, as_of: datetime | None = None, say: Say = log.info
) -> tuple[Trained, Published | None]:
    """Both steps, one after the other."""
    trained = train(address, as_of, say)
    return trained, follow(trained.version, trained.status, trained.reason, address, as_of, say)


def as_dict(trained: Trained | None, published: Published | None) -> dict[str, Any]:
    """Both as plain values."""
    told = {} if trained is None else asdict(trained)
    return told | {"published": None if published is None else asdict(published)}


_NO_LIBRARY = "LightGBM can't be loaded"


def _clock(told: Read, clock: str, ages: Floats, scores: list[Score], say: Say) -> DeliveryModel | None:
    """Compares on one clock; fits on everything known where the hazard serves anywhere."""
    known = told.by(clock)
    if np.isfinite(known.delivered).sum() < choice.LEAST_ORDERS:
        return None
    say(f"{clock}: {len(known):,} shipments")
    backtest = choice.compare(known, told.now, ages, say)
    found = choice.choose(clock, backtest.compared)
    scores += found
    if not any(score.learned_share or score.informed_serves for score in found):
        return None
    say(f"{clock}: training on all")
    memories = choose_memories(known, told.now)
    made = fit(known, told.now, memories, backtest.recalibration)
    return made if made.hazard is not None else None


def _outcome(scores: list[Score], is_made: bool, problem: str) -> tuple[Status, str]:
    if problem:
        return "none", problem if problem.startswith(_NO_LIBRARY) else f"{_NO_LIBRARY}: {problem}"
    if not scores:
        return "none", (
            f"too few orders have matured to compare by: the learned hazard takes {choice.LEAST_ORDERS} of the last "
            "fortnights; the life table serves"
        )
    if not is_made:
        return "refused", "the learned hazard is nowhere better than the life table by more than chance"
    serving = [score for score in scores if score.learned_share]
    informed = sum(score.informed_serves for score in scores)
    return "trained", (
        f"the learned hazard or a mixture is better in {len(serving)} of {len(scores)} groups of lanes, "
        f"told the parcel's own features in {informed}"
    )


def _curves(
    clock: str, made: DeliveryModel, told: Read, shares: dict[tuple[str, str], float], address: str | None, say: Say
) -> Iterator[Curve]:
    """The curves of one clock's lanes, in order."""
    known: Shipments = told.by(clock)
    found = mix.mix(known, told.now, _scale(made), lambda *ends: choice.share_of(shares, *ends) > 0)
    if not found.lanes:
        return
    say(f"{clock}: curves of {len(found.lanes):,} lanes, from {len(found.orders):,} orders")
    keys = [lane.key for lane in found.lanes]
    floor = store.floor_curves(clock, keys, address)
    ages = store.ages(clock, address)
    within = mix.within(ages)
    for weekday, table in mix.by_weekday(found, told.now, ages, made):
        for lane, learned in zip(found.lanes, table, strict=True):
            share = choice.share_of(shares, lane.origin_country, lane.destination_country)
            points = mix.curve(mix.mixed(learned, floor.get(lane.key), share), within)
            if points:
                yield Curve(lane.key, clock, weekday, points)


def _features(made: DeliveryModel) -> tuple[str, ...]:
    from lanecast.delivery.model.features import DAY_FEATURES

    return (*made.hazard.features.names, *DAY_FEATURES) if made.hazard is not None else ()


def _scale(made: DeliveryModel) -> float:
    """The median time to delivery in days, as the model has it."""
    return made.hazard.scale if made.hazard is not None else 0.0


def _moment(days: float) -> datetime:
    return datetime.fromtimestamp(float(days) * 86_400, UTC)
