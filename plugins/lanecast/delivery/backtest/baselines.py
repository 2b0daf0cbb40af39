"""What others do, replayed alike: each takes what was known, the orders asked about, and the levels (shares, 0 to 1),
and gives days (rows x levels).

    mean ± sd            of parcels delivered, by destination region, all history; a normal distribution's quantiles
    recent quantiles     of those delivered in the last 45 days: by lane, else destination region, else all (30 or more)
    gradient boosting    LightGBM quantile regression on those delivered in the last 60 days, half-life 30 days, on the
                         same features of an order as the learned hazard
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import NormalDist

import numpy as np

from lanecast.delivery.model.curves import from_hazards, time_of_day
from lanecast.delivery.model.exposure import edges, exposure, scale
from lanecast.delivery.model.features import OrderFeatures
from lanecast.delivery.model.floor import Floor, lanes
from lanecast.delivery.model.hazard import library
from lanecast.delivery.model.shipments import Floats, Shipments

Baseline = Callable[[Shipments, Shipments, float, tuple[float, ...]], Floats]
_DESTINATION = ("destination_country", "destination_region")
_LANE = ("origin_country", "origin_region", *_DESTINATION)
_FEW = 30
_PLAIN = frozenset({"pulse*", "recent*"})
"""Features left out: in the few weeks within memory, trees take the state of the network for the name of a week."""
_RECENT, _BOOSTED, _HALF_LIFE = 45.0, 60.0, 30.0


def mean_sd(known: Shipments, asked: Shipments, now: float, levels: tuple[float, ...]) -> Floats:
    """Mean and standard deviation of all parcels delivered, by destination region."""
    took, rows = _took(known, -np.inf)
    score = np.array([NormalDist().inv_cdf(level) for level in levels])
    group, names = lanes(known.take(rows), _DESTINATION)
    told = {name: took[group == place] for place, name in enumerate(names)}
    by_name = {name: some.mean() + score * some.std(ddof=1) for name, some in told.items() if len(some) > 1}
    top = took.mean() + score * (took.std(ddof=1) if len(took) > 1 else 0.0) if len(took) else np.zeros(len(levels))
    group, names = lanes(asked, _DESTINATION)
    found: Floats = np.array([by_name.get(name, top) for name in names]).reshape(-1, len(levels))[group]
    return found


def recent_quantiles(known: Shipments, asked: Shipments, now: float, levels: tuple[float, ...]) -> Floats:
    """Quantiles of parcels delivered of late, by the narrowest lane that has enough of them."""
    took, rows = _took(known, now - _RECENT)
    found = np.tile(np.quantile(took, levels) if len(took) else np.zeros(len(levels)), (len(asked), 1))
    for columns in (_DESTINATION, _LANE):
        group, names = lanes(known.take(rows), columns)
        enough = {
            names[place]: np.quantile(took[group == place], levels)
            for place in np.flatnonzero(np.bincount(group, minlength=len(names)) >= _FEW)
        }
        group, names = lanes(asked, columns)
        for place, name in enumerate(names):
            if name in enough:
                found[group == place] = enough[name]
    return found


def gradient_boosting(known: Shipments, asked: Shipments, now: float, levels: tuple[float, ...]) -> Floats:
    """Quantile regression on parcels delivered of late. Raises NoLightGBM."""
    took, rows = _took(known, now - _BOOSTED)
    if len(took) < _FEW:
        return mean_sd(known, asked, now, levels)
    cells = edges(known)
    features = OrderFeatures(scale(known), _PLAIN)
    table = features.fit(known, exposure(known, now, cells, now - 10 * features.scale), now, cells)[rows]
    gbm = library()
    weight = np.exp2((known.delivered[rows] - now) / _HALF_LIFE)
    options = {
        "objective": "quantile",
        "learning_rate": 0.05,
        "num_leaves": 31,
        "min_data_in_leaf": 30,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1,
        "verbosity": -1,
    }
    asked_table = features.read(asked)
    found = [
        gbm.train({**options, "alpha": level}, gbm.Dataset(table, took, weight=weight), 150).predict(asked_table)
        for level in levels
    ]
    days: Floats = np.maximum(np.sort(np.stack(found, axis=1), axis=1), 0.0)
    return days


def life_table(known: Shipments, asked: Shipments, now: float, levels: tuple[float, ...]) -> Floats:
    """The floor alone, with a half-life of twice the median time to delivery."""
    cells = edges(known)
    half_life = 2.0 * scale(known)
    lived = exposure(known, now, cells, now - 10 * half_life)
    hazards = Floor(half_life).fit(known, lived, now, cells).hazards(asked)
    curves = from_hazards(cells, hazards, time_of_day(known, now, now - 8 * scale(known)), asked)
    return np.stack([curves.quantile(level) for level in levels], axis=1)


BASELINES: dict[str, Baseline] = {
    "mean ± sd": mean_sd,
    "recent quantiles": recent_quantiles,
    "gradient boosting": gradient_boosting,
    "life table alone": life_table,
}


def _took(known: Shipments, since: float) -> tuple[Floats, np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """Days to delivery of sound parcels delivered since then, and their rows."""
    rows = np.flatnonzero(known.sound() & (known.delivered >= since))
    return (known.delivered - known.ordered)[rows], rows
