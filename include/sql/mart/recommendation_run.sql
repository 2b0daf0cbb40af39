-- Grain: one row per run.
CREATE OR REPLACE VIEW mart.recommendation_run AS
SELECT
    run.version,
    run.status,
    run.reason,
    run.models ->> 'discover' AS discover_model,
    run.models ->> 'buy_again' AS buy_again_model,
    nullif(array_to_string(run.lost, ' and '), '') AS lost_slots,
    run.deeds,
    run.customers,
    run.products,
    run.seconds::numeric AS seconds,
    run.trained_at,
    run.published_at,
    run.status IN ('serving', 'previous') AS is_kept,
    run.recorded_at AS refreshed_at
FROM serving.recommendation_run AS run;
