-- Grain: one row per code (or, without one, per text) that no code table knows, with the new events of the run that have it;
-- of a replay, with the events that it changed.
INSERT INTO quality.unmapped_code AS known (source, code, description, first_seen_at, last_seen_at, times_seen)
SELECT
    event.source,
    coalesce(event.code, left('text/' || event.description, 200), '') AS code,
    min(event.description),
    %(as_of)s,
    %(as_of)s,
    count(*)
FROM (
    SELECT DISTINCT
        number.shipment_id,
        staged.reported_at,
        staged.event_hash
    FROM {staged} AS staged
    INNER JOIN core.shipment_number AS number
        ON staged.carrier = number.carrier AND staged.tracking_number = number.tracking_number
    WHERE NOT staged.is_mapped
) AS told
-- One look-up each: of what was inserted a moment ago the planner knows nothing, and would go through all of it for every row.
CROSS JOIN LATERAL (
    SELECT
        known.source,
        known.code,
        known.description
    FROM core.tracking_event AS known
    WHERE
        known.shipment_id = told.shipment_id
        AND known.reported_at = told.reported_at
        AND known.event_hash = told.event_hash
        AND known.run_number = %(run_number)s
        AND (known.ingested_at = %(as_of)s OR NOT %(revives)s)
    ORDER BY 1
    LIMIT 1
) AS event
GROUP BY 1, 2
ORDER BY 1, 2
ON CONFLICT (source, code) DO UPDATE SET
times_seen = known.times_seen + excluded.times_seen,
last_seen_at = excluded.last_seen_at,
noted_at = excluded.noted_at,
mapped_at = NULL;

-- Grain: one row per code that was unmapped and that a table knows by now.
UPDATE quality.unmapped_code AS known SET mapped_at = %(as_of)s
WHERE
    known.mapped_at IS NULL
    AND EXISTS (
        SELECT FROM {staged} AS staged
        WHERE
            staged.source = known.source
            AND staged.is_mapped
            AND coalesce(staged.code, left('text/' || staged.description, 200), '') = known.code
    )
    -- A code that its words tell sometimes is not known yet.
    AND NOT EXISTS (
        SELECT FROM {staged} AS staged
        WHERE
            staged.source = known.source
            AND NOT staged.is_mapped
            AND coalesce(staged.code, left('text/' || staged.description, 200), '') = known.code
    );
