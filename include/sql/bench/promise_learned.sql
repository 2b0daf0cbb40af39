-- Learned curves, levels and measured coverage beside the lanes, so that a question meets all that it may meet. Grain of the
-- curves: one row per lane, clock and weekday, of every third country lane.
WITH learned AS (
    INSERT INTO serving.learned_curve (lane, measure, weekday, curve, model_version)
    SELECT
        lane_time.lane,
        lane_time.measure,
        weekday.place,
        lane_time.curve,
        'bench'
    FROM serving.delivery_time AS lane_time
    CROSS JOIN generate_series(0, 6) AS weekday (place)
    WHERE lane_time.level = 'lane_country' AND abs(hashtext(lane_time.lane)) %% 3 = 0
    RETURNING 1
),

levels AS (
    INSERT INTO serving.promise_level (measure, scope, shift, spread, moved_at)
    SELECT
        clock.measure,
        scope.name,
        0.1,
        1.1,
        (SELECT ops.as_of())
    FROM (VALUES ('order_to_door'), ('handover_to_door')) AS clock (measure)
    CROSS JOIN (
        SELECT country.country FROM core.country
        UNION ALL
        SELECT ''
    ) AS scope (name)
),

measured AS (
    INSERT INTO serving.promise_coverage (scope, measure, confidence, n, coverage)
    SELECT DISTINCT
        'lane ' || lane_time.origin_country || ' → ' || lane_time.destination_country,
        lane_time.measure,
        0.8,
        100,
        0.8
    FROM serving.delivery_time AS lane_time
    WHERE lane_time.level = 'lane_country'
)

SELECT count(*) AS curves FROM learned
