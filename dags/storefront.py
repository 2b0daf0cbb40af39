"""### Storefront

Reads what is new in every storefront (`include/storefronts.yaml`): orders with their lines, refunds and tracking
numbers, products, behaviour. Raw store → staging → contract suite → core → reconciliation, a run of its own for each
source, so that one that is out of order leaves the others alone.

Each stream goes on from its watermark, which moves in the transaction of the load alone; what came is held against
what the source counts, and a read that fell short fails before that. Where only some streams of a source could be read,
they are loaded, and its last task fails. By hand, a run may name one `source`, or read
everything anew (`full`). A backfill is refused: shops answer with the present.
"""

from __future__ import annotations

from datetime import timedelta

import pendulum
from airflow.sdk import Param, dag, get_current_context, task_group

from lanecast import tasks
from lanecast_dags import ALERTS, DEFAULTS, NEW_SHIPMENTS, ORDERS, SHIPMENTS, ends_within, lanecast_task, testable


@testable
@dag(
    schedule="@hourly",
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS,
    tags=["lanecast", "storefronts"],
    doc_md=__doc__,
    deadline=ends_within(timedelta(hours=3)),
    params={
        "source": Param(None, type=["null", "string"], pattern="^[a-z][a-z0-9_]{0,39}$", title="Only this source"),
        "full": Param(False, type="boolean", title="Everything, not only what is new"),
    },
    **ALERTS,
)
def storefront() -> None:
    @lanecast_task(reads=["ops.storefront_watermark"], writes=["ops.run"])
    def find_sources() -> list[str]:
        """Opens a run for each source that can be asked."""
        return tasks.find_storefronts(get_current_context())

    @task_group
    def each(source: str) -> None:
        """One source, from its pages to core."""

        @lanecast_task(
            reads=["storefronts", "ops.storefront_watermark"],
            writes=["raw", "ops.storefront_page", "ops.storefront_read"],
            max_active_tis_per_dagrun=3,
            map_index_template="{{ source }}",
        )
        def pull(source: str) -> dict[str, int]:
            """Reads what is new; every page goes to the raw store."""
            context = get_current_context()
            context["source"] = source
            return tasks.pull_storefront(source, context)

        @lanecast_task(
            reads=["raw", "ops.storefront_page"],
            writes=["staged", "quality.validation_result", "ops.storefront_product"],
            max_active_tis_per_dagrun=3,
            map_index_template="{{ source }}",
        )
        def judge(source: str) -> dict[str, int]:
            """Parses the stored pages into staging, and holds the rows against their contracts."""
            context = get_current_context()
            context["source"] = source
            return tasks.judge_storefront(source, context)

        @lanecast_task(
            reads=["staged", "quality.validation_result"],
            writes=["loaded", "quality.quarantined_row", "quality.reconciliation", "ops.storefront_watermark"],
            outlets=[ORDERS, NEW_SHIPMENTS],
            max_active_tis_per_dagrun=3,
            map_index_template="{{ source }}",
        )
        def load(source: str) -> list[dict[str, str | int]]:
            """Quarantines, merges into core, reconciles and moves the watermarks; tells of shipments that are new."""
            context = get_current_context()
            context["source"] = source
            loaded = tasks.load_storefront(source, context)
            if tasks.are_loaded("shipment", loaded):
                context["outlet_events"][NEW_SHIPMENTS].add(SHIPMENTS)
            return loaded

        @lanecast_task(
            reads=["ops.storefront_read"],
            writes=["ops.run"],
            max_active_tis_per_dagrun=3,
            map_index_template="{{ source }}",
        )
        def confirm(source: str) -> None:
            """Fails where a stream could not be read, now that the others are loaded."""
            context = get_current_context()
            context["source"] = source
            tasks.confirm_storefront(source, context)

        # By name: a task finds its source there when it tells what it read and wrote.
        pull(source=source) >> judge(source=source) >> load(source=source) >> confirm(source=source)

    each.expand(source=find_sources())


storefront()
