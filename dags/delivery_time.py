"""### Delivery time

Refreshes shipment status and delivery time in the marts whenever shipments or tracking events were loaded: only the
shipments that changed, and the lanes that they touch. Then each open shipment gets its days left, and the disruption
radar looks at every step of the journey.
"""

from __future__ import annotations

from datetime import timedelta

import pendulum
from airflow.sdk import dag

from lanecast import tasks
from lanecast_dags import (
    ALERTS,
    DEFAULTS,
    DELIVERY_TIME,
    SHIPMENTS,
    TRACKING_EVENTS,
    ends_within,
    lanecast_task,
    testable,
)


@testable
@dag(
    schedule=(SHIPMENTS | TRACKING_EVENTS),
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS,
    tags=["lanecast", "delivery"],
    doc_md=__doc__,
    deadline=ends_within(timedelta(hours=1)),
    **ALERTS,
)
def delivery_time() -> None:
    @lanecast_task(
        reads=["ops.shipment_change", "core.shipment", "core.tracking_event"],
        writes=["mart.shipment_status", "mart.delivery_time"],
        outlets=[DELIVERY_TIME],
    )
    def refresh() -> dict[str, float]:
        """Recomputes what changed since the last refresh."""
        return tasks.refresh_delivery_time()

    @lanecast_task(
        reads=["mart.shipment_status", "core.tracking_event"],
        writes=["mart.shipment_eta", "mart.disruption"],
    )
    def under_way() -> dict[str, float]:
        """Tells each open shipment's rest of the way, and which steps stand still."""
        return tasks.refresh_under_way()

    refresh() >> under_way()


delivery_time()
