-- Grain: one row per measure, scope and time that the quantile levels of promises moved.
CREATE OR REPLACE VIEW mart.promise_calibration AS
SELECT
    move.measure,
    nullif(move.scope, '') AS destination_country,
    move.moved_at,
    move.lower_level::numeric AS lower_level,
    move.upper_level::numeric AS upper_level,
    move.shift::numeric AS shift,
    move.spread::numeric AS spread,
    move.cohorts,
    move.first_week,
    move.last_week,
    move.n,
    lead(move.moved_at) OVER (PARTITION BY move.measure, move.scope ORDER BY move.moved_at) AS until_at,
    move.moved_at AS refreshed_at
FROM serving.promise_level_move AS move;
