-- Grain: one row per dataset and rule that rejected rows in these runs.
SELECT
    judged.dataset,
    judged.rule,
    sum((judged.details ->> 'rejected')::bigint) AS rows_rejected
FROM quality.validation_result AS judged
WHERE EXISTS (SELECT FROM unnest(%(runs)s) AS whole (run_id) WHERE split_part(judged.run_id, '/', 1) = whole.run_id)
GROUP BY judged.dataset, judged.rule
HAVING sum((judged.details ->> 'rejected')::bigint) > 0
ORDER BY rows_rejected DESC;
