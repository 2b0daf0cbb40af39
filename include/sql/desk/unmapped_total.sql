-- Grain: one row.
SELECT
    count(*) AS codes,
    coalesce(sum(unmapped.times_seen), 0)::bigint AS events
FROM mart.unmapped_code AS unmapped
WHERE unmapped.mapped_at IS NULL;
