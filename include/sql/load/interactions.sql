-- Grain: one row per interaction. Returns the number of rows loaded.
WITH merged AS (
    INSERT INTO core.interaction (
        interaction_hash, occurred_at, customer_id, product_id, kind, quantity, value, order_id, run_id, ingested_at
    )
    SELECT
        interaction_hash,
        occurred_at,
        customer_id,
        product_id,
        kind,
        quantity,
        value,
        order_id,
        %(run_id)s,
        %(as_of)s
    FROM accepted
    ON CONFLICT (occurred_at, interaction_hash) DO NOTHING
    RETURNING product_id
)

SELECT count(*) FROM merged;
