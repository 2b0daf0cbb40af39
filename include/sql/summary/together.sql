-- Grain: one row per rank, three of what is bought with the product that is bought most and has such a list.
WITH seller AS (
    SELECT
        line.product_id,
        sum(line.quantity) AS pieces
    FROM core.order_line AS line
    INNER JOIN core.customer_order AS placed ON line.order_id = placed.order_id
    WHERE line.quantity > 0 AND line.withdrawn_at IS NULL AND placed.cancelled_at IS NULL
    GROUP BY line.product_id
    ORDER BY pieces DESC, line.product_id
    LIMIT 20
),

chosen AS (
    SELECT seller.product_id
    FROM seller
    INNER JOIN mart.product_recommendation AS told ON seller.product_id = told.product_id
    GROUP BY seller.product_id, seller.pieces
    ORDER BY seller.pieces DESC, seller.product_id
    LIMIT 1
)

SELECT
    coalesce(beside.title, beside.product_id) AS beside,
    coalesce(told.title, told.recommended_product_id) AS product,
    told.rank,
    round(told.lift, 1)::text AS lift,
    told.reason
FROM chosen
INNER JOIN core.product AS beside ON chosen.product_id = beside.product_id
INNER JOIN mart.product_recommendation AS told ON chosen.product_id = told.product_id
WHERE told.rank <= 3
ORDER BY told.rank;
