-- What the life tables of the leaves rest on at this moment: spans that have ended, and those open until now. Weights are as of
-- now, or of the last day of which anything is known; ages beyond the horizon lie in the bin after it. Grain of the temporary table `evidence`: one row per leaf and age bin.
CREATE TEMP TABLE evidence ON COMMIT DROP AS
WITH moment AS MATERIALIZED (
    SELECT
        state.epoch,
        state.half_life_days,
        known.as_of,
        power(
            2,
            (extract(EPOCH FROM state.epoch::timestamp AT TIME ZONE 'UTC' - known.until_at) / 86400)::double precision
            / state.half_life_days
        ) AS scale
    FROM serving.life_table_state AS state
    CROSS JOIN (
        SELECT
            ops.as_of() AS as_of,
            least(ops.as_of(), (max(span_day.day) + 1)::timestamp AT TIME ZONE 'UTC') AS until_at
        FROM serving.span_day
    ) AS known
),

told AS (
    SELECT
        life.leaf_id,
        least(life.bin, bounds.last_bin + 1) AS bin,
        life.late::double precision * moment.scale AS late,
        life.delivered::double precision * moment.scale AS delivered,
        life.lost::double precision * moment.scale AS lost,
        life.expired::double precision * moment.scale AS expired,
        0::double precision AS under_way
    FROM serving.life_table AS life
    INNER JOIN serving.leaf_lane AS leaf ON life.leaf_id = leaf.leaf_id
    INNER JOIN measure_bounds AS bounds ON leaf.measure = bounds.measure
    CROSS JOIN moment
    UNION ALL
    SELECT
        span.leaf_id,
        least(serving.age_bin(bounds.bounds, moment.as_of - span.started_at), bounds.last_bin + 1) AS bin,
        0 AS late,
        0 AS delivered,
        0 AS lost,
        0 AS expired,
        serving.life_weight(span.started_at, moment.epoch, moment.half_life_days)::double precision
        * moment.scale AS under_way
    FROM serving.journey_span AS span
    INNER JOIN serving.leaf_lane AS leaf ON span.leaf_id = leaf.leaf_id
    INNER JOIN measure_bounds AS bounds ON leaf.measure = bounds.measure
    CROSS JOIN moment
    WHERE span.outcome = 'open'
)

SELECT
    told.leaf_id,
    told.bin::smallint AS bin,
    sum(told.late) AS late,
    sum(told.delivered) AS delivered,
    sum(told.lost) AS lost,
    sum(told.expired) AS expired,
    sum(told.under_way) AS under_way
FROM told
GROUP BY told.leaf_id, told.bin
UNION ALL
-- A leaf whose spans were all first watched once they had ended has nothing of its own, and leans on its parents.
SELECT
    leaf.leaf_id,
    1::smallint AS bin,
    0 AS late,
    0 AS delivered,
    0 AS lost,
    0 AS expired,
    0 AS under_way
FROM serving.leaf_lane AS leaf
WHERE leaf.n > 0 AND NOT EXISTS (SELECT FROM told WHERE leaf.leaf_id = told.leaf_id)
