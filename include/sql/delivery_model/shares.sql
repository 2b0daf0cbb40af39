-- Grain: one row per group of lanes that a version was compared on: how much of the learned hazard serves there.
SELECT
    score.measure,
    coalesce(score.origin_country, '') AS origin_country,
    coalesce(score.destination_country, '') AS destination_country,
    score.learned_share
FROM serving.delivery_model_score AS score
WHERE score.version = %(version)s
