-- Grain: one row per staged row that names a customer who was erased: from here on it comes from nobody.
UPDATE {staged} AS staged SET customer_id = NULL
FROM ops.erased_customer AS erased
WHERE staged.customer_id = erased.customer_id;
