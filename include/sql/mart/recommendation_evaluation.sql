-- Grain: one row per run, slot, model and window.
CREATE OR REPLACE VIEW mart.recommendation_evaluation AS
SELECT
    run.version,
    score.slot,
    score.model,
    score.evaluation_window,
    score.serves,
    run.status = 'serving' AND score.serves AS is_serving,
    score.why,
    score.recall::numeric AS recall_at_20,
    score.ndcg::numeric AS ndcg_at_20,
    score.coverage::numeric AS coverage,
    score.customers,
    score.difference::numeric AS popularity_difference,
    score.low::numeric AS difference_low,
    score.high::numeric AS difference_high,
    score.window_start,
    score.window_end,
    run.trained_at,
    run.recorded_at AS refreshed_at
FROM serving.recommendation_run AS run
INNER JOIN serving.recommendation_score AS score ON run.run_number = score.run_number;
