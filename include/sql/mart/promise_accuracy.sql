-- Grain: one row per scope, measure, confidence and week of issue, once all its promises have matured.
CREATE OR REPLACE VIEW mart.promise_accuracy AS
SELECT
    accuracy.scope,
    accuracy.level,
    accuracy.origin_country,
    accuracy.destination_country,
    accuracy.measure,
    accuracy.confidence,
    accuracy.issued_week,
    accuracy.n,
    round((accuracy.n - accuracy.n_early - accuracy.n_late)::numeric / accuracy.n, 4) AS coverage,
    round(accuracy.n_early::numeric / accuracy.n, 4) AS early_share,
    round(accuracy.n_late::numeric / accuracy.n, 4) AS late_share,
    round(accuracy.n_on_dates::numeric / accuracy.n, 4) AS date_coverage,
    accuracy.n_undelivered,
    accuracy.n_unobserved,
    accuracy.mean_width_days::numeric AS mean_width_days,
    accuracy.mean_days_late::numeric AS mean_days_late,
    accuracy.n_timed,
    accuracy.pinball_lower::numeric AS pinball_lower,
    accuracy.pinball_likely::numeric AS pinball_likely,
    accuracy.pinball_upper::numeric AS pinball_upper,
    (accuracy.pinball_lower + accuracy.pinball_likely + accuracy.pinball_upper)::numeric AS pinball_sum,
    accuracy.matured_at,
    accuracy.settled_at AS refreshed_at
FROM serving.promise_accuracy AS accuracy;
