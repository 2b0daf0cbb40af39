-- Grain: one row per line of a whole order that several tables of the run tell: each table tells the same lines, numbered from one.
UPDATE {staged} AS staged SET line_number = told.line_number
FROM (
    SELECT
        staged_row,
        row_number() OVER (
            PARTITION BY order_id, table_number, changed_in_shop_at
            ORDER BY staged_row
        ) AS line_number,
        min(table_number) OVER whole_order <> max(table_number) OVER whole_order AS is_told_again
    FROM (
        SELECT
            staged_row,
            order_id,
            changed_in_shop_at,
            width_bucket(staged_row, %(tables)s::bigint []) AS table_number
        FROM {staged}
        WHERE order_id IS NOT NULL AND is_whole_order
    ) AS placed
    WINDOW whole_order AS (PARTITION BY order_id)
) AS told
WHERE staged.staged_row = told.staged_row AND told.is_told_again;
