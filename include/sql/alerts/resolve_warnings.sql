-- Grain: one row per open alert of a warn rule that this run judged on enough rows and found to hold, or that is gone from the
-- contract. Not of datasets that the run did not bring, or that a rule stopped.
UPDATE quality.alert SET resolved_at = greatest(ops.as_of(), last_seen_at)
WHERE
    resolved_at IS NULL
    AND kind = 'quality'
    AND subject = %(subject)s
    AND NOT dataset = ANY(%(stopped)s::text [])
    AND EXISTS (
        SELECT FROM quality.validation_result AS result
        WHERE result.run_id = %(run_id)s AND result.dataset = alert.dataset
    )
    AND NOT EXISTS (
        SELECT FROM quality.validation_result AS result
        WHERE
            result.run_id = %(run_id)s
            AND result.dataset = alert.dataset
            AND result.rule = alert.rule
            AND result.severity = 'warn'
            AND (NOT result.passed OR result.rows_checked < %(least_rows)s)
    )
