-- Grain: one row per bad row, however often it arrives: a row seen before is counted, not copied. One that comes again after
-- it was replayed is open again, for its source is not mended; one that was dismissed stays so. Kept is the answer that it
-- came in last, for that tells most.
WITH kept AS (
    INSERT INTO quality.quarantined_row AS known (
        dataset, rule, row_hash, severity, reason, row_data, source_file, source_line, raw_answer_id,
        first_run_id, last_run_id, first_seen_at, last_seen_at, times_seen
    )
    SELECT
        %(dataset)s,
        bad.rule,
        bad.row_hash,
        min(bad.severity),
        min(bad.reason),
        (array_agg(bad.row_data ORDER BY bad.raw_answer_id DESC NULLS LAST, bad.staged_row))[1],
        %(source)s,
        min(bad.source_line),
        max(bad.raw_answer_id),
        %(run_id)s,
        %(run_id)s,
        ops.as_of(),
        ops.as_of(),
        count(*)
    FROM (
        SELECT
            rejected.staged_row,
            rejected.rule,
            rejected.severity,
            rejected.reason,
            described.row_data,
            staged.source_line,
            (described.row_data ->> 'raw_answer_id')::bigint AS raw_answer_id,
            ops.row_identity(described.row_data) AS row_hash
        FROM {rejected} AS rejected
        INNER JOIN {staged} AS staged ON rejected.staged_row = staged.staged_row
        CROSS JOIN LATERAL (SELECT to_jsonb(staged) AS row_data) AS described
    ) AS bad
    GROUP BY bad.rule, bad.row_hash
    ON CONFLICT (dataset, rule, row_hash) DO UPDATE SET
    times_seen = known.times_seen + excluded.times_seen,
    last_seen_at = excluded.last_seen_at,
    last_run_id = excluded.last_run_id,
    reason = excluded.reason,
    row_data = CASE WHEN excluded.raw_answer_id > known.raw_answer_id THEN excluded.row_data ELSE known.row_data END,
    raw_answer_id = greatest(known.raw_answer_id, excluded.raw_answer_id),
    status = CASE WHEN known.status = 'dismissed' THEN known.status ELSE 'open' END,
    superseded_by = NULL
    RETURNING known.rule, known.quarantined_row_id
)

-- Grain: one row per bad row of this run.
INSERT INTO quality.quarantine_sighting (run_id, dataset, rule, quarantined_row_id)
SELECT
    %(run_id)s,
    %(dataset)s,
    rule,
    quarantined_row_id
FROM kept;
