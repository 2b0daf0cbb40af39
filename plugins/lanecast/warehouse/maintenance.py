"""Daily housekeeping of the warehouse and the raw store."""

from __future__ import annotations

from datetime import timedelta

from psycopg2 import sql

from lanecast import marts, raw, settings
from lanecast.contracts.reader import contract
from lanecast.delivery import promises, tuning
from lanecast.report import files as report_files
from lanecast.warehouse import connection as warehouse
from lanecast.warehouse import retention
from lanecast.warehouse.connection import only_row

_LEFTOVER_AFTER = timedelta(days=2)


def maintain(address: str | None = None) -> dict[str, int]:
    """Drops staging leftovers, applies the retention of contracts and settings, brings the marts in line, chooses how
    delivery times are estimated, makes event partitions three months ahead, and gathers statistics; returns how many of
    each were dropped, removed, made or looked at."""
    done: dict[str, int] = {}
    with warehouse.connect(address=address) as link, link.cursor() as cursor:
        cursor.execute("SELECT ops.as_of(), clock_timestamp()")
        now, wall = only_row(cursor)
        done["staging_tables"] = _drop_leftovers(link)
        cursor.execute(
            "SELECT ops.ensure_event_partitions(%s::timestamp, %s::timestamp)", (now, now + timedelta(days=92))
        )
        done["partitions"] = only_row(cursor)[0]
    # Age is by the wall clock here: that is the clock by which raw answers are stamped, and runs end.
    removed = raw.delete_older_than(settings.raw_retention_days(), wall)
    done["reports"] = report_files.delete_older_than(settings.quarantine_retention_days(), wall)
    with warehouse.connect(address=address) as link, link.cursor() as cursor:
        for index in ("raw_answer", "storefront_page"):
            forget = sql.SQL("DELETE FROM {} WHERE file = ANY(%s)").format(sql.Identifier("ops", index))
            cursor.execute(forget, (list(removed),))
        done["raw_files"] = len(removed)
        cursor.execute(
            "DELETE FROM ops.poll_request WHERE run_id IN (SELECT run_id FROM ops.run WHERE finished_at < %s)",
            (wall - timedelta(days=30),),
        )
    done |= {table: count for table, count in retention.apply(now, wall, address).items() if count}
    marts.refresh(address)
    tuned = tuning.tune(address)
    if tuned.choice is not None:
        done["cells_tuned_on"] = tuned.cells
    with warehouse.connect(role="owner", address=address) as link, link.cursor() as cursor:
        gone = promises.forget(cursor, now, contract("promise_log").retention_days)
        done |= {table: count for table, count in gone.items() if count}
        for table in ("core.shipment", "core.shipment_number", "core.tracking_event", "serving.shipment_status"):
            cursor.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(*table.split("."))))
    return done


def _drop_leftovers(link: warehouse.Connection) -> int:
    """Drops staging tables whose run has ended, or began long ago and never did."""
    from lanecast.warehouse.staging import COLUMNS, Batch, drop

    dropped = 0
    with link.cursor() as cursor:
        cursor.execute(
            "SELECT run_id FROM ops.run WHERE finished_at IS NOT NULL OR started_at < clock_timestamp() - %s",
            (_LEFTOVER_AFTER,),
        )
        ended = [row[0] for row in cursor.fetchall()]
        cursor.execute("SELECT 'staging.' || tablename FROM pg_tables WHERE schemaname = 'staging'")
        present = {row[0] for row in cursor.fetchall()}
    for run_id in ended:
        for dataset in COLUMNS:
            batch = Batch(run_id, dataset)
            if {batch.staged, batch.rejected} & present:
                drop(link, batch)
                dropped += 1
    return dropped
