-- Grain: one row per deed that recommendations are learned from: what was bought and sent back by the lines of orders, what was
-- viewed and put into carts by interactions, and what was bought or sent back by interactions of which no order is known, for
-- others would count twice. Left out are cancelled orders, withdrawn lines, and customers who were erased. Nothing is NULL, so
-- that all rows are of one length: customer and basket (0: unknown) are hashes, a country two letters as a number (0: unknown).
SELECT
    coalesce(hashtextextended(deed.customer_id, %(seed)s), 0) AS customer,
    hashtextextended(deed.product_id, %(seed)s) AS product,
    deed.kind::smallint AS kind,
    floor(extract(EPOCH FROM deed.occurred_at))::bigint AS at,
    coalesce(hashtextextended(deed.order_id, %(seed)s), 0) AS basket,
    coalesce(ascii(deed.country) * 256 + ascii(substr(deed.country, 2)), 0)::smallint AS country
FROM (
    SELECT
        placed.customer_id,
        line.product_id,
        CASE WHEN line.quantity > 0 THEN 2 ELSE 3 END AS kind,
        coalesce(line.occurred_at, placed.ordered_at) AS occurred_at,
        placed.order_id,
        placed.country
    FROM core.customer_order AS placed
    INNER JOIN core.order_line AS line ON placed.order_id = line.order_id
    WHERE
        coalesce(placed.cancelled_at > (SELECT ops.as_of()), placed.status NOT IN ('cancelled', 'canceled'), true)
        AND NOT coalesce(line.withdrawn_at <= (SELECT ops.as_of()), false)
    UNION ALL
    SELECT
        seen.customer_id,
        seen.product_id,
        array_position(ARRAY['view', 'cart', 'purchase', 'return'], seen.kind) - 1 AS kind,
        seen.occurred_at,
        seen.order_id,
        seen.country
    FROM core.interaction AS seen
    WHERE
        NOT EXISTS (
            SELECT
            FROM core.customer_order AS placed
            WHERE placed.order_id = seen.order_id AND seen.kind IN ('purchase', 'return')
        )
) AS deed
WHERE
    deed.occurred_at <= (SELECT ops.as_of())
    AND NOT EXISTS (SELECT FROM ops.erased_customer AS erased WHERE erased.customer_id = deed.customer_id)
