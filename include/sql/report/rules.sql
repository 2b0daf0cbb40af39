-- Grain: one row per dataset and rule that the run was held against.
SELECT
    judged.dataset,
    judged.rule,
    judged.severity,
    judged.expectation,
    judged.rows_checked,
    judged.rows_failed,
    judged.passed,
    coalesce((judged.details ->> 'rejected')::bigint, 0) AS claimed,
    coalesce((judged.details ->> 'waived')::boolean, false) AS waived,
    judged.details ->> 'expects' AS expects
FROM quality.validation_result AS judged
WHERE judged.run_id = %(run)s
ORDER BY judged.dataset, judged.rule;
