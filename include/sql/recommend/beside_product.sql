-- Grain: one row per rank: what is bought together with a product.
SELECT
    told.rank,
    told.recommended_product_id AS product_id,
    told.title,
    told.support,
    told.lift::double precision AS lift,
    told.score::double precision AS score,
    told.reason
FROM mart.product_recommendation AS told
WHERE told.product_id = %(product)s AND told.rank <= %(how_many)s
ORDER BY told.rank
