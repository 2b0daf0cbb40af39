ANALYZE quarantine_rekey;

-- Grain: one row per quarantined row that names a customer. It stays the same row when it arrives again, so what tells that
-- changes with it; of two rows that become one, the later keeps what told it.
UPDATE quality.quarantined_row AS bad SET
    row_data = keyed.row_data,
    row_hash = CASE WHEN keyed.place = 1 THEN keyed.row_hash ELSE bad.row_hash END,
    reason = keyed.reason
FROM (
    SELECT
        told.quarantined_row_id,
        told.row_data,
        told.row_hash,
        told.reason,
        row_number() OVER (
            PARTITION BY told.dataset, told.rule, told.row_hash ORDER BY told.quarantined_row_id
        ) AS place
    FROM (
        SELECT
            named.quarantined_row_id,
            named.dataset,
            named.rule,
            data.row_data,
            ops.row_identity(data.row_data) AS row_hash,
            replace(named.reason, 'customer_id ' || left(rekey.old_id, 200), 'customer_id ' || rekey.new_id) AS reason
        FROM quarantine_rekey AS found
        INNER JOIN quality.quarantined_row AS named ON found.quarantined_row_id = named.quarantined_row_id
        INNER JOIN customer_rekey AS rekey ON named.row_data ->> 'customer_id' = rekey.old_id
        CROSS JOIN LATERAL (
            SELECT
                named.row_data
                || jsonb_build_object('customer_id', rekey.new_id)
                || CASE
                    WHEN found.interaction_hash IS NULL THEN '{}'::jsonb
                    ELSE jsonb_build_object('interaction_hash', found.interaction_hash)
                END AS row_data
        ) AS data
    ) AS told
) AS keyed
WHERE bad.quarantined_row_id = keyed.quarantined_row_id;

-- Grain: one row per quarantined row that a patch gave a customer.
UPDATE quality.replayed_row AS replayed SET
    patch = replayed.patch || jsonb_build_object('customer_id', rekey.new_id)
FROM customer_rekey AS rekey
WHERE replayed.patch ->> 'customer_id' = rekey.old_id;
