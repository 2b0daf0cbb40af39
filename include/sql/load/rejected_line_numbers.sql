-- Grain: one row per rejected line that names its order: its number goes with it into the quarantine, for it can't be counted
-- again without the other lines of its file. What tells of an order without lines has none.
UPDATE {staged} AS staged SET line_number = numbered.line_number
FROM (
    SELECT
        staged_row,
        is_whole_order IS TRUE
        AND unreadable IS NULL
        AND coalesce(product_id, '') = ''
        AND coalesce(quantity, unit_price) IS NULL
        AND occurred_at IS NULL
        AND count(*) OVER (PARTITION BY order_id, changed_in_shop_at) = 1 AS has_no_lines
    FROM {staged}
    WHERE order_id IS NOT NULL AND NOT %(late)s
) AS line
INNER JOIN numbered ON line.staged_row = numbered.staged_row
INNER JOIN {rejected} AS rejected ON line.staged_row = rejected.staged_row
WHERE staged.staged_row = line.staged_row AND staged.line_number IS NULL AND NOT line.has_no_lines;
