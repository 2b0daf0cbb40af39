-- Monthly partitions of core.tracking_event that end before the cut, the oldest first. Grain: one row per partition.
SELECT partition.relname
FROM pg_inherits AS link
INNER JOIN pg_class AS partition ON link.inhrelid = partition.oid
CROSS JOIN LATERAL (
    SELECT substring(pg_get_expr(partition.relpartbound, partition.oid) FROM 'TO \(''([^'']+)''\)')::timestamp AS until_at
) AS bound
WHERE link.inhparent = 'core.tracking_event'::regclass AND bound.until_at <= (%(before)s AT TIME ZONE 'UTC')
ORDER BY bound.until_at
