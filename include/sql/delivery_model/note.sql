-- Grain: one row, a training. Versions are named by the day up to which they know, and counted on it.
INSERT INTO serving.delivery_model (
    version,
    trained_at,
    recorded_at,
    status,
    reason,
    shipments,
    delivered,
    first_started_at,
    last_started_at,
    seconds,
    settings,
    features
)
SELECT
    told.day || '.' || coalesce(max(split_part(model.version, '.', 2)::integer), 0) + 1,
    %(trained_at)s,
    clock_timestamp(),
    %(status)s,
    %(reason)s,
    %(shipments)s,
    %(delivered)s,
    %(first_started_at)s,
    %(last_started_at)s,
    %(seconds)s,
    %(settings)s,
    %(features)s
FROM (SELECT to_char(%(trained_at)s::timestamptz AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day) AS told
LEFT JOIN serving.delivery_model AS model ON split_part(model.version, '.', 1) = told.day
GROUP BY told.day
RETURNING version
