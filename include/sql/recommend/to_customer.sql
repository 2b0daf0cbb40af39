-- Grain: one row per rank: what to show a customer.
SELECT
    told.rank,
    told.product_id,
    told.title,
    told.score::double precision AS score,
    told.reason,
    told.basis
FROM mart.recommend(%(customer)s, %(slot)s, %(how_many)s, %(country)s) AS told
ORDER BY told.rank
