-- Grain of the temporary table `withdrawn`: one row per event that was read from an answer of the replay and that today's
-- code no longer reads in any of them, such as one whose code it now reads otherwise; and one per event that the replay
-- brought and that the newest of its answers no longer tells. Numbers of which a part was rejected keep what they have.
CREATE TEMPORARY TABLE withdrawn ON COMMIT DROP AS
SELECT
    known.shipment_id,
    known.reported_at,
    known.event_hash
FROM (SELECT DISTINCT carrier, tracking_number, shipment_id FROM span) AS replayed
INNER JOIN core.tracking_event AS known ON replayed.shipment_id = known.shipment_id
INNER JOIN ops.raw_answer AS answer ON known.raw_answer_id = answer.raw_answer_id AND known.source = answer.carrier
WHERE
    known.withdrawn_at IS NULL
    AND (%(replayed_source)s::text IS NULL OR answer.carrier = %(replayed_source)s)
    AND answer.answered_at >= %(replayed_since)s
    AND answer.answered_at < %(replayed_until)s
    AND answer.raw_answer_id <> ALL(%(unread_answers)s::bigint [])
    AND answer.run_id IN (SELECT run_id FROM ops.run WHERE finished_at <= %(replayed_runs_until)s)
    AND NOT EXISTS (
        SELECT FROM incomplete
        WHERE incomplete.carrier = replayed.carrier AND incomplete.tracking_number = replayed.tracking_number
    )
    AND NOT EXISTS (
        SELECT FROM accepted
        WHERE
            accepted.carrier = replayed.carrier
            AND accepted.tracking_number = replayed.tracking_number
            AND accepted.source = known.source
            AND accepted.reported_at = known.reported_at
            AND accepted.event_hash = known.event_hash
    )
UNION
SELECT
    known.shipment_id,
    known.reported_at,
    known.event_hash
FROM (
    SELECT
        told.shipment_id,
        told.carrier,
        told.tracking_number,
        told.source,
        told.run_id,
        min(told.reported_at) AS from_at
    FROM (
        SELECT
            span.shipment_id,
            accepted.carrier,
            accepted.tracking_number,
            accepted.source,
            accepted.reported_at,
            run.run_id,
            rank() OVER (PARTITION BY span.shipment_id, accepted.source ORDER BY run.run_number DESC) AS place
        FROM accepted
        INNER JOIN span
            ON
                accepted.carrier = span.carrier
                AND accepted.tracking_number = span.tracking_number
                AND accepted.occurred_at >= span.from_at
                AND accepted.occurred_at < span.until_at
        INNER JOIN ops.raw_answer AS answer ON accepted.raw_answer_id = answer.raw_answer_id
        INNER JOIN ops.run AS run ON answer.run_id = run.run_id
    ) AS told
    WHERE told.place = 1
    GROUP BY told.shipment_id, told.carrier, told.tracking_number, told.source, told.run_id
) AS newest
INNER JOIN core.tracking_event AS known ON newest.shipment_id = known.shipment_id AND newest.source = known.source
INNER JOIN ops.raw_answer AS answer ON known.raw_answer_id = answer.raw_answer_id -- noqa: ST09
WHERE
    known.run_number = %(run_number)s
    AND known.withdrawn_at IS NULL
    AND known.reported_at >= newest.from_at
    AND answer.run_id <> newest.run_id
    AND NOT EXISTS (
        SELECT FROM incomplete
        WHERE incomplete.carrier = newest.carrier AND incomplete.tracking_number = newest.tracking_number
    );
