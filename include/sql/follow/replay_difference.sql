-- Grain: one row per kind of difference between stored answers as they read today and what core has of them: by source, code,
-- and meaning before and after. `kind`: changed, new, withdrawn; unchanged events are one row a source.
WITH told AS (
    SELECT DISTINCT ON (staged.carrier, staged.tracking_number, staged.source, staged.reported_at, staged.event_hash)
        staged.*
    FROM {staged} AS staged
    WHERE NOT EXISTS (SELECT FROM {rejected} AS rejected WHERE rejected.staged_row = staged.staged_row)
    ORDER BY
        staged.carrier, staged.tracking_number, staged.source, staged.reported_at, staged.event_hash,
        staged.staged_row DESC
),

compared AS (
    SELECT
        told.source,
        coalesce(told.code, left(told.description, 60)) AS code,
        known.milestone AS milestone_before,
        told.milestone AS milestone_after,
        known.reason AS reason_before,
        told.reason AS reason_after,
        known.shipment_id IS NOT NULL AS is_known,
        (known.occurred_at IS DISTINCT FROM told.occurred_at) AS time_moved,
        coalesce(known.raw_answer_id <= told.raw_answer_id, true) AND (
            (
                known.description, known.occurred_at, known.tz_known, known.milestone, known.reason, known.clock_disagrees,
                known.country, known.region, known.city
            ) IS DISTINCT FROM (
                told.description, told.occurred_at, told.tz_known, told.milestone, told.reason,
                coalesce(told.clock_disagrees, false), coalesce(told.country, known.country),
                coalesce(told.region, known.region), coalesce(told.city, known.city)
            )
        ) AS is_changed
    FROM told
    LEFT JOIN LATERAL (
        SELECT event.* FROM core.shipment_number AS number
        INNER JOIN core.tracking_event AS event ON number.shipment_id = event.shipment_id
        WHERE
            number.carrier = told.carrier
            AND number.tracking_number = told.tracking_number
            AND event.reported_at = told.reported_at
            AND event.event_hash = told.event_hash
        ORDER BY number.epoch DESC
        LIMIT 1
    ) AS known ON true
),

gone AS (
    SELECT
        known.source,
        coalesce(known.code, left(known.description, 60)) AS code,
        known.milestone,
        known.reason
    FROM (SELECT DISTINCT carrier, tracking_number FROM told) AS replayed
    INNER JOIN core.shipment_number AS number
        ON replayed.carrier = number.carrier AND replayed.tracking_number = number.tracking_number
    INNER JOIN core.tracking_event AS known ON number.shipment_id = known.shipment_id
    INNER JOIN ops.raw_answer AS answer ON known.raw_answer_id = answer.raw_answer_id AND known.source = answer.carrier
    WHERE
        known.withdrawn_at IS NULL
        AND (%(replayed_source)s::text IS NULL OR answer.carrier = %(replayed_source)s)
        AND answer.answered_at >= %(replayed_since)s
        AND answer.answered_at < %(replayed_until)s
        AND answer.raw_answer_id <> ALL(%(unread_answers)s::bigint [])
        AND answer.run_id IN (SELECT run_id FROM ops.run WHERE finished_at <= %(replayed_runs_until)s)
        AND NOT EXISTS (
            SELECT FROM {rejected} AS rejected
            INNER JOIN {staged} AS staged ON rejected.staged_row = staged.staged_row
            WHERE staged.carrier = replayed.carrier AND staged.tracking_number = replayed.tracking_number
        )
        AND NOT EXISTS (
            SELECT FROM told
            WHERE
                told.carrier = replayed.carrier
                AND told.tracking_number = replayed.tracking_number
                AND told.source = known.source
                AND told.reported_at = known.reported_at
                AND told.event_hash = known.event_hash
        )
),

differing AS (
    SELECT
        CASE WHEN NOT is_known THEN 'new' WHEN is_changed THEN 'changed' ELSE 'unchanged' END AS kind,
        source,
        CASE WHEN is_changed OR NOT is_known THEN code END AS code,
        CASE WHEN is_known AND is_changed THEN milestone_before END AS milestone_before,
        CASE WHEN is_changed OR NOT is_known THEN milestone_after END AS milestone_after,
        CASE WHEN is_known AND is_changed THEN reason_before END AS reason_before,
        CASE WHEN is_changed OR NOT is_known THEN reason_after END AS reason_after,
        is_known AND is_changed AND time_moved AS time_moved
    FROM compared
    UNION ALL
    SELECT
        'withdrawn' AS kind,
        source,
        code,
        milestone AS milestone_before,
        NULL AS milestone_after,
        reason AS reason_before,
        NULL AS reason_after,
        false AS time_moved
    FROM gone
)

SELECT
    kind,
    source,
    code,
    milestone_before,
    milestone_after,
    reason_before,
    reason_after,
    time_moved,
    count(*) AS events
FROM differing
GROUP BY kind, source, code, milestone_before, milestone_after, reason_before, reason_after, time_moved
ORDER BY kind, count(*) DESC, source, code;
