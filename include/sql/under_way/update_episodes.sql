-- Grain: one row per open episode: its figures, and its end where the exits are back.
UPDATE serving.disruption
SET
    observed = found.observed,
    expected = found.expected,
    probability = found.probability,
    extra_days = found.extra_days,
    ended_on = found.ended_on,
    ended_at = CASE WHEN found.ended_on IS NOT NULL THEN %(as_of)s END,
    refreshed_at = %(as_of)s
FROM jsonb_to_recordset(%(episodes)s) AS found (
    disruption_id bigint,
    observed bigint,
    expected double precision,
    probability double precision,
    extra_days double precision,
    ended_on date
)
WHERE disruption.disruption_id = found.disruption_id
