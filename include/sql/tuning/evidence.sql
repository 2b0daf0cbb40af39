-- The evidence of the sampled leaves as it was known at the beginning of the week. Grain: one row per leaf and age bin.
CREATE TEMP TABLE evidence ON COMMIT DROP AS
WITH known AS (
    SELECT
        span.leaf_id,
        CASE WHEN span.ended_at <= %(week)s::timestamptz THEN span.outcome ELSE 'open' END AS outcome,
        serving.age_bin(
            bounds.bounds, least(span.ended_at, %(week)s::timestamptz) - span.started_at
        ) AS last_bin,
        CASE
            WHEN span.entered_at > span.started_at
                THEN serving.age_bin(bounds.bounds, span.entered_at - span.started_at)
        END AS first_bin,
        bounds.last_bin + 1 AS beyond,
        power(
            2,
            (
                serving.day_number(span.started_at)
                - (extract(EPOCH FROM %(week)s::timestamptz) / 86400)::double precision
            ) / %(half_life)s::double precision
        ) AS weight
    FROM serving.journey_span AS span
    INNER JOIN sampled_leaf ON span.leaf_id = sampled_leaf.leaf_id
    INNER JOIN measure_bounds AS bounds ON bounds.measure = %(measure)s
    WHERE
        span.started_at > %(since)s::timestamptz
        AND span.started_at < %(week)s::timestamptz
        AND span.outcome <> 'ahead'
        AND span.entered_at < %(week)s::timestamptz
        AND (span.entered_at = span.started_at OR span.ended_at IS NULL OR span.entered_at < span.ended_at)
),

placed AS (
    SELECT
        known.leaf_id,
        least(known.last_bin, known.beyond) AS bin,
        known.outcome,
        known.weight
    FROM known
    UNION ALL
    SELECT
        known.leaf_id,
        least(known.first_bin, known.beyond),
        'late',
        known.weight
    FROM known
    WHERE known.first_bin IS NOT NULL
)

SELECT
    placed.leaf_id,
    placed.bin::smallint AS bin,
    coalesce(sum(placed.weight) FILTER (WHERE placed.outcome = 'late'), 0) AS late,
    coalesce(sum(placed.weight) FILTER (WHERE placed.outcome = 'delivered'), 0) AS delivered,
    coalesce(sum(placed.weight) FILTER (WHERE placed.outcome = 'lost'), 0) AS lost,
    coalesce(sum(placed.weight) FILTER (WHERE placed.outcome = 'expired'), 0) AS expired,
    coalesce(sum(placed.weight) FILTER (WHERE placed.outcome = 'open'), 0) AS under_way
FROM placed
GROUP BY placed.leaf_id, placed.bin;

ANALYZE evidence
