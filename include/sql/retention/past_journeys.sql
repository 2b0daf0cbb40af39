-- The next journeys that are past their retention. Grain: one row per shipment. A journey is kept whole: until the shipment
-- and all of its events are past their time. A number without a shipment goes by its last event.
CREATE TEMP TABLE past_journey ON COMMIT DROP AS
SELECT candidate.shipment_id
FROM (
    SELECT shipment.shipment_id
    FROM core.shipment
    WHERE shipment.{shipment} < %(before)s
    UNION ALL
    SELECT number.shipment_id
    FROM core.shipment_number AS number
    WHERE
        coalesce(number.{shipment_number}, number.opened_at) < %(before)s
        AND NOT EXISTS (SELECT FROM core.shipment WHERE shipment.shipment_id = number.shipment_id)
) AS candidate
WHERE
    NOT EXISTS (
        SELECT FROM core.tracking_event AS event
        WHERE event.shipment_id = candidate.shipment_id AND event.{tracking_event} >= %(before)s
    )
ORDER BY candidate.shipment_id
LIMIT %(most)s;
ANALYZE past_journey;
