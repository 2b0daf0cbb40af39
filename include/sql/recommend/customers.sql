-- Grain: one row per customer who was not erased, in any order; the hash is that of recommend/deeds.
SELECT
    known.customer_id,
    hashtextextended(known.customer_id, %(seed)s) AS customer_hash,
    coalesce(known.country, '') AS country
FROM core.customer AS known
WHERE NOT EXISTS (SELECT FROM ops.erased_customer AS erased WHERE erased.customer_id = known.customer_id)
