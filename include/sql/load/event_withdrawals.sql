-- Grain of the temporary table `withdrawn`: one row per event that a complete answer no longer tells. Only what the same
-- source told before, in an older answer, and not what lies before the answer's first event, for carriers forget the
-- oldest. A shipment that had no events before can lose none.
CREATE TEMPORARY TABLE withdrawn ON COMMIT DROP AS
WITH told AS MATERIALIZED (
    SELECT
        span.shipment_id,
        accepted.carrier,
        accepted.tracking_number,
        accepted.source,
        accepted.reported_at,
        accepted.event_hash,
        accepted.raw_answer_id
    FROM accepted
    INNER JOIN span
        ON
            accepted.carrier = span.carrier
            AND accepted.tracking_number = span.tracking_number
            AND accepted.occurred_at >= span.from_at
            AND accepted.occurred_at < span.until_at
    WHERE span.had_events
),

answer AS (
    SELECT
        shipment_id,
        source,
        min(reported_at) AS from_at,
        max(raw_answer_id) AS raw_answer_id
    FROM told
    WHERE
        NOT EXISTS (
            SELECT FROM incomplete
            WHERE incomplete.carrier = told.carrier AND incomplete.tracking_number = told.tracking_number
        )
    GROUP BY shipment_id, source
)

SELECT
    known.shipment_id,
    known.reported_at,
    known.event_hash
FROM core.tracking_event AS known
INNER JOIN answer
    ON
        known.shipment_id = answer.shipment_id
        AND known.source = answer.source
        AND known.reported_at >= answer.from_at
        AND known.raw_answer_id < answer.raw_answer_id
WHERE
    known.withdrawn_at IS NULL
    AND NOT EXISTS (
        SELECT FROM told
        WHERE
            told.shipment_id = known.shipment_id
            AND told.reported_at = known.reported_at
            AND told.event_hash = known.event_hash
    );
