-- Whether a partition ({partition}) holds no event of a journey that is kept. Grain: one row.
SELECT
    NOT EXISTS (
        SELECT FROM {partition} AS old
        WHERE
            old.{tracking_event} >= %(before)s
            OR EXISTS (
                SELECT FROM core.shipment
                WHERE
                    shipment.shipment_id = old.shipment_id
                    AND (
                        shipment.{shipment} >= %(before)s
                        OR EXISTS (
                            SELECT FROM core.tracking_event AS event
                            WHERE event.shipment_id = old.shipment_id AND event.{tracking_event} >= %(before)s
                        )
                    )
            )
    ) AS is_past
