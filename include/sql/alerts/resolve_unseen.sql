-- Grain: one row per open alert of a kind that watches raise and that this watch does not see, once it was calm for the hours
-- that its rule asks for. A rule that is gone raises nothing, and what it raised has ended. What loads raise of staged datasets
-- ends with loads.
UPDATE quality.alert SET resolved_at = greatest(ops.as_of(), alert.last_seen_at)
FROM quality.alert AS open
LEFT JOIN unnest(%(datasets)s::text [], %(rules)s::text [], %(calm_hours)s::double precision []) AS rule (dataset, name, calm)
    ON open.dataset = rule.dataset AND open.rule = rule.name
WHERE
    alert.alert_id = open.alert_id
    AND alert.resolved_at IS NULL
    AND alert.kind = ANY(%(kinds)s::text [])
    AND NOT alert.dataset = ANY(%(staged)s::text [])
    AND alert.run_id IS DISTINCT FROM %(run_id)s
    AND alert.last_seen_at <= ops.as_of() - coalesce(rule.calm, 0) * interval '1 hour'
