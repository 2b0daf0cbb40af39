-- Grain: one row per order line. Returns the number of rows loaded: those of which the line or its order is new or changed.
WITH merged AS (
    INSERT INTO core.order_line AS known (
        order_id, line_number, product_id, quantity, unit_price, run_id, ingested_at
    )
    SELECT DISTINCT ON (numbered.order_id, numbered.line_number)
        numbered.order_id,
        numbered.line_number,
        accepted.product_id,
        accepted.quantity,
        accepted.unit_price,
        %(run_id)s,
        %(as_of)s
    FROM accepted
    INNER JOIN numbered ON accepted.staged_row = numbered.staged_row
    ORDER BY numbered.order_id, numbered.line_number, accepted.staged_row DESC
    ON CONFLICT (order_id, line_number) DO UPDATE SET
    product_id = excluded.product_id,
    quantity = excluded.quantity,
    unit_price = excluded.unit_price,
    run_id = excluded.run_id
    WHERE
        (known.product_id, known.quantity, known.unit_price)
        IS DISTINCT FROM (excluded.product_id, excluded.quantity, excluded.unit_price)
    RETURNING order_id
)

SELECT
    (SELECT count(*) FROM merged WHERE order_id NOT IN (SELECT order_id FROM changed_order))
    + (SELECT count(*) FROM accepted WHERE order_id IN (SELECT order_id FROM changed_order));
