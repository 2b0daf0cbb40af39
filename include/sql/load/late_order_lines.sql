-- Grain: one row per line that comes back from the quarantine and whose order, or which itself, was told anew since it was
-- last seen: what is known stands.
UPDATE {staged} AS staged SET
    customer_id = coalesce(known.customer_id, staged.customer_id),
    ordered_at = known.ordered_at,
    status = coalesce(known.status, staged.status),
    currency = coalesce(known.currency, staged.currency),
    country = coalesce(known.country, staged.country),
    region = CASE WHEN known.country IS NULL THEN staged.region ELSE known.region END,
    cancelled_at = known.cancelled_at
FROM quality.quarantined_row AS bad
INNER JOIN ops.run AS seen ON bad.last_run_id = seen.run_id, core.customer_order AS known
INNER JOIN ops.run AS run ON known.run_id = run.run_id
WHERE
    staged.staged_row = bad.quarantined_row_id
    AND staged.order_id = known.order_id
    AND run.run_number > seen.run_number
    AND NOT EXISTS (SELECT FROM {rejected} AS rejected WHERE rejected.staged_row = staged.staged_row);

UPDATE {staged} AS staged SET
    product_id = known.product_id,
    quantity = known.quantity,
    unit_price = known.unit_price,
    occurred_at = known.occurred_at
FROM quality.quarantined_row AS bad
INNER JOIN ops.run AS seen ON bad.last_run_id = seen.run_id, numbered, core.order_line AS known
INNER JOIN ops.run AS run ON known.run_id = run.run_id
WHERE
    staged.staged_row = bad.quarantined_row_id
    AND staged.staged_row = numbered.staged_row
    AND numbered.order_id = known.order_id
    AND numbered.line_number = known.line_number
    AND run.run_number > seen.run_number
    AND staged.quantity IS NOT NULL
    AND NOT EXISTS (SELECT FROM {rejected} AS rejected WHERE rejected.staged_row = staged.staged_row);

-- Grain: one row per line whose order was not known when it was put aside: the number that it gets now is its own, so that it
-- is the same line however often it comes back.
UPDATE quality.quarantined_row AS bad SET
    row_data = bad.row_data || jsonb_build_object('line_number', numbered.line_number)
FROM numbered
INNER JOIN {staged} AS staged ON numbered.staged_row = staged.staged_row
WHERE
    bad.quarantined_row_id = numbered.staged_row
    AND staged.line_number IS NULL
    AND bad.row_data ->> 'order_id' IS NULL
    AND NOT EXISTS (SELECT FROM {rejected} AS rejected WHERE rejected.staged_row = numbered.staged_row);
