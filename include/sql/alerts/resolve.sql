-- Grain: one row per open alert of these kinds and these datasets (all, where NULL).
UPDATE quality.alert SET resolved_at = greatest(ops.as_of(), last_seen_at)
WHERE
    resolved_at IS NULL
    AND kind = ANY(%(kinds)s::text [])
    AND dataset = ANY(coalesce(%(datasets)s::text [], ARRAY[dataset]))
