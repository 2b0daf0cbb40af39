"""### History import

Loads years of past shipments, events, orders, interactions or products from CSV (gz too), Parquet or JSON Lines,
through the same gate as everything else. `path` is a file, a folder that the mapping knows, or an address that fsspec
reads; `mapping` names a file that says how the columns are called (see `include/mappings`).
"""

from __future__ import annotations

import pendulum
from airflow.sdk import Param, dag, get_current_context

from lanecast import tasks
from lanecast_dags import DEFAULTS, ORDERS, SHIPMENTS, TRACKING_EVENTS, lanecast_task


@dag(
    schedule=None,
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=4,
    default_args=DEFAULTS,
    tags=["lanecast", "files"],
    doc_md=__doc__,
    params={
        "dataset": Param(
            "shipments", type="string", enum=["shipments", "events", "orders", "interactions", "products"]
        ),
        "path": Param("", type="string", minLength=1, title="File, folder or address"),
        "mapping": Param(
            None, type=["null", "string"], title="Mapping file, or the name of one that ships with Lanecast"
        ),
    },
)
def history_import() -> None:
    @lanecast_task(reads=["file"], writes=["staged"])
    def stage() -> dict[str, int]:
        """Opens the run and reads the file into staging."""
        context = get_current_context()
        tasks.open_import(context)
        return tasks.stage(context)

    @lanecast_task(reads=["staged"], writes=["quality.validation_result"])
    def validate() -> None:
        """Holds the staged rows against their contracts."""
        tasks.validate(get_current_context())

    @lanecast_task(
        reads=["staged", "quality.validation_result"],
        writes=["loaded", "quality.quarantined_row", "quality.reconciliation"],
        outlets=[SHIPMENTS, TRACKING_EVENTS, ORDERS],
    )
    def load() -> list[dict[str, str | int]]:
        """Quarantines, merges into core and reconciles, in one transaction."""
        loaded = tasks.load(get_current_context())
        tasks.report(loaded)
        return loaded

    stage() >> validate() >> load()


history_import()
