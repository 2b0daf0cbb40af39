-- Promises for open shipments that have none yet, from the start of each clock that has begun: the next %(most)s of them by
-- shipment_id, and the other clock of the last. A promise given to the order or the tracking number before counts. What is issued is of the time that remains.
-- Grain of the result: one row, with how many were asked for, how many could be given, and the last shipment asked for.
WITH candidate AS (
    SELECT
        status.shipment_id,
        jsonb_build_object(
            'origin', ends.origin,
            'destination', ends.destination,
            'carrier', status.carrier,
            'service', status.service,
            'starts_at', clock.starts_at,
            'confidence', %(confidence)s::numeric,
            'clock', clock.name,
            'still_open', true,
            'order_id', left(status.order_id, 200),
            'tracking_number', left(status.tracking_number, 200),
            'shipment_id', status.shipment_id
        ) AS question
    FROM serving.shipment_status AS status
    CROSS JOIN LATERAL (
        VALUES ('order', 'order_to_door', status.ordered_at), ('handover', 'handover_to_door', status.shipped_at)
    ) AS clock (name, measure, starts_at)
    -- a place that is not written as the standard has it can't be asked about: its country, or any, then
    CROSS JOIN LATERAL (
        SELECT
            coalesce(
                substring(status.origin_region FROM ('^' || status.origin_country || '-[A-Z0-9]{1,3}$')),
                substring(status.origin_country FROM '^[A-Z]{2}$')
            ) AS origin,
            coalesce(
                substring(status.destination_region FROM ('^' || status.destination_country || '-[A-Z0-9]{1,3}$')),
                substring(status.destination_country FROM '^[A-Z]{2}$')
            ) AS destination
    ) AS ends
    WHERE
        status.shipment_id > %(after)s
        AND status.milestone NOT IN ('delivered', 'lost', 'returned', 'cancelled', 'destroyed')
        AND status.milestone NOT IN ('returning', 'tracking_expired')
        AND clock.starts_at <= (SELECT ops.as_of())
        AND NOT EXISTS (
            SELECT FROM serving.promise_log AS given
            WHERE given.shipment_id = status.shipment_id AND given.measure = clock.measure
        )
        AND NOT EXISTS (
            SELECT FROM serving.promise_log AS given
            WHERE given.order_id = status.order_id AND given.shipment_id IS NULL AND given.measure = clock.measure
        )
        AND NOT EXISTS (
            SELECT FROM serving.promise_log AS given
            WHERE
                given.tracking_number = status.tracking_number
                AND given.order_id IS NULL
                AND given.shipment_id IS NULL
                AND given.measure = clock.measure
                AND coalesce(given.carrier = status.carrier, true)
        )
    ORDER BY status.shipment_id
    FETCH FIRST %(most)s ROWS WITH TIES
)

SELECT
    (SELECT count(*) FROM candidate) AS asked,
    count(issued.promise_id) AS issued,
    (SELECT max(candidate.shipment_id) FROM candidate) AS last_shipment
FROM mart.issue_promises((SELECT coalesce(jsonb_agg(candidate.question), '[]') FROM candidate)) AS issued
