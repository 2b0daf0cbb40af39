-- Grain: one row per quarantined row that names a customer by the shop's own id, with the key that it gets.
SELECT
    bad.quarantined_row_id,
    bad.row_data::text AS row_data,
    rekey.new_id
FROM quality.quarantined_row AS bad
INNER JOIN customer_rekey AS rekey ON bad.row_data ->> 'customer_id' = rekey.old_id
ORDER BY bad.quarantined_row_id;
