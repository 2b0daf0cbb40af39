"""### Delivery time

Refreshes shipment status and delivery time in the marts whenever shipments or tracking events were loaded: only the
shipments that changed are read, and all lanes' curves follow from sums. Then the learned hazard, where it serves, is
asked about open shipments by their own features; these are promised a range, promises that have matured are compared
with what became of the parcels, each open shipment gets its days left, and the disruption radar looks at every step of
the journey. At most every six hours, what customers experienced is set against what they did after it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pendulum
from airflow.sdk import dag, get_current_context

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
        """Recomputes what changed since the last refresh; leaves it to the next where another load is about to end."""
        return tasks.refresh_delivery_time(get_current_context())

    @lanecast_task(
        reads=["core.shipment", "mart.shipment_status", "mart.delivery_model"],
        writes=["serving.learned_shipment_curve"],
    )
    def learned() -> dict[str, Any]:
        """Asks the learned hazard about open shipments that it has not been asked about, by their own features."""
        return tasks.score_open_shipments()

    @lanecast_task(
        reads=["mart.shipment_status", "mart.delivery_time"],
        writes=["mart.promise_log", "mart.promise_accuracy", "mart.promise_calibration"],
    )
    def promises() -> dict[str, int]:
        """Keeps what open shipments are promised, and compares what has matured."""
        return tasks.keep_promises()

    @lanecast_task(
        reads=["mart.shipment_status", "core.tracking_event"],
        writes=["mart.shipment_eta", "mart.disruption"],
    )
    def under_way() -> dict[str, float]:
        """Tells each open shipment's rest of the way, and which steps stand still."""
        return tasks.refresh_under_way()

    @lanecast_task(
        reads=[
            *("core.customer_order", "core.order_line", "core.interaction", "core.shipment"),
            *("mart.shipment_status", "mart.promise_log"),
        ],
        writes=["mart.delivery_experience"],
    )
    def experience() -> dict[str, float]:
        """Sets what customers experienced against what they were promised, and tells what they did after it."""
        return tasks.refresh_delivery_experience()

    promised = promises()
    refresh() >> learned() >> [promised, under_way()]
    promised >> experience()


delivery_time()
