ANALYZE customer_rekey;

-- Grain: one row per customer; two ids that are one customer's become one row.
INSERT INTO core.customer (customer_id, first_seen_at, country, run_id, ingested_at)
SELECT
    rekey.new_id,
    min(known.first_seen_at),
    max(known.country),
    min(known.run_id),
    min(known.ingested_at)
FROM core.customer AS known
INNER JOIN customer_rekey AS rekey ON known.customer_id = rekey.old_id
GROUP BY rekey.new_id
ON CONFLICT (customer_id) DO NOTHING;

DELETE FROM core.customer AS known
USING customer_rekey AS rekey
WHERE known.customer_id = rekey.old_id;

-- Grain: one row per order of a customer.
UPDATE core.customer_order AS known SET customer_id = rekey.new_id
FROM customer_rekey AS rekey
WHERE known.customer_id = rekey.old_id;

-- Grain: one row per interaction of a customer.
UPDATE core.interaction AS known SET customer_id = rekey.new_id
FROM customer_rekey AS rekey
WHERE known.customer_id = rekey.old_id;
