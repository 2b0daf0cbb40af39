-- Grain: one row per open alert of this kind and subject, of these datasets (all, where NULL), that none of these rules raised.
UPDATE quality.alert SET resolved_at = greatest(ops.as_of(), last_seen_at)
WHERE
    resolved_at IS NULL
    AND kind = ANY(%(kinds)s::text [])
    AND dataset = ANY(coalesce(%(datasets)s::text [], ARRAY[dataset]))
    AND subject = coalesce(%(subject)s, subject)
    AND NOT rule = ANY(%(still)s::text [])
