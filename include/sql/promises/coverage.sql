-- What promises kept lately, for the promise to say of itself. Grain: one row per scope (all, a lane level, a country lane),
-- measure and confidence with at least 30 promises that matured in the last 90 days.
INSERT INTO serving.promise_coverage (scope, measure, confidence, n, coverage)
SELECT
    told.scope,
    accuracy.measure,
    accuracy.confidence,
    sum(accuracy.n) AS n,
    round(sum(accuracy.n - accuracy.n_early - accuracy.n_late) / sum(accuracy.n), 4) AS coverage
FROM serving.promise_accuracy AS accuracy
CROSS JOIN LATERAL (
    SELECT CASE accuracy.scope
        WHEN 'all' THEN 'all'
        WHEN 'level' THEN 'level ' || accuracy.level
        ELSE 'lane ' || accuracy.origin_country || ' → ' || accuracy.destination_country
    END AS scope
) AS told
WHERE
    accuracy.scope IN ('all', 'level', 'lane_country')
    AND accuracy.matured_at > (SELECT ops.as_of()) - interval '90 days'
    AND accuracy.matured_at <= (SELECT ops.as_of())
GROUP BY told.scope, accuracy.measure, accuracy.confidence
HAVING sum(accuracy.n) >= 30
