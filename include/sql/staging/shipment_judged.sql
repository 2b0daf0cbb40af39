-- Grain: one row per staged shipment, as the gate's rules see it: with whether its order is known. Where no order was ever
-- loaded, nobody can tell. telling_shop is the storefront that tells of it, known_shop the one that told of its order.
CREATE VIEW {judged} AS
SELECT
    staged.*, -- noqa: AM04
    CASE
        WHEN staged.order_id <> '' AND EXISTS (SELECT FROM core.customer_order)
            THEN known.order_id IS NOT NULL
    END AS order_is_known,
    known.source AS known_shop,
    CASE run.kind
        WHEN 'storefront' THEN run.source
        WHEN 'quarantine' THEN (
            SELECT bad.source_file
            FROM quality.quarantined_row AS bad
            INNER JOIN ops.run AS seen ON bad.last_run_id = seen.run_id
            WHERE bad.quarantined_row_id = staged.staged_row AND seen.kind = 'storefront'
        )
    END AS telling_shop
FROM {staged} AS staged
LEFT JOIN core.customer_order AS known ON staged.order_id = known.order_id
LEFT JOIN ops.run AS run ON run.run_id = %(run_id)s;
