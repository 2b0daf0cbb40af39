-- Grain: one row per month of the batch's events, or one for them all where they lie within three years. Else not all
-- months between the first and the last: one stray date would make hundreds of partitions.
WITH bounds AS (
    SELECT
        min(reported_at) AS first_at,
        max(reported_at) AS last_at,
        max(reported_at) > min(reported_at) + interval '3 years' AS are_far_apart
    FROM accepted
)

SELECT ops.ensure_event_partitions(first_at, last_at)
FROM bounds
WHERE NOT are_far_apart
UNION ALL
SELECT ops.ensure_event_partitions(month.starts_at, month.starts_at)
FROM (
    SELECT DISTINCT date_trunc('month', reported_at) AS starts_at
    FROM accepted
    WHERE (SELECT are_far_apart FROM bounds)
) AS month;
