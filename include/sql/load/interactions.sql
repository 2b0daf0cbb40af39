-- Grain: one row per interaction. One that is known says something new where it tells another country. Returns the number of
-- rows loaded.
WITH merged AS (
    INSERT INTO core.interaction AS known (
        interaction_hash, occurred_at, customer_id, product_id, kind, quantity, value, order_id, country, run_id,
        ingested_at
    )
    SELECT DISTINCT ON (occurred_at, interaction_hash)
        interaction_hash,
        occurred_at,
        customer_id,
        product_id,
        kind,
        quantity,
        value,
        order_id,
        country,
        %(run_id)s,
        %(as_of)s
    FROM accepted
    ORDER BY occurred_at, interaction_hash, country IS NULL, staged_row DESC
    ON CONFLICT (occurred_at, interaction_hash) DO UPDATE SET country = excluded.country
    WHERE excluded.country <> coalesce(known.country, '')
    RETURNING product_id
)

SELECT count(*) FROM merged;
