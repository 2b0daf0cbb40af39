-- Adds spans to the sums of their leaves, or takes them out where the sign is -1. Counts are whole, seconds and weights numeric:
-- sums are exact, so that what is taken out leaves no trace. Grain of `{spans}`: one row per span, with its sign.
UPDATE serving.leaf_lane AS leaf SET
    n = leaf.n + added.n,
    n_delivered = leaf.n_delivered + added.n_delivered,
    n_lost = leaf.n_lost + added.n_lost,
    seconds = leaf.seconds + added.seconds,
    seconds_squared = leaf.seconds_squared + added.seconds_squared
FROM (
    SELECT
        spans.leaf_id,
        coalesce(sum(spans.sign) FILTER (WHERE spans.outcome <> 'ahead'), 0) AS n,
        coalesce(sum(spans.sign) FILTER (WHERE spans.outcome = 'delivered'), 0) AS n_delivered,
        coalesce(sum(spans.sign) FILTER (WHERE spans.outcome = 'lost'), 0) AS n_lost,
        coalesce(sum(spans.sign * took.seconds) FILTER (WHERE spans.outcome = 'delivered'), 0) AS seconds,
        coalesce(sum(spans.sign * took.seconds * took.seconds) FILTER (WHERE spans.outcome = 'delivered'), 0)
            AS seconds_squared
    FROM {spans} AS spans
    CROSS JOIN LATERAL (SELECT extract(EPOCH FROM spans.ended_at - spans.started_at) AS seconds) AS took
    GROUP BY spans.leaf_id
) AS added
WHERE leaf.leaf_id = added.leaf_id;

-- Grain: one row per leaf and age bin. A span that was first watched once it had ended tells nothing of how long it takes.
INSERT INTO serving.life_table AS life (leaf_id, bin, late, delivered, lost, expired)
WITH weighed AS (
    SELECT
        spans.leaf_id,
        spans.outcome,
        CASE
            WHEN spans.ended_at IS NOT NULL THEN serving.age_bin(bounds.bounds, spans.ended_at - spans.started_at)
        END AS last_bin,
        CASE
            WHEN spans.entered_at > spans.started_at
                THEN serving.age_bin(bounds.bounds, spans.entered_at - spans.started_at)
        END AS first_bin,
        spans.sign * serving.life_weight(spans.started_at, state.epoch, state.half_life_days) AS weight
    FROM {spans} AS spans
    INNER JOIN serving.leaf_lane AS leaf ON spans.leaf_id = leaf.leaf_id
    INNER JOIN measure_bounds AS bounds ON leaf.measure = bounds.measure
    CROSS JOIN serving.life_table_state AS state
    WHERE
        spans.outcome <> 'ahead'
        AND (spans.entered_at = spans.started_at OR spans.ended_at IS NULL OR spans.entered_at < spans.ended_at)
)

SELECT
    placed.leaf_id,
    placed.bin::smallint,
    sum(placed.late) AS late,
    sum(placed.delivered) AS delivered,
    sum(placed.lost) AS lost,
    sum(placed.expired) AS expired
FROM (
    SELECT
        weighed.leaf_id,
        weighed.last_bin AS bin,
        0 AS late,
        CASE WHEN weighed.outcome = 'delivered' THEN weighed.weight ELSE 0 END AS delivered,
        CASE WHEN weighed.outcome = 'lost' THEN weighed.weight ELSE 0 END AS lost,
        CASE WHEN weighed.outcome = 'expired' THEN weighed.weight ELSE 0 END AS expired
    FROM weighed
    WHERE weighed.last_bin IS NOT NULL
    UNION ALL
    SELECT
        weighed.leaf_id,
        weighed.first_bin AS bin,
        weighed.weight AS late,
        0 AS delivered,
        0 AS lost,
        0 AS expired
    FROM weighed
    WHERE weighed.first_bin IS NOT NULL
) AS placed
GROUP BY placed.leaf_id, placed.bin
ON CONFLICT (leaf_id, bin) DO UPDATE SET
late = life.late + excluded.late,
delivered = life.delivered + excluded.delivered,
lost = life.lost + excluded.lost,
expired = life.expired + excluded.expired;

DELETE FROM serving.life_table AS life
WHERE
    life.late = 0 AND life.delivered = 0 AND life.lost = 0 AND life.expired = 0
    AND life.leaf_id IN (SELECT spans.leaf_id FROM {spans} AS spans);

-- Grain: one row per day.
INSERT INTO serving.span_day AS known (day, n)
SELECT
    (coalesce(spans.ended_at, spans.started_at) AT TIME ZONE 'UTC')::date AS day,
    sum(spans.sign)
FROM {spans} AS spans
WHERE spans.outcome <> 'ahead'
GROUP BY (coalesce(spans.ended_at, spans.started_at) AT TIME ZONE 'UTC')::date
HAVING sum(spans.sign) <> 0
ON CONFLICT (day) DO UPDATE SET n = known.n + excluded.n;

DELETE FROM serving.span_day AS known WHERE known.n = 0
