-- Grain: one row per purchase of a product, by an order's line or told as an interaction; with when it was known, the latest of
-- all times of it. As in recommend/deeds.sql, cancelled orders and withdrawn lines are none, and an interaction says nothing
-- beside an order of the same customer (or of a guest), whose lines tell what was bought.
CREATE OR REPLACE VIEW serving.bought_product AS
SELECT
    placed.customer_id,
    line.product_id,
    greatest(placed.ordered_at, placed.ingested_at, line.occurred_at, line.ingested_at) AS known_at
FROM core.customer_order AS placed
INNER JOIN core.order_line AS line ON placed.order_id = line.order_id
WHERE
    line.quantity > 0
    AND line.withdrawn_at IS NULL
    AND placed.cancelled_at IS NULL
    AND coalesce(placed.status NOT IN ('cancelled', 'canceled'), true)
UNION ALL
SELECT
    deed.customer_id,
    deed.product_id,
    greatest(deed.occurred_at, deed.ingested_at) AS known_at
FROM core.interaction AS deed
WHERE
    deed.kind = 'purchase'
    AND NOT EXISTS (
        SELECT
        FROM core.customer_order AS placed
        WHERE
            placed.order_id = deed.order_id
            AND coalesce(placed.customer_id = deed.customer_id, true)
    );
COMMENT ON VIEW serving.bought_product IS
'What customers have bought and not called off: one row per purchase of a product, with when it was known.';
