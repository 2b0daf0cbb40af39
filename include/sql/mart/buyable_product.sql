-- Grain: one row per run and product that its lists may name, of those that can be bought now; under today's title, where there
-- is one.
CREATE OR REPLACE VIEW serving.buyable_product AS
SELECT
    number.run_number,
    number.product_number,
    number.product_id,
    coalesce(product.title, number.title) AS title
FROM serving.recommended_product AS number
-- one look-up each, whatever the planner thinks of how many products there are
CROSS JOIN LATERAL (
    SELECT known.title
    FROM core.product AS known
    WHERE known.product_id = number.product_id AND coalesce(known.is_available, true) AND known.withdrawn_at IS NULL
    ORDER BY known.product_id
    LIMIT 1
) AS product;
COMMENT ON VIEW serving.buyable_product IS
'Products that lists of recommendations may name and that can be bought now: one row per run and product.';
