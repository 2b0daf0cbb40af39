"""Versions of the learned hazard in the warehouse: noted, scored, kept as texts, put in use.

Each function is one transaction. Curves are replaced whole in the transaction that puts a version in use: a reader sees
those of the version before, or those of the new one, and never a part.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import numpy as np
import psycopg2
import psycopg2.extensions
import psycopg2.extras

from lanecast.contracts.reader import contract
from lanecast.delivery.model.shipments import Floats
from lanecast.warehouse import connection as warehouse
from lanecast.warehouse.connection import only_row
from lanecast.warehouse.statements import statement

KEPT = 7
"""Versions that are kept, besides the one in use."""
STALE_DAYS = 21
"""Days after which a version that nothing took over from serves no longer."""
_LOCK = 0x1A9E_3EA2
_RETIRE = "UPDATE serving.delivery_model SET status = 'retired' WHERE status = 'serving'"

Status = Literal["trained", "refused", "none"]


class NoVersion(LookupError):
    """There is no such version of the model, or none that could be used again."""


@dataclass(frozen=True)
class Fit:
    """How one method did on orders that it had not seen: sum of the pinball losses of p10, p50 and p90, share within
    the 80 % range, and the range's mean width (days)."""

    pinball: float
    coverage: float
    width: float


@dataclass(frozen=True)
class Score:
    """A group of lanes ("" any country) compared on n orders, the weight of the learned hazard there, and why; whether
    open shipments get curves by their own features there, and why."""

    measure: str
    origin_country: str
    destination_country: str
    n: int
    floor: Fit
    learned: Fit
    mixture: Fit
    informed_pinball: float
    learned_share: float
    why: str
    informed_serves: bool
    informed_why: str


@dataclass(frozen=True)
class Noted:
    """A training as it is noted."""

    trained_at: datetime
    status: Status
    reason: str
    shipments: int = 0
    delivered: int = 0
    first_started_at: datetime | None = None
    last_started_at: datetime | None = None
    seconds: float = 0.0
    settings: Mapping[str, Any] = field(default_factory=dict)
    features: Sequence[str] = ()


@dataclass(frozen=True)
class Curve:
    """One row of serving.learned_curve."""

    lane: str
    measure: str
    weekday: int
    curve: Sequence[float]


def note(told: Noted, scores: Iterable[Score], models: Mapping[str, bytes], address: str | None = None) -> str:
    """Writes a training with its scores and its models (by measure); returns its version. What is past its time by the
    moment of the training goes."""
    with _alone(address, told.trained_at) as link, link.cursor() as cursor:
        values = vars(told) | {"settings": json.dumps(dict(told.settings)), "features": list(told.features)}
        cursor.execute(statement("delivery_model/note"), values)
        version: str = only_row(cursor)[0]
        rows = [_score_row(version, score) for score in scores]
        if rows:
            psycopg2.extras.execute_values(cursor, "INSERT INTO serving.delivery_model_score VALUES %s", rows)
        for measure, content in models.items():
            cursor.execute(
                "INSERT INTO serving.delivery_model_file VALUES (%s, %s, %s)",
                (version, measure, psycopg2.Binary(content)),
            )
        cursor.execute(statement("delivery_model/forget_files"), {"kept": KEPT})
        cursor.execute(statement("delivery_model/past"), {"days": contract("delivery_model").retention_days})
    return version


def kept(version: str, address: str | None = None) -> dict[str, bytes]:
    """The models of a version by measure. Raises NoVersion, which lists those that there are."""
    with warehouse.connect(address=address) as link, link.cursor() as cursor:
        cursor.execute(
            "SELECT measure, content FROM serving.delivery_model_file WHERE version = %s ORDER BY measure", (version,)
        )
        found = {measure: bytes(content) for measure, content in cursor.fetchall()}
        if not found:
            there = ", ".join(usable(cursor)) or "none"
            raise NoVersion(f"version {version!r} of the delivery model is not kept; those that are: {there}")
    return found


def usable(cursor: psycopg2.extensions.cursor) -> list[str]:
    """The versions that are kept, the newest first."""
    cursor.execute(
        "SELECT version FROM serving.delivery_model AS model WHERE EXISTS (SELECT FROM serving.delivery_model_file "
        "AS kept WHERE kept.version = model.version) ORDER BY recorded_at DESC, version DESC"
    )
    return [row[0] for row in cursor.fetchall()]


def shares(version: str, address: str | None = None) -> dict[str, dict[tuple[str, str], float]]:
    """By measure and (origin, destination country; "" any): the weight of the learned hazard in what serves there."""
    with warehouse.connect(address=address) as link, link.cursor() as cursor:
        cursor.execute(statement("delivery_model/shares"), {"version": version})
        found: dict[str, dict[tuple[str, str], float]] = {}
        for measure, origin, destination, share in cursor.fetchall():
            found.setdefault(measure, {})[origin, destination] = share
    return found


def ages(measure: str, address: str | None = None) -> Floats:
    """The ages (days) at which curves of a measure are known."""
    with warehouse.connect(address=address) as link, link.cursor() as cursor:
        cursor.execute("SELECT serving.age_bounds(%s)", (measure,))
        return np.array(only_row(cursor)[0], dtype=float)


def floor_curves(measure: str, lanes: Sequence[str], address: str | None = None) -> dict[str, list[float]]:
    """The life table's curves of these lanes, at `ages`."""
    with warehouse.connect(address=address) as link, link.cursor() as cursor:
        cursor.execute(statement("delivery_model/floor_curves"), {"measure": measure, "lanes": list(lanes)})
        return dict(cursor.fetchall())


def is_anything_new(address: str | None = None) -> bool:
    """Whether anything became known since the last training."""
    with warehouse.connect(address=address) as link, link.cursor() as cursor:
        cursor.execute(statement("delivery_model/anything_new"))
        return bool(only_row(cursor)[0])


def put_in_use(
    version: str, curves: Iterable[Curve], address: str | None = None, as_of: datetime | None = None
) -> tuple[int, int]:
    """Replaces all learned curves by those of a version, which serves from now on, or is refused where it has none, and
    none for single shipments either. The curves of shipments go with the version before. Returns its lanes (one for
    each measure) and curves."""
    file, lanes, count = io.StringIO(), set(), 0
    for one in curves:
        told = "{" + ",".join(repr(share) for share in one.curve) + "}"
        file.write("\t".join((_copied(one.lane), one.measure, str(one.weekday), told, _copied(version))) + "\n")
        lanes.add((one.lane, one.measure))
        count += 1
    file.seek(0)
    with _alone(address, as_of) as link, link.cursor() as cursor:
        cursor.execute("DELETE FROM serving.learned_curve")
        cursor.execute("DELETE FROM serving.learned_shipment_curve WHERE model_version <> %s", (version,))
        cursor.copy_expert("COPY serving.learned_curve (lane, measure, weekday, curve, model_version) FROM STDIN", file)
        cursor.execute(_RETIRE)
        cursor.execute(statement("delivery_model/serve"), {"version": version, "lanes": len(lanes), "curves": count})
        if not cursor.rowcount:
            raise NoVersion(f"there is no version {version!r} of the delivery model")
    return len(lanes), count


def retire_stale(address: str | None = None, as_of: datetime | None = None) -> int:
    """Takes the learned curves away where their version is too old; returns how many went."""
    with warehouse.connect(address=address, as_of=as_of) as link, link.cursor() as cursor:
        cursor.execute(statement("delivery_model/retire_stale"), {"days": STALE_DAYS})
        return cursor.rowcount


def retire(address: str | None = None) -> None:
    """Takes all learned curves away: the life table serves alone."""
    with _alone(address) as link, link.cursor() as cursor:
        cursor.execute("DELETE FROM serving.learned_curve")
        cursor.execute("DELETE FROM serving.learned_shipment_curve")
        cursor.execute(_RETIRE)


@contextmanager
def _alone(address: str | None = None, as_of: datetime | None = None) -> Iterator[warehouse.Connection]:
    """A transaction that no other training or publishing runs beside."""
    with warehouse.connect(address=address, as_of=as_of) as link:
        with link.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        yield link


def _score_row(version: str, score: Score) -> tuple[Any, ...]:
    fits = [
        value for fit in (score.floor, score.learned, score.mixture) for value in (fit.pinball, fit.coverage, fit.width)
    ]
    return (
        version,
        score.measure,
        score.origin_country or None,
        score.destination_country or None,
        score.n,
        *fits,
        score.informed_pinball,
        score.learned_share,
        score.why,
        score.informed_serves,
        score.informed_why,
    )


def _copied(text: str) -> str:
    """A text as COPY reads it."""
    for plain, escaped in (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r")):
        text = text.replace(plain, escaped)
    return text
