"""A night's recommendations: read, judged, learned and kept in one step, put in use in the next.

What is killed in between leaves the run before in use.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from lanecast.recommend import reading, store
from lanecast.recommend import run as models
from lanecast.recommend.evaluation import REPORT, EvaluationRow
from lanecast.recommend.lists import ALL, BUY_AGAIN, DISCOVER, REASONS, CustomerLists
from lanecast.recommend.store import Noted

log = logging.getLogger(__name__)

Say = Callable[[str], None]
LENGTH = 30
"""Entries of a customer's list: ten more than a shop shows, for some can't be bought any more when they are read."""
BESIDE = 20
POPULAR = 50
_SLOTS = (DISCOVER, BUY_AGAIN)


class NothingToLearnFrom(LookupError):
    """No customer has bought, viewed or put anything into a cart."""


@dataclass(frozen=True)
class Trained:
    """A run: its version, what serves in words and by slot, the slots that popularity took over from a model, what it
    learned from, lists, and seconds by step."""

    version: str
    reason: str
    models: Mapping[str, str]
    lost: tuple[str, ...]
    deeds: int
    customers: int
    products: int
    lists: Mapping[str, int] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    evaluation: Sequence[Mapping[str, Any]] = ()


def train(
    address: str | None = None, as_of: datetime | None = None, say: Say = log.info, run_id: str | None = None
) -> Trained:
    """Reads what is known, judges the models, makes all lists with those that serve, and keeps them as a run that is
    not in use yet. `run_id` is that of Airflow: what an earlier attempt of it has kept is found again.

    Raises NothingToLearnFrom where nothing is known, NoWarehouse where the warehouse can't be reached.
    """
    earlier = None if run_id is None else store.found(run_id, address)
    if earlier is not None:
        return Trained(**earlier)
    began = last = time.monotonic()
    seconds: dict[str, float] = {}

    def done(step: str) -> None:
        nonlocal last
        now = time.monotonic()
        seconds[step], last = round(now - last, 3), now

    known = reading.read(address, as_of)
    deeds, catalogue, now = known.deeds, known.catalogue, known.now
    say(f"{len(deeds):,} deeds of {len(deeds.customers):,} customers with {len(deeds.products):,} products")
    if not len(deeds):
        store.forget_erased(address)
        raise NothingToLearnFrom("nothing was bought, viewed or put into a cart yet: load orders or interactions first")
    done("read")
    judged = models.evaluate(deeds, catalogue, now, say)
    done("evaluate")
    chosen = {slot: dict(judged.chosen[slot]) for slot in (*_SLOTS, ALL)}
    rows = [*judged.rows, *_unjudged(judged.rows, chosen, now)]
    serving = {slot: str(chosen[slot]["model"]) for slot in _SLOTS}
    reason = "; ".join(f"{slot}: {chosen[slot].get('why', '')}" for slot in _SLOTS)
    say(reason)
    beside = models.bought_together(deeds, catalogue, now, BESIDE)
    popular = models.popular(deeds, catalogue, now, POPULAR)
    done("products")
    lists = _published(models.customer_lists(deeds, catalogue, judged.chosen, now, LENGTH))
    noted = Noted(run_id, reason, serving, chosen, REASONS, time.monotonic() - began)
    kept, counts = store.keep(noted, known, rows, lists, beside, popular, address)
    done("lists")
    return Trained(
        kept.version,
        reason,
        serving,
        kept.lost,
        len(deeds),
        len(deeds.customers),
        len(deeds.products),
        asdict(counts),
        seconds,
        [asdict(row) for row in rows],
    )


def publish(version: str, address: str | None = None, as_of: datetime | None = None, say: Say = log.info) -> str:
    """Puts a run in use (`store.PREVIOUS`: the one before); returns its version. Raises NoRun where its lists are not
    kept."""
    chosen = store.put_in_use(version, address, as_of)
    say(f"run {chosen} serves")
    return chosen


def train_and_publish(address: str | None = None, as_of: datetime | None = None, say: Say = log.info) -> Trained:
    """Both steps, one after the other."""
    trained = train(address, as_of, say)
    began = time.monotonic()
    publish(trained.version, address, as_of, say)
    return Trained(**vars(trained) | {"seconds": {**trained.seconds, "publish": round(time.monotonic() - began, 3)}})


def as_dict(trained: Trained) -> dict[str, Any]:
    """A run as plain values."""
    return asdict(trained)


def _published(lists: Iterator[CustomerLists]) -> Iterator[CustomerLists]:
    """Both slots; the blend of them is for comparison alone."""
    return (one for one in lists if one.slot in _SLOTS)


def _unjudged(
    rows: Sequence[EvaluationRow], chosen: Mapping[str, Mapping[str, Any]], now: int
) -> Iterator[EvaluationRow]:
    """A row for each slot in which nothing could be judged, so that the table says what serves, and why."""
    for slot, one in chosen.items():
        if not any(row.slot == slot for row in rows):
            yield EvaluationRow(
                one["model"], slot, REPORT, now, now, store.K, 0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, True, one.get("why", "")
            )
