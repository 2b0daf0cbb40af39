"""A fitted hazard as texts, and back: LightGBM's own text of each member, and the rest as JSON.

What comes back predicts the same, to the bit: both write numbers with as many digits as it takes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from lanecast.delivery.learned.fitting import Fitted
from lanecast.delivery.model.encodings import Encoding
from lanecast.delivery.model.hazard import Hazard, library
from lanecast.delivery.model.recalibration import Recalibration
from lanecast.delivery.model.schema import Schema

_STATE = "state"
_MEMBER = "member "


def texts(fitted: Fitted) -> dict[str, str]:
    """The parts of a fitted hazard, by name. Raises TypeError for what is none."""
    hazard = fitted.hazard
    if not isinstance(hazard, Hazard) or hazard.features.schema is None:
        raise TypeError(f"{type(hazard).__name__} is no fitted hazard")
    features = hazard.features
    state = {
        "half_lives": hazard.half_lives,
        "scale": hazard.scale,
        "cells": hazard.cells.tolist(),
        "without": sorted(hazard.without),
        "rounds": hazard.rounds,
        "clock": fitted.clock.tolist(),
        "recalibration": fitted.recalibration.overall.tolist(),
        "recalibrations": [[list(lane), told.tolist()] for lane, told in fitted.recalibration.by_lane.items()],
        "names": features.names,
        # Of how the network was, only the last week is asked for.
        "pulse": features.pulse[-1:].tolist(),
        "schema": vars(hazard.features.schema),
        "encodings": {name: vars(encoding) for name, encoding in features.encodings.items()},
    }
    return {_STATE: json.dumps(state)} | {
        f"{_MEMBER}{place:02d}": member.model_to_string() for place, member in enumerate(hazard.members)
    }


def fitted(parts: Mapping[str, str]) -> Fitted:
    """The hazard that `texts` told. Raises NoLightGBM."""
    gbm = library()
    state: dict[str, Any] = json.loads(parts[_STATE])
    cells = np.array(state["cells"], dtype=np.int64)
    hazard = Hazard(tuple(state["half_lives"]), state["scale"], cells, frozenset(state["without"]), state["rounds"])
    told = state["schema"]
    hazard.features.schema = Schema(
        tuple(told["numbers"]),
        tuple(told["postcodes"]),
        tuple(told["texts"]),
        {name: tuple(values) for name, values in told["places"].items()},
    )
    hazard.features.names = tuple(state["names"])
    hazard.features.pulse = np.array(state["pulse"], dtype=float)
    for name, kept in state["encodings"].items():
        tables = [{label: (pair[0], pair[1]) for label, pair in table.items()} for table in kept["tables"]]
        hazard.features.encodings[name] = Encoding(kept["half_life"], kept["mean"], tables)
    hazard.members = [gbm.Booster(model_str=parts[name]) for name in sorted(parts) if name.startswith(_MEMBER)]
    read_through = Recalibration(
        np.array(state["recalibration"]), {tuple(lane): np.array(shares) for lane, shares in state["recalibrations"]}
    )
    return Fitted(hazard, cells, np.array(state["clock"], dtype=float), state["scale"], read_through)
