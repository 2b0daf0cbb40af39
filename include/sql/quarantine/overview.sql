-- Grain: one row per dataset and rule, with the rows put aside under it.
SELECT
    bad.dataset,
    bad.rule,
    min(bad.severity) AS severity,
    count(*) AS rows,
    sum(bad.times_seen)::bigint AS times_seen,
    min(bad.first_seen_at) AS first_seen_at,
    max(bad.last_seen_at) AS last_seen_at,
    min(bad.quarantined_row_id) AS example_id,
    (
        SELECT example.row_data FROM quality.quarantined_row AS example
        WHERE example.quarantined_row_id = min(bad.quarantined_row_id)
    ) AS example
FROM ops.quarantined_rows(%(dataset)s, %(rule)s, %(run_id)s, %(status)s) AS bad
WHERE %(since)s::timestamptz IS NULL OR bad.last_seen_at >= %(since)s
GROUP BY bad.dataset, bad.rule
ORDER BY count(*) DESC, bad.dataset, bad.rule;
