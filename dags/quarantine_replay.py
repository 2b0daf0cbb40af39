"""### Quarantine replay

Sends quarantined rows through the same gate and load again: as they are, after a rule or code table was mended, or with
the columns that a patch file sets. Choose them by dataset, rule, run or ids, or by a patch alone.
Rows that pass are marked as replayed, the others stay open; none is deleted. See `lanecast quarantine --help`.
"""

from __future__ import annotations

import pendulum
from airflow.sdk import Param, dag, get_current_context

from lanecast import tasks
from lanecast.warehouse.staging import COLUMNS
from lanecast_dags import DEFAULTS, ORDERS, SHIPMENTS, TRACKING_EVENTS, lanecast_task


@dag(
    schedule=None,
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=4,
    default_args=DEFAULTS,
    tags=["lanecast", "quality"],
    doc_md=__doc__,
    params={
        "dataset": Param(None, type=["null", "string"], enum=[None, *COLUMNS], title="Open rows of this dataset"),
        "rule": Param(
            None, type=["null", "string"], pattern="^[a-z][a-z0-9_]*$", maxLength=100, title="Open rows under this rule"
        ),
        "run": Param(None, type=["null", "string"], minLength=1, title="Open rows that came in this run"),
        "origin": Param(None, type=["null", "string"], enum=[None, "pull", "file"], title="Came in answers, or files"),
        "ids": Param(
            None, type=["null", "array"], items={"type": "integer", "minimum": 1}, maxItems=10000, title="These rows"
        ),
        "patch": Param(None, type=["null", "string"], minLength=1, title="Patch file: CSV or JSON Lines"),
        "waive": Param(
            [], type="array", items={"type": "string", "pattern": "^[a-z][a-z0-9_]*$"}, title="Batch rules not to hold"
        ),
        "dry_run": Param(False, type="boolean", title="Only judge, and tell what would become of the rows"),
    },
)
def quarantine_replay() -> None:
    @lanecast_task(reads=["quality.quarantined_row"], writes=["staged"])
    def stage() -> dict[str, int]:
        """Chooses the rows, opens the run and puts them into staging."""
        context = get_current_context()
        tasks.open_quarantine_replay(context)
        return tasks.stage(context)

    @lanecast_task(reads=["staged"], writes=["quality.validation_result"])
    def validate() -> None:
        """Holds the rows against their contracts."""
        tasks.validate(get_current_context())

    @lanecast_task(
        reads=["staged", "quality.validation_result"],
        writes=["loaded", "quality.quarantined_row", "quality.reconciliation"],
        outlets=[SHIPMENTS, TRACKING_EVENTS, ORDERS],
    )
    def load() -> list[dict[str, str | int]]:
        """Merges into core, marks the rows and reconciles, in one transaction; of a dry run it only tells."""
        return tasks.load_quarantine_replay(get_current_context())

    @lanecast_task(reads=["quality.reconciliation"])
    def report(loaded: list[dict[str, str | int]]) -> None:
        """Says what became of the rows."""
        tasks.report(loaded)

    loaded = load()
    stage() >> validate() >> loaded
    report(loaded)


quarantine_replay()
