-- Whether a partition ({partition}) holds no event of a journey that is kept. Grain: one row.
WITH young AS (
    SELECT
        run.run_id,
        run.run_number
    FROM ops.run
    WHERE coalesce(run.finished_at, run.started_at) >= %(wall_before)s
)

SELECT
    NOT EXISTS (
        SELECT FROM {partition} AS old
        WHERE old.{tracking_event} >= %(before)s OR old.run_number IN (SELECT young.run_number FROM young)
    )
    AND NOT EXISTS (
        SELECT FROM (SELECT DISTINCT old.shipment_id FROM {partition} AS old) AS journey
        INNER JOIN core.shipment ON journey.shipment_id = shipment.shipment_id
        WHERE
            shipment.{shipment} >= %(before)s
            OR shipment.run_id IN (SELECT young.run_id FROM young)
            OR EXISTS (
                SELECT FROM core.tracking_event AS event
                WHERE
                    event.shipment_id = journey.shipment_id
                    AND (
                        event.{tracking_event} >= %(before)s
                        OR event.run_number IN (SELECT young.run_number FROM young)
                    )
            )
    ) AS is_past
