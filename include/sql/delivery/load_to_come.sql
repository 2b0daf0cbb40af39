-- Grain: one row: whether a load is under way that tells of parcels as it ends, and so has the marts refreshed then. One that
-- began long ago may never end, and a change that has waited for long waits no longer.
SELECT
    EXISTS (
        SELECT
        FROM ops.run
        WHERE
            state = 'running'
            AND kind IN ('pull', 'import')
            AND dataset IN ('shipment', 'tracking_event')
            AND started_at > clock_timestamp() - INTERVAL '10 minutes'
    )
    AND coalesce((
        SELECT run.finished_at > clock_timestamp() - INTERVAL '10 minutes'
        FROM ops.shipment_change AS change
        INNER JOIN ops.run AS run ON change.run_id = run.run_id
        ORDER BY change.change_id
        LIMIT 1
    ), true);
