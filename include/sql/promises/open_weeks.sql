-- Weeks of issue that are to be settled: not final, and some promise has matured. None where that was done in the last hours.
-- Grain: one row per week, the oldest first.
SELECT week.issued_week::date AS issued_week
FROM generate_series(
    (SELECT min(promise.issued_week) FROM serving.promise_log AS promise),
    (SELECT date_trunc('week', ops.as_of() AT TIME ZONE 'UTC')::date),
    interval '7 days'
) AS week (issued_week)
WHERE
    NOT EXISTS (
        SELECT FROM serving.promise_settlement AS settled
        WHERE
            settled.issued_week = week.issued_week::date
            AND (
                settled.is_final
                OR (
                    settled.settled_at <= (SELECT ops.as_of())
                    AND settled.settled_at > (SELECT ops.as_of()) - interval '6 hours'
                    AND NOT %(at_once)s
                )
            )
    )
    AND EXISTS (
        SELECT FROM serving.promise_log AS promise
        WHERE promise.issued_week = week.issued_week::date AND promise.matures_at <= (SELECT ops.as_of())
    )
ORDER BY 1
