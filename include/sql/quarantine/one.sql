-- Grain: one row: a quarantined row, and where its raw bytes lie.
SELECT
    bad.quarantined_row_id,
    bad.dataset,
    bad.rule,
    bad.severity,
    bad.reason,
    bad.status,
    bad.row_data,
    bad.times_seen,
    bad.first_seen_at,
    bad.last_seen_at,
    bad.first_run_id,
    bad.last_run_id,
    bad.replays,
    bad.replay_run_id,
    bad.replayed_at,
    bad.superseded_by,
    bad.dismissed_at,
    bad.dismissed_because,
    bad.source_file,
    bad.source_line,
    bad.raw_answer_id,
    answer.carrier AS asked,
    answer.file,
    answer.byte_offset,
    answer.byte_length
FROM quality.quarantined_row AS bad
LEFT JOIN ops.raw_answer AS answer ON bad.raw_answer_id = answer.raw_answer_id
WHERE bad.quarantined_row_id = %(quarantined_row_id)s;
