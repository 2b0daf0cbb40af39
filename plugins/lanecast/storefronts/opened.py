"""A table of files or of a database that is being read, and the mapping that its rows are read by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from lanecast.files.mapping import DatasetMapping, load_mapping
from lanecast.files.table import Table
from lanecast.storefronts.base import Stream
from lanecast.storefronts.config import ConfigError, TableStream
from lanecast.storefronts.texts import changed as changed_at


@dataclass
class Opened:
    """A table that is being read. `changed` is the column of its watermark, and `time` reads it; `held` how many rows
    it says to hold; `is_whole`, asked after the last row, whether it stands, or is to be left to the next run."""

    table: Table
    shown: str
    changed: str | None = None
    held: int | None = None
    time: Callable[[object], datetime | None] = changed_at
    is_whole: Callable[[], bool] = lambda: True


def mapping_of(settings: TableStream, stream: Stream) -> DatasetMapping:
    mapping = load_mapping(settings.mapping, stream)
    if mapping.joined:
        raise ConfigError(
            f"{mapping.name}: a storefront's tables are read one by one; join them in a query or beforehand"
        )
    return mapping
