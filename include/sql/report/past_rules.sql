-- Grain: one row per run, dataset and rule that these runs were held against.
SELECT
    judged.run_id,
    judged.dataset,
    judged.rule,
    judged.rows_failed::double precision / greatest(judged.rows_checked, 1) AS share
FROM quality.validation_result AS judged
WHERE judged.run_id = ANY(%(runs)s);
