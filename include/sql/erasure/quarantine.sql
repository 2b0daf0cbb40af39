-- What was put aside and names one of the customers, as it came or as it was mended, or one of their orders and no customer.
-- Grain: one row per quarantined row.
DELETE FROM quality.quarantined_row AS bad
WHERE
    bad.row_data ->> 'customer_id' IN (SELECT erased.customer_id FROM erased)
    OR bad.quarantined_row_id IN (
        SELECT replayed.quarantined_row_id
        FROM quality.replayed_row AS replayed
        WHERE replayed.patch ->> 'customer_id' IN (SELECT erased.customer_id FROM erased)
    )
    OR (
        bad.row_data ->> 'customer_id' IS NULL
        AND (
            bad.row_data ->> 'order_id' IN (SELECT erased_order.order_id FROM erased_order)
            OR bad.quarantined_row_id IN (
                SELECT replayed.quarantined_row_id
                FROM quality.replayed_row AS replayed
                WHERE replayed.patch ->> 'order_id' IN (SELECT erased_order.order_id FROM erased_order)
            )
        )
    )
