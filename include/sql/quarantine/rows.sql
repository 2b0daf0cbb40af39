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
FROM quality.quarantined_row AS bad
WHERE
    (%(dataset)s::text IS NULL OR bad.dataset = %(dataset)s)
    AND (%(rule)s::text IS NULL OR bad.rule = %(rule)s)
    AND (%(status)s::text IS NULL OR bad.status = %(status)s)
    AND (
        %(run_id)s::text IS NULL
        OR bad.replay_run_id = %(run_id)s
        OR EXISTS (
            SELECT FROM quality.quarantine_sighting AS sighting
            WHERE sighting.run_id = %(run_id)s AND sighting.quarantined_row_id = bad.quarantined_row_id
        )
    )
    AND (%(since)s::timestamptz IS NULL OR bad.last_seen_at >= %(since)s)
ORDER BY bad.last_seen_at DESC, bad.quarantined_row_id DESC
LIMIT %(most)s;
