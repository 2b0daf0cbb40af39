"""A fitted model as bytes and back: JSON, compressed. Loading it runs no code, so it may lie in a table."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import msgspec
import numpy as np
import zstandard

from lanecast.delivery.model.choice import Choice
from lanecast.delivery.model.delivery_model import DeliveryModel
from lanecast.delivery.model.encodings import Encoding
from lanecast.delivery.model.features import OrderFeatures
from lanecast.delivery.model.floor import Floor
from lanecast.delivery.model.hazard import Hazard, library
from lanecast.delivery.model.recalibration import Recalibration
from lanecast.delivery.model.schema import Schema

FORMAT = 1
"""Raised when what is written changes: a model of another format is trained anew rather than read."""


class UnknownFormat(ValueError):
    """The bytes are no model of this version."""


def dump(model: DeliveryModel) -> bytes:
    """The model as bytes, some hundred kilobytes to a few megabytes."""
    hazard = model.hazard
    told = {
        "format": FORMAT,
        "now": model.now,
        "cells": model.cells.tolist(),
        "clock": model.clock.tolist(),
        "choice": {**asdict(model.choice), "weight": _pairs(model.choice.weight)},
        "floor": {
            "half_life": model.floor.half_life,
            "kappa": model.floor.kappa,
            "tables": [_pairs(table) for table in model.floor.tables],
        },
        "recalibration": {
            "overall": model.recalibration.overall.tolist(),
            "by_lane": _pairs(model.recalibration.by_lane),
        },
        "hazard": hazard
        and {
            "half_lives": hazard.half_lives,
            "scale": hazard.scale,
            "rounds": hazard.rounds,
            "without": sorted(hazard.without),
            "members": [member.model_to_string() for member in hazard.members],
            "schema": hazard.features.schema and asdict(hazard.features.schema),
            "encodings": {name: asdict(one) for name, one in hazard.features.encodings.items()},
            "pulse": hazard.features.pulse[-1:].tolist(),
            "names": hazard.features.names,
        },
    }
    return zstandard.compress(msgspec.json.encode(told))


def load(data: bytes) -> DeliveryModel:
    """The model of `dump`. Raises UnknownFormat, and NoLightGBM where a learned one can't be run here."""
    try:
        told = msgspec.json.decode(zstandard.decompress(data))
    except (zstandard.ZstdError, msgspec.DecodeError) as error:
        raise UnknownFormat(f"these bytes are no delivery model ({error}): train one anew") from None
    if not isinstance(told, dict) or told.get("format") != FORMAT:
        raise UnknownFormat("the delivery model was written by another version: train one anew")
    cells = np.array(told["cells"], dtype=np.int64)
    choice = {**told["choice"], "half_lives": tuple(told["choice"]["half_lives"])}
    floor = Floor(told["floor"]["half_life"], told["floor"]["kappa"], cells=len(cells) - 1)
    floor.tables = [_arrays(table) for table in told["floor"]["tables"]]
    recalibration = told["recalibration"]
    return DeliveryModel(
        told["now"],
        cells,
        np.array(told["clock"], dtype=float),
        Choice(**{**choice, "weight": {tuple(name): float(value) for name, value in choice["weight"]}}),
        floor,
        told["hazard"] and _hazard(told["hazard"], cells),
        Recalibration(np.array(recalibration["overall"], dtype=float), _arrays(recalibration["by_lane"])),
    )


def _hazard(told: dict[str, Any], cells: np.ndarray[Any, np.dtype[np.int64]]) -> Hazard:
    gbm = library()
    hazard = Hazard(tuple(told["half_lives"]), told["scale"], cells, frozenset(told["without"]), told["rounds"])
    hazard.members = [gbm.Booster(model_str=text) for text in told["members"]]
    known = told["schema"]
    features = OrderFeatures(told["scale"], frozenset(told["without"]))
    features.schema = Schema(
        tuple(known["numbers"]),
        tuple(known["postcodes"]),
        tuple(known["texts"]),
        {name: tuple(values) for name, values in known["places"].items()},
    )
    features.encodings = {
        name: Encoding(
            one["half_life"],
            one["mean"],
            [{key: (value[0], value[1]) for key, value in table.items()} for table in one["tables"]],
        )
        for name, one in told["encodings"].items()
    }
    features.pulse = np.array(told["pulse"], dtype=float)
    features.names = tuple(told["names"])
    hazard.features = features
    return hazard


def _pairs(table: dict[tuple[str, ...], Any]) -> list[tuple[tuple[str, ...], Any]]:
    return [(name, value.tolist() if isinstance(value, np.ndarray) else value) for name, value in table.items()]


def _arrays(pairs: list[tuple[list[str], list[float]]]) -> dict[tuple[str, ...], np.ndarray[Any, np.dtype[np.float64]]]:
    return {tuple(name): np.array(values, dtype=float) for name, values in pairs}
