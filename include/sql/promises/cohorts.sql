-- What teaches the levels: the cohorts of a year, all of whose promises have matured, with the levels that these were read at.
-- Promises given more than three days into the journey are left out. Grain: one row per measure, scope (all, or a destination
-- country with at least %(least)s such promises) and week of issue, the oldest week first.
SELECT
    cohort.measure,
    cohort.scope,
    cohort.issued_week,
    cohort.n,
    cohort.early,
    cohort.late,
    cohort.lower_level,
    cohort.upper_level
FROM (
    SELECT
        accuracy.measure,
        coalesce(accuracy.destination_country, '') AS scope,
        accuracy.issued_week,
        accuracy.fresh_n AS n,
        accuracy.fresh_early AS early,
        accuracy.fresh_late AS late,
        accuracy.fresh_lower_level AS lower_level,
        accuracy.fresh_upper_level AS upper_level,
        sum(accuracy.fresh_n) OVER (PARTITION BY accuracy.measure, accuracy.destination_country) AS in_all
    FROM serving.promise_accuracy AS accuracy
    WHERE
        accuracy.scope IN ('all', 'destination_country')
        AND accuracy.confidence = %(confidence)s
        AND accuracy.fresh_n > 0
        AND accuracy.matured_at <= (SELECT ops.as_of())
        AND accuracy.issued_week > (SELECT ops.as_of() AT TIME ZONE 'UTC')::date - 365
) AS cohort
WHERE cohort.scope = '' OR cohort.in_all >= %(least)s
ORDER BY cohort.measure, cohort.scope, cohort.issued_week
