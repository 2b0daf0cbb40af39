-- Writes the levels that moved, and that they did. What moves by less than a thousandth stays. Grain: one row per measure and
-- scope.
WITH told AS (
    SELECT given.*
    FROM jsonb_to_recordset(%(levels)s::jsonb) AS given (
        measure text,
        scope text,
        shift double precision,
        spread double precision,
        lower_level double precision,
        upper_level double precision,
        cohorts integer,
        first_week date,
        last_week date,
        n bigint
    )
),

moved AS (
    SELECT
        told.*,
        (SELECT ops.as_of()) AS moved_at
    FROM told
    LEFT JOIN serving.promise_level AS present ON told.measure = present.measure AND told.scope = present.scope
    WHERE
        greatest(
            abs(told.lower_level - serving.read_level(
                %(lower)s::double precision, coalesce(present.shift, 0), coalesce(present.spread, 1)
            )),
            abs(told.upper_level - serving.read_level(
                %(upper)s::double precision, coalesce(present.shift, 0), coalesce(present.spread, 1)
            ))
        ) >= 0.001
),

noted AS (
    INSERT INTO serving.promise_level_move (
        measure, scope, moved_at, shift, spread, lower_level, upper_level, cohorts, first_week, last_week, n
    )
    SELECT
        moved.measure, moved.scope, moved.moved_at, moved.shift, moved.spread, moved.lower_level, moved.upper_level,
        moved.cohorts, moved.first_week, moved.last_week, moved.n
    FROM moved
    ON CONFLICT (measure, scope, moved_at) DO UPDATE SET
    shift = excluded.shift,
    spread = excluded.spread,
    lower_level = excluded.lower_level,
    upper_level = excluded.upper_level,
    cohorts = excluded.cohorts,
    first_week = excluded.first_week,
    last_week = excluded.last_week,
    n = excluded.n
)

INSERT INTO serving.promise_level (measure, scope, shift, spread, moved_at)
SELECT
    moved.measure,
    moved.scope,
    moved.shift,
    moved.spread,
    moved.moved_at
FROM moved
ON CONFLICT (measure, scope) DO UPDATE SET
shift = excluded.shift, spread = excluded.spread, moved_at = excluded.moved_at
