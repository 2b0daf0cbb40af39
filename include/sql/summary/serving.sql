-- Grain: one row per list: the model that makes it, what it and popularity found of purchases that neither knew.
SELECT
    told.slot,
    told.model,
    told.recall_at_20,
    told.recall_at_20 - told.popularity_difference AS popular,
    told.customers,
    told.why
FROM mart.recommendation_evaluation AS told
WHERE told.is_serving AND told.evaluation_window = 'report'
ORDER BY told.slot;
