-- Grain: one row: the rows accepted, and of these the duplicates: found in core under their order and line (under their order
-- where they tell that it has no lines), or of a whole order of which a later state is known, less those that said something
-- new.
SELECT
    count(*) AS told,
    count(*) FILTER (
        WHERE
            known.order_id IS NOT NULL
            OR (accepted.quantity IS NULL AND known_order.order_id IS NOT NULL)
            OR (accepted.is_whole_order AND accepted.changed_in_shop_at < known_order.changed_in_shop_at)
    ) - %(loaded)s AS duplicate
FROM accepted
LEFT JOIN numbered ON accepted.staged_row = numbered.staged_row
LEFT JOIN core.order_line AS known
    ON numbered.order_id = known.order_id AND numbered.line_number = known.line_number
LEFT JOIN core.customer_order AS known_order ON accepted.order_id = known_order.order_id;
