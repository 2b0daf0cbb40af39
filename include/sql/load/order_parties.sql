-- Grain: one row per product, and one per customer, that the batch names first.
INSERT INTO core.product (product_id, run_id, ingested_at)
SELECT DISTINCT
    product_id,
    %(run_id)s,
    %(as_of)s
FROM current_line
WHERE product_id IS NOT NULL
ON CONFLICT (product_id) DO NOTHING;

INSERT INTO core.customer AS known (customer_id, first_seen_at, run_id, ingested_at)
SELECT
    customer_id,
    min(ordered_at),
    %(run_id)s,
    %(as_of)s
FROM current_line
WHERE customer_id IS NOT NULL
GROUP BY customer_id
ON CONFLICT (customer_id) DO UPDATE SET first_seen_at = least(known.first_seen_at, excluded.first_seen_at)
WHERE known.first_seen_at > excluded.first_seen_at;
