-- Whether a partition ({partition}) holds no event of a journey that is kept. Grain: one row.
SELECT
    NOT EXISTS (SELECT FROM {partition} AS old WHERE old.{tracking_event} >= %(before)s)
    AND NOT EXISTS (
        SELECT FROM (SELECT DISTINCT old.shipment_id FROM {partition} AS old) AS journey
        INNER JOIN core.shipment ON journey.shipment_id = shipment.shipment_id
        WHERE
            shipment.{shipment} >= %(before)s
            OR EXISTS (
                SELECT FROM core.tracking_event AS event
                WHERE event.shipment_id = journey.shipment_id AND event.{tracking_event} >= %(before)s
            )
    ) AS is_past
