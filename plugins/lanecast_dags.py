"""What all DAG files share: default arguments, the retry policy, the assets that join them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import Asset, ExceptionRetryPolicy, RetryAction, RetryRule

from lanecast.pipeline import BatchStopped
from lanecast.tasks import RunRefused

SHIPMENTS = Asset("lanecast://core/shipment", group="lanecast")
TRACKING_EVENTS = Asset("lanecast://core/tracking_event", group="lanecast")
ORDERS = Asset("lanecast://core/customer_order", group="lanecast")
DELIVERY_TIME = Asset("lanecast://mart/delivery_time", group="lanecast")

DEFAULTS: dict[str, Any] = {
    "owner": "lanecast",
    "retries": 3,
    "retry_delay": timedelta(seconds=10),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=5),
    "execution_timeout": timedelta(hours=2),
    # What was refused stays refused, and a stopped batch is in the quarantine: only the rest is worth another try.
    "retry_policy": ExceptionRetryPolicy(
        rules=[RetryRule(exception=[RunRefused, BatchStopped], action=RetryAction.FAIL, reason="not worth a retry")]
    ),
}
