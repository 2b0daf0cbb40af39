-- Grain: one row per product, and one per customer, that the batch names first.
INSERT INTO core.product (product_id, run_id, ingested_at)
SELECT DISTINCT
    product_id,
    %(run_id)s,
    %(as_of)s
FROM accepted
ON CONFLICT (product_id) DO NOTHING;

INSERT INTO core.customer AS known (customer_id, first_seen_at, run_id, ingested_at)
SELECT
    customer_id,
    min(occurred_at),
    %(run_id)s,
    %(as_of)s
FROM accepted
WHERE customer_id IS NOT NULL
GROUP BY customer_id
ON CONFLICT (customer_id) DO UPDATE SET first_seen_at = least(known.first_seen_at, excluded.first_seen_at)
WHERE known.first_seen_at > excluded.first_seen_at;

-- Grain: one row per customer whose last deed names another country than is known, and who never ordered to any: where goods
-- go says more than where somebody looked.
UPDATE core.customer AS known SET country = latest.country
FROM (
    SELECT DISTINCT ON (customer_id)
        customer_id,
        country,
        occurred_at
    FROM accepted
    WHERE customer_id IS NOT NULL AND country IS NOT NULL
    ORDER BY customer_id, occurred_at DESC, staged_row DESC
) AS latest
WHERE
    known.customer_id = latest.customer_id
    AND known.country IS DISTINCT FROM latest.country
    AND NOT EXISTS (
        SELECT FROM core.customer_order AS ordered
        WHERE ordered.customer_id = latest.customer_id AND ordered.country IS NOT NULL
    )
    AND NOT EXISTS (
        SELECT FROM core.interaction AS later
        WHERE
            later.customer_id = latest.customer_id
            AND later.country IS NOT NULL
            AND later.occurred_at > latest.occurred_at
    );
