"""What ends a storefront's load, in its transaction: the watermark moves, for what it stands for is there now."""

from __future__ import annotations

from collections.abc import Mapping

from psycopg2.extensions import cursor as Cursor

from lanecast.storefronts.streams import DATASETS, datasets
from lanecast.warehouse.load import AfterMerge
from lanecast.warehouse.runs import Run
from lanecast.warehouse.statements import statement


def _moves_with(dataset: str) -> AfterMerge:
    """A stream's watermark moves with the last of the datasets that it tells of."""

    def after_merge(cursor: Cursor, run: Run) -> None:
        loaded = datasets(run)
        for stream in run.params["streams"]:
            if max(DATASETS[stream], key=loaded.index) == dataset:
                values = {"run_id": run.run_id, "source": run.source, "stream": stream, "as_of": run.as_of}
                cursor.execute(statement("storefront/move_watermark"), values)
                cursor.execute(statement("storefront/note_files"), values)

    return after_merge


AFTER_MERGE: Mapping[str, AfterMerge] = {
    dataset: _moves_with(dataset) for dataset in ("product", "order_line", "interaction", "shipment")
}
