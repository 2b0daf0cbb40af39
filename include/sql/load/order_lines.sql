-- Grain: one row per order line; none for a row that tells of an order without lines. A line that is told again is not withdrawn
-- any more, unless it comes back from the quarantine; one that is known from elsewhere and told once more in a part of its order
-- stays as it is.
-- Returns the number of rows loaded: those of which the line or its order is new or changed.
WITH merged AS (
    INSERT INTO core.order_line AS known (
        order_id, line_number, product_id, quantity, unit_price, occurred_at, run_id, ingested_at
    )
    SELECT DISTINCT ON (numbered.order_id, numbered.line_number)
        numbered.order_id,
        numbered.line_number,
        current_line.product_id,
        current_line.quantity,
        current_line.unit_price,
        current_line.occurred_at,
        %(run_id)s,
        %(as_of)s
    FROM current_line
    INNER JOIN numbered ON current_line.staged_row = numbered.staged_row
    WHERE current_line.quantity IS NOT NULL AND NOT numbered.is_known
    ORDER BY numbered.order_id, numbered.line_number, current_line.staged_row DESC
    ON CONFLICT (order_id, line_number) DO UPDATE SET
    product_id = excluded.product_id,
    quantity = excluded.quantity,
    unit_price = excluded.unit_price,
    occurred_at = excluded.occurred_at,
    withdrawn_at = CASE WHEN %(late)s THEN known.withdrawn_at END,
    run_id = excluded.run_id
    WHERE
        (known.product_id, known.quantity, known.unit_price, known.occurred_at)
        IS DISTINCT FROM (excluded.product_id, excluded.quantity, excluded.unit_price, excluded.occurred_at)
        OR (known.withdrawn_at IS NOT NULL AND NOT %(late)s)
    RETURNING order_id
)

SELECT
    (SELECT count(*) FROM merged WHERE order_id NOT IN (SELECT order_id FROM changed_order))
    + (SELECT count(*) FROM current_line WHERE order_id IN (SELECT order_id FROM changed_order));
