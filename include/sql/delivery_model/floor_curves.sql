-- Grain: one row per lane asked for: the life table's curve.
SELECT
    lane_time.lane,
    lane_time.curve
FROM serving.delivery_time AS lane_time
WHERE lane_time.measure = %(measure)s AND lane_time.lane = ANY(%(lanes)s) AND lane_time.curve IS NOT NULL
