-- Grain: one row per shipment of the batch: the span of its events, and when its journey ended. A number that was used
-- more than once has the batch's events divided among its epochs; any other has all of them.
UPDATE core.shipment_number AS known SET
    first_event_at = least(known.first_event_at, told.first_at),
    last_event_at = greatest(known.last_event_at, told.last_at),
    finished_at = greatest(known.finished_at, told.finished_at)
FROM (
    SELECT
        shipment_id,
        first_at,
        last_at,
        finished_at
    FROM span
    WHERE NOT is_recycled
    UNION ALL
    SELECT
        span.shipment_id,
        min(accepted.occurred_at),
        max(accepted.occurred_at),
        max(accepted.occurred_at) FILTER (WHERE accepted.milestone = ANY(%(final)s))
    FROM suspect
    INNER JOIN accepted
        ON suspect.carrier = accepted.carrier AND suspect.tracking_number = accepted.tracking_number
    INNER JOIN span
        ON
            accepted.carrier = span.carrier
            AND accepted.tracking_number = span.tracking_number
            AND accepted.occurred_at >= span.from_at
            AND accepted.occurred_at < span.until_at
    WHERE span.is_recycled
    GROUP BY span.shipment_id
) AS told
WHERE
    known.shipment_id = told.shipment_id
    AND (
        known.first_event_at IS NULL
        OR known.first_event_at > told.first_at
        OR known.last_event_at < told.last_at
        OR known.finished_at < told.finished_at
        OR (known.finished_at IS NULL AND told.finished_at IS NOT NULL)
    );
