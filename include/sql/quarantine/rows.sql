-- Grain: one row per quarantined row, the one seen last first.
SELECT
    bad.quarantined_row_id,
    bad.dataset,
    bad.rule,
    bad.status,
    bad.row_data,
    bad.times_seen,
    bad.replays,
    bad.last_seen_at,
    bad.last_run_id,
    bad.source_file,
    bad.source_line,
    bad.raw_answer_id
FROM ops.quarantined_rows(%(dataset)s, %(rule)s, %(run_id)s, %(status)s) AS bad
WHERE %(since)s::timestamptz IS NULL OR bad.last_seen_at >= %(since)s
ORDER BY bad.last_seen_at DESC, bad.quarantined_row_id DESC
LIMIT %(most)s;
