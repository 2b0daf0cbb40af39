"""Fits the hazard so that it alone answers, and reads what a model says at given ages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from lanecast.delivery.model.choice import Choice
from lanecast.delivery.model.delivery_model import DeliveryModel, train
from lanecast.delivery.model.recalibration import Recalibration
from lanecast.delivery.model.shipments import Floats, Shipments

_CHUNK = 2_000


def fit(known: Shipments, now: float, memories: Choice, recalibration: Recalibration) -> DeliveryModel:
    """The learned hazard for every lane, with the memories chosen, from what is known at `now` (days since 1970)."""
    return train(known, now, replace(memories, overall=1.0, weight={}), recalibration)


def floor_of(model: DeliveryModel) -> DeliveryModel:
    """The life table beside the hazard, alone."""
    return replace(model, hazard=None, recalibration=Recalibration())


def by_age(model: DeliveryModel, asked: Shipments, ages: Floats) -> Floats:
    """The share delivered by `ages` (days): rows x ages."""
    found = np.empty((len(asked), len(ages)))
    for at, part in parts(asked):
        found[at : at + len(part)] = model.curves(part).by(np.broadcast_to(ages, (len(part), len(ages))))
    return found


def parts(asked: Shipments) -> Iterator[tuple[int, Shipments]]:
    """The rows some thousand at a time, so that memory is bounded; each with the place of its first."""
    for at in range(0, len(asked), _CHUNK):
        yield at, asked.take(np.arange(at, min(at + _CHUNK, len(asked))))
