"""### Erase customer

Takes customers out of the warehouse, in one transaction: `lanecast erase customer` as a run that can be looked up. It
takes keys only (`lanecast key` prints them), for Airflow keeps a run's params, and the shop's own ids are not to stay.
What is told of these customers later is loaded as nobody's. docs/privacy.md says what remains elsewhere, for how long.
"""

from __future__ import annotations

import pendulum
from airflow.sdk import Param, dag, get_current_context

from lanecast import tasks
from lanecast_dags import DEFAULTS, SHIPMENTS, lanecast_task


@dag(
    schedule=None,
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS,
    tags=["lanecast", "privacy"],
    doc_md=__doc__,
    params={
        "keys": Param(
            [],
            type="array",
            items={"type": "string", "pattern": "^c[0-9a-f]{32}$"},
            maxItems=10000,
            title="Customers' keys",
        ),
        "dry_run": Param(True, type="boolean", title="Only tell what would go"),
    },
)
def erase_customer() -> None:
    @lanecast_task(
        reads=["core.customer"],
        writes=[
            *("core.customer", "core.customer_order", "core.order_line", "core.interaction", "core.shipment"),
            *("core.shipment_number", "core.tracking_event", "quality.quarantined_row", "mart.shipment_status"),
            *("mart.promise_log", "mart.customer_recommendation", "ops.erased_customer"),
        ],
        outlets=[SHIPMENTS],
    )
    def erase() -> dict[str, int]:
        """Removes what names these customers, and notes that they were erased."""
        return tasks.erase_customers(get_current_context())

    erase()


erase_customer()
