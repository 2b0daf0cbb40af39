-- Grain: one row per customer who is known, or put aside, under the shop's own id: what looks like a key is one.
SELECT told.customer_id
FROM (
    SELECT customer_id FROM core.customer
    UNION
    SELECT customer_id FROM core.customer_order
    UNION
    SELECT customer_id FROM core.interaction
    UNION
    SELECT row_data ->> 'customer_id' FROM quality.quarantined_row
    UNION
    SELECT patch ->> 'customer_id' FROM quality.replayed_row
) AS told
WHERE told.customer_id <> '' AND told.customer_id !~ '^c[0-9a-f]{32}$'
ORDER BY told.customer_id;
