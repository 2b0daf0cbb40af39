"""### Delivery model

Nightly: learns how long delivery takes from what became known, compares it with the life table on orders that have
matured, and puts it in use for the lanes where it is better. A version that is trained serves once its curves are
written; until then the one before does. Where too little is known, or nothing is better, the life table serves alone.

By hand: `restore` puts an earlier version in use again, until the next training; `force` trains although nothing
became known since the last time.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pendulum
from airflow.sdk import Param, dag, get_current_context

from lanecast import tasks
from lanecast_dags import ALERTS, DEFAULTS, DELIVERY_TIME, ends_within, lanecast_task, testable


@testable
@dag(
    schedule="15 2 * * *",
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS,
    tags=["lanecast", "delivery"],
    doc_md=__doc__,
    params={
        "force": Param(False, type="boolean", title="Train although nothing became known since the last time"),
        "restore": Param(
            None,
            type=["null", "string"],
            pattern=r"^\d{4}-\d{2}-\d{2}\.\d+$",
            title="Put this version in use again (mart.delivery_model) instead of training",
        ),
    },
    deadline=ends_within(timedelta(hours=2)),
    **ALERTS,
)
def delivery_model() -> None:
    @lanecast_task(reads=["core.shipment", "mart.shipment_status"], writes=["mart.delivery_model"])
    def train() -> dict[str, Any]:
        """Trains, compares, and keeps a new version; or names the one that is to be restored."""
        return tasks.train_delivery_model(get_current_context())

    @lanecast_task(
        reads=["core.shipment", "mart.shipment_status", "mart.delivery_time"],
        writes=["mart.delivery_model"],
        outlets=[DELIVERY_TIME],
    )
    def publish(trained: dict[str, Any]) -> dict[str, Any]:
        """Writes the version's curves and puts it in use, in one transaction."""
        return tasks.publish_delivery_model(trained)

    publish(train())


delivery_model()
