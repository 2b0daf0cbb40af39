-- Grain: one row.
SELECT
    (SELECT count(*) FROM core.customer_order) AS orders,
    (SELECT count(*) FROM core.order_line WHERE withdrawn_at IS NULL) AS lines,
    (SELECT count(*) FROM core.customer) AS customers,
    (SELECT count(*) FROM core.product WHERE withdrawn_at IS NULL) AS products,
    (SELECT count(*) FROM core.interaction) AS deeds;
