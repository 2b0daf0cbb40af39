-- Grain: one row per customer erased: what is told of them later comes from nobody.
INSERT INTO ops.erased_customer (customer_id, erased_at)
SELECT
    erased.customer_id,
    ops.as_of()
FROM erased
ON CONFLICT (customer_id) DO NOTHING
