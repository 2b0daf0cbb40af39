-- Grain of the temporary table `withdrawn`: one row per event that was read from an answer of the replay and that today's
-- code no longer reads in any of them, such as one whose code it now reads otherwise. Numbers of which a part was rejected
-- keep what they have.
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
    );
