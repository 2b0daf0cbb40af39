-- Grain: one row per source and product that it tells of: it has it.
INSERT INTO ops.storefront_product AS known (source, product_id, run_id)
SELECT DISTINCT
    %(source)s,
    product_id,
    %(run_id)s
FROM {staged}
WHERE product_id IS NOT NULL AND withdrawn_at IS NULL
ON CONFLICT (source, product_id) DO UPDATE SET gone_at = NULL, run_id = excluded.run_id
WHERE known.gone_at IS NOT NULL;
