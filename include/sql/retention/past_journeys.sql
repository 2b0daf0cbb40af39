-- The next journeys that are past their retention, by shipment_id from %(after)s on. Grain: one row per shipment. A journey is
-- kept whole: until the shipment and all of its events are past their time, and were loaded by runs that ended as long ago.
-- A number without a shipment goes by its last event.
CREATE TEMP TABLE past_journey ON COMMIT DROP AS
SELECT candidate.shipment_id
FROM (
    SELECT shipment.shipment_id
    FROM core.shipment
    WHERE
        shipment.{shipment} < %(before)s
        AND NOT EXISTS (
            SELECT FROM ops.run
            WHERE run.run_id = shipment.run_id AND coalesce(run.finished_at, run.started_at) >= %(wall_before)s
        )
    UNION ALL
    SELECT number.shipment_id
    FROM core.shipment_number AS number
    WHERE
        coalesce(number.{shipment_number}, number.opened_at) < %(before)s
        AND NOT EXISTS (SELECT FROM core.shipment WHERE shipment.shipment_id = number.shipment_id)
) AS candidate
WHERE
    candidate.shipment_id > %(after)s
    AND NOT EXISTS (
        SELECT FROM core.tracking_event AS event
        WHERE
            event.shipment_id = candidate.shipment_id
            AND (
                event.{tracking_event} >= %(before)s
                OR event.run_number IN (
                    SELECT run.run_number FROM ops.run
                    WHERE coalesce(run.finished_at, run.started_at) >= %(wall_before)s
                )
            )
    )
ORDER BY candidate.shipment_id
LIMIT %(most)s;
ANALYZE past_journey;
