"""Curves of single open shipments: the hazard of the version in use, told the parcel's own features.

A shipment is asked about once for each clock that has begun and version. Some thousand at a time are read, asked about
and kept, each part in a transaction of its own: a run that is killed has kept whole curves, and the next does the rest.
"""

from __future__ import annotations

import io
import logging
import time
from dataclasses import dataclass
from datetime import datetime

from lanecast.delivery.learned import mix, reading, store
from lanecast.delivery.learned.fitting import by_age
from lanecast.delivery.learned.reading import Read
from lanecast.delivery.model import store as model_store
from lanecast.delivery.model.delivery_model import DeliveryModel
from lanecast.delivery.model.hazard import NoLightGBM
from lanecast.delivery.model.shipments import Floats
from lanecast.warehouse import connection as warehouse
from lanecast.warehouse.statements import statement

log = logging.getLogger(__name__)

MOST = 4_000
"""Clocks of shipments asked about at once: what a part holds in memory grows with them."""


@dataclass(frozen=True)
class Scored:
    """What a run did: the version in use ("" none), curves kept and taken away (one for each clock), seconds."""

    version: str
    curves: int
    removed: int
    seconds: float


def refresh(address: str | None = None, as_of: datetime | None = None, most: int = MOST) -> Scored:
    """Gives open shipments that have none a curve of the version in use, and takes those of ended ones away.

    Nothing is done without a version, or where the hazard told own features serves nowhere. Where the version can't be
    run here, the log says so, and lanes answer. Raises NoWarehouse where the warehouse can't be reached.
    """
    began = time.monotonic()
    with warehouse.connect(address=address, as_of=as_of) as link, link.cursor() as cursor:
        cursor.execute(statement("delivery_model/forget_own"))
        removed = cursor.rowcount
        cursor.execute("SELECT version FROM serving.delivery_model WHERE status = 'serving'")
        row = cursor.fetchone()
    if row is None:
        return Scored("", 0, removed, time.monotonic() - began)
    version: str = row[0]
    count, after = 0, 0
    models: dict[str, DeliveryModel] = {}
    ages: dict[str, Floats] = {}
    while len(told := reading.without_curve(address, as_of, after, most)):
        try:
            models = models or {clock: model_store.load(one) for clock, one in store.kept(version, address).items()}
            ages = ages or {clock: store.ages(clock, address) for clock in models}
        except (NoLightGBM, model_store.UnknownFormat) as error:
            log.warning("open shipments have no curves of their own: %s", error)
            break
        count += _keep(version, models, ages, told, address, as_of)
        after = int(told.shipment_id.max())
    return Scored(version, count, removed, time.monotonic() - began)


def _keep(
    version: str,
    models: dict[str, DeliveryModel],
    ages: dict[str, Floats],
    told: Read,
    address: str | None,
    as_of: datetime | None,
) -> int:
    """Asks about a part of the shipments and keeps their curves; returns how many."""
    file = io.StringIO()
    for clock, made in models.items():
        asked = told.by(clock)
        at = ages[clock]
        within = mix.within(at)
        for name, started, share in zip(
            asked.order_id.tolist(), asked.ordered.tolist(), by_age(made, asked, at), strict=True
        ):
            points = mix.curve(share, within)
            if points:
                file.write(f"{int(name)}\t{clock}\t{started!r}\t{{{','.join(map(repr, points))}}}\n")
    file.seek(0)
    with warehouse.connect(address=address, as_of=as_of) as link, link.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE own_curve (shipment_id bigint, measure text, started double precision, "
            "curve double precision []) ON COMMIT DROP"
        )
        cursor.copy_expert("COPY own_curve FROM STDIN", file)
        cursor.execute(statement("delivery_model/keep_own"), {"version": version})
        return cursor.rowcount
