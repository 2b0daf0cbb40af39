-- Grain: one row per chosen event that its answer still tells: by today's parser and tables.
UPDATE {staged} AS staged SET
    carrier = told.carrier,
    description = told.description,
    occurred_at = told.occurred_at,
    utc_offset_minutes = told.utc_offset_minutes,
    tz_known = told.tz_known,
    milestone = told.milestone,
    reason = told.reason,
    country = told.country,
    region = told.region,
    city = told.city,
    is_mapped = told.is_mapped,
    clock_disagrees = told.clock_disagrees
FROM (
    SELECT DISTINCT ON (raw_answer_id, tracking_number, reported_at, event_hash) * -- noqa: AM04
    FROM read_again
    WHERE unreadable IS NULL
    ORDER BY raw_answer_id, tracking_number, reported_at, event_hash, staged_row
) AS told,
    quality.replayed_row AS chosen
WHERE
    chosen.run_id = %(run_id)s
    AND chosen.quarantined_row_id = staged.staged_row
    AND chosen.patch IS NULL
    AND staged.unreadable IS NULL
    AND staged.raw_answer_id = told.raw_answer_id
    AND staged.tracking_number = told.tracking_number
    AND staged.reported_at = told.reported_at
    AND staged.event_hash = told.event_hash;
