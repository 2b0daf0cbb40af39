-- Grain: one row per line that the last reading of its whole order has no more: all of them where it tells that it has none.
-- Lines of it that are put aside keep their numbers, even if no other is left; what can't be believed to be the order's last
-- state takes nothing back. Nor does what comes back from the quarantine: it is not all that was told.
WITH line AS (
    SELECT
        staged.order_id,
        staged.changed_in_shop_at,
        CASE
            WHEN rejected.staged_row IS NULL AND staged.quantity IS NULL THEN 0
            ELSE numbered.line_number
        END AS line_number,
        max(staged.changed_in_shop_at) OVER (PARTITION BY staged.order_id) AS latest
    FROM {staged} AS staged
    INNER JOIN numbered ON staged.staged_row = numbered.staged_row
    LEFT JOIN {rejected} AS rejected ON staged.staged_row = rejected.staged_row
    WHERE
        staged.is_whole_order
        AND NOT %(late)s
        AND (rejected.staged_row IS NULL OR (rejected.severity = 'row' AND rejected.rule <> ALL(%(unbelievable)s)))
)

UPDATE core.order_line AS known SET withdrawn_at = %(as_of)s, run_id = %(run_id)s
FROM (
    SELECT
        line.order_id,
        max(line.line_number) AS line_number
    FROM line
    INNER JOIN core.customer_order AS placed ON line.order_id = placed.order_id
    WHERE
        line.changed_in_shop_at IS NOT DISTINCT FROM line.latest
        AND coalesce(line.latest >= placed.changed_in_shop_at, true)
    GROUP BY line.order_id
) AS whole
WHERE known.order_id = whole.order_id AND known.line_number > whole.line_number AND known.withdrawn_at IS NULL;
