-- Grain: one row per step, kind of shipment, bin of days spent there (from 0), and outcome.
SELECT
    step,
    kind_id,
    width_bucket(days::double precision, serving.ages()) AS bin,
    outcome,
    count(*) AS n
FROM normal_stay
GROUP BY step, kind_id, bin, outcome
ORDER BY step;
