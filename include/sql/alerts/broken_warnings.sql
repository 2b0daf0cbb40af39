-- Grain: one row per warn rule that a run breaks beyond what it lets pass, of datasets that no rule stopped; judged on enough
-- rows.
SELECT
    result.dataset,
    result.rule,
    result.rows_checked,
    result.rows_failed,
    result.details ->> 'expects' AS expects
FROM quality.validation_result AS result
WHERE
    result.run_id = %(run_id)s
    AND result.severity = 'warn'
    AND NOT result.passed
    AND result.rows_checked >= %(least_rows)s
    AND NOT result.dataset = ANY(%(stopped)s::text [])
ORDER BY result.dataset, result.rule
