-- Grain: one row per staged order line, as the gate's rules see it: with whether the lines of its order name several
-- customers.
CREATE VIEW {judged} AS
SELECT
    staged.*, -- noqa: AM04
    min(staged.customer_id) OVER whole_order <> max(staged.customer_id) OVER whole_order AS customers_differ
FROM {staged} AS staged
WINDOW whole_order AS (PARTITION BY staged.order_id);
