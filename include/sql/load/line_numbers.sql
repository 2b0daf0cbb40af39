-- Grain of the temporary table `numbered`: one row per staged line that names its order. Lines are numbered within their
-- order as the source gives them, the rejected ones too, so that the same file again, mended or not, is the same lines. One
-- that comes back from the quarantine keeps the number that it had; where its order was not known then, it follows all
-- lines of the order that are known or put aside. Several readings of a whole order tell the same lines.
CREATE TEMPORARY TABLE numbered ON COMMIT DROP AS
WITH taken AS (
    SELECT
        line.order_id,
        max(line.line_number) AS line_number
    FROM (
        SELECT
            order_id,
            line_number
        FROM core.order_line
        WHERE order_id IN (SELECT order_id FROM {staged} WHERE line_number IS NULL)
        UNION ALL
        SELECT
            row_data ->> 'order_id',
            (row_data ->> 'line_number')::integer
        FROM quality.quarantined_row
        WHERE dataset = 'order_line' AND row_data ->> 'order_id' IN (SELECT order_id FROM {staged} WHERE line_number IS NULL)
    ) AS line
    WHERE %(late)s
    GROUP BY line.order_id
)

SELECT
    staged.staged_row,
    staged.order_id,
    coalesce(
        staged.line_number,
        coalesce(taken.line_number, 0) + row_number() OVER (
            PARTITION BY
                staged.order_id,
                staged.line_number IS NULL,
                CASE WHEN staged.is_whole_order THEN staged.changed_in_shop_at END
            ORDER BY staged.staged_row
        )
    )::integer AS line_number
FROM {staged} AS staged
LEFT JOIN taken ON staged.order_id = taken.order_id
WHERE staged.order_id IS NOT NULL;

ANALYZE numbered;
