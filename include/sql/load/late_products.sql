-- Grain: one row per product that comes back from the quarantine and of which a later run told than its row was last seen in:
-- what is known stands, and is only added to. An order that merely names a product tells nothing of it.
UPDATE told_product AS told SET
    title = coalesce(known.title, told.title),
    category = coalesce(known.category, told.category),
    unit_price = coalesce(known.unit_price, told.unit_price),
    currency = coalesce(known.currency, told.currency),
    is_available = coalesce(known.is_available, told.is_available),
    stock_quantity = coalesce(known.stock_quantity, told.stock_quantity),
    published_at = coalesce(known.published_at, told.published_at),
    changed_in_shop_at = coalesce(known.changed_in_shop_at, told.changed_in_shop_at),
    withdrawn_at = known.withdrawn_at
FROM core.product AS known
INNER JOIN ops.run AS telling ON known.run_id = telling.run_id
INNER JOIN (
    SELECT
        accepted.product_id,
        max(run.run_number) AS run_number
    FROM accepted
    INNER JOIN quality.quarantined_row AS bad ON accepted.staged_row = bad.quarantined_row_id
    INNER JOIN ops.run AS run ON bad.last_run_id = run.run_id
    GROUP BY accepted.product_id
) AS seen ON known.product_id = seen.product_id
WHERE
    told.product_id = known.product_id
    AND telling.run_number > seen.run_number
    AND num_nonnulls(
        known.title, known.category, known.unit_price, known.is_available, known.stock_quantity, known.published_at,
        known.changed_in_shop_at, known.withdrawn_at
    ) > 0;
