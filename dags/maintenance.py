"""### Maintenance

Daily housekeeping: staging leftovers of runs that were cut off, retention of datasets (as their contracts say), raw
answers, quarantine and history, partitions for the months to come, statistics for the planner.
"""

from __future__ import annotations

import pendulum
from airflow.sdk import dag

from lanecast import tasks
from lanecast_dags import ALERTS, DEFAULTS, lanecast_task


@dag(
    schedule="30 3 * * *",
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS,
    tags=["lanecast", "operations"],
    doc_md=__doc__,
    **ALERTS,
)
def maintenance() -> None:
    @lanecast_task(
        writes=[
            *("core.shipment", "core.shipment_number", "core.tracking_event", "core.customer", "core.customer_order"),
            *("core.order_line", "core.product", "core.interaction", "quality.quarantined_row"),
            *("quality.validation_result", "quality.reconciliation", "quality.feed_hour", "quality.alert"),
            *("quality.unmapped_code", "ops.run", "ops.raw_answer", "ops.poll_request", "ops.storefront_page"),
            *("ops.storefront_read", "mart.shipment_status", "mart.delivery_time", "mart.promise_log"),
            "mart.promise_accuracy",
        ]
    )
    def clean() -> dict[str, int]:
        """Drops what is past its time, and makes room for what is to come."""
        return tasks.maintain()

    clean()


maintenance()
