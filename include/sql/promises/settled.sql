-- Notes that a week was settled. It is final once it is over and 56 days have passed since its last promise matured: nothing
-- later counts. Grain: one row per week of issue.
INSERT INTO serving.promise_settlement (issued_week, settled_at, is_final)
SELECT
    %(week)s::date AS issued_week,
    moment.as_of AS settled_at,
    (%(week)s::date + 7)::timestamp AT TIME ZONE 'UTC' <= moment.as_of
    AND NOT EXISTS (
        SELECT FROM serving.promise_log AS promise
        WHERE promise.issued_week = %(week)s AND promise.matures_at > moment.as_of - interval '56 days'
    ) AS is_final
FROM (SELECT ops.as_of() AS as_of) AS moment
ON CONFLICT (issued_week) DO UPDATE SET settled_at = excluded.settled_at, is_final = excluded.is_final
