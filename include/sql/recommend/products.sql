-- Grain: one row per product, in any order; the hash is that of recommend/deeds. Where the shop does not tell when it was published,
-- it is new when it is first told of.
SELECT
    known.product_id,
    hashtextextended(known.product_id, %(seed)s) AS product_hash,
    coalesce(known.title, '') AS title,
    coalesce(known.category, '') AS category,
    coalesce(known.is_available, true) AND NOT coalesce(known.withdrawn_at <= (SELECT ops.as_of()), false) AS is_available,
    floor(extract(EPOCH FROM coalesce(known.published_at, known.ingested_at)))::bigint AS published_at
FROM core.product AS known
