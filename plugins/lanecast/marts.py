"""Brings the marts of shipments up to date, for commands and maintenance: what `delivery_time` does task by task.

Promises are left to that DAG: a file of the past must not have promised anything.
"""

from __future__ import annotations

import logging
from datetime import datetime

from lanecast.delivery import refresh as delivery
from lanecast.delivery.learned import own, store
from lanecast.delivery.refresh import Refreshed
from lanecast.under_way import refreshing

log = logging.getLogger(__name__)


def refresh(address: str | None = None, as_of: datetime | None = None) -> Refreshed:
    """Statuses and curves, what the learned hazard says of open shipments, and the rest of their way; returns what the
    first of these did. Raises NoWarehouse where the warehouse can't be reached."""
    refreshed = refresh_delivery(address, as_of)
    own.refresh(address, as_of)
    refreshing.refresh(address, as_of)
    return refreshed


def refresh_delivery(address: str | None = None, as_of: datetime | None = None) -> Refreshed:
    """Statuses of the shipments that changed, and the curves of all lanes; learned curves that are too old go."""
    refreshed = delivery.refresh(address, as_of)
    if stale := store.retire_stale(address, as_of):
        log.warning("the delivery model is too old: %s learned curves were taken away, see mart.delivery_model", stale)
    return refreshed
