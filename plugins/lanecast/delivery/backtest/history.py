"""A `shipments` file as columns, every row of it, whatever is wrong with the row."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from lanecast.delivery.levels import LANE_COLUMNS
from lanecast.delivery.model.shipments import Floats, Shipments, shipments
from lanecast.files.datasets import UNKNOWN_CARRIER
from lanecast.files.errors import FileError
from lanecast.files.importing import describe, open_rows
from lanecast.files.streams import Progress
from lanecast.warehouse.staging import COLUMNS

_DAY = 86_400.0


@dataclass(frozen=True)
class History:
    """`shipments` are the rows that have a start; `undated` counts those that have none, or none that can be read."""

    shipments: Shipments
    undated: int


def read(path: str | Path, mapping: str | None = None, progress: Progress | None = None) -> History:
    """The rows of a shipments file (CSV, gzip too; JSON Lines; Parquet). A value that can't be read is unknown; its row
    stays. Raises FileError for a file that is no such table, or lacks what a replay needs."""
    if mapping is None:
        _check(path)
    names = COLUMNS["shipment"]
    place = {name: names.index(name) for name in names}
    ids: list[str] = []
    times: dict[str, list[float]] = {"ordered_at": [], "shipped_at": [], "delivered_at": []}
    lane: dict[str, list[str]] = {name: [] for name in LANE_COLUMNS}
    extras: list[dict[str, object]] = []
    undated = 0
    with open_rows("shipments", path, mapping, progress) as rows:
        for row in rows:
            if row[place["ordered_at"]] is None:
                undated += 1
                continue
            ids.append(_text(row[place["order_id"]]) or _text(row[place["tracking_number"]]))
            for name, column in times.items():
                column.append(_days(row[place[name]]))
            for name, texts in lane.items():
                told = _text(row[place[name]])
                texts.append("" if name == "carrier" and told == UNKNOWN_CARRIER else told)
            told_extras = row[place["attributes"]]
            extras.append(json.loads(told_extras) if isinstance(told_extras, str) else {})
    columns = dict.fromkeys(name for one in extras for name in one)
    extra = {name: [_text(one.get(name)) for one in extras] for name in columns}
    moments = {name: np.array(column, dtype=float) for name, column in times.items()}
    found = shipments(ids, moments["ordered_at"], moments["shipped_at"], moments["delivered_at"], lane, extra)
    return History(found, undated)


def _check(path: str | Path) -> None:
    """Raises FileError where the columns that a replay needs are not there."""
    there = {name.strip().lower().replace(" ", "_") for name in describe(path).columns}
    missing = [name for name in ("order_id", "ordered_at", "delivered_at") if name not in there]
    if missing:
        raise FileError(
            f"{Path(path).name} has no column {' and no column '.join(missing)}: a replay needs order_id, ordered_at "
            "and delivered_at (rename the columns, or give --mapping)"
        )


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _days(value: object) -> float:
    """An ISO instant in UTC as days since 1970."""
    return datetime.fromisoformat(str(value)).timestamp() / _DAY if value is not None else float("nan")


def day(moment: datetime) -> float:
    """A moment as days since 1970-01-01 UTC."""
    return moment.timestamp() / _DAY


def iso(moments: Floats) -> list[str]:
    """Days since 1970 as ISO instants in UTC, to the second."""
    seconds = np.round(moments * _DAY).astype("datetime64[s]")
    return [f"{told}+00:00" for told in np.datetime_as_string(seconds, unit="s")]
