-- Grain: one row per shipment that the replay changed: the end of its journey is that of the events as they now read, or the
-- one that a file told. One that is open again is asked for again.
WITH changed AS (
    SELECT DISTINCT shipment_id FROM ops.shipment_change WHERE run_id = %(run_id)s
),

ended AS (
    SELECT
        shipment.shipment_id,
        greatest(
            shipment.delivered_at,
            (
                SELECT max(event.occurred_at) FROM core.tracking_event AS event
                WHERE
                    event.shipment_id = shipment.shipment_id
                    AND event.withdrawn_at IS NULL
                    AND event.milestone = ANY(%(final)s)
            )
        ) AS finished_at
    FROM changed
    INNER JOIN core.shipment AS shipment ON changed.shipment_id = shipment.shipment_id
    WHERE shipment.milestone IS NULL OR shipment.milestone <> ALL(%(final)s)
),

moved AS (
    UPDATE core.shipment_number AS known SET finished_at = ended.finished_at
    FROM ended
    WHERE known.shipment_id = ended.shipment_id AND known.finished_at IS DISTINCT FROM ended.finished_at
    RETURNING known.shipment_id, known.finished_at
)

UPDATE ops.poll_plan AS plan SET
    next_poll_at = %(as_of)s,
    reason = 'open again: a replay of stored answers corrected its end'
FROM moved
WHERE plan.shipment_id = moved.shipment_id AND moved.finished_at IS NULL AND plan.next_poll_at IS NULL;
