-- Grain: one row per interaction of a customer who was given a key, with how many like it stand before it: interactions that
-- say the same are told apart by that.
SELECT
    known.occurred_at,
    known.interaction_hash,
    known.customer_id,
    known.product_id,
    known.kind,
    known.quantity,
    known.value,
    known.order_id,
    row_number() OVER (
        PARTITION BY
            known.occurred_at, known.customer_id, known.product_id, known.kind, known.quantity, known.value, known.order_id
        ORDER BY known.interaction_hash
    ) - 1 AS before
FROM core.interaction AS known
WHERE known.customer_id IN (SELECT new_id FROM customer_rekey);
