-- Grain: one row per list: the model that makes it, what it and popularity found of purchases that neither knew.
SELECT
    told.slot,
    told.model,
    told.recall_at_20,
    popular.recall_at_20 AS popular_recall,
    told.ndcg_at_20,
    popular.ndcg_at_20 AS popular_ndcg,
    told.customers,
    told.why
FROM mart.recommendation_evaluation AS told
LEFT JOIN mart.recommendation_evaluation AS popular
    ON
        told.version = popular.version
        AND told.slot = popular.slot
        AND told.evaluation_window = popular.evaluation_window
        AND popular.model = 'popularity'
WHERE told.is_serving AND told.evaluation_window = 'report'
ORDER BY told.slot;
