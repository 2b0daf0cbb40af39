-- Grain: one row per training, measure and group of lanes that was compared; one without measure where no model was made.
CREATE OR REPLACE VIEW mart.delivery_model AS
SELECT
    model.version,
    score.measure,
    score.origin_country,
    score.destination_country,
    model.trained_at,
    model.status,
    model.status = 'serving' AND score.learned_share > 0 AS is_serving,
    CASE
        WHEN score.learned_share IS NULL OR score.learned_share = 0 THEN 'life table'
        WHEN score.learned_share < 1 THEN 'mixture'
        ELSE 'learned hazard'
    END AS preferred,
    score.learned_share::numeric AS learned_share,
    coalesce(score.why, model.reason) AS why,
    score.n,
    score.floor_pinball::numeric AS floor_pinball,
    score.floor_coverage::numeric AS floor_coverage,
    score.floor_width::numeric AS floor_width,
    score.learned_pinball::numeric AS learned_pinball,
    score.learned_coverage::numeric AS learned_coverage,
    score.learned_width::numeric AS learned_width,
    score.mixture_pinball::numeric AS mixture_pinball,
    score.mixture_coverage::numeric AS mixture_coverage,
    score.mixture_width::numeric AS mixture_width,
    score.informed_pinball::numeric AS informed_pinball,
    model.reason,
    model.shipments,
    model.delivered,
    model.first_started_at,
    model.last_started_at,
    model.lanes,
    model.curves,
    model.published_at,
    EXISTS (SELECT FROM serving.delivery_model_file AS kept WHERE kept.version = model.version) AS is_kept,
    model.recorded_at AS refreshed_at,
    model.status = 'serving' AND score.informed_serves AS is_serving_informed,
    CASE WHEN score.informed_serves THEN 'learned hazard' ELSE 'life table' END AS informed_preferred,
    score.informed_why
FROM serving.delivery_model AS model
LEFT JOIN serving.delivery_model_score AS score ON model.version = score.version;
