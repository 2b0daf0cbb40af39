-- Grain: one row per order line. Lines are numbered within their order as the source gives them, the rejected ones too, so
-- that the same file again, mended or not, is the same lines. Returns the number of rows loaded: those of which the line
-- or its order is new or changed.
WITH numbered AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY order_id ORDER BY staged_row) AS line_number
    FROM {staged}
    WHERE order_id IS NOT NULL
),

merged AS (
    INSERT INTO core.order_line AS known (
        order_id, line_number, product_id, quantity, unit_price, run_id, ingested_at
    )
    SELECT
        order_id,
        line_number,
        product_id,
        quantity,
        unit_price,
        %(run_id)s,
        %(as_of)s
    FROM numbered
    WHERE NOT EXISTS (SELECT FROM {rejected} AS rejected WHERE rejected.staged_row = numbered.staged_row)
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
