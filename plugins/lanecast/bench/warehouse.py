"""What the benchmarks do in their warehouse: empty it, stage made-up rows in it, load them."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg2

from lanecast.warehouse import connection as warehouse
from lanecast.warehouse import load as loading
from lanecast.warehouse import runs, staging
from lanecast.warehouse.staging import Batch
from lanecast.warehouse.statements import statement

SCANS = 10
_STAGED = {"tracking_event": ("bench/staged_events", SCANS), "shipment": ("bench/staged_shipments", 1)}


PARCELS = ("core.tracking_event", "core.shipment_number", "core.shipment")


def reset(address: str) -> None:
    """Leaves nothing of an earlier round."""
    with warehouse.connect(role="owner", address=address) as link, link.cursor() as cursor:
        cursor.execute(
            "TRUNCATE core.tracking_event, core.shipment, core.shipment_number, ops.shipment_change, ops.poll_plan, "
            "ops.poll_request, ops.raw_answer, quality.reconciliation, ops.run CASCADE"
        )


def settle(address: str, tables: Sequence[str] = PARCELS) -> None:
    """Vacuums and analyzes tables, as autovacuum does soon after a load."""
    link = psycopg2.connect(address, options="-c role=lanecast_owner")
    link.autocommit = True
    try:
        with link.cursor() as cursor:
            for table in tables:
                cursor.execute(f"VACUUM (ANALYZE) {table}")
    finally:
        link.close()


def stage(address: str, run_id: str, dataset: str, first: int, shipments: int) -> Batch:
    """Stages the events or the registrations of parcels numbered from `first` on."""
    batch = Batch(run_id, dataset)
    name, rows = _STAGED[dataset]
    with warehouse.connect(address=address) as link, link.cursor() as cursor:
        runs.open_run(link, run_id, "import", dataset)
        staging.create(link, batch)
        cursor.execute(statement(name, staged=batch.staged), {"first": first, "shipments": shipments})
        staging.seal(link, batch, shipments * rows)
    return batch


def load(address: str, batch: Batch) -> loading.Reconciliation:
    """Loads a staged batch, of which nothing is rejected."""
    with warehouse.connect(address=address) as link:
        run = runs.find(link, batch.run_id)
    return loading.load(run, batch, address)
