"""The life table of delivery time, in SQL: spans of the shipments that changed, exact sums, curves of all lanes.

Spans (how long a shipment took from one step to another, or has taken so far) are added to sums per leaf and age bin,
and taken out again where they change. A curve is read from the sums and from the spans still open, so that a refresh
costs the same however long the history is. The method: docs/methods/delivery-time.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg2.extensions
from psycopg2 import sql

from lanecast import settings
from lanecast.carriers import places
from lanecast.delivery.levels import LEVELS, PARENTS
from lanecast.tracking import FINAL_MILESTONES
from lanecast.warehouse.connection import only_row
from lanecast.warehouse.statements import statement

CLOCKS: tuple[str, ...] = ("order_to_door", "handover_to_door")
LEGS: tuple[str, ...] = ("to_export", "export_customs", "line_haul", "import_customs", "last_mile")
MEASURES: tuple[str, ...] = (*CLOCKS, *LEGS)
"""What is measured: two clocks to the door, and the legs between."""

HALF_LIFE_DAYS = 14.0
KAPPAS: tuple[float, ...] = (0.0, *(10.0 for _ in LEVELS[1:]))
"""How many parcels' worth a lane leans on its parents, by level, until there is enough data to choose by."""

MIXED: tuple[bool, ...] = (*(False for _ in LEVELS[1:7]), True, False, False)
"""Whether a lane with two parents leans on both, by level. A carrier's lane between regions leans on the carrier's lane
between the countries alone: regions differ in which carriers serve them, and that would count twice."""

MOVEMENT: tuple[str, ...] = (
    "picked_up",
    "in_transit",
    "hub_arrived",
    "hub_departed",
    "export_customs_started",
    "export_cleared",
    "destination_country_arrived",
    "import_customs_started",
    "customs_hold",
    "import_cleared",
    "out_for_delivery",
    "available_for_pickup",
    "failed_attempt",
    "delivered",
    "returning",
    "returned",
)
"""Milestones that a parcel only meets once the carrier has it."""

EARLY: tuple[str, ...] = MOVEMENT[: MOVEMENT.index("export_cleared") + 1]
"""Movements by which a parcel may begin its journey; where the first one seen is a later one, it began unseen."""

UNDELIVERED: tuple[str, ...] = tuple(sorted((FINAL_MILESTONES - {"delivered"}) | {"returning"}))


@dataclass(frozen=True)
class Choice:
    """The half-life in days of what is known; by level, how many parcels' worth a lane leans on its parents, and
    whether on both where it has two."""

    half_life_days: float = HALF_LIFE_DAYS
    kappas: tuple[float, ...] = KAPPAS
    mixed: tuple[bool, ...] = MIXED


def chosen(cursor: psycopg2.extensions.cursor) -> tuple[Choice, bool]:
    """The choice in use, and whether the sums must be made anew for it."""
    cursor.execute(statement("delivery/chosen"))
    half_life, kappas, mixed, built, is_far = only_row(cursor)
    choice = Choice() if half_life is None else Choice(half_life, tuple(kappas), tuple(mixed))
    return choice, built is not None and (built != choice.half_life_days or is_far)


def update(cursor: psycopg2.extensions.cursor, choice: Choice, since: str) -> int:
    """Brings spans and sums up to date for the shipments of `touched_shipment`; returns how many spans moved.

    `since` is the carriers' clock from which on these shipments have events.
    """
    bounds(cursor, choice.half_life_days)
    cursor.execute(statement("delivery/open_state"), {"half_life": choice.half_life_days})
    countries = list(places.country_names())
    values: dict[str, Any] = {
        "movement": list(MOVEMENT),
        "early": list(EARLY),
        "undelivered": list(UNDELIVERED),
        "countries": countries,
        "since": since,
        "unions": [places.customs_union(country) for country in countries],
    }
    cursor.execute(statement("delivery/spans"), values)
    cursor.execute("ANALYZE new_span")
    cursor.execute(statement("delivery/new_leaves"))
    if cursor.rowcount:
        _new_lanes(cursor)
    cursor.execute(statement("delivery/span_changes"))
    cursor.execute("SELECT count(*) FROM moved")
    moved: int = only_row(cursor)[0]
    if moved:
        cursor.execute(statement("delivery/add_to_sums", spans="moved"))
    return moved


def rebuild(cursor: psycopg2.extensions.cursor, choice: Choice) -> None:
    """Makes all sums anew from the spans, weighted by the half-life of `choice`, from today on."""
    cursor.execute(statement("delivery/forget_sums"))
    cursor.execute(statement("delivery/open_state"), {"half_life": choice.half_life_days})
    bounds(cursor, choice.half_life_days)
    cursor.execute(statement("delivery/add_to_sums", spans="every_span"))
    cursor.execute("DROP VIEW every_span")


def curves(cursor: psycopg2.extensions.cursor, choice: Choice) -> None:
    """Makes the temporary table `lane_curve`: the curve of every lane with evidence, as of now."""
    bounds(cursor, choice.half_life_days)
    cursor.execute(statement("delivery/evidence"))
    cursor.execute("ANALYZE evidence")
    cursor.execute(statement("delivery/lane_evidence"))
    lane_curves(cursor, choice)


def lane_curves(cursor: psycopg2.extensions.cursor, choice: Choice) -> None:
    """Makes `lane_curve` from the temporary tables `lane_evidence` and `measure_bounds`, level by level."""
    cursor.execute("DROP TABLE IF EXISTS lane_curve")
    cursor.execute(statement("delivery/lane_curve_table"))
    for specificity, (kappa, mixed) in enumerate(zip(choice.kappas, choice.mixed, strict=True), 1):
        values = {"specificity": specificity, "kappa": kappa, "mixed": mixed}
        cursor.execute(statement("delivery/lane_curves"), values)


def bounds(cursor: psycopg2.extensions.cursor, half_life_days: float) -> None:
    """Makes the temporary table `measure_bounds`: the age bins of every measure, up to the horizon."""
    cursor.execute("DROP TABLE IF EXISTS measure_bounds")
    cursor.execute(
        statement("delivery/measure_bounds"),
        {"measures": list(MEASURES), "horizon": settings.horizon_days(), "half_life": half_life_days},
    )


def _new_lanes(cursor: psycopg2.extensions.cursor) -> None:
    """Makes the lanes that hold new leaves, widest first."""
    cursor.execute(statement("delivery/leaf_in_lane"))
    for specificity, level in enumerate(LEVELS, 1):
        parents = [LEVELS[parent - 1].key("held") for parent in PARENTS.get(specificity, ())]
        parent, other_parent, ancestor = (*parents, *[sql.SQL("NULL")] * 3)[:3]
        text = sql.SQL(statement("delivery/new_lanes")).format(
            lane=level.lane(),
            known=level.known("leaf"),
            parent=parent,
            other_parent=other_parent,
            ancestor=ancestor,
        )
        cursor.execute(text, {"level": level.name, "specificity": specificity})
    cursor.execute(statement("delivery/leaf_lanes"))
