-- Grain: one row, a run. Versions are named by the day up to which they know, and counted on it.
INSERT INTO serving.recommendation_run (
    version,
    run_id,
    trained_at,
    recorded_at,
    status,
    reason,
    models,
    chosen,
    reasons,
    lost,
    deeds,
    customers,
    products,
    loads,
    erasures,
    seconds
)
SELECT
    told.day || '.' || coalesce(max(split_part(run.version, '.', 2)::integer), 0) + 1,
    %(run_id)s,
    %(trained_at)s,
    clock_timestamp(),
    'trained',
    %(reason)s,
    %(models)s,
    %(chosen)s,
    %(reasons)s,
    %(lost)s::text [],
    %(deeds)s,
    %(customers)s,
    %(products)s,
    %(loads)s,
    %(erasures)s,
    %(seconds)s
FROM (SELECT to_char(%(trained_at)s::timestamptz AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day) AS told
LEFT JOIN serving.recommendation_run AS run ON split_part(run.version, '.', 1) = told.day
GROUP BY told.day
RETURNING run_number, version
