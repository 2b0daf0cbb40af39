-- Grain: one row per open cause: made where it is new, counted where it is open already; once per run that sees it.
INSERT INTO quality.alert AS known
(kind, dataset, rule, subject, severity, message, run_id, run_ids, opened_at, last_seen_at)
SELECT
    seen.kind,
    seen.dataset,
    seen.rule,
    seen.subject,
    seen.severity,
    seen.message,
    %(run_id)s,
    -- what many watches see would become long
    CASE WHEN seen.kind = 'batch_stopped' THEN ARRAY[%(run_id)s::text] ELSE '{}' END,
    ops.as_of(),
    ops.as_of()
FROM unnest(
    %(kinds)s::text [], %(datasets)s::text [], %(rules)s::text [], %(subjects)s::text [], %(severities)s::text [],
    %(messages)s::text []
) AS seen (kind, dataset, rule, subject, severity, message)
ORDER BY seen.dataset, seen.rule, seen.subject
ON CONFLICT (dataset, rule, subject) WHERE resolved_at IS NULL DO UPDATE SET
times_seen = known.times_seen + (known.run_id IS DISTINCT FROM excluded.run_id)::integer,
last_seen_at = greatest(known.last_seen_at, excluded.last_seen_at),
message = excluded.message,
severity = excluded.severity,
run_id = excluded.run_id,
noted_at = excluded.noted_at
