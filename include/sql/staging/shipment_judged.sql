-- Grain: one row per staged shipment, as the gate's rules see it: with whether its order is known. Where no order was ever
-- loaded, nobody can tell.
CREATE VIEW {judged} AS
SELECT
    staged.*, -- noqa: AM04
    CASE
        WHEN staged.order_id <> '' AND EXISTS (SELECT FROM core.customer_order)
            THEN known.order_id IS NOT NULL
    END AS order_is_known
FROM {staged} AS staged
LEFT JOIN core.customer_order AS known ON staged.order_id = known.order_id;
