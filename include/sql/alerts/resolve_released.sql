-- Grain: one row per open alert of a stopped batch none of whose rows are in the quarantine any more.
UPDATE quality.alert SET resolved_at = greatest(ops.as_of(), last_seen_at)
WHERE
    resolved_at IS NULL
    AND kind = 'batch_stopped'
    AND NOT EXISTS (
        SELECT FROM quality.quarantined_row
        WHERE
            quarantined_row.dataset = alert.dataset
            AND quarantined_row.rule = alert.rule
            AND quarantined_row.status = 'open'
            AND quarantined_row.last_run_id = alert.run_id
    )
