-- Grain: one row per line that a reading of its whole order has no more. What comes back from the quarantine is not all that
-- was told, and takes nothing back.
UPDATE core.order_line AS known SET withdrawn_at = %(as_of)s, run_id = %(run_id)s
FROM (
    SELECT
        numbered.order_id,
        max(numbered.line_number) AS line_number
    FROM {staged} AS staged
    INNER JOIN numbered ON staged.staged_row = numbered.staged_row
    INNER JOIN told_order ON staged.order_id = told_order.order_id
    WHERE
        staged.is_whole_order
        AND staged.changed_in_shop_at IS NOT DISTINCT FROM told_order.reading
        AND NOT %(late)s
    GROUP BY numbered.order_id
) AS whole
WHERE known.order_id = whole.order_id AND known.line_number > whole.line_number AND known.withdrawn_at IS NULL;
