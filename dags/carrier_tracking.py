"""### Carrier tracking

Pulls what is due from the carriers and loads it: raw store → staging → contract suite → core → reconciliation.

Every row received ends as loaded, duplicate or quarantined; the three add up, or nothing is committed. A run by hand
may name a carrier, or tracking numbers (one that no shipment has needs its carrier too), or force all open parcels.
A backfill is refused: carriers answer with the present. Load the past with `history_import`.
"""

from __future__ import annotations

from datetime import timedelta

import pendulum
from airflow.sdk import Param, TriggerRule, dag, get_current_context

from lanecast import tasks
from lanecast.carriers import registry
from lanecast_dags import ALERTS, DEFAULTS, SHIPMENTS, TRACKING_EVENTS, ends_within, lanecast_task, testable


@testable
@dag(
    schedule="*/15 * * * *",
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS,
    tags=["lanecast", "carriers"],
    doc_md=__doc__,
    deadline=ends_within(timedelta(hours=1)),
    params={
        "carrier": Param(None, type=["null", "string"], enum=[None, *registry.names()], title="Only this carrier"),
        "tracking_numbers": Param(
            None,
            type=["null", "array"],
            items={"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9 -]{2,39}$"},
            maxItems=1000,
            title="Only these tracking numbers, due or not",
        ),
        "source": Param(
            None, type=["null", "string"], enum=[None, *registry.names()], title="Ask here, not where usually asked"
        ),
        "force": Param(False, type="boolean", title="All open parcels, due or not"),
    },
    **ALERTS,
)
def carrier_tracking() -> None:
    @lanecast_task(reads=["core.shipment", "ops.poll_plan"], writes=["ops.poll_request"])
    def find_due() -> list[dict[str, str | int]]:
        """Opens the run, and divides what is due into shards."""
        return tasks.find_due(get_current_context())

    @lanecast_task(
        reads=["ops.poll_request", "carriers"],
        writes=["raw", "ops.raw_answer"],
        max_active_tis_per_dagrun=4,
        map_index_template="{{ shard }}",
    )
    def pull(shard: dict[str, str | int]) -> dict[str, int]:
        """Asks one source for one shard of parcels; every answer goes to the raw store."""
        context = get_current_context()
        context["shard"] = f"{shard['source']} {shard['shard']}"
        return tasks.pull(shard, context)

    @lanecast_task(
        reads=["raw", "ops.raw_answer"], writes=["staged"], trigger_rule=TriggerRule.ALL_DONE_MIN_ONE_SUCCESS
    )
    def stage() -> dict[str, int]:
        """Parses the stored answers into staging."""
        return tasks.stage(get_current_context())

    @lanecast_task(reads=["staged"], writes=["quality.validation_result"])
    def validate() -> None:
        """Holds the staged rows against their contracts."""
        tasks.validate(get_current_context())

    @lanecast_task(
        reads=["staged", "quality.validation_result"],
        writes=["loaded", "quality.quarantined_row", "quality.reconciliation", "ops.poll_plan"],
        outlets=[SHIPMENTS, TRACKING_EVENTS],
    )
    def load() -> list[dict[str, str | int]]:
        """Quarantines, merges into core and reconciles, in one transaction."""
        return tasks.load(get_current_context())

    @lanecast_task(reads=["quality.reconciliation"])
    def report(loaded: list[dict[str, str | int]]) -> None:
        """Says what became of the rows; fails where a shard's pull failed."""
        tasks.report(loaded)

    pulled = pull.expand(shard=find_due())
    loaded = load()
    pulled >> stage() >> validate() >> loaded
    pulled >> report(loaded)


carrier_tracking()
