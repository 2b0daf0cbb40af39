-- Grain: one row per list and rank, three of each, of the customer who ordered most among those with both lists.
WITH candidate AS (
    SELECT
        customer_id,
        count(*) AS orders
    FROM core.customer_order
    WHERE customer_id IS NOT NULL
    GROUP BY customer_id
    ORDER BY orders DESC, customer_id
    LIMIT 20
),

listed AS (
    SELECT
        candidate.customer_id,
        candidate.orders,
        told.slot,
        told.rank,
        coalesce(told.title, told.product_id) AS product,
        told.reason
    FROM candidate
    INNER JOIN mart.customer_recommendation AS told ON candidate.customer_id = told.customer_id
    WHERE told.rank <= 3
),

chosen AS (
    SELECT customer_id
    FROM listed
    GROUP BY customer_id, orders
    ORDER BY count(DISTINCT slot) DESC, orders DESC, customer_id
    LIMIT 1
)

SELECT
    listed.customer_id,
    listed.slot,
    listed.rank,
    listed.product,
    listed.reason
FROM listed
INNER JOIN chosen ON listed.customer_id = chosen.customer_id
ORDER BY listed.slot DESC, listed.rank;
